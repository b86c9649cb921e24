"""Some seconds of a published file become silence; nothing moves and nothing else changes."""

from pathlib import Path

import numpy as np
import pytest

from podcast_pipeline.audio import tags
from podcast_pipeline.audio.ffmpeg import Ffmpeg, find_ffmpeg
from podcast_pipeline.audio.silence import silence_spans
from podcast_pipeline.audio.source import check_audio
from podcast_pipeline.errors import AudioError
from podcast_pipeline.model import MediaSpan
from tests.support.show import run_ffmpeg
from tests.support.sounds import ignore_progress, tune, write_wav
from tests.support.withdrawals import RATE_HZ, loudest, sound_of

EDGE_S = 0.06  # a block of Vorbis: a loud sound is faintly heard in the whole of it
SPANS = (MediaSpan(start_s=1.0, end_s=1.5), MediaSpan(start_s=3.0, end_s=3.2))
ENCODINGS = {
    ".mp3": ("-c:a", "libmp3lame", "-b:a", "96k"),
    ".m4a": ("-c:a", "aac", "-b:a", "96k"),
    ".opus": ("-c:a", "libopus", "-b:a", "96k"),
    ".ogg": ("-c:a", "libvorbis"),
    ".flac": ("-c:a", "flac"),
    ".wav": ("-c:a", "pcm_s16le"),
}


def encoded(folder: Path, suffix: str, *arguments: str) -> Path:
    """Return five seconds of a tune as an audio file."""
    wav, path = write_wav(folder / "tune.wav", tune(5.0)), folder / f"before{suffix}"
    run_ffmpeg("-i", wav, *arguments, path)
    return path


@pytest.mark.parametrize("suffix", ENCODINGS)
def test_only_the_seconds_are_silent(suffix: str, tmp_path: Path) -> None:
    """Whatever the format, the file is as long as before, silent in the spans, and the same elsewhere."""
    path, target = encoded(tmp_path, suffix, *ENCODINGS[suffix]), tmp_path / f"after{suffix}"
    info = silence_spans(path, target, SPANS, ffmpeg=Ffmpeg(find_ffmpeg()), report=ignore_progress)
    before, after = sound_of(path), sound_of(target)
    assert info.duration_s == check_audio(path, report=ignore_progress).duration_s
    assert len(after) == len(before)
    for span in SPANS:
        assert loudest(before, span.start_s, span.end_s) > 0.05
        assert loudest(after, span.start_s + EDGE_S, span.end_s - EDGE_S) < 1e-3
    for start_s, end_s in ((0.1, 0.95), (1.55, 2.95), (3.25, 4.9)):
        part = slice(int(start_s * RATE_HZ), int(end_s * RATE_HZ))
        assert np.corrcoef(before[part], after[part])[0, 1] > 0.98


def test_the_tag_is_copied(tmp_path: Path) -> None:
    """Of an MP3 the ID3 tag stays byte for byte, and the bit rate is the same."""
    path = encoded(tmp_path, ".mp3", "-b:a", "64k", "-metadata", "title=A tune", "-id3v2_version", "4")
    target = tmp_path / "after.mp3"
    silence_spans(path, target, SPANS, ffmpeg=Ffmpeg(find_ffmpeg()), report=ignore_progress)
    assert tags.id3_bytes(path)
    assert tags.id3_bytes(target) == tags.id3_bytes(path)
    assert abs(target.stat().st_size - path.stat().st_size) < 0.05 * path.stat().st_size


def test_a_format_that_would_move_is_refused(tmp_path: Path) -> None:
    """ADTS cannot say how much an encoder has put before the first sample."""
    path, target = encoded(tmp_path, ".aac", "-c:a", "aac"), tmp_path / "after.aac"
    with pytest.raises(AudioError, match="without moving its times"):
        silence_spans(path, target, SPANS, ffmpeg=Ffmpeg(find_ffmpeg()), report=ignore_progress)
    assert not target.exists()
