from pathlib import Path

import pytest

from podcast_pipeline.audio.loudness import measure_loudness, parse_ebur128
from podcast_pipeline.errors import AudioError
from tests.support.audio_files import FFMPEG, ignore_progress, tone


def test_known_tone_is_measured(tmp_path: Path) -> None:
    """A 997 Hz tone of full scale in one channel is -3.0 LUFS, so one at -20 dBFS is -23.0."""
    path = tone(tmp_path / "a.wav", wave="0.1*sin(2*PI*997*t)", duration_s=5, rate_hz=48000)
    loudness = measure_loudness(path, duration_s=5, ffmpeg=FFMPEG, report=ignore_progress)
    assert loudness.integrated_lufs == pytest.approx(-23.0, abs=0.1)
    assert loudness.true_peak_dbtp == pytest.approx(-20.0, abs=0.1)


def test_stereo_is_three_louder(tmp_path: Path) -> None:
    """The same tone in both channels is 3 LU louder than in one."""
    both = "|".join(["0.1*sin(2*PI*997*t)"] * 2)
    path = tone(tmp_path / "a.wav", wave=both, duration_s=5, rate_hz=48000)
    loudness = measure_loudness(path, duration_s=5, ffmpeg=FFMPEG, report=ignore_progress)
    assert loudness.integrated_lufs == pytest.approx(-20.0, abs=0.1)


def test_peak_between_samples_is_seen(tmp_path: Path) -> None:
    """A tone at a quarter of the rate, sampled beside its tops, peaks 3 dB above its samples."""
    path = tone(tmp_path / "a.wav", wave="0.5*sin(PI/2*n+PI/4)*sin(PI*t/3)", duration_s=3, rate_hz=48000)
    loudness = measure_loudness(path, duration_s=3, ffmpeg=FFMPEG, report=ignore_progress)
    assert loudness.true_peak_dbtp == pytest.approx(-6.0, abs=0.2)


def test_log_without_summary_is_an_error() -> None:
    """A log without a summary is an error, not 0 LUFS."""
    with pytest.raises(AudioError, match="ebur128 printed no summary"):
        parse_ebur128("size=N/A time=00:00:03", Path("a.wav"))
