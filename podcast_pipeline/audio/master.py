"""The master: recording, intro and outro at the show's loudness, as an MP3 without tags.

Linear gain to the target loudness, then a limiter that changes only peaks above the ceiling; no
compression, so nothing pumps. What limiter and encoder do is computed before, so that one encode is enough;
loudness and peak are measured on the encoded MP3, while it is written. A few peaks that are too high are
lowered in the MP3; where more is not right, the settings are corrected by that measurement.
"""

import math
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from podcast_pipeline.audio.ffmpeg import BITEXACT, WITHOUT_TAGS, Ffmpeg
from podcast_pipeline.audio.inserts import MasterFormat, PreparedInserts, prepare_inserts
from podcast_pipeline.audio.limiter import SAMPLE_RATE_HZ, limiter_filter, limiter_loss_lu
from podcast_pipeline.audio.loudness import (
    Loudness,
    MeterReading,
    integrated_beside,
    measure_loudness,
    meter_while_written,
)
from podcast_pipeline.audio.mp3_gain import are_few, lower_parts, too_high
from podcast_pipeline.audio.recording.levels import SoundOutline
from podcast_pipeline.audio.recording.opening import find_source
from podcast_pipeline.audio.source import AudioInfo, check_and_outline, played_s
from podcast_pipeline.config import AudioTable
from podcast_pipeline.errors import AudioError
from podcast_pipeline.files import atomic_path
from podcast_pipeline.model import (
    Cut,
    FrozenModel,
    MediaSpan,
    Progress,
    ProgressCallback,
    Seconds,
    Timeline,
)

LAYOUTS = {1: "mono", 2: "stereo"}
MAX_ATTEMPTS = 5
MAX_ROUNDS = 20  # of computing what the limiter takes
TOLERANCE_LU = 0.25
OVERSHOOTS_DB = {24: 2.2, 48: 1.8, 64: 1.3, 80: 0.9, 96: 0.7, 128: 0.5, 160: 0.4}
"""kbit/s of a channel -> by how much the peaks of an MP3 are over those of its source, measured on compressed
speech; where it is more in a few places, these are lowered, else a second encode has a lower ceiling."""
LAME_SCALES = {192: 0.97, 256: 1.0, 320: 1.0}
"""By kbit/s; ffmpeg has no switch for it. Source: LAME 3.100, presets.c, abr_switch_map."""
LAME_SCALE = 0.95  # up to 160 kbit/s
TREBLE_LOSS_LU = 0.05  # of speech, above the encoder's low-pass
FINE_SAMPLES = 32  # ffmpeg switches at the start of a frame: 0.7 ms instead of the 26 ms of an MP3's
FILL_GAPS = "aresample=async=1:min_hard_comp=0.001"
STEP_DB = 0.1  # the meter's resolution
PLAIN_MP3 = ("-c:a", "libmp3lame", *WITHOUT_TAGS)


class Master(FrozenModel):
    """A master and its measurements.

    Attributes:
        duration_s: of the MP3 as a player decodes it, inserts included.
        before_lufs: loudness of the recording.
        after: of the encoded MP3.
        timeline: from the recording's times to the MP3's.
    """

    path: Path
    duration_s: Seconds
    size_bytes: int
    before_lufs: float
    after: Loudness
    timeline: Timeline


@dataclass(frozen=True)
class HeardRecording:
    """A recording that was read once, with what the levels are computed from."""

    path: Path
    source: AudioInfo
    outline: SoundOutline
    integrated_lufs: float


@dataclass(frozen=True)
class GainSettings:
    """The settings of the filters.

    Attributes:
        recording_db: gain of the recording, to the loudness of the inserts.
        whole_db: gain of the joined audio, corrected by measurement.
        ceiling_dbfs: of the limiter.
        is_uneven: the limiter takes what more gain would give, so the loudness is never raised.
    """

    recording_db: float
    whole_db: float
    ceiling_dbfs: float
    is_uneven: bool = False

    def corrected(self, after: Loudness, *, target_lufs: float, max_true_peak_dbtp: float) -> "GainSettings":
        """Return the settings of the next attempt; equal settings where loudness and peak are right."""
        short_db = target_lufs - after.integrated_lufs
        short_db = min(short_db, 0) if self.is_uneven else short_db
        over_db = after.true_peak_dbtp - max_true_peak_dbtp
        return replace(
            self,
            whole_db=self.whole_db + (short_db if abs(short_db) > TOLERANCE_LU else 0),
            ceiling_dbfs=self.ceiling_dbfs - (over_db + STEP_DB if over_db > 0 else 0),
        )


