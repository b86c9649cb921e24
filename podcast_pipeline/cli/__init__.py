"""The command `podcast`: open the show, print results, map errors to exit codes; no rules of the domain."""

import errno
import json
import os
import re
import sys
from collections.abc import Sequence

from podcast_pipeline.cli.exit_codes import FAILED, INTERRUPTED, INTERRUPTED_MESSAGE, USAGE, exit_code
from podcast_pipeline.errors import PodcastError

NOT_UTF8 = re.compile("[\udc80-\udcff]")  # Python's escapes of bytes that are not UTF-8
DISK_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)


def main() -> None:
    """Run the command line and leave with one of the documented exit codes."""
    from podcast_pipeline.cli.app import app
    from podcast_pipeline.cli.output import guard_streams

    os.umask(0o077)  # words, addresses and keys are the owner's; storage/file_modes.py opens the rest
    _open_closed_streams()
    guard_streams()
    try:
        app(json_first(sys.argv[1:]), prog_name="podcast")
    except SystemExit as leaving:
        if leaving.code != INTERRUPTED:
            raise
        sys.exit(_fail(INTERRUPTED_MESSAGE, INTERRUPTED))
    except Exception as error:
        outcome = _outcome(error)
        if outcome is None:
            raise
        sys.exit(_fail(*outcome))


def _outcome(error: Exception) -> tuple[str, int] | None:
    """Return the line and the exit code of an error that has one; None for a fault of the program."""
    if _in_an_interruption(error):
        return INTERRUPTED_MESSAGE, INTERRUPTED
    match error:
        case PodcastError():
            return str(error), exit_code([error])
        case UnicodeEncodeError():
            argument = next((argument for argument in sys.argv if NOT_UTF8.search(argument)), None)
            if argument is not None:
                return f"{argument}: is not UTF-8 ({error.reason}); write it in UTF-8", USAGE
        case OSError() if error.filename is not None or error.strerror:
            return os_error_message(error), FAILED
    return None


def _in_an_interruption(error: BaseException | None) -> bool:
    """Return whether the error arose after Ctrl-C, as from a connection that was cut in a statement."""
    if error is None or isinstance(error, KeyboardInterrupt):
        return error is not None
    return any(_in_an_interruption(before) for before in {error.__cause__, error.__context__})


def json_first(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with --json before the command, where it also may be written after it."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    others = [argument for argument in arguments[:end] if argument != "--json"]
    return [*(["--json"] if len(others) < end else []), *others, *arguments[end:]]


def _open_closed_streams() -> None:
    """Replace closed standard streams by the null device; else the next opened file gets their number."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), "w" if name != "stdin" else "r"))


def os_error_message(error: OSError) -> str:
    """Return an error of the operating system as one line: file, reason, and the remedy for a full disk."""
    if error.errno in DISK_FULL_ERRNOS:
        path = error.filename2 or error.filename  # of a copy the second is the target, which did not fit
        return f"{path or 'this machine'}: {error.strerror}; make room and run again"
    return f"{error.filename or 'this machine'}: {error.strerror}"


def _fail(message: str, code: int) -> int:
    from podcast_pipeline.cli.output import printable

    line = " ".join(printable(message).split())
    print(f"podcast: {line}", file=sys.stderr)
    if json_first(sys.argv[1:])[:1] == ["--json"]:
        print(json.dumps({"error": line}, ensure_ascii=False))
    return code
