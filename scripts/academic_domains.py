"""Write the list of academic mail domains of the package from a checkout of JetBrains/swot (MIT).

python scripts/academic_domains.py SWOT COMMIT    writes podcast_pipeline/audience/students/swot_domains.txt
"""

import sys
from pathlib import Path

LIST = Path(__file__).parent.parent / "podcast_pipeline" / "audience" / "students" / "swot_domains.txt"
NOT_SCHOOLS = {"abused.txt", "stoplist.txt", "tlds.txt"}
HEAD = """\
# Mail domains of universities and schools. Source: https://github.com/JetBrains/swot (MIT, 2013 Lee Reilly),
# lib/domains, commit {commit}; made by scripts/academic_domains.py.
# "." is before a suffix that only schools get, "!" before a domain or suffix whose mailboxes others have too.
"""


def read_names(path: Path) -> set[str]:
    """Return the names of a file of swot, in lower case."""
    return {name.lower() for name in path.read_text(encoding="utf-8").split()}


def main() -> None:
    """Write the list."""
    folder, commit = Path(sys.argv[1]) / "lib" / "domains", sys.argv[2]
    suffixes = read_names(folder / "tlds.txt")
    refused = read_names(folder / "abused.txt") | read_names(folder / "stoplist.txt")
    schools = {
        ".".join(reversed(path.relative_to(folder).with_suffix("").parts)).lower()
        for path in folder.rglob("*.txt")
        if path.parent != folder or path.name not in NOT_SCHOOLS
    }
    lines = sorted(
        [*schools - refused, *(f".{name}" for name in suffixes), *(f"!{name}" for name in refused)]
    )
    LIST.write_text(HEAD.format(commit=commit) + "\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
