"""Silence some seconds of a published audio file; its length and every other second stay as they are.

The file is decoded and encoded once more, in its own format and at its own bit rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from podcast_pipeline.audio import tags
from podcast_pipeline.audio.ffmpeg import BITEXACT, Ffmpeg
from podcast_pipeline.audio.master import PLAIN_MP3, silence_filter
from podcast_pipeline.audio.source import AudioInfo, check_audio
from podcast_pipeline.errors import AudioError
from podcast_pipeline.files import atomic_path
from podcast_pipeline.model import MediaSpan, ProgressCallback

LENGTH_TOLERANCE_S = 0.06  # two frames of an encoder's padding
MP3_KBPS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
LOSSLESS = ("flac", "alac", "pcm_s16le", "pcm_s24le", "pcm_u8", "pcm_f32le")


@dataclass(frozen=True)
class Encoder:
    """ffmpeg's encoder of a codec, and the container that it is published in."""

    name: str
    container: str
    options: tuple[str, ...] = ()


ENCODERS = {
    ("mp3", ".mp3"): Encoder("libmp3lame", "mp3"),
    ("mp3float", ".mp3"): Encoder("libmp3lame", "mp3"),
    ("aac", ".m4a"): Encoder("aac", "ipod", ("-movflags", "+faststart")),
    ("alac", ".m4a"): Encoder("alac", "ipod", ("-movflags", "+faststart")),
    ("opus", ".opus"): Encoder("libopus", "opus"),
    ("opus", ".ogg"): Encoder("libopus", "ogg"),
    ("vorbis", ".ogg"): Encoder("libvorbis", "ogg"),
    ("flac", ".flac"): Encoder("flac", "flac"),
    **{(codec, ".wav"): Encoder(codec, "wav") for codec in LOSSLESS if codec.startswith("pcm_")},
}
"""By ffmpeg's name of the codec and the file's suffix. No ADTS (.aac): it cannot say what an encoder has put
before the first sample, so every time would move by 23 ms."""


def silence_spans(
    path: Path, target: Path, spans: Sequence[MediaSpan], *, ffmpeg: Ffmpeg, report: ProgressCallback
) -> AudioInfo:
    """Write a copy of an audio file in which some seconds are silent; an MP3's ID3 tag is copied as it is.

    Args:
        target: with the same suffix; written whole or not at all.
        spans: media times.

    Returns:
        The copy, read to its end.

    Raises:
        AudioError: the file cannot be decoded, has a format that we do not write, or came out with
            another length.
    """
    before = check_audio(path, report=report)
    encoder = ENCODERS.get((before.codec, path.suffix.lower()))
    if encoder is None:
        raise AudioError(
            path.name,
            f"is {before.codec} in {path.suffix}, which cannot be silenced without moving its times; replace"
            " the recording, or take the episode away with --all",
        )
    with atomic_path(target) as part:
        encoded = part.with_name(f"{part.name}.audio")
        try:
            ffmpeg.run(
                _arguments(path, encoded, spans, encoder=encoder, before=before),
                subject=path,
                step="silence",
                total_s=before.duration_s,
                report=report,
            )
            tag = tags.id3_bytes(path) if encoder.container == "mp3" else b""
            _write_with_tag(part, tag, encoded)
        finally:
            encoded.unlink(missing_ok=True)
    after = check_audio(target, report=report, step="read back")
    if abs(after.duration_s - before.duration_s) > LENGTH_TOLERANCE_S:
        raise AudioError(
            path.name,
            f"came out {after.duration_s:.2f} s long instead of {before.duration_s:.2f} s; run again",
        )
    return after


def _arguments(
    path: Path, target: Path, spans: Sequence[MediaSpan], *, encoder: Encoder, before: AudioInfo
) -> list[str]:
    rate = [] if encoder.name in LOSSLESS else ["-b:a", f"{_bitrate_kbps(path, before, encoder)}k"]
    is_mp3 = encoder.container == "mp3"
    kept = ["-map_metadata", "0", "-map", "0:v?", "-c:v", "copy"] if encoder.container == "ipod" else []
    form = [*PLAIN_MP3, *BITEXACT] if is_mp3 else [*kept, "-c:a", encoder.name]
    return [
        *("-loglevel", "error", "-i", str(path.absolute()), "-map", "0:a:0", *form, *rate, *encoder.options),
        *("-filter:a", silence_filter(spans), "-f", encoder.container, str(target.absolute())),
    ]


def _bitrate_kbps(path: Path, info: AudioInfo, encoder: Encoder) -> int:
    size_bytes = path.stat().st_size - (len(tags.id3_bytes(path)) if encoder.container == "mp3" else 0)
    kbps = size_bytes * 8 / info.duration_s / 1000
    if encoder.container == "mp3":
        return min(MP3_KBPS, key=lambda known: abs(known - kbps))
    return max(16, min(512, round(kbps)))


def _write_with_tag(target: Path, tag: bytes, audio: Path) -> None:
    with target.open("wb") as file, audio.open("rb") as source:
        file.write(tag)
        while chunk := source.read(1 << 20):
            file.write(chunk)
