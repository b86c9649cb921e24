"""The master: recording, intro and outro at the show's loudness, as an MP3 without tags.

Linear gain to the target loudness, then a limiter that changes only peaks above the ceiling; no
compression, so nothing pumps. Loudness and peak are measured on the encoded MP3, and the settings are
corrected by that measurement.
"""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from podcast_pipeline.audio.ffmpeg import BITEXACT, Ffmpeg
from podcast_pipeline.audio.inserts import MasterFormat, PreparedInserts, prepare_inserts
from podcast_pipeline.audio.loudness import Loudness, measure_loudness
from podcast_pipeline.audio.recording.opening import find_source
from podcast_pipeline.audio.source import AudioInfo, check_audio
from podcast_pipeline.config import AudioTable
from podcast_pipeline.errors import AudioError
from podcast_pipeline.files import atomic_path
from podcast_pipeline.model import Cut, FrozenModel, MediaSpan, ProgressCallback, Seconds, Timeline

SAMPLE_RATE_HZ = 44_100  # every podcast app and car radio plays it
LIMITER_RATE_HZ = 4 * SAMPLE_RATE_HZ  # BS.1770-4 measures true peaks at four times the rate
LAYOUTS = {1: "mono", 2: "stereo"}
MAX_ATTEMPTS = 5
TOLERANCE_LU = 0.25
ENCODER_HEADROOM_DB = 0.5  # an MP3 overshoots by about this; first guess, corrected by measurement
LAME_LOSS_DB = 0.45  # LAME scales by 0.95 up to 160 kbit/s, as measured here
LAME_LOSSES_DB = {192: 0.26, 256: 0.0, 320: 0.0}
FINE_SAMPLES = 32  # ffmpeg switches at the start of a frame: 0.7 ms instead of the 26 ms of an MP3's
FILL_GAPS = "aresample=async=1:min_hard_comp=0.001"
STEP_DB = 0.1  # the meter's resolution
PLAIN_MP3 = ("-c:a", "libmp3lame", "-write_xing", "1", "-id3v2_version", "0", "-write_id3v1", "0")


class Master(FrozenModel):
    """A master and its measurements.

    Attributes:
        duration_s: of the MP3 as a player decodes it, inserts included.
        before, after: loudness of the recording, and of the encoded MP3.
        timeline: from the recording's times to the MP3's.
    """

    path: Path
    duration_s: Seconds
    size_bytes: int
    before: Loudness
    after: Loudness
    timeline: Timeline


@dataclass(frozen=True)
class GainSettings:
    """The settings of the filters.

    Attributes:
        recording_db: gain of the recording, to the loudness of the inserts.
        whole_db: gain of the joined audio, corrected by measurement.
        ceiling_dbfs: of the limiter.
    """

    recording_db: float
    whole_db: float
    ceiling_dbfs: float

    def corrected(self, after: Loudness, *, target_lufs: float, max_true_peak_dbtp: float) -> "GainSettings":
        """Return the settings of the next attempt; equal settings where loudness and peak are right."""
        short_db = target_lufs - after.integrated_lufs
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


def limiter_filter(ceiling_dbfs: float) -> str:
    """Return a true-peak limiter (oversampled), without delay and make-up gain."""
    limit = 10 ** (ceiling_dbfs / 20)
    settings = f"limit={limit:.5f}:attack=5:release=60:level=disabled:latency=1"
    return f"aresample={LIMITER_RATE_HZ},alimiter={settings},aresample={SAMPLE_RATE_HZ}"


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
    source = check_audio(recording, report=report)
    with atomic_path(target) as part:
        with tempfile.TemporaryDirectory() as work:
            recording = even_out(recording, source, Path(work), ffmpeg=ffmpeg, report=report)
            before = measure_loudness(recording, duration_s=source.duration_s, ffmpeg=ffmpeg, report=report)
            shape = _shape(source, settings)
            inserts = prepare_inserts(
                settings, folder=folder, work=Path(work), format_=shape, ffmpeg=ffmpeg, report=report
            )
            job = _job(recording, part, source=source, inserts=inserts, settings=settings, shape=shape)
            job = replace(job, muted=muted)
            after = _level(job, before=before, settings=settings, ffmpeg=ffmpeg, report=report)
        made = check_audio(part, report=report, step="read master back")
    return Master(
        path=target,
        duration_s=made.duration_s,
        size_bytes=target.stat().st_size,
        before=before,
        after=after,
        timeline=inserts.timeline(source.duration_s),
    )


def even_out(
    recording: Path, source: AudioInfo, work: Path, *, ffmpeg: Ffmpeg, report: ProgressCallback
) -> Path:
    """Return the recording; one that changes its rate, channels or clock on the way as a FLAC without.

    Silence takes the place of what is lost in a FLAC.

    A filter graph of several inputs begins anew at such a change, and its intro would be played twice.

    Args:
        work: a folder for the FLAC.
    """
    if source.is_uniform:
        return recording
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
    recording: Path,
    part: Path,
    *,
    source: AudioInfo,
    inserts: PreparedInserts,
    settings: AudioTable,
    shape: MasterFormat,
) -> MasteringJob:
    added_s = sum(insert.duration_s for insert in (inserts.intro, inserts.outro) if insert)
    return MasteringJob(
        recording=recording,
        inserts=inserts,
        target=part,
        format=shape,
        bitrate_kbps=settings.bitrate_mono_kbps if source.channels == 1 else settings.bitrate_stereo_kbps,
        duration_s=source.duration_s + added_s,
    )


def _level(
    job: MasteringJob, *, before: Loudness, settings: AudioTable, ffmpeg: Ffmpeg, report: ProgressCallback
) -> Loudness:
    """Encode and measure until loudness and peak are right; return the last measurement.

    A recording so uneven that the limiter cancels the gain stays below the target loudness: its master is
    used as it is and its measurements are printed. A peak that is too high is an error.
    """
    target_lufs, max_peak_dbtp = job.format.loudness_lufs, settings.true_peak_dbtp
    lost_db = LAME_LOSSES_DB.get(job.bitrate_kbps, LAME_LOSS_DB)
    levels = GainSettings(
        recording_db=target_lufs - before.integrated_lufs,
        whole_db=lost_db,
        ceiling_dbfs=max_peak_dbtp + lost_db - ENCODER_HEADROOM_DB,
    )
    for attempt in range(1, MAX_ATTEMPTS + 1):
        again = f" again ({attempt})" if attempt > 1 else ""
        _encode(job, levels, step=f"master{again}", ffmpeg=ffmpeg, report=report)
        after = measure_loudness(
            job.target, duration_s=job.duration_s, ffmpeg=ffmpeg, report=report, step=f"measure master{again}"
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
) -> None:
    arguments = ["-loglevel", "error", *job.arguments(levels)]
    ffmpeg.run(arguments, subject=job.recording, step=step, total_s=job.duration_s, report=report)
