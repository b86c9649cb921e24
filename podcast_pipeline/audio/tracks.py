"""The tracks of one recording, one microphone each, and their mix."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from podcast_pipeline.audio.ffmpeg import BITEXACT, Ffmpeg
from podcast_pipeline.audio.loudness import measure_loudness
from podcast_pipeline.audio.recording.findings import RecordingFinding
from podcast_pipeline.audio.recording.opening import find_source
from podcast_pipeline.audio.shifted_tracks import Shift, find_shift
from podcast_pipeline.audio.source import AudioInfo, check_audio
from podcast_pipeline.errors import AudioError
from podcast_pipeline.files import atomic_path
from podcast_pipeline.model import ProgressCallback

MIX_RATE_HZ = 48_000
SPEECH_RATE_HZ = 16_000
TRACK_LUFS = -23.0  # every speaker equally loud, with room for all of them at once
MAX_GAIN_DB = 30.0  # a track that needs more is empty
CEILING = 0.9
MAX_LENGTH_DIFFERENCE_S = 1.0  # recorders stop a moment apart
MAX_CHANNELS = 64
DRIFT_S = 0.02  # by which a shift grows or shrinks, where two clocks differ


@dataclass(frozen=True)
class Track:
    """One speaker's microphone.

    Attributes:
        name: of the speaker.
        channel: of the file, from 1; None for all channels as mono.
    """

    name: str
    path: Path
    channel: int | None = None

    @property
    def mono_filter(self) -> str:
        """The ffmpeg filter that extracts this track."""
        return f"pan=mono|c0=c{self.channel - 1}" if self.channel else "aformat=channel_layouts=mono"


@dataclass(frozen=True)
class CheckedTracks:
    """Tracks that were read to their end.

    Attributes:
        duration_s: of the longest.
        findings: of all files, each with its name.
    """

    duration_s: float
    findings: tuple[RecordingFinding, ...]


def check_tracks(tracks: Sequence[Track], *, report: ProgressCallback) -> CheckedTracks:
    """Read all tracks to their end.

    Raises:
        AudioError: fewer than two tracks, a name or a channel twice, a missing channel, a damaged file, or
            lengths that differ: then the tracks do not start together, and the offset is unknown.
    """
    if len(tracks) < 2:
        raise AudioError(
            tracks[0].path if tracks else "--track", "give a --track for each speaker, two or more"
        )
    if len({track.name.casefold() for track in tracks}) < len(tracks):
        raise AudioError(tracks[-1].path, "two tracks have the same name; name each speaker once")
    if len({(track.path, track.channel) for track in tracks}) < len(tracks):
        raise AudioError(tracks[-1].path, "is given twice; name another file or FILE:CHANNEL")
    files = {
        path: check_audio(
            path, report=report, step=f"check {path.name}", max_channels=MAX_CHANNELS, is_track=True
        )
        for path in dict.fromkeys(track.path for track in tracks)
    }
    for track in tracks:
        _check_channel(track, files[track.path])
    shortest, longest = (order(files, key=lambda path: files[path].duration_s) for order in (min, max))
    if files[longest].duration_s - files[shortest].duration_s > MAX_LENGTH_DIFFERENCE_S:
        message = (
            f"is {files[shortest].duration_s:.1f} s long,"
            f" {longest.name} {files[longest].duration_s:.1f} s;"
            " export all tracks from the same start to the same end"
        )
        raise AudioError(shortest, message)
    findings = tuple(
        finding.model_copy(update={"message": f"{path.name} {finding.message}"})
        for path, source in files.items()
        for finding in source.findings
    )
    return CheckedTracks(files[longest].duration_s, findings)


def check_start(tracks: Sequence[Track], monos: Sequence[Path]) -> None:
    """Compare the sound of all tracks.

    Args:
        monos: each track as mono 16-bit WAV, of one rate.

    Raises:
        AudioError: two tracks have the same sound at different times, or no other sound than each other.
    """
    for (first, mono), (second, other) in combinations(zip(tracks, monos, strict=True), 2):
        shift = find_shift(mono, other)
        if shift is not None:
            raise AudioError(second.path, _shift_message(first, second, shift))


def _shift_message(first: Track, second: Track, shift: Shift) -> str:
    if not shift.later_s:
        return (
            f"has the same sound on {second.name}'s track as on {first.name}'s;"
            " give each speaker's own microphone, or ingest one of the two as a recording"
        )
    late, early = (second, first) if shift.later_s > 0 else (first, second)
    drift_s = abs(shift.end_later_s) - abs(shift.later_s)
    clocks = f" ({abs(shift.end_later_s):.2f} s at the end)" if abs(drift_s) >= DRIFT_S else ""
    return (
        f"does not start together with {first.path.name}: {early.name}'s track has the same sound"
        f" {abs(shift.later_s):.2f} s{clocks} earlier than {late.name}'s; put {abs(shift.later_s):.2f} s of"
        f" silence before {early.name}'s track and export all tracks at one length, or ingest one mix"
    )


def _check_channel(track: Track, source: AudioInfo) -> None:
    if track.channel is None and source.channels > 2:
        message = f"has {source.channels} channels; name {track.name}'s: {track.name}={track.path}:1"
        raise AudioError(track.path, message)
    if track.channel is not None and not 1 <= track.channel <= source.channels:
        message = f"has no channel {track.channel}; it has {source.channels}, counted from 1"
        raise AudioError(track.path, message)


def mix_tracks(
    tracks: Sequence[Track], target: Path, *, ffmpeg: Ffmpeg, report: ProgressCallback
) -> tuple[RecordingFinding, ...]:
    """Write the mix of all tracks, each brought to the same loudness, as mono FLAC.

    Equal tracks give equal bytes. Returned is what a producer should know of them.

    Raises:
        AudioError: see `check_tracks` and `check_start`; or a track is empty.
    """
    checked = check_tracks(tracks, report=report)
    duration_s = checked.duration_s
    with tempfile.TemporaryDirectory() as work:
        monos = [Path(work) / f"{number}.wav" for number in range(len(tracks))]
        for track, mono in zip(tracks, monos, strict=True):
            extract_track(track, mono, rate_hz=MIX_RATE_HZ, ffmpeg=ffmpeg, report=report)
        check_start(tracks, monos)
        gains = [
            _gain_db(track, mono, duration_s, ffmpeg, report)
            for track, mono in zip(tracks, monos, strict=True)
        ]
        levelled = [f"[{i}:a]volume={gain:.2f}dB[t{i}]" for i, gain in enumerate(gains)]
        labels = "".join(f"[t{i}]" for i in range(len(monos)))
        joined = f"{labels}amix=inputs={len(monos)}:duration=longest:normalize=0"
        graph = ";".join([*levelled, f"{joined},alimiter=limit={CEILING}:level=disabled:latency=1[out]"])
        files = [word for mono in monos for word in ("-i", str(mono))]
        arguments = [*files, "-filter_complex", graph, "-map", "[out]", "-c:a", "flac", "-sample_fmt", "s16"]
        arguments += [*BITEXACT, "-f", "flac"]
        with atomic_path(target) as part:
            _write(arguments, part, tracks[0].path, "mix", duration_s, ffmpeg, report)
    return checked.findings


def extract_track(
    track: Track, target: Path, *, rate_hz: int, ffmpeg: Ffmpeg, report: ProgressCallback
) -> None:
    """Write one track as mono 16-bit WAV, in place: for a temporary folder, so nothing is flushed to disk."""
    form = ["-map", "0:a:0", "-af", track.mono_filter, "-ar", f"{rate_hz}", "-c:a", "pcm_s16le", "-f", "wav"]
    arguments = [*find_source(track.path).arguments, *form]
    _write(arguments, target, track.path, f"track {track.name}", 1.0, ffmpeg, report)


def _gain_db(track: Track, mono: Path, duration_s: float, ffmpeg: Ffmpeg, report: ProgressCallback) -> float:
    loudness = measure_loudness(
        mono, duration_s=duration_s, ffmpeg=ffmpeg, report=report, step=f"measure {track.name}"
    )
    gain_db = TRACK_LUFS - loudness.integrated_lufs
    if gain_db > MAX_GAIN_DB:
        message = (
            f"has nothing on {track.name}'s track ({loudness.integrated_lufs:.0f} LUFS); was it recorded?"
        )
        raise AudioError(track.path, message)
    return gain_db


def _write(
    arguments: Sequence[str],
    target: Path,
    subject: Path,
    step: str,
    total_s: float,
    ffmpeg: Ffmpeg,
    report: ProgressCallback,
) -> None:
    ffmpeg.run(
        ["-loglevel", "error", *arguments, str(target.absolute())],
        subject=subject,
        step=step,
        total_s=total_s,
        report=report,
    )
