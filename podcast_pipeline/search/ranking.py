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

from podcast_pipeline.search.dialects import MatchTable, SqlDialect
from podcast_pipeline.search.rows import IDS_PER_EPISODE, POSITION_BITS

SATURATION, BY_LENGTH = 1.2, 0.75  # BM25's usual k1 and b, over passages instead of words
IN_TITLE, IN_GUESTS, IN_NOTES = 3.0, 2.0, 0.7  # what a term says for an episode that has it there
MOST_COUNTED = 4  # a word said ten times in a passage says no more than one said four times
CLOSE_TOGETHER = 3.0  # for the words as typed, one after another
EPISODES_PER_PAGE = 10

EPISODE = f"id >> {POSITION_BITS} << {POSITION_BITS}"  # the row of the episode that a passage is of


IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class SearchableEpisodes:
    """The episodes that may be named, by their rows, which rise.

    Attributes:
        lengths: how many passages each has.
    """

    rows: IntArray
    passage_counts: IntArray


@dataclass(frozen=True)
class RankedEpisodes:
    """The episodes that match, the best first and of equals the newest.

    Attributes:
        hits: how many passages of each match.
    """

    rows: IntArray
    hit_counts: IntArray


@dataclass(frozen=True)
class MatchingRows:
    """Ids of rows that match; they rise.

    Attributes:
        passages: the newest.
        episodes: those that match by title, guests and notes together.
        in_title, in_guests: of every term, the episodes that have it there.
    """

    passages: IntArray
    episodes: IntArray
    in_title: Sequence[IntArray]
    in_guests: Sequence[IntArray]

    def rank(self, searchable: SearchableEpisodes) -> RankedEpisodes:
        """Return what of a shelf matches, in order.

        Matching passages say 0 to 2.2 for an episode: many, in a long episode less. Title, guests and notes
        say 0 to 5.7.
        """
        start, end = (
            np.searchsorted(self.passages, rows)
            for rows in (searchable.rows, searchable.rows + IDS_PER_EPISODE)
        )
        hits = end - start
        is_named = np.isin(searchable.rows, self.episodes)
        (found,) = np.nonzero((hits > 0) | is_named)
        score = _said(hits, searchable.passage_counts) + is_named * self._named(searchable.rows)
        best = found[np.lexsort((-searchable.rows[found], -score[found]))]
        return RankedEpisodes(searchable.rows[best], hits[best])

    def passages_of(self, row: int, most: int) -> list[int]:
        """Return the first passages of an episode that match."""
        start, end = np.searchsorted(self.passages, [row, row + IDS_PER_EPISODE])
        return list(map(int, self.passages[start : min(end, start + most)]))

    def _named(self, rows: IntArray) -> NDArray[np.float64]:
        """Return what title, guests and notes say for episodes that match by them."""
        places = [
            np.where(np.isin(rows, title), IN_TITLE, np.where(np.isin(rows, guests), IN_GUESTS, IN_NOTES))
            for title, guests in zip(self.in_title, self.in_guests, strict=True)
        ]
        return np.mean(places, axis=0) if places else np.zeros(len(rows))


def _said(hits: IntArray, lengths: IntArray) -> NDArray[np.float64]:
    """Return what passages that match say for their episodes."""
    usual = lengths[hits > 0].mean() if hits.any() else 1.0
    return hits * (SATURATION + 1) / (hits + SATURATION * (1 - BY_LENGTH + BY_LENGTH * lengths / usual))


@cache
def match_statement(
    dialect: SqlDialect, sources: Sequence[MatchTable], *, any_row: bool, terms: int
) -> TextualSelect:
    """Return a query for the ids that match, as text with commas: one row, and the edition of the index.

    The newest `:most` rows that match are looked at, so that the cost has a bound, whatever is asked.

    Args:
        sources: what is looked into; without "words" nothing of the answer depends on a transcript.
        any_row: no word is asked for; every row matches.
        terms: how many there are; each is bound as it stands in titles, `:title0`…, and in `:guests0`…
    """
    found = [_newest(dialect, source, any_row=any_row) + f" AS {source}" for source in sources]
    named = [
        _gathered(dialect, "titles", f"{field}{n}") + f" AS {field}{n}"
        for field in ("title", "guests")
        for n in range(terms)
    ]
    edition = "(SELECT edition FROM search_shows WHERE show_id = :show_id) AS edition"
    statement = text(f"SELECT {', '.join([edition, *found, *named])}")
    return statement.bindparams(bindparam("show_id", type_=Uuid)).columns(edition=Uuid)


@cache
def best_passages_statement(dialect: SqlDialect, *, terms: int) -> TextClause:
    """Return a query for the best passages among `:ids`, `:most` of each episode, as they are said.

    Args:
        terms: how many there are; each is bound as `:term0`… with a space before it and, where it is a whole
            word, after it. With more than one, all of them together are bound as `:typed`.
    """
    return text(
        f"""
        SELECT p.id, p.speaker, p.text, p.marks, p.body FROM (
            SELECT id, row_number()
                OVER (PARTITION BY {EPISODE} ORDER BY {_counted(dialect, terms)} DESC, id) AS rank
            FROM (SELECT id, ' ' || body || ' ' AS said FROM search_passages
                  WHERE id IN ({dialect.ids_subquery}))
                AS padded
        ) AS best JOIN search_passages AS p ON p.id = best.id WHERE best.rank <= :most ORDER BY p.id
        """  # noqa: S608 (of our own pieces; what was typed is bound)
    )


def _newest(matching: SqlDialect, source: MatchTable, *, any_row: bool) -> str:
    clause = "TRUE" if any_row else matching.match_condition.format(match=f"search_{source}", wanted="wanted")
    key = matching.id_column
    rows = (
        f"SELECT {key} AS id FROM search_{source} WHERE {clause} AND {key} BETWEEN :low AND :high "  # noqa: S608
        f"ORDER BY {key} DESC LIMIT :most"
    )
    return f"(SELECT {matching.joined_ids} FROM ({rows}) AS rows_of_{source})"  # noqa: S608


def _gathered(matching: SqlDialect, source: MatchTable, wanted: str) -> str:
    clause = matching.match_condition.format(match=f"search_{source}", wanted=wanted)
    rows = f"SELECT {matching.id_column} AS id FROM search_{source} WHERE {clause}"  # noqa: S608
    return f"(SELECT {matching.joined_ids} FROM ({rows}) AS rows_of_{wanted})"  # noqa: S608


def _counted(matching: SqlDialect, terms: int) -> str:
    """Return the score of a passage, whose padded words are `said`."""
    counted = [
        f"{matching.least_function}({MOST_COUNTED}, "
        f"(length(said) - length(replace(said, :term{n}, ''))) / length(:term{n}))"
        for n in range(terms)
    ]
    if terms > 1:
        counted.append(
            f"CASE WHEN {matching.strpos_function}(said, :typed) > 0 THEN {CLOSE_TOGETHER} ELSE 0 END"
        )
    return " + ".join(counted) or "0"
