"""The search index of a show: keeps it in step with the catalog."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, Uuid, bindparam, delete, exists, insert, select, text

from podcast_pipeline.audience.database import advisory_lock, write_transaction
from podcast_pipeline.audience.database.tables import search_episodes, search_passages, search_shows
from podcast_pipeline.errors import SubscriberError
from podcast_pipeline.model import Episode, Progress, ProgressCallback, Transcript
from podcast_pipeline.model.catalog import Catalog, transcript_from_json
from podcast_pipeline.search import rows as search_rows
from podcast_pipeline.search.dialects import DIALECTS, passage_id_range
from podcast_pipeline.search.editions import Editions, searchable_episodes
from podcast_pipeline.search.query import Query, parse_query
from podcast_pipeline.search.results import NO_RESULTS, SearchResults
from podcast_pipeline.search.run_query import PASSAGES_SHOWN, SearchableLoader, SearchRequest
from podcast_pipeline.search.vocabulary import corrected, count_words, discount_words
from podcast_pipeline.storage import ObjectReader

KEEPS_WORDS = "may keep removed words in its files; run `podcast reindex` when nobody uses the database"
OPTIMIZE_AFTER = 20  # changed episodes

NEW_EDITION = text(
    "INSERT INTO search_shows (show_id, edition) VALUES (:show_id, :edition) "
    "ON CONFLICT (show_id) DO UPDATE SET edition = excluded.edition"
).bindparams(bindparam("show_id", type_=Uuid), bindparam("edition", type_=Uuid))


@dataclass(frozen=True)
class IndexUpdate:
    """The changes of a `sync`: slugs of the indexed episodes, and the number of removed ones."""

    indexed: tuple[str, ...]
    removed: int


class SearchIndex:
    """The index of one show in its database.

    Every write is one transaction for one episode: readers see its old rows or its new ones, never a mix.
    """

    def __init__(self, engine: Engine, *, show_id: UUID) -> None:
        self.engine = engine
        self.show_id = show_id
        self._dialect = DIALECTS[engine.dialect.name]
        self._editions = Editions(show_id)

    def index(self, episode: Episode, transcript: Transcript | None) -> bool:
        """Index a published episode, replacing its previous rows.

        Args:
            transcript: the newest, in media times; None for an episode without one.

        Returns:
            Whether the index changed.
        """
        digest = search_rows.index_digest(episode)
        with self._write_transaction() as connection:
            indexed = self._row_and_digest(connection, episode.id)
            if indexed is not None and indexed[1] == digest:
                return False
            if indexed is not None:
                self._delete(connection, indexed[0])
            self._insert(connection, episode, search_rows.to_episode_row(episode, transcript), digest)
        return True

    def remove(self, episode_id: UUID) -> bool:
        """Remove an episode; return whether it was in the index."""
        with self._write_transaction() as connection:
            indexed = self._row_and_digest(connection, episode_id)
            if indexed is not None:
                self._delete(connection, indexed[0])
        return indexed is not None

    def sync(
        self, catalog: Catalog, store: ObjectReader, *, report: ProgressCallback | None = None
    ) -> IndexUpdate:
        """Index the published episodes of the catalog with their newest transcripts; remove all others.

        Starts with the newest episode. An interrupted sync resumes where it stopped.

        Raises:
            StoreError: an episode's transcript cannot be read; the episodes before it are indexed.
        """
        published = {episode.id: episode for episode in catalog.published()}
        digests = self._digests()
        removed = [episode_id for episode_id in digests if episode_id not in published]
        for episode_id in removed:
            self.remove(episode_id)
        changed = [e for e in published.values() if digests.get(e.id) != search_rows.index_digest(e)]
        report_done = _progress(report, len(changed))
        for done, episode in enumerate(changed):
            report_done(done)
            self.index(episode, _read_transcript(episode, store))
        if any(catalog.has_withdrawals(episode_id) for episode_id in (*removed, *(e.id for e in changed))):
            self.erase_removed_words()
        elif len(changed) > OPTIMIZE_AFTER:
            self.optimize()
        report_done(len(changed))
        return IndexUpdate(tuple(episode.slug for episode in changed), len(removed))

    def outdated(self, episodes: Iterable[Episode]) -> frozenset[UUID]:
        """Return the ids of those episodes whose indexed words are not those of the catalog."""
        digests = self._digests()
        return frozenset(e.id for e in episodes if digests.get(e.id) != search_rows.index_digest(e))

    def was_ever_filled(self) -> bool:
        """Return whether the index ever contained an episode, so that one was published."""
        with self.engine.connect() as connection:
            return bool(connection.scalar(select(exists().where(search_shows.c.show_id == self.show_id))))

    def erase_removed_words(self) -> None:
        """Leave no word of a removed row in the database's files; takes seconds on a large archive.

        Raises:
            SubscriberError: the database is busy, or this account may not do it.
        """
        self.optimize()  # the segments of an FTS5 index keep removed words until they are merged
        driver = self.engine.dialect.loaded_dbapi
        with closing(self.engine.raw_connection()) as pooled:
            try:
                erased = self._dialect.erase(pooled.driver_connection)
            except driver.Error as error:
                raise SubscriberError("search index", KEEPS_WORDS) from error
        if not erased:
            raise SubscriberError("search index", KEEPS_WORDS)

    def optimize(self) -> None:
        """Optimize the full-text index, after many changes; takes seconds on a large archive."""
        with self._write_transaction() as connection:
            self._dialect.optimize(connection)

    def search(
        self,
        query: Query,
        *,
        include_transcripts: bool,
        episode_ids: frozenset[UUID],
        public_ids: frozenset[UUID] = frozenset(),
        page: int = 1,
        passages: int = PASSAGES_SHOWN,
    ) -> SearchResults:
        """Return one page of results.

        Args:
            include_transcripts: search all transcripts; otherwise titles, notes, guests and the transcripts
                that everybody may read, and no part of the result depends on another transcript.
            public_ids: the episodes whose transcripts everybody may read.
            episode_ids: the episodes that may be listed or counted.
            page: from 1; a number that is too high is the last page.
            passages: maximum per episode.
        """
        if query.is_empty:
            return NO_RESULTS
        only_id = next(iter(episode_ids)) if len(episode_ids) == 1 else None
        reads_some = bool(public_ids and query.terms and not query.speakers)
        load_public = self._loader(public_ids) if reads_some and not include_transcripts else None
        with self.engine.connect() as connection:
            edition = self._editions.current(connection)
            with_stems = query.with_stems(edition.languages_of(include_transcripts=include_transcripts))
            request = SearchRequest(
                with_stems, self.show_id, self._dialect, self._loader(episode_ids), only_id, load_public
            )
            return request.run(
                connection,
                include_transcripts=include_transcripts or reads_some,
                page=page,
                passages=passages,
            )

    def suggest(
        self,
        text: str,
        zone: ZoneInfo,
        *,
        include_transcripts: bool,
        episode_ids: frozenset[UUID],
        public_ids: frozenset[UUID] = frozenset(),
    ) -> str | None:
        """Return a query like this one that finds something; None without one.

        Its words are of what the same search may read: of all texts, or of those for everybody.

        Args:
            text: a query that found nothing, or nearly nothing.
            zone, include_transcripts, episode_ids, public_ids: as for `parse_query` and `search`.
        """
        with self.engine.connect() as connection:
            vocabulary = self._editions.vocabulary(connection, is_public=not include_transcripts)
            edition = self._editions.current(connection)
        languages = edition.languages_of(include_transcripts=include_transcripts)
        instead = corrected(text, vocabulary, languages)
        if parse_query(instead, zone) == parse_query(text, zone):
            return None
        found = self.search(
            parse_query(instead, zone),
            include_transcripts=include_transcripts,
            episode_ids=episode_ids,
            public_ids=public_ids,
        )
        return instead if found.episode_count else None

    def _loader(self, episode_ids: frozenset[UUID]) -> SearchableLoader:
        return lambda connection, edition_id: searchable_episodes(
            self._editions.of(connection, edition_id), episode_ids
        )

    @contextmanager
    def _write_transaction(self) -> Iterator[Connection]:
        with write_transaction(self.engine) as connection:
            advisory_lock(connection, b"S" + self.show_id.bytes[:7])
            yield connection

    def _change_edition(self, connection: Connection) -> None:
        connection.execute(NEW_EDITION, {"show_id": self.show_id, "edition": uuid4()})

    def _row_and_digest(self, connection: Connection, episode_id: UUID) -> tuple[int, str] | None:
        """Return the id of an episode's row, and its digest; None if it is not in the index."""
        c = search_episodes.c
        query = select(c.id, c.digest).where(c.show_id == self.show_id, c.episode_id == episode_id)
        row = connection.execute(query).first()
        return (row.id, row.digest) if row else None

    def _digests(self) -> Mapping[UUID, str]:
        c = search_episodes.c
        query = select(c.episode_id, c.digest).where(c.show_id == self.show_id)
        with self.engine.connect() as connection:
            return {row.episode_id: row.digest for row in connection.execute(query)}

    def _delete(self, connection: Connection, row: int) -> None:
        low, high = passage_id_range(row)
        if connection.scalar(select(search_episodes.c.has_vocabulary).where(search_episodes.c.id == row)):
            discount_words(connection, self._dialect, self.show_id, *_bodies(connection, row))
        self._dialect.remove_rows(connection, "words", low, high)
        self._dialect.remove_rows(connection, "titles", row, row)
        self._change_edition(connection)
        connection.execute(delete(search_passages).where(search_passages.c.id.between(low, high)))
        connection.execute(delete(search_episodes).where(search_episodes.c.id == row))

    def _insert(
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
                topics=entry.topics,
                teaser=entry.teaser,
                languages=" ".join(entry.languages),
                has_vocabulary=True,
                body=entry.body,
            )
        )
        passages = [
            {
                "id": row + position,
                "show_id": self.show_id,
                "speaker": passage.speaker,
                "text": passage.text,
                "marks": search_rows.marks_to_text(passage.marks),
                "body": passage.body,
            }
            for position, passage in enumerate(entry.passages, start=1)
        ]
        if passages:
            connection.execute(insert(search_passages), passages)
        self._dialect.add_rows(connection, "titles", row, row)
        self._dialect.add_rows(connection, "words", *passage_id_range(row))
        bodies = [passage.body for passage in entry.passages]
        count_words(connection, self._dialect, self.show_id, entry.body, bodies)
        self._change_edition(connection)


def _free_row(connection: Connection, row: int) -> int:
    """Return the first free row from `row` on: two episodes may be published in the same second."""
    while connection.scalar(select(search_episodes.c.id).where(search_episodes.c.id == row)) is not None:
        row += search_rows.IDS_PER_EPISODE
    return row


def _bodies(connection: Connection, row: int) -> tuple[str, list[str]]:
    """Return the folded words of an episode's own row, and of its passages."""
    own = connection.scalars(select(search_episodes.c.body).where(search_episodes.c.id == row)).one()
    passages = select(search_passages.c.body).where(search_passages.c.id.between(*passage_id_range(row)))
    return own, list(connection.scalars(passages))


def _read_transcript(episode: Episode, store: ObjectReader) -> Transcript | None:
    if episode.transcript is None:
        return None
    key = episode.transcript.document_key
    return transcript_from_json(store.get(key)[1], key)


def _progress(report: ProgressCallback | None, total: int) -> Callable[[int], None]:
    def report_done(done: int) -> None:
        if report is not None:
            report(Progress(step="index", done=done, total=total, unit="episodes"))

    return report_done
