"""Run commands as on Windows, as far as Linux can show: `python -m tests.support.simulated_windows FILE`.

Taken away: the modules and functions of Unix, handles of folders, symbolic links; `sys.platform` says win32.
FILE is JSON, a list of [variables, arguments]; what each did is printed as JSON. The libraries are loaded
before: what they do on Windows is theirs. The folder store stands in for S3, fixed words for the engine.
"""

import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import imageio_ffmpeg

if TYPE_CHECKING:
    from podcast_pipeline.model import Transcript

LIBRARIES = """
    asyncio multiprocessing subprocess tempfile zoneinfo sqlite3 ctypes logging.handlers email.mime.text
    http.server smtplib ssl concurrent.futures.thread platform filelock click typer typer.testing
    rich.progress rich.table sqlalchemy sqlalchemy.dialects.sqlite alembic.command boto3 av httpx uvicorn
    starlette.testclient numpy PIL.Image mutagen.id3 feedgen.feed lxml.etree nh3 pyromark segno limits
    email_validator anyio._backends._asyncio openvino numba whisper faster_whisper regex
    huggingface_hub.file_download huggingface_hub.hf_api
"""
UNIX_MODULES = "fcntl termios resource pwd grp pty tty posix syslog"
UNIX_FUNCTIONS = """
    fork forkpty fchmod fchown chown getuid geteuid getgid getpgid killpg setsid mkfifo nice sched_getaffinity
    sched_setaffinity sync uname statvfs waitid pread pwrite sendfile posix_fadvise
"""
UNIX_SIGNALS = "SIGHUP SIGUSR1 SIGUSR2 SIGALRM SIGQUIT SIGPIPE"


class SimulatedLack(Exception):
    """The program has used what Windows does not have."""


def is_ours(depth: int = 2) -> bool:
    """Return whether the caller's caller is the program, not a library."""
    return str(sys._getframe(depth).f_globals.get("__name__", "")).startswith("podcast_pipeline")


def ours_fails(function: Callable[..., Any], why: Callable[..., bool]) -> Callable[..., Any]:
    """Return a function that the program cannot call where `why` says so."""

    def called(*arguments: Any, **named: Any) -> Any:
        if is_ours() and why(*arguments):
            raise SimulatedLack(f"Windows has no such {function.__name__}")
        return function(*arguments, **named)

    return called


def become_windows() -> None:
    """Take away what Windows does not have."""
    for name in LIBRARIES.split():
        importlib.import_module(name)
    for name in UNIX_MODULES.split():
        sys.modules[name] = None  # type: ignore[assignment]
    for name in UNIX_FUNCTIONS.split():
        if function := getattr(os, name, None):
            setattr(os, name, ours_fails(function, lambda *_: True))
    del os.O_DIRECTORY
    for name in UNIX_SIGNALS.split():
        delattr(signal, name)
    imageio_ffmpeg.get_ffmpeg_exe()  # remembered; on Windows it runs a program in its own way
    os.open = ours_fails(os.open, lambda path, *_: Path(path).is_dir())
    os.symlink = ours_fails(os.symlink, lambda *_: True)
    sys.platform = "win32"


class FixedEngine:
    """Stands in for the engine, which is a library's."""

    name = "fixed"

    def __init__(self, transcript: "Transcript") -> None:
        self._transcript = transcript

    def transcribe(self, *_: object, **__: object) -> "Transcript":
        """Return the words."""
        return self._transcript


def all_commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[list[str]]:
    """Yield every command's `--help`."""
    yield [*words, "--help"]
    for name, one in getattr(command, "commands", {}).items():
        yield from all_commands(one, (*words, name))


def run(commands: list[tuple[dict[str, str], list[str]]]) -> list[dict[str, object]]:
    """Run each command's `--help`, then the commands, each with its variables; return what each did."""
    from typer.main import get_command
    from typer.testing import CliRunner

    from podcast_pipeline import transcription
    from podcast_pipeline.cli.app import app
    from podcast_pipeline.cli.doctor import installation
    from podcast_pipeline.errors import PodcastError
    from podcast_pipeline.storage import open as opened
    from podcast_pipeline.transcription.known_models.speed import MeasuredSpeed
    from tests.support.transcripts import spoken

    opened.STORE_CLASSES["s3"] = opened.STORE_CLASSES["local"]
    words_of_the_engine = spoken((None, "The harbour was quiet that night."))
    transcription.load_transcriber = lambda *_, **__: FixedEngine(words_of_the_engine)
    speed = MeasuredSpeed(engine="openvino", model="base", audio_s=60, wall_s=2)
    setattr(installation, "_measured_speed", lambda _: speed)  # noqa: B010  (a module's function)
    told = []
    for environment, words in (*(({}, help_) for help_ in all_commands(get_command(app))), *commands):
        done = CliRunner(env=environment).invoke(app, words)
        is_line = isinstance(done.exception, PodcastError | SystemExit | None)
        told.append(
            {
                "words": words,
                "code": done.exit_code,
                "said": f"{done.output}{done.exception or ''}",
                "traceback": "" if is_line else "".join(traceback.format_exception(done.exception)),
            }
        )
    return told


if __name__ == "__main__":
    become_windows()
    sys.stdout.write(json.dumps(run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
