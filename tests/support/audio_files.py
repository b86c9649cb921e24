"""Audio made for tests by the real ffmpeg."""

import subprocess
from pathlib import Path
from typing import Any

import av
import numpy as np
from mutagen.mp3 import MP3
from numpy.typing import NDArray

from podcast_pipeline.audio import Ffmpeg, find_ffmpeg
from podcast_pipeline.model import Progress
from tests.support.paths import ROOT

FFMPEG = Ffmpeg(find_ffmpeg())
SAMPLE = ROOT / "episodes" / "two-winters-and-a-will" / "source.flac"
TONE = "0.25*sin(2*PI*440*t)"  # -12 dBFS


def ignore_progress(progress: Progress) -> None:
    """Ignore progress."""


def make_audio(path: Path, *arguments: str) -> Path:
    """Make a file with ffmpeg."""
    command = [str(FFMPEG.path), "-v", "error", "-nostdin", "-y", *arguments, str(path)]
    subprocess.run(command, check=True)
    return path


def tone(
    path: Path, *, duration_s: float = 3, rate_hz: int = 44100, wave: str = TONE, form: tuple[str, ...] = ()
) -> Path:
    """Make a file of a formula; channels are divided by `|`."""
    return make_audio(path, "-f", "lavfi", "-i", f"aevalsrc={wave}:s={rate_hz}:d={duration_s}", *form)


def truncate(source: Path, target: Path, *, share: float) -> Path:
    """Keep only the first part of a file's bytes."""
    data = source.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
    return target


def samples(path: Path) -> NDArray[np.float32]:
    """Decode a file: float32, shape (channels, n_samples)."""
    resampler = av.AudioResampler(format="fltp")
    with av.open(str(path)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray() for frame in frames], axis=1)


def mp3_info(path: Path) -> Any:
    """Return the header of an MP3 file: mutagen's MPEGInfo."""
    return MP3(path).info
