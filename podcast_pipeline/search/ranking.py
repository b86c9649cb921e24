"""Ranks the matching episodes (BM25 over passages), and selects their best passages.

The database returns one row with all matching ids; the ranking here is the same on both databases. SQLite
releases Python's lock for every fetched row: with twenty concurrent readers, each would wait for the rows of
the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import TextClause, TextualSelect, Uuid, bindparam, text

from podcast_pipeline.search.dialects import MatchTable, SqlDialect
from podcast_pipeline.search.rows import IDS_PER_EPISODE, POSITION_BITS

BM25_K1, BM25_B = 1.2, 0.75  # the usual values, over passages instead of words
IN_TITLE, IN_NAMES, IN_NOTES = 3.0, 2.0, 0.7  # score of a term that matches there
STEM_WEIGHT = 0.5  # of a passage that matches by another form of a word
MAX_COUNTED = 4  # occurrences of a term in a passage; more do not raise its score
PHRASE_SCORE = 3.0  # for the words as typed, one after another
EPISODES_PER_PAGE = 10

EPISODE = f"id >> {POSITION_BITS} << {POSITION_BITS}"  # the row of a passage's episode


IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class SearchableEpisodes:
    """The episodes that results may list, by their rows, in order; int64, shape (n_episodes,).

    Attributes:
        passage_counts: number of passages of each episode.
    """

    rows: IntArray
    passage_counts: IntArray


@dataclass(frozen=True)
class RankedEpisodes:
    """The matching episodes, the best first, ties newest first; int64, shape (n_matches,).

    Attributes:
        hit_counts: number of matching passages of each episode.
    """

    rows: IntArray
    hit_counts: IntArray


@dataclass(frozen=True)
class MatchingRows:
    """Ids of matching rows, in order.

    Attributes:
        passages: the newest, by any form of the words.
        exact_passages: the newest with the words as typed.
        episodes: those whose own text (title, guests, notes, topics, teaser) matches.
        exact_episodes: those whose own text has the words as typed.
        in_title, in_names: for every term, the episodes with a match there; names are guests and topics.
    """

    passages: IntArray
    exact_passages: IntArray
    episodes: IntArray
    exact_episodes: IntArray
    in_title: Sequence[IntArray]
    in_names: Sequence[IntArray]

    def rank(self, searchable: SearchableEpisodes) -> RankedEpisodes:
        """Return the searchable episodes that match, the best first.

        Those with the words as typed come before those with other forms of them. Then an episode scores 0 to
        2.2 for its matching passages, less for a long episode, and 0 to 5.7 for its own text.
        """
        rows = searchable.rows
        hits, exact_hits = _counts(self.passages, rows), _counts(self.exact_passages, rows)
        is_in_fields = np.isin(rows, self.episodes)
        (matches,) = np.nonzero((hits > 0) | is_in_fields)
        is_exact = (exact_hits > 0) | np.isin(rows, self.exact_episodes)
        weight = exact_hits + STEM_WEIGHT * (hits - exact_hits)
        score = _passage_score(weight, searchable.passage_counts) + is_in_fields * self._field_score(rows)
        best = matches[np.lexsort((-rows[matches], -score[matches], ~is_exact[matches]))]
        return RankedEpisodes(rows[best], hits[best])

    def with_passages_of(self, rows: IntArray) -> "MatchingRows":
        """Return the rows without the passages of other episodes."""

        def of_rows(passages: IntArray) -> IntArray:
            return passages[np.isin(passages >> POSITION_BITS << POSITION_BITS, rows)]

        return replace(self, passages=of_rows(self.passages), exact_passages=of_rows(self.exact_passages))

    def passages_of(self, row: int, most: int) -> list[int]:
        """Return an episode's first `most` matching passages, those with the words as typed before others."""
        exact, loose = (_between(ids, row) for ids in (self.exact_passages, self.passages))
        others = np.setdiff1d(loose, exact, assume_unique=True)
        return list(map(int, np.concatenate((exact[:most], others))[:most]))

    def _field_score(self, rows: IntArray) -> NDArray[np.float64]:
        """Return the score of each episode for title, guests and notes, the mean over the terms."""
        scores = [
            np.where(np.isin(rows, title), IN_TITLE, np.where(np.isin(rows, names), IN_NAMES, IN_NOTES))
            for title, names in zip(self.in_title, self.in_names, strict=True)
        ]
        return np.mean(scores, axis=0) if scores else np.zeros(len(rows))


def _counts(passages: IntArray, rows: IntArray) -> IntArray:
    """Return how many of the passages each episode has."""
    first, after = (np.searchsorted(passages, edge) for edge in (rows, rows + IDS_PER_EPISODE))
    return after - first


