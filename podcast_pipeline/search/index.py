"""Keeps the index up to the catalog, and asks it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from uuid import UUID, uuid4

import numpy as np
from sqlalchemy import Connection, Engine, Uuid, bindparam, delete, exists, insert, select, text

from podcast_pipeline.audience.database import advisory_lock, write_transaction
from podcast_pipeline.audience.database.tables import search_episodes, search_passages, search_shows
from podcast_pipeline.model import Episode, Progress, ProgressCallback, Transcript
from podcast_pipeline.model.catalog import Catalog, transcript_from_json
from podcast_pipeline.search import rows as search_rows
from podcast_pipeline.search.dialects import DIALECTS, passage_id_range
from podcast_pipeline.search.query import Query
from podcast_pipeline.search.ranking import SearchableEpisodes
from podcast_pipeline.search.results import NO_RESULTS, SearchResults
from podcast_pipeline.search.run_query import PASSAGES_SHOWN, SearchRequest
from podcast_pipeline.storage import ObjectReader

MANY = 20  # changed episodes, after which the database puts its full text in order
KEPT_AMONG = 8  # sets of episodes that may be named: everything, and single episodes

NEW_EDITION = text(
    "INSERT INTO search_shows (show_id, edition) VALUES (:show_id, :edition) "
    "ON CONFLICT (show_id) DO UPDATE SET edition = excluded.edition"
).bindparams(bindparam("show_id", type_=Uuid), bindparam("edition", type_=Uuid))


@dataclass(frozen=True, eq=False)
class IndexEdition:
    """The episodes of one edition of the index: (row, id, number of passages), the rows rising."""

    id: UUID | None
    episodes: tuple[tuple[int, UUID, int], ...]


@lru_cache(KEPT_AMONG)
def searchable_episodes(edition: IndexEdition, episode_ids: frozenset[UUID]) -> SearchableEpisodes:
    """Return those of an edition's episodes that may be named."""
    named = [(row, count) for row, episode_id, count in edition.episodes if episode_id in episode_ids]
    rows, lengths = np.array(named, dtype=np.int64).reshape(-1, 2).T
    return SearchableEpisodes(rows, lengths)


@dataclass(frozen=True)
class IndexUpdate:
    """What brought the index up to the catalog: slugs indexed, and how many episodes left it."""

    indexed: tuple[str, ...]
    removed: int


