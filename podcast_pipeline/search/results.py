"""What a search found, and what of it is shown. Pure."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import inf
from uuid import UUID

from podcast_pipeline.search.normalize import fold_word, split_words
from podcast_pipeline.search.query import Query, QueryTerm
from podcast_pipeline.search.rows import FIELD_SEPARATOR, marks_from_text

WORDS_BEFORE, WORDS_SHOWN = 9, 34
MOST_STARTS = 12  # places for a snippet that are compared


@dataclass(frozen=True)
class HighlightSpan:
    """A piece of text; `is_match` where it is what was asked for."""

    text: str
    is_match: bool = False


@dataclass(frozen=True)
class Snippet:
    """A few words around what matches; the spans joined are a piece of the text.

    Attributes:
        is_cut_before, is_cut_after: whether the text goes on there.
    """

    spans: tuple[HighlightSpan, ...]
    is_cut_before: bool
    is_cut_after: bool


@dataclass(frozen=True)
class PassageHit:
    """A passage that matches.

    Attributes:
        start_s: where the sentence with the snippet's first match begins, in seconds of the media.
        speaker: a name, None where nobody is known.
    """

    start_s: float
    speaker: str | None
    snippet: Snippet


@dataclass(frozen=True)
class EpisodeHit:
    """An episode with what was found in it.

    Attributes:
        notes: a few words of the notes where these match.
        hits: the best passages.
        hit_count: how many match.
    """

    episode_id: UUID
    title: tuple[HighlightSpan, ...]
    guests: tuple[HighlightSpan, ...]
    notes: Snippet | None
    hits: tuple[PassageHit, ...] = ()
    hit_count: int = 0


@dataclass(frozen=True)
class SearchResults:
    """One page of results.

    Attributes:
        groups: the episodes of this page, the best first.
        page: counts from 1.
        is_capped: whether older passages were not looked at, because so many newer ones match.
    """

    groups: tuple[EpisodeHit, ...]
    episode_count: int
    hit_count: int
    page: int
    page_count: int
    is_capped: bool


NO_RESULTS = SearchResults((), 0, 0, 1, 1, is_capped=False)


def highlight(text: str, query: Query) -> tuple[HighlightSpan, ...]:
    """Return all of a text, with what was asked for marked."""
    pieces = split_words(text)
    said = list(map(fold_word, pieces[1::2]))
    return tuple(_spans(pieces, match_positions(said, query), range(len(said))))


def notes_snippet(notes: str, body: str, query: Query) -> Snippet | None:
    """Return a few words of the notes around what matches; None where nothing does.

    Args:
        body: the folded words of the episode's title, guests and notes.
    """
    said = body.split(FIELD_SEPARATOR, 2)[-1].split()
    found = match_positions(said, query)
    if not found:
        return None
    return _snippet(split_words(notes), found, _best_start(said, found))


def to_passage_hit(*, text: str, body: str, marks: str, speaker: str, query: Query) -> PassageHit:
    """Return a passage, given as its row keeps it, as a result shows it."""
    pieces = split_words(text)
    said = body.split()[: len(pieces) // 2]
    found = match_positions(said, query)
    first = _best_start(said, found)
    sentences = marks_from_text(marks)
    return PassageHit(
        start_s=sentences[bisect_right(sentences, (first, inf)) - 1][1],
        speaker=speaker or None,
        snippet=_snippet(pieces, found, first),
    )


def match_positions(said: Sequence[str], query: Query) -> set[int]:
    """Return the numbers of the words that the query's terms name."""
    return {place - n for term in query.terms for place in _ends(said, term) for n in range(len(term.words))}


def _ends(said: Sequence[str], term: QueryTerm) -> list[int]:
    """Return the numbers of the words that end a term."""
    *whole, last = term.words
    before = len(whole)
    if term.is_prefix:
        ends = [number for number, word in enumerate(said) if word.startswith(last)]
    else:
        ends = [number for number, word in enumerate(said) if word == last]
    return [end for end in ends if end >= before and list(said[end - before : end]) == whole]


def _best_start(said: Sequence[str], found: set[int]) -> int:
    """Return the number of the match from which on most different words that match can be shown."""
    reach = WORDS_SHOWN - WORDS_BEFORE

    def different(start: int) -> int:
        return len({said[number] for number in found if start <= number < start + reach})

    return max(sorted(found)[:MOST_STARTS], key=different, default=0)


def _snippet(pieces: Sequence[str], found: set[int], first: int) -> Snippet:
    count = len(pieces) // 2
    window = _window(first, count)
    return Snippet(tuple(_spans(pieces, found, window)), window.start > 0, window.stop < count)


def _window(first: int, count: int) -> range:
    """Return which of `count` words to show when the `first` is what matters."""
    begin = max(0, min(first - WORDS_BEFORE, count - WORDS_SHOWN))
    return range(begin, min(count, begin + WORDS_SHOWN))


def _spans(pieces: Sequence[str], found: set[int], window: range) -> Iterator[HighlightSpan]:
    """Yield some words of a text, in `words.parts`, as spans; words that match and follow one another as one.

    What stands before the first word and after the last one of the text belongs to it.
    """
    at = 2 * window.start + 1 if window.start else 0
    end = 2 * window.stop if 2 * window.stop + 1 < len(pieces) else len(pieces)
    for is_match, group in groupby(window, key=found.__contains__):
        if is_match:
            numbers = list(group)
            first, after = 2 * numbers[0] + 1, 2 * numbers[-1] + 2
            yield from _joined(pieces[at:first])
            yield HighlightSpan("".join(pieces[first:after]), is_match=True)
            at = after
    yield from _joined(pieces[at:end])


def _joined(pieces: Sequence[str]) -> Iterator[HighlightSpan]:
    text = "".join(pieces)
    if text:
        yield HighlightSpan(text)
