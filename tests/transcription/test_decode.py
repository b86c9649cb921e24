"""Decoding gives the right length, rate and level; damaged files are reported."""

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from podcast_pipeline.errors import AudioError
from podcast_pipeline.transcription.decode import BLOCK_SAMPLES, SAMPLE_RATE_HZ, Recording
from tests.support.audio_files import make_audio
from tests.support.sounds import SAMPLE, samples_of, silence, tune, write_wav


def test_blocks_are_even_and_complete() -> None:
    """All blocks but the last have the same size; together they are the whole file."""
    sizes = [len(block) for block in Recording(SAMPLE).blocks()]
    assert set(sizes[:-1]) == {BLOCK_SAMPLES}
    assert 0 < sizes[-1] <= BLOCK_SAMPLES
    assert sum(sizes) / SAMPLE_RATE_HZ == pytest.approx(71.13, abs=0.01)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
def test_any_rate_becomes_16_khz_mono(tmp_path: Path, rate_hz: int) -> None:
    """A stereo tone at any rate comes out as long as it was, and as loud."""
    time = np.arange(rate_hz * 3) / rate_hz
    tone = 0.5 * np.sin(2 * np.pi * 440 * time)
    samples = samples_of(write_wav(tmp_path / "tone.wav", np.stack([tone, tone], axis=1), rate_hz=rate_hz))
    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(3 * SAMPLE_RATE_HZ, abs=32)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.01)


def test_a_truncated_file_has_the_time_where_it_stops(tmp_path: Path) -> None:
    """Half of a file is decoded up to the fault."""
    whole = write_wav(tmp_path / "whole.wav", tune(60))
    half = tmp_path / "half.wav"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    recording = Recording(half)
    seconds = sum(map(len, recording.blocks())) / SAMPLE_RATE_HZ
    assert seconds == pytest.approx(30, abs=0.1)
    assert recording.stopped_s == pytest.approx(seconds)


def test_a_truncated_flac_has_the_time_where_it_stops(tmp_path: Path) -> None:
    """A FLAC header states the length, so half a file is noticed."""
    cut_off = tmp_path / "cut.flac"
    cut_off.write_bytes(SAMPLE.read_bytes()[: SAMPLE.stat().st_size // 2])
    recording = Recording(cut_off)
    seconds = sum(map(len, recording.blocks())) / SAMPLE_RATE_HZ
    assert 20 < seconds < 60
    assert recording.stopped_s == pytest.approx(seconds)


def test_a_fault_in_the_middle_loses_only_itself(tmp_path: Path) -> None:
    """The audio after a few bad bytes is decoded, and skipped_s is their time."""
    whole = make_audio(tmp_path / "whole.mp3", "-i", str(SAMPLE), "-b:a", "64k").read_bytes()
    third = len(whole) // 3
    path = tmp_path / "glitch.mp3"
    path.write_bytes(whole[:third] + b"U" * 600 + whole[third + 600 :])
    recording = Recording(path)
    seconds = sum(map(len, recording.blocks())) / SAMPLE_RATE_HZ
    assert seconds == pytest.approx(71.1, abs=0.5)
    assert recording.skipped_s == pytest.approx(71.1 / 3, abs=1)
    assert recording.stopped_s is None


@pytest.mark.parametrize(("lost_bytes", "lost_s"), [(0, 0.096), (30_000, 1.632)])
def test_silence_takes_the_place_of_what_a_flac_has_lost(
    tmp_path: Path, lost_bytes: int, lost_s: float
) -> None:
    """Frames of a FLAC are numbered: what follows a fault is where it was, and the loss is counted."""
    whole = SAMPLE.read_bytes()
    middle = len(whole) // 2
    path = tmp_path / "damaged.flac"
    path.write_bytes(whole[:middle] + bytes(200) + whole[middle + 200 + lost_bytes :])
    recording = Recording(path)
    samples, right = np.concatenate([*recording.blocks()]), samples_of(SAMPLE)
    assert len(samples) == len(right)
    assert recording.silence_s == pytest.approx(lost_s)
    assert recording.stopped_s is None
    assert recording.skipped_s == pytest.approx(35.232)
    fault = int(35.232 * SAMPLE_RATE_HZ)
    after = fault + int((lost_s + 0.1) * SAMPLE_RATE_HZ)
    assert np.allclose(samples[after:], right[after:], atol=1e-4)
    assert np.allclose(samples[: fault - 100], right[: fault - 100], atol=1e-4)
    assert not samples[fault + 100 : fault + int(lost_s * SAMPLE_RATE_HZ) - 100].any()


def test_a_tail_that_is_not_audio_is_a_fault_at_the_end(tmp_path: Path) -> None:
    """Zeros after the last good frame set stopped_s, not skipped_s."""
    whole = make_audio(tmp_path / "whole.mp3", "-i", str(SAMPLE), "-b:a", "64k").read_bytes()
    path = tmp_path / "zeros.mp3"
    path.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) // 2))
    recording = Recording(path)
    seconds = sum(map(len, recording.blocks())) / SAMPLE_RATE_HZ
    assert recording.stopped_s == pytest.approx(seconds, abs=0.01)
    assert recording.skipped_s is None


@pytest.mark.parametrize(("default", "seconds"), [(0, 2), (1, 6)])
def test_of_two_tracks_the_default_one_is_whole_at_its_own_end(
    tmp_path: Path, default: int, seconds: int
) -> None:
    """A track that ends before the other is not damaged; the default track is decoded."""
    tones = [part for length in (2, 6) for part in ("-f", "lavfi", "-i", f"sine=d={length}")]
    marks = [
        part
        for track in (0, 1)
        for part in (f"-disposition:a:{track}", "default" * (track == default) or "0")
    ]
    path = make_audio(tmp_path / "two.mka", *tones, "-map", "0", "-map", "1", *marks)
    recording = Recording(path)
    assert sum(map(len, recording.blocks())) / SAMPLE_RATE_HZ == pytest.approx(seconds, abs=0.1)
    assert (recording.stopped_s, recording.skipped_s) == (None, None)


def test_a_whole_file_has_no_fault() -> None:
    """The sample is whole."""
    recording = Recording(SAMPLE)
    assert sum(1 for _ in recording.blocks())
    assert recording.stopped_s is None


@pytest.mark.parametrize("content", [b"", b"no sound\n" * 50, b"RIFF\0\0\0\0WAVE"])
def test_files_without_audio_are_refused(tmp_path: Path, content: bytes) -> None:
    """An empty file, text and a lone header are errors with the file's path."""
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=r"bad\.wav: "):
        list(Recording(path).blocks())


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """No file: an AudioError, not a traceback."""
    with pytest.raises(AudioError, match="is not there"):
        list(Recording(tmp_path / "none.wav").blocks())