class SearchIndex:
    """The index of one show in its database.

    Every write is one transaction for one episode: readers see an episode's old words or its new ones.
    """

    def __init__(self, engine: Engine, *, show_id: UUID) -> None:
        self.engine = engine
        self.show_id = show_id
        self._matching = DIALECTS[engine.dialect.name]
        self._edition = IndexEdition(None, ())

    def index(self, episode: Episode, transcript: Transcript | None) -> bool:
        """Put a published episode in, in the place of what was known of it.

        Args:
            transcript: the newest, in media times; None for an episode without.

        Returns:
            Whether anything changed.
        """
        digest = search_rows.index_digest(episode)
        with self._writing() as connection:
            known = self._known(connection, episode.id)
            if known is not None and known[1] == digest:
                return False
            if known is not None:
                self._take(connection, known[0])
            self._put(connection, episode, search_rows.to_episode_row(episode, transcript), digest)
        return True

    def remove(self, episode_id: UUID) -> bool:
        """Take an episode out; returns whether it was in."""
        with self._writing() as connection:
            known = self._known(connection, episode_id)
            if known is not None:
                self._take(connection, known[0])
        return known is not None

    def sync(
        self, catalog: Catalog, store: ObjectReader, *, report: ProgressCallback | None = None
    ) -> IndexUpdate:
        """Bring the index up to the catalog: published episodes are in it with their newest words.

        The newest comes first. It can be stopped at any time and goes on where it was.

        Raises:
            StoreError: the words of an episode cannot be read; those before it are indexed.
        """
        published = {episode.id: episode for episode in catalog.published()}
        known = self._digests()
        gone = [episode_id for episode_id in known if episode_id not in published]
        for episode_id in gone:
            self.remove(episode_id)
        changed = [e for e in published.values() if known.get(e.id) != search_rows.index_digest(e)]
        tell = _teller(report, len(changed))
        for done, episode in enumerate(changed):
            tell(done)
            self.index(episode, _words_of(episode, store))
        if len(changed) > MANY:
            self.optimize()
        tell(len(changed))
        return IndexUpdate(tuple(episode.slug for episode in changed), len(gone))

    def was_ever_filled(self) -> bool:
        """Say whether an episode was ever in it, and so was published."""
        with self.engine.connect() as connection:
            return bool(connection.scalar(select(exists().where(search_shows.c.show_id == self.show_id))))

    def optimize(self) -> None:
        """Make searching as quick as it can be, after many changes; takes seconds on a large archive."""
        with self._writing() as connection:
            self._matching.optimize(connection)

    def search(
        self,
        query: Query,
        *,
        include_transcripts: bool,
        episode_ids: frozenset[UUID],
        page: int = 1,
        passages: int = PASSAGES_SHOWN,
    ) -> SearchResults:
        """Return one page of what matches.

        Args:
            with_words: look into transcripts; else titles, notes and guests alone are looked at, and
                nothing of the answer depends on a transcript.
            among: ids of the episodes that may be named or counted.
            page: from 1; one too high is the last.
            passages: at most so many of each episode.
        """
        if query.is_empty:
            return NO_RESULTS
        alone = next(iter(episode_ids)) if len(episode_ids) == 1 else None
        asked = SearchRequest(query, self.show_id, self._matching, partial(self._shelf, episode_ids), alone)
        with self.engine.connect() as connection:
            return asked.run(
                connection, include_transcripts=include_transcripts, page=page, passages=passages
            )

    def _shelf(
        self, among: frozenset[UUID], connection: Connection, edition_id: UUID | None
    ) -> SearchableEpisodes:
        """Return the episodes that may be named; they are read anew where the index has changed."""
        edition = self._edition
        if edition.id != edition_id:
            edition = self._edition = self._read_edition(connection, edition_id)
        return searchable_episodes(edition, among)

    def _read_edition(self, connection: Connection, edition_id: UUID | None) -> IndexEdition:
        kept = search_episodes.c
        query = select(kept.id, kept.episode_id, kept.passage_count).where(kept.show_id == self.show_id)
        rows = connection.execute(query.order_by(kept.id))
        return IndexEdition(edition_id, tuple((row.id, row.episode_id, row.passage_count) for row in rows))

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with write_transaction(self.engine) as connection:
            advisory_lock(connection, b"S" + self.show_id.bytes[:7])
            yield connection

    def _change_edition(self, connection: Connection) -> None:
        connection.execute(NEW_EDITION, {"show_id": self.show_id, "edition": uuid4()})

    def _known(self, connection: Connection, episode_id: UUID) -> tuple[int, str] | None:
        """Return an episode's row and digest."""
        kept = search_episodes.c
        query = select(kept.id, kept.digest).where(
            kept.show_id == self.show_id, kept.episode_id == episode_id
        )
        found = connection.execute(query).first()
        return (found.id, found.digest) if found else None

    def _digests(self) -> Mapping[UUID, str]:
        kept = search_episodes.c
        query = select(kept.episode_id, kept.digest).where(kept.show_id == self.show_id)
        with self.engine.connect() as connection:
            return {row.episode_id: row.digest for row in connection.execute(query)}

    def _take(self, connection: Connection, row: int) -> None:
        low, high = passage_id_range(row)
        self._matching.remove_rows(connection, "words", low, high)
        self._matching.remove_rows(connection, "titles", row, row)
        self._change_edition(connection)
        connection.execute(delete(search_passages).where(search_passages.c.id.between(low, high)))
        connection.execute(delete(search_episodes).where(search_episodes.c.id == row))

    def _put(
        self, connection: Connection, episode: Episode, entry: search_rows.EpisodeRow, digest: str
    ) -> None:
        row = _free_row(connection, search_rows.first_id(episode.publish_at))
        connection.execute(
            insert(search_episodes).values(
                id=row,
                show_id=self.show_id,
                episode_id=episode.id,
                digest=digest,
                passage_count=len(entry.passages),
                title=entry.title,
                guests=entry.guests,
                notes=entry.notes,
                body=entry.body,
            )
        )
        passages = [
            {
                "id": row + place,
                "show_id": self.show_id,
                "speaker": said.speaker,
                "text": said.text,
                "marks": search_rows.marks_to_text(said.marks),
                "body": said.body,
            }
            for place, said in enumerate(entry.passages, start=1)
        ]
        if passages:
            connection.execute(insert(search_passages), passages)
        self._matching.add_rows(connection, "titles", row, row)
        self._matching.add_rows(connection, "words", *passage_id_range(row))
        self._change_edition(connection)


def _free_row(connection: Connection, row: int) -> int:
    """Return the first row from `row` on that no episode has: two may go out in one second."""
    while connection.scalar(select(search_episodes.c.id).where(search_episodes.c.id == row)) is not None:
        row += search_rows.IDS_PER_EPISODE
    return row


def _words_of(episode: Episode, store: ObjectReader) -> Transcript | None:
    if episode.transcript is None:
        return None
    key = episode.transcript.document_key
    return transcript_from_json(store.get(key)[1], key)


def _teller(report: ProgressCallback | None, total: int) -> Callable[[int], None]:
    def tell(done: int) -> None:
        if report is not None:
            report(Progress(step="index", done=done, total=total, unit="episodes"))

    return tell
