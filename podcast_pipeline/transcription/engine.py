"""What an engine must be able to do, and what all of them share. An engine knows windows, not files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from podcast_pipeline.model import Word
from podcast_pipeline.transcript.names.spelling import SpellingChecker
from podcast_pipeline.transcription.decode import Samples
from podcast_pipeline.transcription.weights import Weights
from podcast_pipeline.transcription.windows import SpeechWindow


@dataclass(frozen=True)
class EngineWord:
    """One word of a window; seconds from the window's first sample, as the engine gave them."""

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True)
class DecodingOptions:
    """How windows are to be heard.

    Attributes:
        language: ISO 639-1.
        beam_size: texts that are followed at once.
        prompt: names that may be said, as if they had been said before; "" for none.
        spelling: of words that an engine makes up; for one that can say how likely others are.
    """

    language: str
    beam_size: int
    prompt: str = ""
    spelling: SpellingChecker = field(default_factory=SpellingChecker)


class Engine(Protocol):
    """Whisper's weights in some library.

    Attributes:
        name: as in the table of engines.
        version: of the library.
        settings: what else changes its words (number type, device); part of the receipt.
        languages: ISO 639-1 codes; one of them when the weights are English-only.
        batch: how many windows one call of `hear` should get; the same on every machine.
        workers: how many threads may call `hear` at once.
    """

    name: str
    version: str
    weights: Weights
    settings: Mapping[str, str | int | float | bool | None]
    languages: frozenset[str]
    batch_size: int
    workers: int

    def detect_language(self, samples: Samples) -> str:
        """Return the language of a window."""

    def transcribe_windows(
        self, windows: Iterable[Samples], task: DecodingOptions
    ) -> list[tuple[EngineWord, ...]]:
        """Return the words of each window, the same for the same windows in every run.

        The windows may come one after the other, as they are cut.
        """


def to_recording_times(words: Iterable[EngineWord], window: SpeechWindow) -> tuple[Word, ...]:
    """Return a window's words in recording times that never go back and stay inside the window.

    An engine lets the first word after a pause begin in the pause, or too late: the voice detector says
    when somebody is heard.
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