def _between(passages: IntArray, row: int) -> IntArray:
    first, after = np.searchsorted(passages, [row, row + IDS_PER_EPISODE])
    return passages[first:after]


def _passage_score(hits: NDArray[np.float64], passage_counts: IntArray) -> NDArray[np.float64]:
    """Return the BM25 score of each episode for its matching passages."""
    mean_count = passage_counts[hits > 0].mean() if hits.any() else 1.0
    return hits * (BM25_K1 + 1) / (hits + BM25_K1 * (1 - BM25_B + BM25_B * passage_counts / mean_count))


@dataclass(frozen=True)
class MatchColumn:
    """A column of `match_statement`: the newest ids of `source` that match the expression `:in_<name>`.

    Attributes:
        has_pairs: whether the rows must also have the pairs of words bound to `:pairs`.
    """

    name: str
    source: MatchTable
    has_pairs: bool = False


@cache
def match_statement(
    dialect: SqlDialect, columns: Sequence[MatchColumn], *, any_row: bool, terms: int
) -> TextualSelect:
    """Return a query for the matching ids, as text with commas, and the edition of the index: one row.

    Only the newest `:most` matching rows are read, so that the cost of every query is bounded.

    Args:
        columns: without one of "words" no part of the result depends on a transcript.
        any_row: the query has no words; every row matches.
        terms: number of terms, bound as match expressions `:title0`… and `:names0`…
    """
    newest = [_newest_ids(dialect, column, any_row=any_row) + f" AS {column.name}" for column in columns]
    by_field = [
        _matching_ids(dialect, "titles", f"{field}{n}") + f" AS {field}{n}"
        for field in ("title", "names")
        for n in range(terms)
    ]
    edition = "(SELECT edition FROM search_shows WHERE show_id = :show_id) AS edition"
    statement = text(f"SELECT {', '.join([edition, *newest, *by_field])}")
    return statement.bindparams(bindparam("show_id", type_=Uuid)).columns(edition=Uuid)


@cache
def best_passages_statement(dialect: SqlDialect, *, terms: int) -> TextClause:
    """Return a query for the best passages among `:ids`, `:most` of each episode, in order of ids.

    Args:
        terms: number of terms, bound as `:term0`… with a space before it and, unless it is a prefix, after
            it. With more than one, all of them together are bound as `:typed`.
    """
    return text(
        f"""
        SELECT p.id, p.speaker, p.text, p.marks, p.body FROM (
            SELECT id, row_number()
                OVER (PARTITION BY {EPISODE} ORDER BY {_score_sql(dialect, terms)} DESC, id) AS rank
            FROM (SELECT id, ' ' || body || ' ' AS padded_body FROM search_passages
                  WHERE id IN ({dialect.ids_subquery}))
                AS padded
        ) AS best JOIN search_passages AS p ON p.id = best.id WHERE best.rank <= :most ORDER BY p.id
        """  # noqa: S608 (of our own pieces; the user's text is bound)
    )


def _newest_ids(dialect: SqlDialect, column: MatchColumn, *, any_row: bool) -> str:
    match = dialect.match_condition.format(match=f"search_{column.source}", parameter=f"in_{column.name}")
    condition = "TRUE" if any_row else match
    if column.has_pairs:
        condition += f" AND {dialect.pairs_condition}"
    key = dialect.id_column
    rows = (
        f"SELECT {key} AS id FROM search_{column.source} "  # noqa: S608
        f"WHERE {condition} AND {key} BETWEEN :low AND :high ORDER BY {key} DESC LIMIT :most"
    )
    return f"(SELECT {dialect.joined_ids} FROM ({rows}) AS rows_of_{column.name})"  # noqa: S608


def _matching_ids(dialect: SqlDialect, source: MatchTable, parameter: str) -> str:
    condition = dialect.match_condition.format(match=f"search_{source}", parameter=parameter)
    rows = f"SELECT {dialect.id_column} AS id FROM search_{source} WHERE {condition}"  # noqa: S608
    return f"(SELECT {dialect.joined_ids} FROM ({rows}) AS rows_of_{parameter})"  # noqa: S608


def _score_sql(dialect: SqlDialect, terms: int) -> str:
    """Return the SQL for the score of a passage with the column `padded_body`."""
    scores = [
        f"{dialect.least_function}({MAX_COUNTED}, "
        f"(length(padded_body) - length(replace(padded_body, :term{n}, ''))) / length(:term{n}))"
        for n in range(terms)
    ]
    if terms > 1:
        scores.append(
            f"CASE WHEN {dialect.strpos_function}(padded_body, :typed) > 0 THEN {PHRASE_SCORE} ELSE 0 END"
        )
    return " + ".join(scores) or "0"
