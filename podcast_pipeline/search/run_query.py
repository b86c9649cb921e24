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
from podcast_pipeline.search.dialects import SqlDialect, passage_id_range
from podcast_pipeline.search.query import Query, QueryTerm
from podcast_pipeline.search.ranking import (
    EPISODES_PER_PAGE,
    IntArray,
    MatchColumn,
    MatchingRows,
    SearchableEpisodes,
)
from podcast_pipeline.search.results import (
    NO_RESULTS,
    EpisodeHit,
    PassageHit,
    SearchResults,
    field_snippet,
    highlight,
    to_passage_hit,
)

MAX_ROWS_RANKED = 5_000  # matching rows that are counted and ranked; only very common words have more
PASSAGES_RANKED = 16  # per episode, from its beginning
PASSAGES_SHOWN = 3  # per episode on a page of several
END = (1 << 62) - 1  # above every id
LOOSE = "loose_"  # before the name of a table: of its rows that match by any form of the words

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
        in_words = include_transcripts and self.query.has_passage_criteria
        row = self._match(connection, self._columns(in_words=in_words))
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
            is_capped=MAX_ROWS_RANKED in (matched.passages.size, matched.episodes.size),
        )

    def _columns(self, *, in_words: bool) -> tuple[MatchColumn, ...]:
        """Return what to match: the words as typed and, if the query has any, other forms of them."""
        query, has_pairs = self.query, bool(self.dialect.pairs(self.query))
        columns = [MatchColumn("titles", "titles")]
        if query.has_stems or query.has_open_end:
            columns.append(MatchColumn(LOOSE + "titles", "titles"))
        if in_words:
            columns.append(MatchColumn("words", "words", has_pairs))
        if in_words and query.has_stems:
            columns.append(MatchColumn(LOOSE + "words", "words", has_pairs))
        return tuple(columns)

    def _match(self, connection: Connection, columns: tuple[MatchColumn, ...]) -> Row[Any]:
        dialect, query = self.dialect, self.query
        words_prefix = search_rows.PUBLIC_PREFIX if self.load_public else ""
        expressions = {
            "titles": dialect.match_expression(query),
            LOOSE + "titles": dialect.titles_expression(query),
            "words": dialect.match_expression(query, words_prefix),
            LOOSE + "words": dialect.match_expression(query, words_prefix, loose=True),
        }
        any_row = not expressions["titles"]
        values: dict[str, Any] = {} if any_row else {f"in_{c.name}": expressions[c.name] for c in columns}
        if any(column.has_pairs for column in columns):
            values["pairs"] = dialect.pairs(query, words_prefix)
        for n, term in enumerate(query.terms):
            values[f"title{n}"] = dialect.field_expression(term, search_rows.TITLE_PREFIX)
            values[f"names{n}"] = dialect.field_expression(
                term, search_rows.GUEST_PREFIX, search_rows.TOPIC_PREFIX
            )
        low, high = self._bounds(connection)
        values |= {"low": low, "high": high, "most": MAX_ROWS_RANKED, "show_id": self.show_id}
        statement = ranking.match_statement(dialect, columns, any_row=any_row, terms=len(query.terms))
        return connection.execute(statement, values).one()

    def _matching_rows(self, row: Row[Any]) -> MatchingRows:
        terms = range(len(self.query.terms))
        columns = row._mapping
        ids = {name: _parse_ids(columns.get(name)) for name in ("words", "titles")}
        loose = {name: _parse_ids(columns.get(LOOSE + name)) for name in ids}
        return MatchingRows(
            passages=np.union1d(ids["words"], loose["words"]),
            exact_passages=ids["words"],
            episodes=np.union1d(ids["titles"], loose["titles"]),
            exact_episodes=ids["titles"],
            in_title=[_parse_ids(columns[f"title{n}"]) for n in terms],
            in_names=[_parse_ids(columns[f"names{n}"]) for n in terms],
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
        columns = (c.id, c.episode_id, c.title, c.guests, c.notes, c.topics, c.teaser)
        query = select(*columns).where(c.id.in_(shown))
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
            topics=highlight(row.topics, self.query),
            notes=field_snippet(row.notes, self.query),
            teaser=None if hits else field_snippet(row.teaser, self.query),
            hits=hits,
            hit_count=hit_count,
        )

    def _hit(self, row: Row[Any]) -> PassageHit:
        return to_passage_hit(text=row.text, marks=row.marks, speaker=row.speaker, query=self.query)


def _padded(term: QueryTerm) -> str:
    """Return a term with the spaces that surround it in a passage's words."""
    return f" {' '.join(term.words)}" + ("" if term.is_prefix else " ")


def _parse_ids(joined: str | None) -> IntArray:
    """Return the ids of a text with commas, in order, int64, shape (n,)."""
    return np.sort(np.fromstring(joined or "", dtype=np.int64, sep=","))
