"""The command `podcast`: builds the parts, prints, and turns errors into exit codes. No rules here."""

import errno
import json
import os
import re
import sys
from collections.abc import Collection
from io import TextIOWrapper

from podcast_pipeline.errors import FeedError, LeakError, PodcastError, ReviewError

NOT_UTF8 = re.compile("[\udc80-\udcff]")  # bytes that were no UTF-8
DONE, FAILED, USAGE, PROBLEMS, INTERRUPTED = 0, 1, 2, 3, 130
INTERRUPTED_MESSAGE = "interrupted; run the same command again"
DISK_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
CHECK_ERRORS = (FeedError, LeakError, ReviewError)  # a check found problems


def main() -> None:
    """Run the command line and leave with one of the documented exit codes."""
    from podcast_pipeline.cli.app import app

    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what a terminal cannot show is no failure
    try:
        app(prog_name="podcast")
    except PodcastError as error:
        sys.exit(_fail(str(error), exit_code([error])))
    except UnicodeEncodeError as error:
        foreign = next((word for word in sys.argv if NOT_UTF8.search(word)), None)
        if foreign is None:
            raise
        sys.exit(_fail(f"{foreign}: is not UTF-8 ({error.reason}); write it in UTF-8", USAGE))
    except SystemExit as leaving:
        if leaving.code != INTERRUPTED:
            raise
        sys.exit(_fail(INTERRUPTED_MESSAGE, INTERRUPTED))
    except OSError as error:
        if error.filename is None and not error.strerror:
            raise
        sys.exit(_fail(os_error_message(error), FAILED))


def _open_what_is_closed() -> None:
    """Give a run without stdin, stdout or stderr an empty one; else the next file gets its number."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), "w" if name != "stdin" else "r"))


def os_error_message(error: OSError) -> str:
    """Return what the system refused as one line: the file, why, and what to do where the disk is full."""
    if error.errno in DISK_FULL_ERRNOS:
        where = error.filename2 or error.filename  # of a copy the second is the one that did not fit
        return f"{where or 'this machine'}: {error.strerror}; make room and run again"
    return f"{error.filename or 'this machine'}: {error.strerror}"


def exit_code(errors: Collection[PodcastError]) -> int:
    """Return USAGE for an error about an option, PROBLEMS where checks alone held a command, else FAILED."""
    if not errors:
        return DONE
    if any(error.subject.startswith("--") for error in errors):
        return USAGE
    return PROBLEMS if all(isinstance(error, CHECK_ERRORS) for error in errors) else FAILED


def _fail(line: str, code: int) -> int:
    from podcast_pipeline.cli.output import printable

    line = " ".join(printable(line).split())
    print(f"podcast: {line}", file=sys.stderr)
    if "--json" in sys.argv:
        print(json.dumps({"error": line}, ensure_ascii=False))
    return code
