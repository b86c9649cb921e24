"""One question to the index: the episodes of one page, and passages of each."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, text

from podcast_pipeline.database.tables import search_episodes
from podcast_pipeline.search import layout, ranking
from podcast_pipeline.search.matching import Matching, Source, span_of
from podcast_pipeline.search.query import Query, Term
from podcast_pipeline.search.results import NOTHING, Found, Group, Hit, hit, marked, notes_snippet

NEWEST = 5_000  # matching rows that are counted and ranked; more match only very common words
PASSAGES_RANKED = 16  # of an episode, from its beginning
PASSAGES_SHOWN = 3  # of an episode among others
END = (1 << 62) - 1  # above every id
EVERYWHERE: tuple[Source, ...] = ("words", "titles")
WITHOUT_WORDS: tuple[Source, ...] = ("titles",)


@dataclass(frozen=True)
class Asked:
    """A query, and which episodes of which show may answer it."""

    query: Query
    show_id: UUID
    matching: Matching
    among: frozenset[UUID]

    def answer(self, connection: Connection, *, with_words: bool, page: int, passages: int) -> Found:
        """Return one page of what matches; see SearchIndex.search."""
        if self.matching.settings:
            connection.execute(text(self.matching.settings))
        sources = EVERYWHERE if with_words and self.query.asks_words else WITHOUT_WORDS
        shown = self._episodes(connection, sources, page)
        if not shown:
            return NOTHING
        hits = self._hits(connection, shown, passages)
        first = shown[0]
        return Found(
            groups=tuple(self._group(row, hits.get(row.id, ())) for row in shown),
            episode_count=first.episode_count,
            hit_count=int(first.hit_count),
            page=min(max(page, 1), first.page_count),
            page_count=first.page_count,
            is_capped=bool(first.is_capped),
        )

    def _episodes(self, connection: Connection, sources: tuple[Source, ...], page: int) -> Sequence[Row[Any]]:
        expression = self.matching.expression(self.query)
        statement = ranking.episodes(
            self.matching, sources, any_row=not expression, terms=len(self.query.terms)
        )
        low, high = self._bounds(connection)
        values = {
            **({"wanted": expression} if expression else {}),
            **self._terms,
            "low": low,
            "high": high,
            "most": NEWEST,
            "show_id": self.show_id,
            "among": _listed(self.among),
            "page": max(page, 1),
        }
        return connection.execute(statement, values).all()

    def _bounds(self, connection: Connection) -> tuple[int, int]:
        """Return between which ids an answer can be; of one episode alone they are its own."""
        since, until = self.query.since, self.query.until
        low = layout.first_id(since) if since else 0
        high = layout.first_id(until) - 1 if until else END
        if len(self.among) == 1:
            kept = search_episodes.c
            query = select(kept.id).where(kept.show_id == self.show_id, kept.episode_id.in_(self.among))
            row = connection.scalar(query)
            if row is not None:
                return max(low, row), min(high, span_of(row)[1])
        return low, high

    def _hits(
        self, connection: Connection, shown: Sequence[Row[Any]], passages: int
    ) -> dict[int, tuple[Hit, ...]]:
        """Return the best passages of each episode, in the order in which they are said."""
        ids = [
            number for row in shown if row.hits for number in _first(row.ids, max(PASSAGES_RANKED, passages))
        ]
        if not ids:
            return {}
        statement = ranking.passages(self.matching, terms=len(self.query.terms))
        values = {**self._terms, "ids": json.dumps(ids), "most": passages}
        if len(self.query.terms) > 1:
            values["typed"] = _padded(Term(tuple(word for term in self.query.terms for word in term.words)))
        found: dict[int, tuple[Hit, ...]] = {}
        for row in connection.execute(statement, values).all():
            episode = row.id >> layout.PLACE_BITS << layout.PLACE_BITS
            found[episode] = (*found.get(episode, ()), self._hit(row))
        return found

    def _group(self, row: Row[Any], hits: tuple[Hit, ...]) -> Group:
        return Group(
            episode_id=row.episode_id,
            title=marked(row.title, self.query),
            guests=marked(row.guests, self.query),
            notes=notes_snippet(row.notes, row.body, self.query),
            hits=hits,
            hit_count=row.hits,
        )

    def _hit(self, row: Row[Any]) -> Hit:
        return hit(text=row.text, body=row.body, marks=row.marks, speaker=row.speaker, query=self.query)

    @property
    def _terms(self) -> dict[str, str]:
        return {f"term{n}": _padded(term) for n, term in enumerate(self.query.terms)}


def _padded(term: Term) -> str:
    """Return a term as it stands among words."""
    return f" {' '.join(term.words)}" + ("" if term.is_prefix else " ")


def _first(ids: str, count: int) -> list[int]:
    """Return the first passages of an episode; its own row is not one."""
    numbers = sorted(map(int, ids.split(",")))
    return [number for number in numbers if number & (layout.PLACES - 1)][:count]


@lru_cache(8)
def _listed(among: frozenset[UUID]) -> str:
    return json.dumps([episode_id.hex for episode_id in among])
