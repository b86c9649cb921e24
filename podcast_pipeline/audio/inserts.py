"""The intro and the outro: short, faded, as loud as the episode.

pydub reads a whole file into memory, so the length of an insert is limited; the recording never passes pydub.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podcast_pipeline.audio.ffmpeg import Ffmpeg
from podcast_pipeline.audio.loudness import measure_loudness
from podcast_pipeline.audio.recording.opening import find_source
from podcast_pipeline.audio.source import check_audio
from podcast_pipeline.config import AudioTable
from podcast_pipeline.errors import AudioError
from podcast_pipeline.model import Insert, ProgressCallback, Timeline

LONGEST_S = 120.0
PEAK_DBFS = -0.1  # pydub's gain clips above 0 dBFS
AFTER_S = 0.001


@dataclass(frozen=True)
class PreparedInsert:
    """An insert as WAV at the master's rate and channels.

    Attributes:
        duration_s: exact, from its samples.
    """

    path: Path
    duration_s: float


@dataclass(frozen=True)
class PreparedInserts:
    """The intro and the outro of an episode; both may be missing."""

    intro: PreparedInsert | None = None
    outro: PreparedInsert | None = None

    def timeline(self, recording_s: float) -> Timeline:
        """Return the map from recording times to times of the joined media.

        The outro is inserted a millisecond after the recording's end, so that a word that ends exactly there
        keeps its time.
        """
        inserts = []
        if self.intro:
            inserts.append(Insert(at_s=0, duration_s=self.intro.duration_s))
        if self.outro:
            inserts.append(Insert(at_s=round(recording_s, 3) + AFTER_S, duration_s=self.outro.duration_s))
        return Timeline(inserts=tuple(inserts))


@dataclass(frozen=True)
class MasterFormat:
    """Sample rate, channels and target loudness of the master."""

    sample_rate_hz: int
    channels: int
    loudness_lufs: float


def prepare_inserts(
    settings: AudioTable,
    *,
    folder: Path,
    work: Path,
    format_: MasterFormat,
    ffmpeg: Ffmpeg,
    report: ProgressCallback,
) -> PreparedInserts:
    """Make the WAVs of the intro and the outro named in show.toml.

    Args:
        folder: of show.toml. work: for the WAVs.

    Raises:
        AudioError: a file is missing, unusable, or longer than two minutes.
    """
    made: dict[str, PreparedInsert] = {}
    for name, file in (("intro", settings.intro), ("outro", settings.outro)):
        if file is not None:
            wav = _to_wav(folder / file, work / f"{name}.wav", shape=format_, ffmpeg=ffmpeg, report=report)
            made[name] = _shape(wav, fade_s=settings.fade_s, shape=format_, ffmpeg=ffmpeg, report=report)
    return PreparedInserts(**made)


def _to_wav(
    path: Path, target: Path, *, shape: MasterFormat, ffmpeg: Ffmpeg, report: ProgressCallback
) -> Path:
    """Convert with ffmpeg: pydub's own resampling has no anti-aliasing filter."""
    source = check_audio(path, report=report)
    if source.duration_s > LONGEST_S:
        limit = f"an intro or outro has at most {LONGEST_S:.0f} s"
        raise AudioError(path, f"is {source.duration_s:.0f} s long; {limit}, cut it")
    form = ["-ar", str(shape.sample_rate_hz), "-ac", str(shape.channels), "-c:a", "pcm_s16le"]
    arguments = [*find_source(path).arguments, "-map", "0:a:0", *form, "-f", "wav", str(target)]
    ffmpeg.run(arguments, subject=path, step=target.stem, total_s=source.duration_s, report=report)
    return target


def _shape(
    wav: Path, *, fade_s: float, shape: MasterFormat, ffmpeg: Ffmpeg, report: ProgressCallback
) -> PreparedInsert:
    with wav.open("rb") as file:  # a file that pydub opened stays open
        segment = _audio_segment(ffmpeg).from_wav(file)
    measured = measure_loudness(wav, duration_s=segment.duration_seconds, ffmpeg=ffmpeg, report=report)
    gain_db = min(shape.loudness_lufs - measured.integrated_lufs, PEAK_DBFS - segment.max_dBFS)
    fade_ms = int(min(fade_s, segment.duration_seconds / 2) * 1000)
    segment.apply_gain(gain_db).fade_in(fade_ms).fade_out(fade_ms).export(str(wav), format="wav").close()
    return PreparedInsert(path=wav, duration_s=segment.frame_count() / segment.frame_rate)


def _audio_segment(ffmpeg: Ffmpeg) -> Any:
    """Return pydub's class, set to our ffmpeg; imported only for a show that has inserts."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'audioop' is deprecated", DeprecationWarning)
        warnings.filterwarnings("ignore", "Couldn't find ffmpeg or avconv", RuntimeWarning)
        from pydub import AudioSegment
    AudioSegment.converter = str(ffmpeg.path)
    return AudioSegment
