"""A recording in two languages through all steps, with an engine that takes quiet speech for French."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from pydantic import ValidationError

from podcast_pipeline.config import TranscriptionTable
from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.model import Transcript
from podcast_pipeline.pipeline.words.transcribe import settings_options
from podcast_pipeline.transcription import TranscriptionOptions
from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ, Samples
from podcast_pipeline.transcription.engine import DecodingOptions, EngineWord
from podcast_pipeline.transcription.language import language_remarks
from podcast_pipeline.transcription.style import FILLERS
from podcast_pipeline.transcription.transcriber import EngineTranscriber
from podcast_pipeline.transcription.weights import Weights
from tests.support.sounds import SAMPLE, ignore_progress, samples_of, silence, write_wav

QUIET = 0.1
PART_S = 12.0


class QuietFrench:
    """An engine that says in which language it transcribes, once a second."""

    name, version = "quiet-french", "1"
    weights = Weights("none", Path(), "0" * 64, Path())
    batch_size, workers = 2, 2
    settings: Mapping[str, str | int | float | bool | None] = MappingProxyType({})

    def __init__(self, *languages: str) -> None:
        self.languages = frozenset(languages)
        self.tasks: list[DecodingOptions] = []

    def language_probabilities(self, windows: Sequence[Samples]) -> list[Mapping[str, float]]:
        """Return the loud seconds as English, the quiet ones as French, and some Breton."""
        found: list[Mapping[str, float]] = []
        for window in windows:
            seconds = np.array_split(window, max(1, len(window) // SAMPLE_RATE_HZ))
            share = float(np.mean([np.abs(one).max() > QUIET for one in seconds]))
            found.append({"en": 0.5 * share, "fr": 0.5 * (1 - share), "br": 0.5})
        return found

    def transcribe_windows(
        self, windows: Iterable[Samples], task: DecodingOptions
    ) -> list[tuple[EngineWord, ...]]:
        """Return the language and the second as a word a second."""
        self.tasks.append(task)
        return [
            tuple(
                EngineWord(f" {task.language}{at}", at, at + 0.9, 0.9)
                for at in range(len(one) // SAMPLE_RATE_HZ)
            )
            for one in windows
        ]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a recording: loud, quiet, loud."""
    speech = samples_of(SAMPLE)[: int(PART_S * SAMPLE_RATE_HZ)]
    parts = [speech, silence(0.5), speech * QUIET, silence(0.5), speech]
    return write_wav(tmp_path_factory.mktemp("mixed") / "mixed.wav", np.concatenate(parts))


def transcribed(mixed: Path, cache: Path, engine: QuietFrench, options: TranscriptionOptions) -> Transcript:
    return EngineTranscriber(engine, cache=cache).transcribe(mixed, options=options, report=ignore_progress)


class Counting(QuietFrench):
    """An engine that counts the windows whose language it hears; it may be killed at one of them."""

    def __init__(self, *, killed_at: int = 10**9) -> None:
        super().__init__("en", "fr", "br")
        self.heard, self._killed_at = 0, killed_at

    def language_probabilities(self, windows: Sequence[Samples]) -> list[Mapping[str, float]]:
        """Return what it hears."""
        self.heard += len(windows)
        if self.heard >= self._killed_at:
            raise KeyboardInterrupt
        return super().language_probabilities(windows)


def test_no_language_is_heard_twice(mixed: Path, tmp_path: Path) -> None:
    """A run that was interrupted hears the rest; a damaged file is heard again; the words are the same."""
    options = TranscriptionOptions(languages=("fr", "en"))
    whole = Counting()
    transcript = transcribed(mixed, tmp_path / "whole", whole, options)
    cut, rest, again, other = Counting(killed_at=3), Counting(), Counting(), Counting()
    with pytest.raises(KeyboardInterrupt):
        transcribed(mixed, tmp_path / "cut", cut, options)
    assert transcribed(mixed, tmp_path / "cut", rest, options) == transcript
    assert rest.heard < whole.heard
    named = replace(options, names=("Ann Example",))
    transcribed(mixed, tmp_path / "cut", again, named)
    assert again.heard == 0
    for path in (tmp_path / "cut" / "languages").glob("*/*.json"):
        path.write_bytes(path.read_bytes().replace(b"0.", b"0.0"))
    assert transcribed(mixed, tmp_path / "cut", other, options) == transcript
    assert other.heard == whole.heard


