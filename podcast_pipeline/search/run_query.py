"""One question to the index: the episodes of one page, and passages of each."""

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
from podcast_pipeline.search.dialects import Matching, Source, span_of
from podcast_pipeline.search.query import Query, Term
from podcast_pipeline.search.ranking import EPISODES_ON_A_PAGE, Matched, Numbers, Shelf
from podcast_pipeline.search.results import NOTHING, Found, Group, Hit, hit, marked, notes_snippet

NEWEST = 5_000  # matching rows that are counted and ranked; more match only very common words
PASSAGES_RANKED = 16  # of an episode, from its beginning
PASSAGES_SHOWN = 3  # of an episode among others
END = (1 << 62) - 1  # above every id
EVERYWHERE: tuple[Source, ...] = ("words", "titles")
WITHOUT_WORDS: tuple[Source, ...] = ("titles",)

Shelves = Callable[[Connection, UUID | None], Shelf]
"""Returns, for an edition of the index, the episodes that may be named."""


@dataclass(frozen=True)
class Asked:
    """A query, and which episodes of which show may answer it."""

    query: Query
    show_id: UUID
    matching: Matching
    shelves: Shelves
    alone: UUID | None

    def answer(self, connection: Connection, *, with_words: bool, page: int, passages: int) -> Found:
        """Return one page of what matches; see SearchIndex.search."""
        if self.matching.settings:
            connection.execute(text(self.matching.settings))
        sources = EVERYWHERE if with_words and self.query.asks_words else WITHOUT_WORDS
        row = self._row(connection, sources)
        matched = self._matched(row)
        ranked = matched.ranked(self.shelves(connection, row.edition))
        count = len(ranked.rows)
        if not count:
            return NOTHING
        page_count = (count - 1) // EPISODES_ON_A_PAGE + 1
        page = min(max(page, 1), page_count)
        on_page = slice((page - 1) * EPISODES_ON_A_PAGE, page * EPISODES_ON_A_PAGE)
        shown = dict(zip(ranked.rows[on_page].tolist(), ranked.hits[on_page].tolist(), strict=True))
        return Found(
            groups=self._groups(connection, matched, shown, passages),
            episode_count=count,
            hit_count=int(ranked.hits.sum()),
            page=page,
            page_count=page_count,
            is_capped=NEWEST in (len(matched.passages), len(matched.episodes)),
        )

    def _row(self, connection: Connection, sources: tuple[Source, ...]) -> Row[Any]:
        expression, terms = self.matching.expression(self.query), self.query.terms
        statement = ranking.matching_rows(self.matching, sources, any_row=not expression, terms=len(terms))
        low, high = self._bounds(connection)
        title = {f"title{n}": self.matching.term(term, search_rows.TITLE) for n, term in enumerate(terms)}
        guests = {f"guests{n}": self.matching.term(term, search_rows.GUEST) for n, term in enumerate(terms)}
        wanted = {"wanted": expression} if expression else {}
        bound = {"low": low, "high": high, "most": NEWEST, "show_id": self.show_id}
        return connection.execute(statement, {**bound, **wanted, **title, **guests}).one()

    def _matched(self, row: Row[Any]) -> Matched:
        terms = range(len(self.query.terms))
        found = row._mapping
        return Matched(
            passages=_numbers(found.get("words")),
            episodes=_numbers(found["titles"]),
            in_title=[_numbers(found[f"title{n}"]) for n in terms],
            in_guests=[_numbers(found[f"guests{n}"]) for n in terms],
        )

    def _bounds(self, connection: Connection) -> tuple[int, int]:
        """Return between which ids an answer can be; of one episode alone they are its own."""
        since, until = self.query.since, self.query.until
        low = search_rows.first_id(since) if since else 0
        high = search_rows.first_id(until) - 1 if until else END
        if self.alone:
            kept = search_episodes.c
            query = select(kept.id).where(kept.show_id == self.show_id, kept.episode_id == self.alone)
            row = connection.scalar(query)
            if row is not None:
                return max(low, row), min(high, span_of(row)[1])
        return low, high

    def _groups(
        self, connection: Connection, matched: Matched, shown: dict[int, int], passages: int
    ) -> tuple[Group, ...]:
        """Return the episodes of one page; `shown` has their rows and how many passages match."""
        most = max(PASSAGES_RANKED, passages)
        candidates = [number for row in shown for number in matched.passages_of(row, most)]
        hits = self._hits(connection, candidates, passages)
        kept = search_episodes.c
        query = select(kept.id, kept.episode_id, kept.title, kept.guests, kept.notes, kept.body).where(
            kept.id.in_(shown)
        )
        rows = {row.id: row for row in connection.execute(query)}
        return tuple(
            self._group(rows[number], hits.get(number, ()), hit_count)
            for number, hit_count in shown.items()
            if number in rows  # on PostgreSQL an episode may leave between two statements
        )

    def _hits(self, connection: Connection, ids: list[int], passages: int) -> dict[int, tuple[Hit, ...]]:
        """Return the best passages of each episode, in the order in which they are said."""
        if not ids:
            return {}
        statement = ranking.passages(self.matching, terms=len(self.query.terms))
        values = {f"term{n}": _padded(term) for n, term in enumerate(self.query.terms)}
        if len(self.query.terms) > 1:
            values["typed"] = _padded(Term(tuple(word for term in self.query.terms for word in term.words)))
        found: dict[int, tuple[Hit, ...]] = {}
        for row in connection.execute(statement, {**values, "ids": json.dumps(ids), "most": passages}).all():
            episode = row.id >> search_rows.PLACE_BITS << search_rows.PLACE_BITS
            found[episode] = (*found.get(episode, ()), self._hit(row))
        return found

    def _group(self, row: Any, hits: tuple[Hit, ...], hit_count: int) -> Group:
        return Group(
            episode_id=row.episode_id,
            title=marked(row.title, self.query),
            guests=marked(row.guests, self.query),
            notes=notes_snippet(row.notes, row.body, self.query),
            hits=hits,
            hit_count=hit_count,
        )

    def _hit(self, row: Row[Any]) -> Hit:
        return hit(text=row.text, body=row.body, marks=row.marks, speaker=row.speaker, query=self.query)


def _padded(term: Term) -> str:
    """Return a term as it stands among words."""
    return f" {' '.join(term.words)}" + ("" if term.is_prefix else " ")


def _numbers(gathered: str | None) -> Numbers:
    """Return ids that the database gathered into a text."""
    return np.sort(np.fromstring(gathered or "", dtype=np.int64, sep=","))
