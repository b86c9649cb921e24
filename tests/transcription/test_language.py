"""The language that is listened for, and what is said where another one is spoken."""

from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from podcast_pipeline.config import TranscriptionTable
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.episodes.table import EpisodeTable
from podcast_pipeline.model import Receipt, Segment, Transcript, Word
from podcast_pipeline.pipeline.words.transcribe import wanted_language
from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ, Samples
from podcast_pipeline.transcription.language import (
    OPENING_WINDOWS,
    find_spoken_language,
    language_remarks,
    other_language,
    other_language_options,
    whisper_code,
    with_unsure_doubt,
)
from podcast_pipeline.transcription.windows import SpeechWindow
from tests.support.configs import tiny_config


def window(language: int, duration_s: float = 20.0) -> SpeechWindow:
    """Return a window in which "en" (0) or "de" (1) is spoken."""
    samples = np.full(round(duration_s * SAMPLE_RATE_HZ), language, np.float32)
    return SpeechWindow(first_sample=0, samples=samples, speech=np.ones(1, np.float32))


def detect(samples: Samples) -> str:
    return ("en", "de")[int(samples[0])]


def spoken(languages: str, usual: str | None) -> str:
    """Return what is listened for where each window is in e(nglish) or d(eutsch)."""
    first, *others = [window("ed".index(letter)) for letter in languages]
    return find_spoken_language([first], iter(others), usual=usual, detect=detect)


@pytest.mark.parametrize(
    ("languages", "usual", "found"),
    [
        ("eedd", "de", "de"),  # a German show that opens in English
        ("eeeeeeed", "de", "de"),
        ("eeee", "de", "en"),  # a guest who speaks English throughout
        ("dddd", "en", "de"),  # `language` was never set
        ("dede", "de", "de"),
        ("ed", None, "en"),
        ("e" * OPENING_WINDOWS + "d", "de", "en"),
    ],
)
def test_the_shows_language_counts_unless_another_is_heard_throughout(
    languages: str, usual: str | None, found: str
) -> None:
    """An introduction in another language changes nothing; a whole opening in it does."""
    assert spoken(languages, usual) == found


def test_the_windows_that_were_listened_to_are_transcribed() -> None:
    """No window is lost to the detection."""
    opening, others = [window(0)], iter([window(0), window(1), window(0)])
    find_spoken_language(opening, others, usual="de", detect=detect)
    assert len(opening) + len([*others]) == 4


@pytest.mark.parametrize(
    ("confidence", "duration_s", "found"), [(0.4, 20, "de"), (0.9, 20, ""), (0.4, 3, ""), (None, 20, "de")]
)
def test_only_doubtful_windows_are_listened_to_again(
    confidence: float | None, duration_s: float, found: str
) -> None:
    """Long windows of low confidence, or without words, may be in another language."""
    words = [Word(text=" x", start_s=0, end_s=1, confidence=confidence)] if confidence else []
    assert other_language(window(1, duration_s), words, "en", detect) == found
    assert other_language(window(0, duration_s), words, "en", detect) == ""


def test_another_language_is_said_from_a_quarter_of_a_minute_on() -> None:
    """The seconds of all batches count together."""
    assert other_language_options([{"de": 9.0}, {"nn": 14.0}, {"de": 8.5}]) == {
        "other_language": "de",
        "other_language_s": 17.5,
    }
    assert other_language_options([{"nn": 14.9}, {}]) == {}


def remarks(spoken: str, /, **options: str | float) -> list[str]:
    receipt = Receipt(
        engine="e",
        engine_version="1",
        model="m",
        weights_sha256="0" * 64,
        audio_sha256="0" * 64,
        options=options,
    )
    transcript = Transcript(language=spoken, duration_s=9, receipt=receipt)
    return [*language_remarks(transcript, decides="--language")]


def test_a_multilingual_recording_is_said() -> None:
    """A line has the seconds and both languages; a recording in the show's language has none."""
    (line,) = remarks("de", usual_language="de", other_language="en", other_language_s=31.5)
    assert line.startswith("about 32 s of it sound like en; a transcript has one language, here de")
    (line,) = remarks("en", usual_language="de")
    assert line == (
        "is transcribed as en, which is heard from its begin on, not as de like the show; --language decides"
    )
    assert remarks("de", usual_language="de") == remarks("und", usual_language="de") == remarks("en") == []


def test_a_language_that_a_person_set_was_not_heard() -> None:
    """With --language, or `language` in episode.toml, no line says that it was heard or what decides."""
    assert remarks("de", language="de", usual_language="en") == []
    (line,) = remarks("de", language="de", usual_language="en", other_language="en", other_language_s=31.5)
    assert line.endswith("here de, so check the words there")


def said(confidence: float, count: int = 6) -> tuple[Segment, ...]:
    words = (Word(text=" x", start_s=at, end_s=at + 1, confidence=confidence) for at in range(count))
    return tuple(Segment(words=(word,)) for word in words)


@pytest.mark.parametrize(
    ("confidence", "count", "unsure"), [(0.6, 6, True), (0.8, 6, False), (0.3, 4, False), (0.3, 0, False)]
)
def test_a_recording_that_is_hardly_understood_is_said(
    confidence: float, count: int, *, unsure: bool
) -> None:
    """A model for English makes English of French: the words are few and guessed. One item is for review."""
    segments = with_unsure_doubt(said(confidence, count))
    assert [segment.doubts for segment in segments][:1] == ([("unsure",)] if unsure else [()][:count])
    assert not any(segment.doubts for segment in segments[1:])
    transcript = Transcript(language="en", duration_s=9, segments=segments)
    lines = [*language_remarks(transcript, decides="--language")]
    assert [line.startswith("is hardly understood: ") for line in lines] == [True] * unsure


@pytest.mark.parametrize(
    ("language", "code"), [("pt-BR", "pt"), ("nb", "no"), ("zh-Hant", "zh"), ("EN", "en"), ("fil", "tl")]
)
def test_a_language_is_spelled_as_whisper_spells_it(language: str, code: str) -> None:
    """Regions and scripts are left out, and a few codes are other ones."""
    assert whisper_code(language) == code


@pytest.mark.parametrize(
    ("episode", "transcription", "wanted"),
    [("de-AT", "fr", "de"), (None, "fr", "fr"), (None, None, None), ("nb", None, "no")],
)
def test_the_episodes_language_counts_before_the_shows(
    tmp_path: Path, episode: str | None, transcription: str | None, wanted: str | None
) -> None:
    """episode.toml comes before [transcription]."""
    table = EpisodeTable(id=uuid4(), guid="g", slug="talk", title="Talk", language=episode)
    folder = EpisodeFolder(tmp_path, table, "es")
    assert (
        wanted_language(
            folder,
            tiny_config(tmp_path, language="es", transcription=TranscriptionTable(language=transcription)),
        )
        == wanted
    )
