"""Measures the loudness of a file by EBU R128."""

import re
from pathlib import Path

from podcast_pipeline.audio.ffmpeg import Ffmpeg
from podcast_pipeline.audio.recording.opening import find_source
from podcast_pipeline.errors import AudioError
from podcast_pipeline.model import FrozenModel, ProgressCallback

# framelog=quiet makes Debian's ffmpeg 5.1 print 0.0 LUFS; verbose only moves the lines per frame below
# the default log level.
FILTER = "ebur128=peak=true:framelog=verbose"
NUMBER = r"\s+(-?inf|nan|-?\d+\.\d+)"
SUMMARY = re.compile(rf"I:{NUMBER} LUFS.*?LRA:{NUMBER} LU.*?Peak:{NUMBER} dBFS", re.DOTALL)


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


def measure_loudness(
    path: Path, *, duration_s: float, ffmpeg: Ffmpeg, report: ProgressCallback, step: str = "measure"
) -> Loudness:
    """Return the loudness of a file's first audio stream.

    Args:
        duration_s: the file's length, for the progress callback only.

    Raises:
        AudioError: ffmpeg cannot read the file.
    """
    arguments = [*find_source(path).arguments, "-map", "0:a:0", "-af", FILTER, "-f", "null", "-"]
    log = ffmpeg.run(arguments, subject=path, step=step, total_s=duration_s, report=report)
    return parse_ebur128(log, path)


def parse_ebur128(log: str, path: Path) -> Loudness:
    """Read the summary at the end of ebur128's log."""
    found = SUMMARY.findall(log)
    if not found:
        raise AudioError(path, "ffmpeg's ebur128 printed no summary; install ffmpeg 5.1 or later")
    integrated, spread, peak = (float(text) for text in found[-1])
    return Loudness(integrated_lufs=integrated, true_peak_dbtp=peak, range_lu=spread)