def test_video_without_sound_is_refused(tmp_path: Path) -> None:
    """A film without an audio track is an error."""
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(AudioError, match="no sound in it"):
        list(Recording(path).blocks())


def test_silence_is_audio(tmp_path: Path) -> None:
    """Silence decodes to zeros."""
    assert not samples_of(write_wav(tmp_path / "silence.wav", silence(2))).any()


def speechlike(rate_hz: int, seconds: float = 3) -> NDArray[np.float64]:
    """Return a tone that comes and goes."""
    time = np.arange(int(rate_hz * seconds)) / rate_hz
    return np.asarray(0.5 * np.sin(2 * np.pi * 440 * time) * np.sin(2 * np.pi * time) ** 2)


@pytest.mark.parametrize("rates_hz", [(44_100, 48_000), (48_000, 24_000)])
@pytest.mark.parametrize("channels", [(2, 1), (1, 2)])
@pytest.mark.parametrize("suffix", ["mp3", "aac"])
def test_a_stream_that_changes_on_the_way_is_heard_whole(
    tmp_path: Path, rates_hz: tuple[int, int], channels: tuple[int, int], suffix: str
) -> None:
    """Parts of another rate, or another number of channels, follow each other without a gap."""
    data = b""
    for number, (rate_hz, count) in enumerate(zip(rates_hz, channels, strict=True)):
        wav = write_wav(
            tmp_path / f"{number}.wav", np.stack([speechlike(rate_hz)] * count, axis=1), rate_hz=rate_hz
        )
        data += make_audio(wav.with_suffix(f".{suffix}"), "-i", str(wav)).read_bytes()
    path = tmp_path / f"joined.{suffix}"
    path.write_bytes(data)
    samples = samples_of(path)
    assert len(samples) / SAMPLE_RATE_HZ == pytest.approx(6, abs=0.2)
    for part in (samples[:48_000], samples[48_000:]):
        assert np.abs(part).max() == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("gain", [-1.0, -0.7, -0.45])
def test_channels_that_cancel_each_other_are_heard(tmp_path: Path, gain: float) -> None:
    """Of a stereo recording with one cable wired the other way the louder channel is heard."""
    voice = speechlike(16_000)
    samples = samples_of(write_wav(tmp_path / "a.wav", np.stack([voice, gain * voice], axis=1)))
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.01)


def test_a_voice_in_one_ear_stays_in_the_mix(tmp_path: Path) -> None:
    """Channels that do not cancel each other are mixed: each voice is half as loud, and both are there."""
    voice, pause = speechlike(16_000), np.zeros(48_000)
    sides = np.stack([np.concatenate([voice, pause]), np.concatenate([pause, voice])], axis=1)
    samples = samples_of(write_wav(tmp_path / "a.wav", sides))
    for part in (samples[:48_000], samples[48_000:]):
        assert np.abs(part).max() == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("gain_db", [6, 24, 40])
@pytest.mark.parametrize("codec", ["pcm_f32le", "pcm_f64le"])
def test_float_above_full_scale_is_scaled_not_clipped(tmp_path: Path, gain_db: int, codec: str) -> None:
    """A recorder's 32-bit float above full scale has the same form as at a lower level."""
    path = write_wav(tmp_path / "a.wav", speechlike(16_000))
    hot = make_audio(tmp_path / "hot.wav", "-i", str(path), "-af", f"volume={gain_db}dB", "-c:a", codec)
    as_it_was, samples = samples_of(path), samples_of(hot)
    assert np.abs(samples).max() <= 1
    assert np.corrcoef(as_it_was, samples)[0, 1] > 0.9999


def test_a_playlist_opens_nothing(tmp_path: Path) -> None:
    """The engine refuses what `check_audio` refuses: a list of other files."""
    path = tmp_path / "talk.wav"
    path.write_text(f"ffconcat version 1.0\nfile {SAMPLE}\n")
    with pytest.raises(AudioError, match="is no audio, but a playlist"):
        list(Recording(path).blocks())
