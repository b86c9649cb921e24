"""Runs ffmpeg, from PATH or else from the wheel. Beside it only `audio/player.py` starts programs."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import imageio_ffmpeg

from podcast_pipeline.errors import AudioError
from podcast_pipeline.model import Progress, ProgressCallback

DISK_FULL = "No space left on device"
ALWAYS = ("-hide_banner", "-nostdin", "-nostats", "-y")
BITEXACT = ("-fflags", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1")
"""Output options for equal bytes of equal input: no version, date or tags."""
WITHOUT_TAGS = ("-write_xing", "1", "-id3v2_version", "0", "-write_id3v1", "0")
"""Output options of an MP3 with an Info header, for exact times, and no ID3 tag."""

START_S = 60
NICENESS = "5"  # a third of the time of what runs beside it, all where nothing does
LOG_TAIL_BYTES = 64 * 1024
EMPTY_PHRASES = re.compile(  # lines that give no cause
    r"^(size=|video:)|Conversion failed!|Task finished with error|Terminating thread"
    r"|Error muxing a packet|Nothing was written|Exiting|Last message repeated"
)
LINE_ORIGIN = re.compile(r"^(\[[^\]]*\] ?)+")  # [mp3 @ 0x55d0]


def find_ffmpeg(warn: Callable[[str], None] | None = None) -> Path:
    """Return the ffmpeg on PATH, else the one in imageio-ffmpeg's wheel.

    Args:
        warn: called with one line where the one on PATH cannot start.

    Raises:
        AudioError: there is neither.
    """
    found = shutil.which("ffmpeg")
    fault = start_fault(found) if found else None
    if found and fault is None:
        return Path(found)
    try:
        packaged = Path(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        why = f"cannot start ({fault})" if fault else "is not on PATH"
        raise AudioError(found or "ffmpeg", f"{why}, and none is in the wheel; install ffmpeg") from error
    if fault and warn:
        warn(f"{found}: cannot start ({fault}); the packaged ffmpeg is used, mend or remove that one")
    return packaged


def start_fault(program: str) -> str | None:
    """Return why an ffmpeg cannot start, in a few words: a missing library, another machine's; else None."""
    try:
        done = subprocess.run([program, "-version"], capture_output=True, check=False, timeout=START_S)
    except (OSError, subprocess.SubprocessError) as error:
        return getattr(error, "strerror", None) or "it does not answer"
    if done.returncode == 0:
        return None
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else f"exit code {done.returncode}"


@dataclass(frozen=True)
class RunningFfmpeg:
    """An ffmpeg at work.

    Attributes:
        subject: the file that an error names.
        folder: of its output; an error names it where the disk is full.
    """

    process: "subprocess.Popen[bytes]"
    log: IO[bytes]
    subject: Path
    folder: Path

    def finish(self) -> str:
        """Wait for the end and return the tail of the log.

        Raises:
            AudioError: ffmpeg failed; the message is the last line of its log with a cause.
        """
        code, text = self.process.wait(), _tail(self.log)
        if DISK_FULL in text:
            raise AudioError(self.folder, f"{DISK_FULL}; make room and run again")
        if code != 0:
            raise AudioError(self.subject, f"ffmpeg failed: {error_line(text)}")
        return text


@dataclass(frozen=True)
class Ffmpeg:
    """Runs one ffmpeg.

    Attributes:
        is_patient: other work goes first, where the system has `nice`.
    """

    path: Path
    is_patient: bool = False

    def run(
        self, arguments: Sequence[str], *, subject: Path, step: str, total_s: float, report: ProgressCallback
    ) -> str:
        """Run ffmpeg to its end and return the tail of its log.

        Args:
            arguments: inputs, options and outputs; the last one is an output file.
            subject: the file that an error names.
            step, total_s: name of the progress step, and its total in seconds of audio.

        Raises:
            AudioError: see `RunningFfmpeg.finish`.
        """
        command = ["-progress", "pipe:1", *arguments]
        with self.start(command, subject=subject, stdout=subprocess.PIPE) as running:
            if running.process.stdout is not None:
                _follow(running.process.stdout, step=step, total_s=total_s, report=report)
            text = running.finish()
        report(Progress(step=step, done=total_s, total=total_s, unit="s"))
        return text

    @contextmanager
    def start(
        self,
        arguments: Sequence[str],
        *,
        subject: Path,
        stdin: int | None = None,
        stdout: int = subprocess.DEVNULL,
    ) -> Iterator[RunningFfmpeg]:
        """Start ffmpeg; it is ended with the block.

        Args:
            arguments, subject: see `run`.
            stdin, stdout: subprocess.PIPE for what is written or read meanwhile.
        """
        nice = shutil.which("nice") if self.is_patient else None
        command = [*([nice, "-n", NICENESS] if nice else []), str(self.path), *ALWAYS, *arguments]
        with (
            tempfile.TemporaryFile() as log,
            subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=log) as process,
        ):
            try:
                yield RunningFfmpeg(process, log, subject, Path(arguments[-1]).parent)
            finally:
                process.kill()  # it still runs only after an error or an interrupt


def _follow(lines: Iterable[bytes], *, step: str, total_s: float, report: ProgressCallback) -> None:
    report(Progress(step=step, done=0, total=total_s, unit="s"))
    for line in lines:
        key, _, value = line.decode("ascii", "replace").strip().partition("=")
        if key == "out_time_us" and value.isdigit():
            done_s = min(int(value) / 1e6, total_s)
            report(Progress(step=step, done=done_s, total=total_s, unit="s"))


def _tail(log: IO[bytes]) -> str:
    size_bytes = log.seek(0, 2)
    log.seek(max(0, size_bytes - LOG_TAIL_BYTES))
    return log.read().decode("utf-8", "replace")


def error_line(log: str) -> str:
    """Return the last line of a log that gives a cause, without ffmpeg's prefixes."""
    lines = [LINE_ORIGIN.sub("", line).strip() for line in log.splitlines()]
    causes = [line for line in lines if line and not EMPTY_PHRASES.search(line)]
    return causes[-1].rstrip(".") if causes else "its log gives no cause"
