"""Measures the loudness of a file by EBU R128."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from podcast_pipeline.audio.ffmpeg import Ffmpeg, RunningFfmpeg
from podcast_pipeline.audio.recording.opening import find_source
from podcast_pipeline.errors import AudioError
from podcast_pipeline.model import FrozenModel, ProgressCallback

# framelog=quiet makes Debian's ffmpeg 5.1 print 0.0 LUFS; verbose only moves the lines per frame below
# the default log level.
FILTER = "ebur128=peak=true:framelog=verbose"
FILTER_OF_PARTS = "ebur128=peak=true:framelog=info"
PART_S = 0.1  # of a meter's lines
NUMBER = r"\s+(-?inf|nan|-?\d+\.\d+)"
LOUDNESS_FILTER = "ebur128=framelog=verbose"
CHUNK_BYTES = 1 << 18
SUMMARY = re.compile(
    rf"Summary:\s+Integrated loudness:\s+I:{NUMBER} LUFS.*?LRA:{NUMBER} LU.*?Peak:{NUMBER} dBFS", re.DOTALL
)
PART_PEAKS = re.compile(rb"FTPK:((?: +(?:-?inf|nan|-?\d+\.\d+))+) dBFS")
INTEGRATED = re.compile(rf"I:{NUMBER} LUFS")
NO_SUMMARY = "ffmpeg's ebur128 printed no summary; install ffmpeg 5.1 or later"


class Loudness(FrozenModel):
    """The readings of a loudness meter.

    Attributes:
        integrated_lufs: gated loudness of the whole; -70.0 is the meter's floor.
        true_peak_dbtp: highest peak between the samples; -inf in digital silence.
        range_lu: loudness range.

    Source: EBU R128, ITU-R BS.1770-4.
    """

    integrated_lufs: float
    true_peak_dbtp: float
    range_lu: float


@dataclass(frozen=True)
class MeterReading:
    """The loudness of an MP3, and the highest true peak of each part of PART_S, of any channel."""

    loudness: Loudness
    part_peaks_dbtp: tuple[float, ...]


def measure_loudness(
    path: Path, *, duration_s: float, ffmpeg: Ffmpeg, report: ProgressCallback, step: str = "measure"
) -> Loudness:
    """Return the loudness of a file's first audio stream.

    Args:
        duration_s: the file's length, for the progress callback only.

    Raises:
        AudioError: ffmpeg cannot read the file.
    """
    arguments = _arguments(path, FILTER)
    log = ffmpeg.run(arguments, subject=path, step=step, total_s=duration_s, report=report)
    return parse_ebur128(log, path)


@contextmanager
def integrated_beside(path: Path, *, ffmpeg: Ffmpeg) -> Iterator[Callable[[], float]]:
    """Measure the integrated loudness of a file's first audio stream beside other work, in LUFS.

    Yields:
        What waits for the end of it; raises AudioError where ffmpeg cannot read the file. A measurement that
        nobody waited for ends with the block.
    """

    def integrated_lufs() -> float:
        found = INTEGRATED.findall(running.finish())
        if not found:
            raise AudioError(path, NO_SUMMARY)
        return float(found[-1])

    with ffmpeg.start(_arguments(path, LOUDNESS_FILTER), subject=path) as running:
        yield integrated_lufs


def _arguments(path: Path, audio_filter: str) -> list[str]:
    return [*find_source(path).arguments, "-map", "0:a:0", "-af", audio_filter, "-f", "null", "-"]


@dataclass
class WrittenMp3Meter:
    """Measures an MP3 while it is written: ffmpeg reads what is there already.

    The Info header, which is written last, has no sound.
    """

    path: Path
    running: RunningFfmpeg
    _read_bytes: int = 0

    def follow(self) -> None:
        """Hand over what has been written since the last call."""
        stdin = self.running.process.stdin
        if stdin is None or not self.path.exists():
            return
        with suppress(BrokenPipeError), self.path.open("rb") as file:  # `finish` says why it has ended
            file.seek(self._read_bytes)
            while chunk := file.read(CHUNK_BYTES):
                self._read_bytes += len(chunk)
                stdin.write(chunk)

    def finish(self) -> MeterReading:
        """Hand over the rest and return the loudness of the whole file, and the peaks of its parts.

        Raises:
            AudioError: ffmpeg cannot read the file.
        """
        self.follow()
        with suppress(BrokenPipeError):
            if self.running.process.stdin is not None:
                self.running.process.stdin.close()
        loudness = parse_ebur128(self.running.finish(), self.path)
        return MeterReading(loudness, tuple(part_peaks_dbtp(self.running.log)))


@contextmanager
def meter_while_written(path: Path, *, ffmpeg: Ffmpeg) -> Iterator[WrittenMp3Meter]:
    """Start a meter for an MP3 that is about to be written."""
    arguments = ["-f", "mp3", "-i", "pipe:0", "-af", FILTER_OF_PARTS, "-f", "null", "-"]
    with ffmpeg.start(arguments, subject=path, stdin=subprocess.PIPE) as running:
        yield WrittenMp3Meter(path, running)


def parse_ebur128(log: str, path: Path) -> Loudness:
    """Read the summary at the end of ebur128's log."""
    found = SUMMARY.findall(log)
    if not found:
        raise AudioError(path, NO_SUMMARY)
    integrated, spread, peak = (float(text) for text in found[-1])
    return Loudness(integrated_lufs=integrated, true_peak_dbtp=peak, range_lu=spread)


def part_peaks_dbtp(log: IO[bytes]) -> Iterator[float]:
    """Yield the highest true peak of each part from a log of FILTER_OF_PARTS."""
    log.seek(0)
    for line in log:
        if found := PART_PEAKS.search(line):
            yield max(map(float, found[1].split()))
