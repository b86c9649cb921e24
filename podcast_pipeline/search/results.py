"""Search results: hits, snippets and highlighting. Pure."""

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
MAX_SNIPPET_STARTS = 12  # starts of a snippet to compare


@dataclass(frozen=True)
class HighlightSpan:
    """A piece of text; `is_match` where it matches the query."""

    text: str
    is_match: bool = False


@dataclass(frozen=True)
class Snippet:
    """A few words around a match; the joined spans are a piece of the text.

    Attributes:
        is_cut_before, is_cut_after: whether the text continues there.
    """

    spans: tuple[HighlightSpan, ...]
    is_cut_before: bool
    is_cut_after: bool


@dataclass(frozen=True)
class PassageHit:
    """A passage that matches.

    Attributes:
        start_s: start of the sentence with the snippet's first match, in seconds of the media.
        speaker: a name, None for an unknown speaker.
    """

    start_s: float
    speaker: str | None
    snippet: Snippet


@dataclass(frozen=True)
class EpisodeHit:
    """An episode that matches, with its best passages.

    Attributes:
        notes: a snippet of the notes, None where the notes do not match.
        hits: the best passages.
        hit_count: number of matching passages.
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
        page: from 1.
        is_capped: whether older passages were not ranked, because too many newer ones match.
    """

    groups: tuple[EpisodeHit, ...]
    episode_count: int
    hit_count: int
    page: int
    page_count: int
    is_capped: bool


NO_RESULTS = SearchResults((), 0, 0, 1, 1, is_capped=False)


def highlight(text: str, query: Query) -> tuple[HighlightSpan, ...]:
    """Return all of a text, with the matches of the query marked."""
    pieces = split_words(text)
    words = list(map(fold_word, pieces[1::2]))
    return tuple(_spans(pieces, match_positions(words, query), range(len(words))))


def notes_snippet(notes: str, body: str, query: Query) -> Snippet | None:
    """Return a few words of the notes around the matches; None without a match.

    Args:
        body: the folded words of the episode's title, guests and notes.
    """
    words = body.split(FIELD_SEPARATOR, 2)[-1].split()
    matches = match_positions(words, query)
    if not matches:
        return None
    return _snippet(split_words(notes), matches, _best_start(words, matches))


def to_passage_hit(*, text: str, body: str, marks: str, speaker: str, query: Query) -> PassageHit:
    """Return the hit of a passage, given the columns of its row."""
    pieces = split_words(text)
    words = body.split()[: len(pieces) // 2]
    matches = match_positions(words, query)
    first = _best_start(words, matches)
    sentences = marks_from_text(marks)
    return PassageHit(
        start_s=sentences[bisect_right(sentences, (first, inf)) - 1][1],
        speaker=speaker or None,
        snippet=_snippet(pieces, matches, first),
    )


def match_positions(words: Sequence[str], query: Query) -> set[int]:
    """Return the positions of the words that match the query's terms."""
    return {end - n for term in query.terms for end in _ends(words, term) for n in range(len(term.words))}


def _ends(words: Sequence[str], term: QueryTerm) -> list[int]:
    """Return the position of the last word of each match of a term."""
    *whole, last = term.words
    before = len(whole)
    if term.is_prefix:
        ends = [position for position, word in enumerate(words) if word.startswith(last)]
    else:
        ends = [position for position, word in enumerate(words) if word == last]
    return [end for end in ends if end >= before and list(words[end - before : end]) == whole]


def _best_start(words: Sequence[str], matches: set[int]) -> int:
    """Return the position of the match with the most distinct matching words in a snippet that follows."""
    reach = WORDS_SHOWN - WORDS_BEFORE

    def count_distinct(start: int) -> int:
        return len({words[position] for position in matches if start <= position < start + reach})

    return max(sorted(matches)[:MAX_SNIPPET_STARTS], key=count_distinct, default=0)


def _snippet(pieces: Sequence[str], matches: set[int], first: int) -> Snippet:
    count = len(pieces) // 2
    window = _window(first, count)
    return Snippet(tuple(_spans(pieces, matches, window)), window.start > 0, window.stop < count)


def _window(first: int, count: int) -> range:
    """Return the positions of the words to show, of `count`, around the match at `first`."""
    begin = max(0, min(first - WORDS_BEFORE, count - WORDS_SHOWN))
    return range(begin, min(count, begin + WORDS_SHOWN))


def _spans(pieces: Sequence[str], matches: set[int], window: range) -> Iterator[HighlightSpan]:
    """Yield a window of the pieces of `split_words` as spans; adjacent matches are one span.

    The separators before the first word and after the last word of the text are included.
    """
    at = 2 * window.start + 1 if window.start else 0
    end = 2 * window.stop if 2 * window.stop + 1 < len(pieces) else len(pieces)
    for is_match, group in groupby(window, key=matches.__contains__):
        if is_match:
            positions = list(group)
            first, after = 2 * positions[0] + 1, 2 * positions[-1] + 2
            yield from _joined(pieces[at:first])
            yield HighlightSpan("".join(pieces[first:after]), is_match=True)
            at = after
    yield from _joined(pieces[at:end])


def _joined(pieces: Sequence[str]) -> Iterator[HighlightSpan]:
    text = "".join(pieces)
    if text:
        yield HighlightSpan(text)
