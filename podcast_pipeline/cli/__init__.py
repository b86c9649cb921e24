"""The command `podcast`: builds the parts, prints, and turns errors into exit codes. No rules here."""

import sys
from collections.abc import Collection

from podcast_pipeline.errors import FeedError, LeakError, PodcastError, ReviewError

DONE, FAILED, PROBLEMS, INTERRUPTED = 0, 1, 3, 130  # 2, wrong usage, comes from Typer
CHECKS = (FeedError, LeakError, ReviewError)  # a check found problems


def main() -> None:
    """Run the command line and leave with one of the documented exit codes."""
    from podcast_pipeline.cli.app import app

    try:
        app(prog_name="podcast")
    except PodcastError as error:
        sys.exit(_fail(str(error), exit_code([error])))
    except SystemExit as leaving:
        if leaving.code != INTERRUPTED:
            raise
        sys.exit(_fail("interrupted; run the same command again", INTERRUPTED))
    except OSError as error:
        if error.filename is None and not error.strerror:
            raise
        sys.exit(_fail(f"{error.filename or 'this machine'}: {error.strerror}", FAILED))


def exit_code(errors: Collection[PodcastError]) -> int:
    """Return PROBLEMS where checks alone held a command, FAILED where anything else did."""
    if not errors:
        return DONE
    return PROBLEMS if all(isinstance(error, CHECKS) for error in errors) else FAILED


def _fail(line: str, code: int) -> int:
    print(f"podcast: {' '.join(line.split())}", file=sys.stderr)
    return code
