"""Parts of an MP3 are lowered without encoding it again."""

from pathlib import Path

import numpy as np
import pytest

from podcast_pipeline.audio.ffmpeg import BITEXACT
from podcast_pipeline.audio.loudness import Loudness, MeterReading, meter_while_written
from podcast_pipeline.audio.master import PLAIN_MP3
from podcast_pipeline.audio.mp3_gain import are_few, lower_parts, too_high
from tests.support.audio_files import FFMPEG, SAMPLE, make_audio, mp3_info, samples, tone

FORMS = {"mono": ("anull", "48k"), "stereo": ("pan=stereo|c0=c0|c1=-0.5*c0", "128k")}


def reading(*peaks_dbtp: float) -> MeterReading:
    """Return a reading whose parts have these peaks."""
    loudness = Loudness(integrated_lufs=-16, true_peak_dbtp=max(peaks_dbtp), range_lu=5)
    return MeterReading(loudness, peaks_dbtp)


@pytest.mark.parametrize("name", FORMS)
def test_a_part_is_lowered_by_whole_steps(name: str, tmp_path: Path) -> None:
    """All of a part falls by a step of 1.505 dB, or by two; what is 50 ms away keeps every sample."""
    filters, rate = FORMS[name]
    form = ("-t", "5", "-af", filters, "-ar", "44100", *PLAIN_MP3, *BITEXACT, "-b:a", rate)
    path = make_audio(tmp_path / "a.mp3", "-i", str(SAMPLE), *form)
    before, size_bytes = samples(path), path.stat().st_size
    lower_parts(path, {20: 1.2, 35: 1.6}, ffmpeg=FFMPEG)
    after, expected = samples(path), before.copy()
    for part, steps in ((20, 1), (35, 2)):
        inside = slice(part * 4410, (part + 1) * 4410)
        assert after[:, inside] == pytest.approx(before[:, inside] * 2 ** (-steps / 4), abs=1e-6)
        around = slice(part * 4410 - 2646, (part + 1) * 4410 + 1764)
        expected[:, around] = after[:, around]
    assert np.array_equal(after, expected)
    assert (path.stat().st_size, mp3_info(path).sketchy) == (size_bytes, False)
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp3"]


def test_nothing_falls_below_no_gain(tmp_path: Path) -> None:
    """Digital silence, whose gain may be none, stays silence."""
    path = tone(tmp_path / "a.mp3", wave="0", form=(*PLAIN_MP3, *BITEXACT, "-b:a", "96k"))
    lower_parts(path, {10: 500.0}, ffmpeg=FFMPEG)
    assert not samples(path).any()


def test_the_part_of_a_peak_is_known(tmp_path: Path) -> None:
    """Of a tone with a burst at 1.23 s the thirteenth part peaks highest, in either channel."""
    wave = "0.1*sin(2*PI*997*t)|0.1*sin(2*PI*997*t)+0.4*between(t\\,1.22\\,1.24)*sin(2*PI*997*t)"
    target = tmp_path / "a.mp3"
    with meter_while_written(target, ffmpeg=FFMPEG) as meter:
        tone(target, wave=wave, form=(*PLAIN_MP3, "-b:a", "320k"))
        parts = meter.finish().part_peaks_dbtp
    assert int(np.argmax(parts)) == 12
    assert parts[12] == pytest.approx(-6, abs=1)
    assert parts[20] == pytest.approx(-20.4, abs=0.5)


def test_parts_over_the_limit_are_found() -> None:
    """A part at the limit is right; one above it has its decibels."""
    over_db = too_high(reading(-3.0, -1.0, -0.4, float("-inf")), max_true_peak_dbtp=-1)
    assert over_db == {2: pytest.approx(0.6)}


@pytest.mark.parametrize(
    ("number", "of", "few"),
    [(0, 1000, False), (2, 10, True), (3, 10, False), (5, 1000, True), (6, 1000, False)],
)
def test_many_parts_need_another_ceiling(number: int, of: int, few: bool) -> None:
    """One in two hundred is few, two always are, and none are nothing to lower."""
    assert are_few(range(number), reading(*[-2.0] * of)) is few
