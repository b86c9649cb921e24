"""The best episodes among what matches, and the statement that picks their best passages.

The database matches and answers with one row of ids; who comes first is decided here, so alike on both.
SQLite gives Python's lock away for every row that is fetched: of twenty readers at once, each would wait for
the rows of the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import TextClause, TextualSelect, Uuid, bindparam, text

from podcast_pipeline.search.dialects import Matching, Source
from podcast_pipeline.search.rows import PLACE_BITS, PLACES

SATURATION, BY_LENGTH = 1.2, 0.75  # BM25's usual k1 and b, over passages instead of words
IN_TITLE, IN_GUESTS, IN_NOTES = 3.0, 2.0, 0.7  # what a term says for an episode that has it there
MOST_COUNTED = 4  # a word said ten times in a passage says no more than one said four times
CLOSE_TOGETHER = 3.0  # for the words as typed, one after another
EPISODES_ON_A_PAGE = 10

EPISODE = f"id >> {PLACE_BITS} << {PLACE_BITS}"  # the row of the episode that a passage is of


Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Shelf:
    """The episodes that may be named, by their rows, which rise.

    Attributes:
        lengths: how many passages each has.
    """

    rows: Numbers
    lengths: Numbers


@dataclass(frozen=True)
class Ranked:
    """The episodes that match, the best first and of equals the newest.

    Attributes:
        hits: how many passages of each match.
    """

    rows: Numbers
    hits: Numbers


@dataclass(frozen=True)
class Matched:
    """Ids of rows that match; they rise.

    Attributes:
        passages: the newest.
        episodes: those that match by title, guests and notes together.
        in_title, in_guests: of every term, the episodes that have it there.
    """

    passages: Numbers
    episodes: Numbers
    in_title: Sequence[Numbers]
    in_guests: Sequence[Numbers]

    def ranked(self, shelf: Shelf) -> Ranked:
        """Return what of a shelf matches, in order.

        Matching passages say 0 to 2.2 for an episode: many, in a long episode less. Title, guests and notes
        say 0 to 5.7.
        """
        start, end = (np.searchsorted(self.passages, rows) for rows in (shelf.rows, shelf.rows + PLACES))
        hits = end - start
        is_named = np.isin(shelf.rows, self.episodes)
        (found,) = np.nonzero((hits > 0) | is_named)
        score = _said(hits, shelf.lengths) + is_named * self._named(shelf.rows)
        best = found[np.lexsort((-shelf.rows[found], -score[found]))]
        return Ranked(shelf.rows[best], hits[best])

    def passages_of(self, row: int, most: int) -> list[int]:
        """Return the first passages of an episode that match."""
        start, end = np.searchsorted(self.passages, [row, row + PLACES])
        return list(map(int, self.passages[start : min(end, start + most)]))

    def _named(self, rows: Numbers) -> NDArray[np.float64]:
        """Return what title, guests and notes say for episodes that match by them."""
        places = [
            np.where(np.isin(rows, title), IN_TITLE, np.where(np.isin(rows, guests), IN_GUESTS, IN_NOTES))
            for title, guests in zip(self.in_title, self.in_guests, strict=True)
        ]
        return np.mean(places, axis=0) if places else np.zeros(len(rows))


def _said(hits: Numbers, lengths: Numbers) -> NDArray[np.float64]:
    """Return what passages that match say for their episodes."""
    usual = lengths[hits > 0].mean() if hits.any() else 1.0
    return hits * (SATURATION + 1) / (hits + SATURATION * (1 - BY_LENGTH + BY_LENGTH * lengths / usual))


@cache
def matching_rows(
    matching: Matching, sources: Sequence[Source], *, any_row: bool, terms: int
) -> TextualSelect:
    """Return a query for the ids that match, as text with commas: one row, and the edition of the index.

    The newest `:most` rows that match are looked at, so that the cost has a bound, whatever is asked.

    Args:
        sources: what is looked into; without "words" nothing of the answer depends on a transcript.
        any_row: no word is asked for; every row matches.
        terms: how many there are; each is bound as it stands in titles, `:title0`…, and in `:guests0`…
    """
    found = [_newest(matching, source, any_row=any_row) + f" AS {source}" for source in sources]
    named = [
        _gathered(matching, "titles", f"{field}{n}") + f" AS {field}{n}"
        for field in ("title", "guests")
        for n in range(terms)
    ]
    edition = "(SELECT edition FROM search_shows WHERE show_id = :show_id) AS edition"
    statement = text(f"SELECT {', '.join([edition, *found, *named])}")
    return statement.bindparams(bindparam("show_id", type_=Uuid)).columns(edition=Uuid)


@cache
def passages(matching: Matching, *, terms: int) -> TextClause:
    """Return a query for the best passages among `:ids`, `:most` of each episode, as they are said.

    Args:
        terms: how many there are; each is bound as `:term0`… with a space before it and, where it is a whole
            word, after it. With more than one, all of them together are bound as `:typed`.
    """
    return text(
        f"""
        SELECT p.id, p.speaker, p.text, p.marks, p.body FROM (
            SELECT id, row_number()
                OVER (PARTITION BY {EPISODE} ORDER BY {_counted(matching, terms)} DESC, id) AS rank
            FROM (SELECT id, ' ' || body || ' ' AS said FROM search_passages WHERE id IN ({matching.ids}))
                AS padded
        ) AS best JOIN search_passages AS p ON p.id = best.id WHERE best.rank <= :most ORDER BY p.id
        """  # noqa: S608 (of our own pieces; what was typed is bound)
    )


def _newest(matching: Matching, source: Source, *, any_row: bool) -> str:
    clause = "TRUE" if any_row else matching.clause.format(match=f"search_{source}", wanted="wanted")
    key = matching.key
    rows = (
        f"SELECT {key} AS id FROM search_{source} WHERE {clause} AND {key} BETWEEN :low AND :high "  # noqa: S608
        f"ORDER BY {key} DESC LIMIT :most"
    )
    return f"(SELECT {matching.gathered} FROM ({rows}) AS rows_of_{source})"  # noqa: S608


def _gathered(matching: Matching, source: Source, wanted: str) -> str:
    clause = matching.clause.format(match=f"search_{source}", wanted=wanted)
    rows = f"SELECT {matching.key} AS id FROM search_{source} WHERE {clause}"  # noqa: S608
    return f"(SELECT {matching.gathered} FROM ({rows}) AS rows_of_{wanted})"  # noqa: S608


def _counted(matching: Matching, terms: int) -> str:
    """Return the score of a passage, whose padded words are `said`."""
    counted = [
        f"{matching.least}({MOST_COUNTED}, "
        f"(length(said) - length(replace(said, :term{n}, ''))) / length(:term{n}))"
        for n in range(terms)
    ]
    if terms > 1:
        counted.append(f"CASE WHEN {matching.find}(said, :typed) > 0 THEN {CLOSE_TOGETHER} ELSE 0 END")
    return " + ".join(counted) or "0"
