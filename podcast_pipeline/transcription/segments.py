"""Group words into segments: whole sentences, or phrases where the engine wrote no full stop."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from types import MappingProxyType

from podcast_pipeline.model import Segment, Word

PAUSE_S = 2.0  # begins a new phrase, with or without a full stop
CAPITAL_PAUSE_S = 1.0  # begins a new phrase if the next word has a capital
MAX_SEGMENT_S = 45.0  # longer segments are split at their longest pause
END = re.compile(r"[.!?…。！？؟۔।][\"'”’»」』)\]]*$")
NOT_AN_END = re.compile(
    r"^[\"'“‘«(\[]*(?:(?:\w\.)+|(?:mr|mrs|ms|dr|prof|st|sen|rep|gov|gen|col|lt|sgt|capt|rev|hon|jr|sr|vs|etc|"
    r"mme|mlle|sra|srta|ing|z\.b|d\.h|bzw|usw)\.)$",
    re.IGNORECASE,
)


def to_segments(
    words: Iterable[Word], doubts: Mapping[int, str] = MappingProxyType({})
) -> tuple[Segment, ...]:
    """Return the words as segments, each a sentence where the engine wrote punctuation.

    Args:
        doubts: place in `words` -> the reason why that word is doubtful.
    """
    groups: list[list[Word]] = []
    for word in words:
        if groups and not _ends(groups[-1][-1], word):
            groups[-1].append(word)
        else:
            groups.append([word])
    parts = [part for group in groups for part in _split_long(group)]
    firsts = accumulate(map(len, parts), initial=0)
    return tuple(
        Segment(words=tuple(part), doubts=_doubts_of(doubts, first, len(part)))
        for first, part in zip(firsts, parts, strict=False)
    )


def _doubts_of(doubts: Mapping[int, str], first: int, length: int) -> tuple[str, ...]:
    found = (doubts[place] for place in range(first, first + length) if place in doubts)
    return tuple(dict.fromkeys(found))


def _ends(word: Word, following: Word) -> bool:
    text, first = word.text.strip(), following.text.strip()[:1]
    if following.start_s - word.end_s >= (CAPITAL_PAUSE_S if first.isupper() else PAUSE_S):
        return True
    return bool(END.search(text)) and not NOT_AN_END.search(text) and not first.islower()


def _split_long(words: Sequence[Word]) -> list[Sequence[Word]]:
    if len(words) < 2 or words[-1].end_s - words[0].start_s <= MAX_SEGMENT_S:
        return [words]
    pauses = [after.start_s - before.end_s for before, after in pairwise(words)]
    middle = (len(words) - 1) / 2
    where = max(range(len(pauses)), key=lambda i: (pauses[i], -abs(i + 1 - middle))) + 1
    return [*_split_long(words[:where]), *_split_long(words[where:])]
