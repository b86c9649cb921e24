"""What a search reads of the index as a whole, kept until the index changes: its edition."""

from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

import numpy as np
from sqlalchemy import Connection, select

from podcast_pipeline.audience.database.tables import search_episodes, search_shows
from podcast_pipeline.search.ranking import SearchableEpisodes
from podcast_pipeline.search.rows import PUBLIC_PREFIX
from podcast_pipeline.search.vocabulary import Vocabulary, read_vocabulary

CACHED_EPISODE_SETS = 8  # searchable episodes: all of them, and single ones


@dataclass(frozen=True, eq=False)
class IndexEdition:
    """The episodes of one edition of the index: (row, id, number of passages), in order of rows.

    Attributes:
        languages: of the texts, those that have a stemmer.
        public_languages: of what everybody may read.
    """

    id: UUID | None
    episodes: tuple[tuple[int, UUID, int], ...]
    languages: tuple[str, ...] = ()
    public_languages: tuple[str, ...] = ()

    def languages_of(self, *, include_transcripts: bool) -> tuple[str, ...]:
        """Return the languages of what a search may read."""
        return self.languages if include_transcripts else self.public_languages


@lru_cache(CACHED_EPISODE_SETS)
def searchable_episodes(edition: IndexEdition, episode_ids: frozenset[UUID]) -> SearchableEpisodes:
    """Return the episodes of an edition that have one of the ids."""
    pairs = [(row, count) for row, episode_id, count in edition.episodes if episode_id in episode_ids]
    rows, passage_counts = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return SearchableEpisodes(rows, passage_counts)


class Editions:
    """The newest edition of a show's index and its vocabularies, read again after every change."""

    def __init__(self, show_id: UUID) -> None:
        self._show_id = show_id
        self._edition = IndexEdition(None, ())
        self._vocabularies: dict[bool, tuple[UUID | None, Vocabulary]] = {}

    def current(self, connection: Connection) -> IndexEdition:
        """Return the edition that the database has now."""
        c = search_shows.c
        return self.of(connection, connection.scalar(select(c.edition).where(c.show_id == self._show_id)))

    def of(self, connection: Connection, edition_id: UUID | None) -> IndexEdition:
        """Return an edition, given the id that the database has for it."""
        edition = self._edition
        if edition.id != edition_id:
            edition = self._edition = self._read(connection, edition_id)
        return edition

    def vocabulary(self, connection: Connection, *, is_public: bool) -> Vocabulary:
        """Return all words of the index, or those that everybody may read."""
        edition_id = self.current(connection).id
        known = self._vocabularies.get(is_public)
        if known is None or known[0] != edition_id:
            vocabulary = read_vocabulary(connection, self._show_id, is_public=is_public)
            known = self._vocabularies[is_public] = (edition_id, vocabulary)
        return known[1]

    def _read(self, connection: Connection, edition_id: UUID | None) -> IndexEdition:
        c = search_episodes.c
        query = select(c.id, c.episode_id, c.passage_count, c.languages).where(c.show_id == self._show_id)
        rows = connection.execute(query.order_by(c.id)).all()
        languages = sorted({language for row in rows for language in row.languages.split()})
        episodes = tuple((row.id, row.episode_id, row.passage_count) for row in rows)
        public = [one.removeprefix(PUBLIC_PREFIX) for one in languages if one.startswith(PUBLIC_PREFIX)]
        known = [one for one in languages if not one.startswith(PUBLIC_PREFIX)]
        return IndexEdition(edition_id, episodes, tuple(known), tuple(public))
