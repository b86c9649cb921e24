"""Split text into the units that are compared: words, or characters in scripts without spaces."""

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
    """The smallest part of a transcript that is kept, changed or deleted.

    Attributes:
        text: with a leading space if there is one.
        key: for comparison; see `comparison_key`.
        segment_index: index of its segment.
        source_words: the engine's words that the unit and `source_unit_count` - 1 neighbours come from.
        source_unit_index: index among these units, from 0.
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
    """Return whether units are equal but for an editor's automatic changes: curly quotes, dashes, NFC."""
    return _fold(one) == _fold(other)


@lru_cache(maxsize=1 << 16)
def comparison_key(text: str) -> str:
    """Return a unit without case and outer punctuation, for comparison."""
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
    """Return the units of a text, each with one leading space if any precedes it."""
    return tuple(
        (" " if match.start() > 0 and text[match.start() - 1].isspace() else "") + match[0]
        for match in UNIT.finditer(text)
    )


def comparison_keys(text: str) -> list[str]:
    """Return the comparison keys of a text's units."""
    return [comparison_key(unit) for unit in split_units(text)]


def units_of(transcript: Transcript) -> tuple[Unit, ...]:
    """Return a transcript's units in order."""
    return tuple(
        unit
        for index, segment in enumerate(transcript.segments)
        for group, texts in _word_groups(segment.words)
        for unit in _units(group, texts, index, segment.speaker)
    )


def _word_groups(words: tuple[Word, ...]) -> Iterator[tuple[tuple[Word, ...], tuple[str, ...]]]:
    """Yield the smallest groups of words that consist of whole units, with the units' texts."""
    group: list[Word] = []
    for number, word in enumerate(words):
        group.append(word)
        following = words[number + 1].text if number + 1 < len(words) else " "
        if not UNIT.fullmatch(word.text[-1] + following[0]):
            yield tuple(group), split_units("".join(word.text for word in group))
            group = []


def _units(
    group: tuple[Word, ...], texts: tuple[str, ...], segment: int, speaker: str | None
) -> Iterator[Unit]:
    confidence = min(word.confidence for word in group)
    spans = spread_times(texts, group[0].start_s, max(group[-1].end_s, group[0].start_s))
    for place, (text, (start_s, end_s)) in enumerate(zip(texts, spans, strict=True)):
        yield Unit(
            text, comparison_key(text), start_s, end_s, confidence, segment, speaker, group, place, len(texts)
        )


def spread_times(texts: tuple[str, ...], start_s: float, end_s: float) -> list[tuple[float, float]]:
    """Return (start, end) of each text between two times, in proportion to its length."""
    total = sum(len(text) for text in texts) or 1
    edges = [start_s]
    for text in texts:
        edges.append(edges[-1] + (end_s - start_s) * len(text) / total)
    return [(round(a, 3), round(b, 3)) for a, b in pairwise(edges)]


def with_leading_space(text: str) -> str:
    """Return a unit with a leading space, unless its script has none."""
    bare = text.strip()
    return bare if is_spaceless(bare) else f" {bare}"


def has_space(text: str) -> bool:
    """Return whether a unit has a leading space."""
    return text[:1].isspace()


def join_units(units: Iterable[str]) -> str:
    """Return units as running text, with a space between two that would become one unit."""
    text = ""
    for unit in units:
        merges = text and UNIT.fullmatch(text[-1] + unit[0])
        text += f" {unit}" if merges else unit
    return text.strip()