def test_each_stretch_is_transcribed_in_its_language(mixed: Path, tmp_path: Path) -> None:
    """The transcript's language is the one that is spoken most, and the other segments have theirs."""
    options = TranscriptionOptions(languages=("fr", "en"))
    transcript = transcribed(mixed, tmp_path, QuietFrench("en", "fr", "br"), options)
    runs = [language for language, _ in groupby(segment.language for segment in transcript.segments)]
    assert (transcript.language, runs) == ("en", [None, "fr", None])
    for segment in transcript.segments:
        assert {word.text.strip()[:2] for word in segment.words} == {segment.language or "en"}
    french = [segment for segment in transcript.segments if segment.language]
    assert french[0].start_s == pytest.approx(PART_S + 0.5, abs=1.0)
    assert french[-1].end_s == pytest.approx(2 * PART_S + 0.5, abs=1.0)
    (line,) = language_remarks(transcript, decides="--language")
    assert line.startswith("is spoken in several languages: en for about 2")


def test_a_language_that_is_set_counts_before_the_list(mixed: Path, tmp_path: Path) -> None:
    """--language, or `language` in episode.toml, is an order."""
    engine = QuietFrench("en", "fr", "br")
    options = TranscriptionOptions(language="fr", languages=("en", "fr"))
    transcript = transcribed(mixed, tmp_path, engine, options)
    assert transcript.language == "fr"
    assert {segment.language for segment in transcript.segments} == {None}
    assert settings_options(
        TranscriptionTable(languages=("en", "fr")), language="fr", usual_language="en"
    ) == TranscriptionOptions(language="fr", usual_language="en")


def test_languages_are_spelled_as_whisper_spells_them() -> None:
    """Norwegian is `nb` in a feed and `no` in Whisper."""
    settings = TranscriptionTable(languages=("nb", "en"), style="verbatim")
    options = settings_options(settings, language=None, usual_language="no")
    assert (options.languages, options.style) == (("no", "en"), "verbatim")


def test_a_model_for_english_refuses_the_list(mixed: Path, tmp_path: Path) -> None:
    """tiny.en with a list is one clear line, before the work."""
    options = TranscriptionOptions(languages=("en", "fr"), usual_language="en")
    with pytest.raises(TranscriptionError, match="supports en only, not fr"):
        transcribed(mixed, tmp_path, QuietFrench("en"), options)


@pytest.mark.parametrize("table", [{"languages": ["en"]}, {"language": "en", "languages": ["en", "fr"]}])
def test_a_list_of_one_is_refused(table: dict[str, object]) -> None:
    """One language is `language`, and not beside a list."""
    with pytest.raises(ValidationError, match="either one `language`, or two or more `languages`"):
        TranscriptionTable.model_validate(table)


def test_verbatim_is_a_hint_in_the_language(mixed: Path, tmp_path: Path) -> None:
    """The text before a window hesitates, and words that do not exist are left as they are."""
    engine = QuietFrench("en", "fr", "br")
    options = TranscriptionOptions(languages=("en", "fr"), style="verbatim", names=("Ann",))
    transcript = transcribed(mixed, tmp_path, engine, options)
    assert {task.language: task.prompt for task in engine.tasks} == {
        name: FILLERS[name] for name in ("en", "fr")
    }
    assert not any(task.spelling.homophones("prophligacy", 0.1) for task in engine.tasks)
    assert transcript.receipt is not None
    assert transcript.receipt.options["style"] == "verbatim"
    assert transcript.receipt.options["languages"] == "en, fr"


def test_clean_has_no_hint(mixed: Path, tmp_path: Path) -> None:
    """As before; the receipt says it."""
    engine = QuietFrench("en", "fr", "br")
    transcript = transcribed(mixed, tmp_path, engine, TranscriptionOptions(language="en"))
    assert {task.prompt for task in engine.tasks} == {""}
    assert transcript.receipt is not None
    assert transcript.receipt.options["style"] == "clean"


class LoopingEngine(QuietFrench):
    """An engine that repeats itself after a text that hesitates."""

    def transcribe_windows(
        self, windows: Iterable[Samples], task: DecodingOptions
    ) -> list[tuple[EngineWord, ...]]:
        """Return a word a second, after a hint always the same one."""
        told = super().transcribe_windows(windows, task)
        return [tuple(replace(word, text=" uh") for word in words) for words in told] if task.prompt else told


def test_a_hint_that_makes_a_loop_is_left_out(mixed: Path, tmp_path: Path) -> None:
    """The passage is transcribed again without it, and nothing of it is doubtful."""
    options = TranscriptionOptions(language="en", style="verbatim")
    transcript = transcribed(mixed, tmp_path, LoopingEngine("en", "fr"), options)
    assert transcript.text.count("uh") <= 3  # a window of three seconds has no loop
    assert not any(segment.doubts for segment in transcript.segments)
