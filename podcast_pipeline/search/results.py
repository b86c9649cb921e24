"""Search results: hits, snippets and highlighting. Pure."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile
from math import inf
from uuid import UUID

from podcast_pipeline.search.normalize import fold_word, split_words
from podcast_pipeline.search.query import Query, QueryTerm
from podcast_pipeline.search.rows import marks_from_text
from podcast_pipeline.search.stems import STEM_MARK, has_stem

WORDS_BEFORE, WORDS_SHOWN = 9, 34
SHORTEST_BEGINNING = 4  # characters that two forms of a word share; fewer would mark other words
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
        topics: those of the episode, with commas.
        notes: a snippet of the notes, None where the notes do not match.
        teaser: a snippet of the public first words, None where they do not match or passages do.
        hits: the best passages.
        hit_count: number of matching passages.
    """

    episode_id: UUID
    title: tuple[HighlightSpan, ...]
    guests: tuple[HighlightSpan, ...]
    topics: tuple[HighlightSpan, ...]
    notes: Snippet | None
    teaser: Snippet | None = None
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
    """Return all of a title or of names, with the matches marked; the last word may be a beginning."""
    pieces = split_words(text)
    words = pieces[1::2]
    return tuple(_spans(pieces, match_positions(words, query, has_beginnings=True), range(len(words))))


def field_snippet(text: str, query: Query) -> Snippet | None:
    """Return a few words of the notes or the teaser around the matches; None without a match."""
    pieces = split_words(text)
    matches = match_positions(pieces[1::2], query)
    return _snippet(pieces, matches, _best_start(pieces[1::2], matches)) if matches else None


def to_passage_hit(*, text: str, marks: str, speaker: str, query: Query) -> PassageHit:
    """Return the hit of a passage, given the columns of its row."""
    pieces = split_words(text)
    matches = match_positions(pieces[1::2], query)
    first = _best_start(pieces[1::2], matches)
    sentences = marks_from_text(marks)
    return PassageHit(
        start_s=sentences[bisect_right(sentences, (first, inf)) - 1][1],
        speaker=speaker or None,
        snippet=_snippet(pieces, matches, first),
    )


def words_to_find(snippet: Snippet, query: Query) -> str:
    """Return what marks a snippet's words on the episode's page, which compares letters and not stems.

    That is the words as they were said; of another form of a word that was asked for, what both begin with.
    """
    said = dict.fromkeys(span.text for span in snippet.spans if span.is_match)
    asked = [term.words[0] for term in query.terms if len(term.words) == 1]
    return " ".join(dict.fromkeys(_common_beginning(text, asked) for text in said))


def _common_beginning(said: str, asked: Sequence[str]) -> str:
    word = fold_word(said)
    if " " in said or len(word) != len(said):  # a phrase; a letter like æ, which folds to two
        return said
    shared = max((_shared_length(word, other) for other in asked), default=0)
    return (said[:shared] if shared >= SHORTEST_BEGINNING else said).lower()


def _shared_length(one: str, other: str) -> int:
    """Return how many characters two words begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def match_positions(words: Sequence[str], query: Query, *, has_beginnings: bool = False) -> set[int]:
    """Return the positions of the words, as written, that match the query's terms.

    Args:
        has_beginnings: whether the query's last word matches words that begin with it.
    """
    folded = list(map(fold_word, words))
    found: set[int] = set()
    for term in query.terms:
        is_prefix = term.is_prefix or (has_beginnings and term.is_last)
        found |= {end - n for end in _ends(folded, term, is_prefix=is_prefix) for n in range(len(term.words))}
        found |= _other_forms(words, term)
    return found


def _ends(words: Sequence[str], term: QueryTerm, *, is_prefix: bool) -> list[int]:
    """Return the position of the last word of each match of a term."""
    *whole, last = term.words
    before = len(whole)
    if is_prefix:
        ends = [position for position, word in enumerate(words) if word.startswith(last)]
    else:
        ends = [position for position, word in enumerate(words) if word == last]
    return [end for end in ends if end >= before and list(words[end - before : end]) == whole]


def _other_forms(words: Sequence[str], term: QueryTerm) -> set[int]:
    """Return the positions of the words that match a term by a stem, in any of its languages."""
    if not term.stems:
        return set()
    stems = {stem.rpartition(STEM_MARK)[2] for stem in term.stems}
    languages = {token.split(STEM_MARK)[0] for token in term.stems if STEM_MARK in token}
    return {position for position, word in enumerate(words) if has_stem(word, stems, languages)}


def _best_start(words: Sequence[str], matches: set[int]) -> int:
    """Return the position of the match with the most distinct matching words in a snippet that follows."""
    reach, folded = WORDS_SHOWN - WORDS_BEFORE, list(map(fold_word, words))

    def count_distinct(start: int) -> int:
        return len({folded[position] for position in matches if start <= position < start + reach})

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