@dataclass(frozen=True)
class MasteringJob:
    """One master to make: input, output, format.

    Attributes:
        muted: seconds of the recording that become silence.
    """

    recording: Path
    inserts: PreparedInserts
    target: Path
    format: MasterFormat
    bitrate_kbps: int
    duration_s: float
    muted: tuple[Cut, ...] = ()

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files in playing order."""
        intro, outro = self.inserts.intro, self.inserts.outro
        return (*([intro.path] if intro else []), self.recording, *([outro.path] if outro else []))

    def arguments(self, levels: GainSettings) -> list[str]:
        """Return ffmpeg's arguments for these levels."""
        files = [word for path in self.inputs for word in find_source(path).arguments]
        form = ["-ar", str(SAMPLE_RATE_HZ), "-ac", str(self.format.channels), "-b:a", f"{self.bitrate_kbps}k"]
        output = [*PLAIN_MP3, *form, *BITEXACT, "-f", "mp3", str(self.target.absolute())]
        return [*files, "-filter_complex", self.filter_graph(levels), "-map", "[out]", *output]

    def filter_graph(self, levels: GainSettings) -> str:
        """Return the filter graph: each input in the master's format, joined, gain, limiter."""
        form = f"aresample={SAMPLE_RATE_HZ},aformat=fltp:channel_layouts={LAYOUTS[self.format.channels]}"
        gains = [levels.recording_db if path == self.recording else 0.0 for path in self.inputs]
        silence = f",{silence_filter(self.muted)}" if self.muted else ""
        parts = [
            f"[{i}:a:0]{form}{silence if path == self.recording else ''},volume={gain:.2f}dB[part{i}]"
            for i, (path, gain) in enumerate(zip(self.inputs, gains, strict=True))
        ]
        labels = "".join(f"[part{i}]" for i in range(len(parts)))
        join = f"{labels}concat=n={len(parts)}:v=0:a=1,volume={levels.whole_db:.2f}dB"
        return ";".join([*parts, f"{join},{limiter_filter(levels.ceiling_dbfs)}[out]"])


def silence_filter(spans: Iterable[Cut | MediaSpan]) -> str:
    """Return the filter that silences some seconds."""
    inside = "+".join(f"between(t,{span.start_s:.3f},{span.end_s:.3f})" for span in spans)
    return f"asetnsamples=n={FINE_SAMPLES}:p=0,volume=0:enable='{inside}'"


def make_master(
    recording: Path,
    target: Path,
    *,
    settings: AudioTable,
    folder: Path,
    ffmpeg: Ffmpeg,
    report: ProgressCallback,
    muted: tuple[Cut, ...] = (),
) -> Master:
    """Make the master of a recording; equal input gives equal bytes.

    Args:
        target: written whole or not at all.
        folder: of show.toml; intro and outro are relative to it.
        muted: seconds of the recording that become silence of the same length.

    Raises:
        AudioError: the recording or an insert cannot be used, or ffmpeg failed.
    """
    with atomic_path(target) as part, tempfile.TemporaryDirectory() as work:
        heard = _hear(recording, Path(work), ffmpeg=ffmpeg, report=report)
        shape = _shape(heard.source, settings)
        inserts = prepare_inserts(
            settings, folder=folder, work=Path(work), format_=shape, ffmpeg=ffmpeg, report=report
        )
        job = replace(_job(heard, part, inserts=inserts, settings=settings, shape=shape), muted=muted)
        after = _level(job, heard, settings=settings, ffmpeg=ffmpeg, report=report)
        duration_s = played_s(part)
    return Master(
        path=target,
        duration_s=duration_s,
        size_bytes=target.stat().st_size,
        before_lufs=heard.integrated_lufs,
        after=after,
        timeline=inserts.timeline(heard.source.duration_s),
    )


def _hear(recording: Path, work: Path, *, ffmpeg: Ffmpeg, report: ProgressCallback) -> HeardRecording:
    """Check a recording while ffmpeg measures it; an uneven one is made even and measured again."""
    with integrated_beside(recording, ffmpeg=ffmpeg) as loudness:
        source, outline = check_and_outline(recording, report=report)
        if source.is_uniform:
            return HeardRecording(recording, source, outline, loudness())
    even = even_out(recording, source, work, ffmpeg=ffmpeg, report=report)
    with integrated_beside(even, ffmpeg=ffmpeg) as loudness:
        return HeardRecording(even, source, outline, loudness())


def even_out(
    recording: Path, source: AudioInfo, work: Path, *, ffmpeg: Ffmpeg, report: ProgressCallback
) -> Path:
    """Return a recording that changes its rate, channels or clock on the way as a FLAC that does not.

    Silence takes the place of what is lost in a FLAC.

    A filter graph of several inputs begins anew at such a change, and its intro would be played twice.

    Args:
        work: a folder for the FLAC.
    """
    target = work / "even.flac"
    form = [
        "-ac",
        str(source.channels),
        "-ar",
        str(source.sample_rate_hz),
        "-c:a",
        "flac",
        "-sample_fmt",
        "s32",
    ]
    filled = ["-af", FILL_GAPS] if source.lost_s else []
    sound = [*find_source(recording).arguments, "-map", "0:a:0", *filled]
    arguments = ["-loglevel", "error", *sound, *form, str(target)]
    ffmpeg.run(arguments, subject=recording, step="even out", total_s=source.duration_s, report=report)
    return target


