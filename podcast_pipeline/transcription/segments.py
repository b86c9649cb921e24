"""Group words into segments: whole sentences, or phrases where the engine wrote no full stop."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from types import MappingProxyType

from podcast_pipeline.model import Segment, Word
from podcast_pipeline.transcript.text.sentences import ends_sentence

CAPITAL_PAUSE_S = 1.0  # begins a new phrase if the next word has a capital
MAX_SEGMENT_S = 45.0  # longer segments are split at their longest pause


def to_segments(
    words: Iterable[Word],
    doubts: Mapping[int, str] = MappingProxyType({}),
    *,
    language: str = "",
    others: Mapping[int, str] = MappingProxyType({}),
) -> tuple[Segment, ...]:
    """Return the words as segments, each a sentence where the engine wrote punctuation, in one language.

    Args:
        doubts: place in `words` -> the reason why that word is doubtful.
        language: of the words; empty where it is not known.
        others: place in `words` -> the language of that word, where it is another one.
    """
    groups: list[list[Word]] = []
    for place, word in enumerate(words):
        own = others.get(place)
        if groups and own == others.get(place - 1) and not _ends(groups[-1][-1], word, own or language):
            groups[-1].append(word)
        else:
            groups.append([word])
    parts = [part for group in groups for part in _split_long(group)]
    firsts = accumulate(map(len, parts), initial=0)
    return tuple(
        Segment(
            words=tuple(part),
            doubts=_doubts_of(doubts, first, len(part)),
            language=others.get(first),
        )
        for first, part in zip(firsts, parts, strict=False)
    )


def _doubts_of(doubts: Mapping[int, str], first: int, length: int) -> tuple[str, ...]:
    found = (doubts[place] for place in range(first, first + length) if place in doubts)
    return tuple(dict.fromkeys(found))


def _ends(word: Word, following: Word, language: str) -> bool:
    pause_s = following.start_s - word.end_s
    if pause_s >= CAPITAL_PAUSE_S and following.text.lstrip()[:1].isupper():
        return True
    return ends_sentence(word.text, following.text, pause_s=pause_s, language=language)


def _split_long(words: Sequence[Word]) -> list[Sequence[Word]]:
    if len(words) < 2 or words[-1].end_s - words[0].start_s <= MAX_SEGMENT_S:
        return [words]
    pauses = [after.start_s - before.end_s for before, after in pairwise(words)]
    middle = (len(words) - 1) / 2
    where = max(range(len(pauses)), key=lambda i: (pauses[i], -abs(i + 1 - middle))) + 1
    return [*_split_long(words[:where]), *_split_long(words[where:])]
