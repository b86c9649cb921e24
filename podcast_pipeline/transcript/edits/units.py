"""A text as the units that are compared: words where there are spaces, characters where there are none."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from podcast_pipeline.model import Transcript, Word
from podcast_pipeline.transcript.text.scripts import SPACELESS, is_spaceless

UNIT = re.compile(rf"[{SPACELESS}]|[^\s{SPACELESS}]+")
TYPOGRAPHY_TO_ASCII = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "′": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'}
    | {"–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-"}
)


@dataclass(frozen=True)
class Unit:
    """A piece of a transcript that is kept, changed or deleted as one.

    Attributes:
        text: with the space before it where there is one.
        key: what it is compared by; see `key_of`.
        segment: index of the segment it is in.
        cell: the words it stands for together with `cell_units` - 1 neighbours.
        place: which of the cell's units it is, from 0.
    """

    text: str
    key: str
    start_s: float
    end_s: float
    confidence: float
    segment_index: int
    speaker: str | None
    source_words: tuple[Word, ...]
    source_unit_index: int
    source_unit_count: int

    def word(self) -> Word:
        """Return the unit as a word of its own."""
        return Word(text=self.text, start_s=self.start_s, end_s=self.end_s, confidence=self.confidence)


def equal_ignoring_typography(one: str, other: str) -> bool:
    """Tell whether two units differ only in what an editor changes by itself: curly quotes, dashes, NFC."""
    return _fold(one) == _fold(other)


@lru_cache(maxsize=1 << 16)
def comparison_key(text: str) -> str:
    """Return a unit without case and outer punctuation, as it is compared."""
    folded = _fold(text).casefold()
    return _strip(folded) or folded


@lru_cache(maxsize=1 << 16)
def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFC", text.strip()).translate(TYPOGRAPHY_TO_ASCII)
    plain = plain.replace("--", "-").replace("…", "...")
    return "".join(c for c in plain if unicodedata.category(c) != "Cf") or plain


def _strip(text: str) -> str:
    start, end = 0, len(text)
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not (text[end - 1].isalnum() or unicodedata.category(text[end - 1])[0] == "M"):
        end -= 1
    return text[start:end]


def split_units(text: str) -> tuple[str, ...]:
    """Return a text's units, each with one space before it where it has any."""
    return tuple(
        (" " if match.start() > 0 and text[match.start() - 1].isspace() else "") + match[0]
        for match in UNIT.finditer(text)
    )


def comparison_keys(text: str) -> list[str]:
    """Return a text's units as they are compared."""
    return [comparison_key(unit) for unit in split_units(text)]


def units_of(transcript: Transcript) -> tuple[Unit, ...]:
    """Return a transcript's units in order."""
    return tuple(
        unit
        for index, segment in enumerate(transcript.segments)
        for cell, texts in _cells(segment.words)
        for unit in _units(cell, texts, index, segment.speaker)
    )


def _cells(words: tuple[Word, ...]) -> Iterator[tuple[tuple[Word, ...], tuple[str, ...]]]:
    """Yield the fewest words at a time that hold whole units, with the units' texts."""
    cell: list[Word] = []
    for number, word in enumerate(words):
        cell.append(word)
        following = words[number + 1].text if number + 1 < len(words) else " "
        if not UNIT.fullmatch(word.text[-1] + following[0]):
            yield tuple(cell), split_units("".join(word.text for word in cell))
            cell = []


def _units(
    cell: tuple[Word, ...], texts: tuple[str, ...], segment: int, speaker: str | None
) -> Iterator[Unit]:
    confidence = min(word.confidence for word in cell)
    spans = spread_times(texts, cell[0].start_s, max(cell[-1].end_s, cell[0].start_s))
    for place, (text, (start_s, end_s)) in enumerate(zip(texts, spans, strict=True)):
        yield Unit(
            text, comparison_key(text), start_s, end_s, confidence, segment, speaker, cell, place, len(texts)
        )


def spread_times(texts: tuple[str, ...], start_s: float, end_s: float) -> list[tuple[float, float]]:
    """Return a time for each text between two times, by its length."""
    total = sum(len(text) for text in texts) or 1
    edges = [start_s]
    for text in texts:
        edges.append(edges[-1] + (end_s - start_s) * len(text) / total)
    return [(round(a, 3), round(b, 3)) for a, b in pairwise(edges)]


def with_leading_space(text: str) -> str:
    """Return a unit as it stands at the beginning of a sentence: with a space where its script has them."""
    bare = text.strip()
    return bare if is_spaceless(bare) else f" {bare}"


def join_units(units: Iterable[str]) -> str:
    """Return units as running text; two that would melt into one get a space."""
    text = ""
    for unit in units:
        melts = text and UNIT.fullmatch(text[-1] + unit[0])
        text += f" {unit}" if melts else unit
    return text.strip()
