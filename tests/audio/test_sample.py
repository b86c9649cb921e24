"""The committed sample and the shipped notice agree with their descriptions."""

import tomllib
from hashlib import sha256

import pytest

from podcast_pipeline import config
from podcast_pipeline.audio import check_audio, measure_loudness, notice
from tests.support.audio_files import FFMPEG, SAMPLE, ignore_progress
from tests.support.paths import DATA, ROOT

REFERENCE = DATA / "sample" / "reference.txt"


def words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text.lower()).split()


def test_source_is_the_one_recorded() -> None:
    """episode.toml names the committed recording by its hash and its marks lie inside it."""
    episode = tomllib.loads((SAMPLE.parent / "episode.toml").read_text())
    duration_s = check_audio(SAMPLE, report=ignore_progress).duration_s
    assert episode["source_sha256"] == sha256(SAMPLE.read_bytes()).hexdigest()
    assert episode["slug"] == SAMPLE.parent.name
    assert all(chapter["start_s"] < duration_s for chapter in episode["chapters"])
    assert all(bite["start_s"] + bite["duration_s"] < duration_s for bite in episode["soundbites"])


def test_notes_quote_what_lies_behind_the_teaser() -> None:
    """The notes quote ten words in a row from after the teaser, and most of the text stays secret."""
    spoken = words(REFERENCE.read_text())
    teaser_words = config.load_config(ROOT, {}).access.teaser_words
    notes = " ".join(words((SAMPLE.parent / "notes.md").read_text()))
    runs = [at for at in range(len(spoken) - 9) if " ".join(spoken[at : at + 10]) in notes]
    assert runs
    assert min(runs) >= teaser_words
    assert len(spoken) - teaser_words - len(runs) > 100


def test_notice_is_as_long_and_loud_as_said() -> None:
    """The shipped notice is mono speech at the show's loudness, and DURATION_S is its length."""
    made = check_audio(notice.PATH, report=ignore_progress)
    heard = measure_loudness(notice.PATH, duration_s=made.duration_s, ffmpeg=FFMPEG, report=ignore_progress)
    assert made.duration_s == pytest.approx(notice.DURATION_S, abs=0.001)
    assert heard.integrated_lufs == pytest.approx(-19, abs=0.3)
    assert heard.true_peak_dbtp <= -1