def _shape(source: AudioInfo, settings: AudioTable) -> MasterFormat:
    loudness = settings.loudness_mono_lufs if source.channels == 1 else settings.loudness_stereo_lufs
    return MasterFormat(sample_rate_hz=SAMPLE_RATE_HZ, channels=source.channels, loudness_lufs=loudness)


def _job(
    heard: HeardRecording,
    part: Path,
    *,
    inserts: PreparedInserts,
    settings: AudioTable,
    shape: MasterFormat,
) -> MasteringJob:
    added_s = sum(insert.duration_s for insert in (inserts.intro, inserts.outro) if insert)
    return MasteringJob(
        recording=heard.path,
        inserts=inserts,
        target=part,
        format=shape,
        bitrate_kbps=settings.bitrate_mono_kbps if shape.channels == 1 else settings.bitrate_stereo_kbps,
        duration_s=heard.source.duration_s + added_s,
    )


def _first_levels(job: MasteringJob, heard: HeardRecording, settings: AudioTable) -> GainSettings:
    """Return the settings with which one encode is enough: what the limiter takes is given beforehand.

    More gain is more for the limiter to take, so it is computed again and again. Where that does not end, the
    recording is uneven and gets what as many encodes would have given.
    """
    scaled_db = -20 * math.log10(LAME_SCALES.get(job.bitrate_kbps, LAME_SCALE))
    lost_db = scaled_db + TREBLE_LOSS_LU
    levels = GainSettings(
        recording_db=job.format.loudness_lufs - heard.integrated_lufs,
        whole_db=lost_db,
        ceiling_dbfs=settings.true_peak_dbtp + scaled_db - _overshoot_db(job),
    )
    rounds = [levels]
    while len(rounds) < MAX_ROUNDS:
        levels = rounds[-1]
        gain_db = levels.recording_db + levels.whole_db
        taken_lu = limiter_loss_lu(heard.outline, gain_db=gain_db, ceiling_dbfs=levels.ceiling_dbfs)
        if lost_db + taken_lu - levels.whole_db < STEP_DB / 2:
            return levels
        rounds.append(replace(levels, whole_db=lost_db + taken_lu))
    return replace(rounds[MAX_ATTEMPTS - 1], is_uneven=True)


def _overshoot_db(job: MasteringJob) -> float:
    per_channel_kbps = job.bitrate_kbps / job.format.channels
    return next(db for kbps, db in reversed(OVERSHOOTS_DB.items()) if kbps <= per_channel_kbps)


def _level(
    job: MasteringJob,
    heard: HeardRecording,
    *,
    settings: AudioTable,
    ffmpeg: Ffmpeg,
    report: ProgressCallback,
) -> Loudness:
    """Encode and measure until loudness and peak are right; return the last measurement.

    A few parts that peak too high are lowered in the MP3, which is measured again.

    A recording so uneven that the limiter cancels the gain stays below the target loudness: its master is
    used as it is and its measurements are printed. A peak that is too high is an error.
    """
    target_lufs, max_peak_dbtp = job.format.loudness_lufs, settings.true_peak_dbtp
    levels = _first_levels(job, heard, settings)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        step = f"master again ({attempt})" if attempt > 1 else "master"
        reading = _encode(job, levels, step=step, ffmpeg=ffmpeg, report=report)
        after = reading.loudness
        over_db = too_high(reading, max_true_peak_dbtp=max_peak_dbtp)
        if are_few(over_db, reading):
            lower_parts(job.target, over_db, ffmpeg=ffmpeg)
            after = measure_loudness(
                job.target, duration_s=job.duration_s, ffmpeg=ffmpeg, report=report, step="measure again"
            )
        corrected = levels.corrected(after, target_lufs=target_lufs, max_true_peak_dbtp=max_peak_dbtp)
        if corrected == levels:
            return after
        levels = corrected
    if after.true_peak_dbtp > max_peak_dbtp:
        raise AudioError(job.recording, f"peaks at {after.true_peak_dbtp} dBTP after {MAX_ATTEMPTS} attempts")
    return after


def _encode(
    job: MasteringJob, levels: GainSettings, *, step: str, ffmpeg: Ffmpeg, report: ProgressCallback
) -> MeterReading:
    """Encode, and return the reading of the MP3, which is measured while it is written."""
    job.target.unlink(missing_ok=True)
    arguments = ["-loglevel", "error", *job.arguments(levels)]
    with meter_while_written(job.target, ffmpeg=ffmpeg) as meter:

        def follow(event: Progress) -> None:
            meter.follow()
            report(event)

        ffmpeg.run(arguments, subject=job.recording, step=step, total_s=job.duration_s, report=follow)
        return meter.finish()
