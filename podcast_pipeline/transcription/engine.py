"""The protocol of engines, and the conversion to recording times. Engines get windows, not files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from podcast_pipeline.model import Word
from podcast_pipeline.transcript.names.spelling import SpellingChecker
from podcast_pipeline.transcription.decode import Samples
from podcast_pipeline.transcription.weights import Weights
from podcast_pipeline.transcription.windows import SpeechWindow

CALCULATION = ("precision", "precision_reason")
"""Settings of an engine that depend on the processor. They are in the receipt and make no window anew."""


@dataclass(frozen=True)
class EngineWord:
    """One word of a window as the engine returned it; seconds from the window's first sample."""

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True)
class DecodingOptions:
    """How to transcribe windows.

    Attributes:
        language: ISO 639-1.
        beam_size: width of the beam search.
        prompt: the preceding text for the engine, of a style or of names that may occur; "" for none.
        spelling: finds homophones of words that do not exist; for engines that can compare their likelihood.
    """

    language: str
    beam_size: int
    prompt: str = ""
    spelling: SpellingChecker = field(default_factory=SpellingChecker)


class Engine(Protocol):
    """Whisper's weights in some library.

    Attributes:
        name: as in ENGINES.
        version: of the library.
        settings: other settings that change the words (device, number type and why); part of the receipt.
        languages: ISO 639-1 codes; a single one if the weights are English-only.
        batch_size: windows for one call of `transcribe_windows`; the same on every machine.
        workers: threads that may call `transcribe_windows` at once.
    """

    name: str
    version: str
    weights: Weights
    settings: Mapping[str, str | int | float | bool | None]
    languages: frozenset[str]
    batch_size: int
    workers: int

    def language_probabilities(self, windows: Sequence[Samples]) -> list[Mapping[str, float]]:
        """Return for each of at most `batch_size` windows the probability of each language."""

    def transcribe_windows(
        self, windows: Iterable[Samples], task: DecodingOptions
    ) -> list[tuple[EngineWord, ...]]:
        """Return the words of each window; the same windows give the same words in every run.

        The iterable may block until the next window is cut.
        """


def to_recording_times(words: Iterable[EngineWord], window: SpeechWindow) -> tuple[Word, ...]:
    """Return a window's words in recording times that never decrease and stay inside the window.

    Engines start the first word after a pause too early or too late: voice activity detection corrects that.
    """
    timed: list[Word] = []
    earliest = window.start_s
    for word in words:
        if not word.text.strip():
            continue
        start, end = window.trim_to_speech(
            window.to_recording_s(word.start_s), window.to_recording_s(word.end_s), earliest_s=earliest
        )
        start = min(max(start, earliest), window.end_s)
        end = min(max(end, start), window.end_s)
        timed.append(
            Word(text=word.text, start_s=start, end_s=end, confidence=min(max(word.confidence, 0), 1))
        )
        earliest = timed[-1].end_s
    return tuple(timed)
