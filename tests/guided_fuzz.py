"""Coverage-guided fuzzing of one parser: `python -m tests.guided_fuzz NAME FOLDER RUNS`.

libFuzzer, by atheris, changes inputs towards code that none has reached yet. It ends the process: with 0
when nothing was found, else with what was thrown, the input in FOLDER.
"""

import sys
from pathlib import Path

import atheris

LONGEST_BYTES = 4096
LIMITS = (f"-max_len={LONGEST_BYTES}", "-timeout=10", "-rss_limit_mb=1500", "-seed=7", "-verbosity=0")


def main() -> None:
    """Start from the sample and go on for so many runs."""
    name, folder, runs = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    with atheris.instrument_imports(include=["podcast_pipeline"]):
        from tests.test_fuzz import PARSERS, reads_or_refuses

    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / "sample").write_bytes(PARSERS[name].sample)
    options = (*LIMITS, f"-runs={runs}", f"-artifact_prefix={folder}/found-", "-print_final_stats=1")
    atheris.Setup([sys.argv[0], *options, str(corpus)], lambda data: reads_or_refuses(PARSERS[name], data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
