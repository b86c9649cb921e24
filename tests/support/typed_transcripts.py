"""A transcript as somebody might have typed it: words changed, lost and added, or a chapter cut."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from random import Random

from podcast_pipeline.model import Segment, Transcript, Word
from podcast_pipeline.transcript.edits.units import Unit, units_of
from tests.support.paths import ROOT

INTRODUCTION = (
    "In this conversation which we have shortened for print our correspondent meets the keeper of an archive"
    " that nobody knew existed until last winter. They speak about paper and about patience."
)
RECOGNISED = ROOT / "tests/data/typed/judith.tsv"
WORD_S, PAUSE_S = 0.28, 0.06


@dataclass(frozen=True)
class TypedWords:
    """The words that somebody typed.

    Attributes:
        origins: of each word its index among the recognised units; None for an added one.
    """

    words: tuple[str, ...]
    origins: tuple[int | None, ...]

    @property
    def text(self) -> str:
        """The words as a file without speakers."""
        return " ".join(self.words)


def recognised_words() -> Transcript:
    """Return what Whisper `base` recognised in eight minutes of a book that is read aloud."""
    rows = [line.split("\t") for line in RECOGNISED.read_text(encoding="utf-8").splitlines()]
    segments = tuple(
        Segment(words=tuple(Word(text=f" {w}", start_s=float(a), end_s=float(b)) for _, a, b, w in group))
        for _, group in groupby(rows, key=lambda row: row[0])
    )
    return Transcript(language="en", duration_s=segments[-1].end_s, segments=segments)


def typed_from(
    transcript: Transcript, seed: int, *, share: float, cut: range = range(0), introduction: str = ""
) -> TypedWords:
    """Return a typed transcript of recognised words.

    Args:
        seed: decides which words.
        share: of the words, a third of them each changed, lost, and followed by an added one.
        cut: units that were left out on purpose.
        introduction: text before the first word that nobody said.
    """
    units, random = units_of(transcript), Random(seed)
    pairs: list[tuple[str, int | None]] = [(word, None) for word in introduction.split()]
    for i, unit in enumerate(units):
        if i not in cut:
            pairs.extend(_variants(unit.text.strip(), i, units, random, share))
    return TypedWords(tuple(word for word, _ in pairs), tuple(origin for _, origin in pairs))


def _variants(
    text: str, i: int, units: Sequence[Unit], random: Random, share: float
) -> Iterator[tuple[str, int | None]]:
    throw = random.random() / share
    if throw >= 1:
        yield text, i
    elif throw < 1 / 3:
        yield _misspelt(text, random) if random.random() < 0.5 else random.choice(units).text.strip(), i
    elif throw > 2 / 3:
        yield text, i
        yield random.choice(units).text.strip(), None


def _misspelt(text: str, random: Random) -> str:
    at = random.randrange(len(text))
    return text[:at] + random.choice("aeioustn") + text[at + 1 :]


def share_in_time(typed: TypedWords, timed: Transcript, heard: Transcript, *, within_s: float = 0.3) -> float:
    """Return the share of the words that were heard whose times are those of the recognised words."""
    units, recognised = units_of(timed), units_of(heard)
    assert len(units) == len(typed.words)
    off_s = [
        abs(unit.start_s - recognised[origin].start_s)
        for unit, origin in zip(units, typed.origins, strict=True)
        if origin is not None
    ]
    return sum(one <= within_s for one in off_s) / len(off_s)


def long_interview(seed: int, texts: Sequence[str], words: int) -> Transcript:
    """Return a made-up transcript that has each word after one that it follows in real speech."""
    random, following = Random(seed), dict[str, list[str]]()
    for one, other in pairwise(" ".join(texts).split()):
        following.setdefault(one, []).append(other)
    segments, word, at_s = [], random.choice(list(following)), 0.0
    for _ in range(words // 20):
        said = []
        for _ in range(20):
            word = random.choice(following.get(word) or list(following))
            said.append(Word(text=f" {word}", start_s=at_s, end_s=at_s + WORD_S, confidence=0.9))
            at_s += WORD_S + PAUSE_S
        segments.append(Segment(words=tuple(said)))
    return Transcript(language="en", duration_s=at_s, segments=tuple(segments))
