"""One question to the index: count and rank the episodes that match, read passages of the few shown."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, text

from podcast_pipeline.database.tables import search_episodes
from podcast_pipeline.search import layout
from podcast_pipeline.search.matching import Matching, Source, span_of
from podcast_pipeline.search.query import Query
from podcast_pipeline.search.results import (
    Found,
    Group,
    Hit,
    hit,
    marked,
    notes_snippet,
    passage_score,
    title_score,
    words_score,
)

NEWEST = 5_000  # matching rows that are counted and ranked; more match only very common words
PASSAGES_RANKED = 16  # of an episode, from its beginning
PASSAGES_SHOWN = 3  # of an episode among others
EPISODES_ON_A_PAGE = 10
END = (1 << 62) - 1  # above every id


@dataclass(slots=True)
class Standing:
    """An episode while its place is being found; `row` is its id in the index."""

    row: int
    episode_id: UUID
    score: float = 0.0
    hits: int = 0


@dataclass(frozen=True)
class Asked:
    """A query, and which episodes of which show may answer it."""

    query: Query
    show_id: UUID
    matching: Matching
    among: Collection[UUID]

    def answer(self, connection: Connection, *, with_words: bool, page: int, passages: int) -> Found:
        """Return one page of what matches; see SearchIndex.search."""
        if self.matching.settings:
            connection.execute(text(self.matching.settings))
        titles = self._count(connection, "titles")
        words = self._count(connection, "words") if with_words and self.query.asks_words else []
        ranked = self._ranked(self._allowed(titles), self._allowed(words))
        page_count = max(1, ceil(len(ranked) / EPISODES_ON_A_PAGE))
        page = min(max(page, 1), page_count)
        shown = ranked[(page - 1) * EPISODES_ON_A_PAGE :][:EPISODES_ON_A_PAGE]
        return Found(
            groups=tuple(self._groups(connection, shown, passages)),
            episode_count=len(ranked),
            hit_count=sum(standing.hits for standing in ranked),
            page=page,
            page_count=page_count,
            is_capped=max(_total(titles), _total(words)) >= NEWEST,
        )

    def _count(self, connection: Connection, source: Source) -> Sequence[Row[Any]]:
        statement = self.matching.counting(source, any_row=not self._wanted)
        since, until = self.query.since, self.query.until
        values = {
            **self._wanted,
            "low": layout.first_id(since) if since else 0,
            "high": layout.first_id(until) - 1 if until else END,
            "most": NEWEST,
            "show_id": self.show_id,
        }
        return connection.execute(statement, values).all()

    def _allowed(self, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
        return [row for row in rows if row.episode_id in self.among]

    @property
    def _wanted(self) -> dict[str, str]:
        expression = self.matching.expression(self.query)
        return {"wanted": expression} if expression else {}

    def _ranked(self, titles: list[Row[Any]], words: list[Row[Any]]) -> list[Standing]:
        mean = fmean(row.passage_count for row in words) if words else 0.0
        found = {
            row.id: Standing(
                row.id,
                row.episode_id,
                words_score(row.hits, passages=row.passage_count, mean_passages=mean),
                row.hits,
            )
            for row in words
        }
        for row in titles:
            standing = found.setdefault(row.id, Standing(row.id, row.episode_id))
            standing.score += title_score(row.body, self.query)
        return sorted(found.values(), key=lambda standing: (standing.score, standing.row), reverse=True)

    def _groups(self, connection: Connection, shown: list[Standing], passages: int) -> Iterator[Group]:
        kept = search_episodes.c
        query = select(kept.id, kept.title, kept.guests, kept.notes, kept.body).where(
            kept.id.in_([standing.row for standing in shown])
        )
        texts = {row.id: row for row in connection.execute(query)}
        hits = self._hits(connection, [standing.row for standing in shown if standing.hits], passages)
        for standing in shown:
            said = texts[standing.row]
            yield Group(
                episode_id=standing.episode_id,
                title=marked(said.title, self.query),
                guests=marked(said.guests, self.query),
                notes=notes_snippet(said.notes, said.body, self.query),
                hits=tuple(hits.get(standing.row, ())),
                hit_count=standing.hits,
            )

    def _hits(self, connection: Connection, rows: list[int], passages: int) -> dict[int, list[Hit]]:
        """Return the best passages of each episode, in the order in which they are said."""
        if not rows:
            return {}
        bounds = {f"{name}{n}": at for n, row in enumerate(rows) for name, at in _bounds(row)}
        values = {**self._wanted, **bounds, "most": max(PASSAGES_RANKED, passages)}
        read: dict[int, list[Row[Any]]] = {}
        for row in connection.execute(self.matching.reading(len(rows)), values).all():
            read.setdefault(row.id >> layout.PLACE_BITS << layout.PLACE_BITS, []).append(row)
        return {
            episode: [self._hit(row) for row in self._best(said, passages)] for episode, said in read.items()
        }

    def _best(self, said: list[Row[Any]], passages: int) -> list[Row[Any]]:
        best = sorted(said, key=lambda row: (-passage_score(row.body, self.query), row.id))
        return sorted(best[:passages], key=lambda row: row.id)

    def _hit(self, row: Row[Any]) -> Hit:
        return hit(text=row.text, body=row.body, marks=row.marks, speaker=row.speaker, query=self.query)


def _bounds(row: int) -> tuple[tuple[str, int], tuple[str, int]]:
    low, high = span_of(row)
    return ("low", low), ("high", high)


def _total(rows: Sequence[Row[Any]]) -> int:
    return sum(row.hits for row in rows)
