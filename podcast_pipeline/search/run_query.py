"""Runs one query against the index: finds the episodes of one page, and passages of each."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import Connection, Row, select, text

from podcast_pipeline.audience.database.tables import search_episodes
from podcast_pipeline.search import ranking
from podcast_pipeline.search import rows as search_rows
from podcast_pipeline.search.dialects import MatchTable, SqlDialect, passage_id_range
from podcast_pipeline.search.query import Query, QueryTerm
from podcast_pipeline.search.ranking import EPISODES_PER_PAGE, IntArray, MatchingRows, SearchableEpisodes
from podcast_pipeline.search.results import (
    NO_RESULTS,
    EpisodeHit,
    PassageHit,
    SearchResults,
    highlight,
    notes_snippet,
    to_passage_hit,
)

MAX_ROWS_RANKED = 5_000  # matching rows that are counted and ranked; only very common words have more
PASSAGES_RANKED = 16  # per episode, from its beginning
PASSAGES_SHOWN = 3  # per episode on a page of several
END = (1 << 62) - 1  # above every id
ALL_TABLES: tuple[MatchTable, ...] = ("words", "titles")
TITLES_ONLY: tuple[MatchTable, ...] = ("titles",)

SearchableLoader = Callable[[Connection, UUID | None], SearchableEpisodes]
"""Returns the searchable episodes of an edition of the index."""


@dataclass(frozen=True)
class SearchRequest:
    """A query to the index of a show, limited to its searchable episodes.

    Attributes:
        load_public: where only public transcripts are searched: their episodes; None: all transcripts are.
    """

    query: Query
    show_id: UUID
    dialect: SqlDialect
    load_searchable: SearchableLoader
    only_episode_id: UUID | None
    load_public: SearchableLoader | None = None

    def run(
        self, connection: Connection, *, include_transcripts: bool, page: int, passages: int
    ) -> SearchResults:
        """Return one page of results; see SearchIndex.search."""
        if self.dialect.session_settings:
            connection.execute(text(self.dialect.session_settings))
        sources = ALL_TABLES if include_transcripts and self.query.has_passage_criteria else TITLES_ONLY
        row = self._match(connection, sources)
        matched = self._matching_rows(row)
        if self.load_public:  # the index may be older than the catalog
            matched = matched.with_passages_of(self.load_public(connection, row.edition).rows)
        ranked = matched.rank(self.load_searchable(connection, row.edition))
        count = len(ranked.rows)
        if not count:
            return NO_RESULTS
        page_count = (count - 1) // EPISODES_PER_PAGE + 1
        page = min(max(page, 1), page_count)
        on_page = slice((page - 1) * EPISODES_PER_PAGE, page * EPISODES_PER_PAGE)
        shown = dict(zip(ranked.rows[on_page].tolist(), ranked.hit_counts[on_page].tolist(), strict=True))
        return SearchResults(
            groups=self._groups(connection, matched, shown, passages),
            episode_count=count,
            hit_count=int(ranked.hit_counts.sum()),
            page=page,
            page_count=page_count,
            is_capped=MAX_ROWS_RANKED in (len(matched.passages), len(matched.episodes)),
        )

    def _match(self, connection: Connection, sources: tuple[MatchTable, ...]) -> Row[Any]:
        expression, terms = self.dialect.match_expression(self.query), self.query.terms
        in_words = self.dialect.match_expression(
            self.query, search_rows.PUBLIC_PREFIX if self.load_public else ""
        )
        statement = ranking.match_statement(self.dialect, sources, any_row=not expression, terms=len(terms))
        low, high = self._bounds(connection)
        title = {
            f"title{n}": self.dialect.term_expression(term, search_rows.TITLE_PREFIX)
            for n, term in enumerate(terms)
        }
        guests = {
            f"guests{n}": self.dialect.term_expression(term, search_rows.GUEST_PREFIX)
            for n, term in enumerate(terms)
        }
        expressions = {"in_titles": expression, "in_words": in_words}
        match = {f"in_{source}": expressions[f"in_{source}"] for source in sources} if expression else {}
        bounds = {"low": low, "high": high, "most": MAX_ROWS_RANKED, "show_id": self.show_id}
        return connection.execute(statement, {**bounds, **match, **title, **guests}).one()

    def _matching_rows(self, row: Row[Any]) -> MatchingRows:
        terms = range(len(self.query.terms))
        columns = row._mapping
        return MatchingRows(
            passages=_parse_ids(columns.get("words")),
            episodes=_parse_ids(columns["titles"]),
            in_title=[_parse_ids(columns[f"title{n}"]) for n in terms],
            in_guests=[_parse_ids(columns[f"guests{n}"]) for n in terms],
        )

    def _bounds(self, connection: Connection) -> tuple[int, int]:
        """Return the lowest and the highest id of possible results: by date, or of the only episode."""
        since, until = self.query.since, self.query.until
        low = search_rows.first_id(since) if since else 0
        high = search_rows.first_id(until) - 1 if until else END
        if self.only_episode_id:
            columns = search_episodes.c
            query = select(columns.id).where(
                columns.show_id == self.show_id, columns.episode_id == self.only_episode_id
            )
            row = connection.scalar(query)
            if row is not None:
                return max(low, row), min(high, passage_id_range(row)[1])
        return low, high

    def _groups(
        self, connection: Connection, matched: MatchingRows, shown: dict[int, int], passages: int
    ) -> tuple[EpisodeHit, ...]:
        """Return the episodes of one page; `shown` maps their ids to the number of matching passages."""
        limit = max(PASSAGES_RANKED, passages)
        candidates = [passage_id for row_id in shown for passage_id in matched.passages_of(row_id, limit)]
        hits = self._hits(connection, candidates, passages)
        c = search_episodes.c
        query = select(c.id, c.episode_id, c.title, c.guests, c.notes, c.body).where(c.id.in_(shown))
        rows = {row.id: row for row in connection.execute(query)}
        return tuple(
            self._group(rows[row_id], hits.get(row_id, ()), hit_count)
            for row_id, hit_count in shown.items()
            if row_id in rows  # on PostgreSQL an episode may leave between two statements
        )

    def _hits(
        self, connection: Connection, ids: list[int], passages: int
    ) -> dict[int, tuple[PassageHit, ...]]:
        """Return the best passages of each episode, in the order of the transcript."""
        if not ids:
            return {}
        statement = ranking.best_passages_statement(self.dialect, terms=len(self.query.terms))
        values = {f"term{n}": _padded(term) for n, term in enumerate(self.query.terms)}
        if len(self.query.terms) > 1:
            values["typed"] = _padded(
                QueryTerm(tuple(word for term in self.query.terms for word in term.words))
            )
        hits: dict[int, tuple[PassageHit, ...]] = {}
        for row in connection.execute(statement, {**values, "ids": json.dumps(ids), "most": passages}).all():
            episode = row.id >> search_rows.POSITION_BITS << search_rows.POSITION_BITS
            hits[episode] = (*hits.get(episode, ()), self._hit(row))
        return hits

    def _group(self, row: Any, hits: tuple[PassageHit, ...], hit_count: int) -> EpisodeHit:
        return EpisodeHit(
            episode_id=row.episode_id,
            title=highlight(row.title, self.query),
            guests=highlight(row.guests, self.query),
            notes=notes_snippet(row.notes, row.body, self.query),
            hits=hits,
            hit_count=hit_count,
        )

    def _hit(self, row: Row[Any]) -> PassageHit:
        return to_passage_hit(
            text=row.text, body=row.body, marks=row.marks, speaker=row.speaker, query=self.query
        )


def _padded(term: QueryTerm) -> str:
    """Return a term with the spaces that surround it in a passage's words."""
    return f" {' '.join(term.words)}" + ("" if term.is_prefix else " ")


def _parse_ids(joined: str | None) -> IntArray:
    """Return the ids of a text with commas, in order, int64, shape (n,)."""
    return np.sort(np.fromstring(joined or "", dtype=np.int64, sep=","))
