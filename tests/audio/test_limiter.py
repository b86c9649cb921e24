"""What the limiter takes is computed before, as close as the meter reads."""

from pathlib import Path

import numpy as np
import pytest

from podcast_pipeline.audio.limiter import limiter_filter, limiter_loss_lu
from podcast_pipeline.audio.loudness import measure_loudness
from podcast_pipeline.audio.recording.levels import SoundOutline
from podcast_pipeline.audio.source import check_and_outline
from tests.support.audio_files import FFMPEG, SAMPLE, ignore_progress, make_audio


@pytest.mark.parametrize("gain_db", [6, 10, 14])
def test_the_loss_is_known_before(gain_db: int, tmp_path: Path) -> None:
    """Of speech with more and more gain the limiter takes what was computed, to a fifth of a unit."""
    _, outline = check_and_outline(SAMPLE, report=ignore_progress)
    filters = f"aresample=44100,volume={gain_db}dB,{limiter_filter(-2)}"
    limited = make_audio(tmp_path / "a.wav", "-i", str(SAMPLE), "-af", filters, "-c:a", "pcm_f32le")
    before, after = (
        measure_loudness(path, duration_s=71, ffmpeg=FFMPEG, report=ignore_progress).integrated_lufs
        for path in (SAMPLE, limited)
    )
    computed = limiter_loss_lu(outline, gain_db=gain_db, ceiling_dbfs=-2)
    assert computed == pytest.approx(before + gain_db - after, abs=0.2)


def test_nothing_is_taken_below_the_ceiling() -> None:
    """A recording whose peaks stay below the ceiling keeps its loudness; so does an empty one."""
    quiet = SoundOutline(np.full(100, 0.2, np.float32), np.full(100, 0.01, np.float32))
    empty = SoundOutline(np.zeros(0, np.float32), np.zeros(0, np.float32))
    assert limiter_loss_lu(quiet, gain_db=6, ceiling_dbfs=-1) == 0
    assert limiter_loss_lu(empty, gain_db=6, ceiling_dbfs=-1) == 0


def test_the_gain_comes_back_in_a_straight_line() -> None:
    """After a peak of twice the ceiling, 60 ms later nothing is taken."""
    peak = np.full(100, 0.1, np.float32)
    peak[50] = 2.0
    strokes = SoundOutline(peak, np.ones(100, np.float32))
    gains = [0.5, *(1 - 0.5 * (1 - n / 6) for n in range(1, 6))]
    expected = -10 * np.log10((94 + sum(gain**2 for gain in gains)) / 100)
    assert limiter_loss_lu(strokes, gain_db=0, ceiling_dbfs=0) == pytest.approx(expected, abs=1e-4)
