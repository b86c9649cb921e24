"""Import one item of another host's feed: its files, its episode folder, its entry in the catalog."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from podcast_pipeline.episodes.base import BASE_FILE, EpisodeBase
from podcast_pipeline.episodes.create import create_imported_episode
from podcast_pipeline.episodes.library import Library
from podcast_pipeline.errors import FetchError, ForbiddenAddress, RemoteFileNotFound, RemoteFileUnusable
from podcast_pipeline.feed.drop_invalid import drop_invalid_elements
from podcast_pipeline.feed.parse import ImportRemark, ParsedItem
from podcast_pipeline.feed.untrusted.dates import is_far
from podcast_pipeline.model import Chapter, Enclosure, Episode, EpisodeDraft, ImportedItem, Show
from podcast_pipeline.model.catalog import to_json
from podcast_pipeline.remote_feeds.chapters import read_chapters
from podcast_pipeline.remote_feeds.client import HttpClient
from podcast_pipeline.remote_feeds.files import FileImporter

TRANSCRIPT_BYTES = 20 * 1024**2
TRANSCRIPTS = {
    "text/vtt": "vtt",
    "application/x-subrip": "srt",
    "application/srt": "srt",
    "application/json": "json",
    "text/html": "html",
    "text/plain": "txt",
}
"""Type -> suffix of the file in the episode's folder."""


@dataclass(frozen=True)
class ImportContext:
    """The parts and settings of an import.

    Attributes:
        now: aware; an item with a later date is scheduled.
        keep_audio: guids of items whose audio is left where it is.
        keep_missing: leave audio there that cannot be fetched now.
    """

    files: FileImporter
    library: Library
    show: Show
    language: str
    now: datetime
    keep_audio: frozenset[str]
    keep_missing: bool = False


@dataclass(frozen=True)
class Remarks:
    """Collects the remarks on one item; each carries its title."""

    title: str
    found: list[ImportRemark] = field(default_factory=list)

    def add(self, about: str) -> None:
        """Add a remark."""
        self.found.append(ImportRemark(about, self.title))


@dataclass(frozen=True)
class ImportedEpisode:
    """The episode of an item, None where it is left out, and the differences from the old feed."""

    episode: Episode | None
    remarks: tuple[ImportRemark, ...]


def import_item(item: ParsedItem, episode_id: UUID, slug: str, context: ImportContext) -> ImportedEpisode:
    """Import an item's files, create its folder and return its episode.

    Raises:
        FetchError: the audio could not be fetched this time.
    """
    files = context.files
    remarks = Remarks(item.title)
    for name in sorted(item.dropped_elements):
        remarks.add(f"{name} is not imported")
    enclosure = _enclosure(item, slug, context, remarks)
    if enclosure is None:
        return ImportedEpisode(None, tuple(remarks.found))
    artwork = _artwork(item, files, remarks)
    chapters = _chapters(item, slug, files, remarks)
    draft = EpisodeDraft(
        id=episode_id,
        guid=item.guid,
        slug=slug,
        title=item.title,
        notes=_with_lf(item.content or item.description),
        language=context.language,
        explicit=item.explicit,
        season=item.season,
        number=item.number,
        type=item.type,
        persons=item.persons,
        chapters=chapters.marks,
        source_sha256=enclosure.sha256,
    )
    transcripts = dict(_transcripts(item, files.client, remarks))
    is_out = item.dated_at <= context.now
    episode = Episode(
        **dict(draft),
        state="published" if is_out else "scheduled",
        publish_at=item.dated_at,
        published_at=item.dated_at if is_out else None,
        content_changed_at=item.dated_at,
        enclosure=enclosure,
        artwork_key=artwork.key,
        chapters_key=chapters.key,
        guid_is_permalink=item.guid_is_permalink,
        original=ImportedItem(
            link=item.link,
            description=item.description,
            content=item.content,
            image_url=artwork.url_at_old_host,
            chapters_url=chapters.url_at_old_host,
            tags=item.tags,
            place=item.place,
        ),
    )
    valid, dropped = drop_invalid_elements(context.show, episode)
    for reason in dropped:
        remarks.add(reason)
    if valid is not None:
        if not is_out:
            remarks.add(_scheduled(item.dated_at, context.now))
        base = to_json(EpisodeBase.of(valid))
        files_by_name = {"notes.md": draft.notes.encode(), BASE_FILE: base, **transcripts}
        create_imported_episode(draft, context.library, files_by_name)
    return ImportedEpisode(valid, tuple(remarks.found))


def _scheduled(at: datetime, now: datetime) -> str:
    year = f"; look whether the year {at.year} is right" if is_far(at, now) else ""
    when = f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"is dated in the future, {when}: it is scheduled, and out with `podcast release` after that{year}"


def _with_lf(text: str) -> str:
    """Return text with LF line ends and no byte order mark, so that an unedited notes.md reads back equal."""
    return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")


def _enclosure(item: ParsedItem, slug: str, context: ImportContext, remarks: Remarks) -> Enclosure | None:
    """Return the audio, in storage or at the old host; None, with a remark, for an item that has none."""
    why_not_taken = None
    try:
        if item.guid not in context.keep_audio:
            return _stored_enclosure(item, slug, context.files, remarks)
    except RemoteFileNotFound:
        why_not_taken = "its audio is gone from the old host"
    except ForbiddenAddress as error:
        remarks.add(f"is left out: its audio {error.message}")
        return None
    except RemoteFileUnusable as error:
        if item.audio.mime is None:
            remarks.add(f"is left out: its file {_first_part(error)}")
            return None
        why_not_taken = f"its audio could not be taken, it {_first_part(error)}"
    except FetchError as error:
        if not context.keep_missing:
            raise
        why_not_taken = f"its audio {_first_part(error)}"
    return _enclosure_at_old_host(item, context.files.client, remarks, why_not_taken)


def _first_part(error: FetchError) -> str:
    """Return what is wrong, without what to do: that is for the old host."""
    return error.message.partition(";")[0]


def _stored_enclosure(item: ParsedItem, slug: str, files: FileImporter, remarks: Remarks) -> Enclosure:
    stored = files.import_audio(item.audio.url, slug, item.audio.mime or "")
    if item.size_bytes not in (0, stored.size_bytes):
        remarks.add("the feed gave its audio another length")
    return Enclosure(
        key=stored.key,
        size_bytes=stored.size_bytes,
        type=stored.content_type,
        duration_s=item.duration_s,
        sha256=stored.sha256,
    )


def _enclosure_at_old_host(
    item: ParsedItem, client: HttpClient, remarks: Remarks, why_not_taken: str | None
) -> Enclosure | None:
    """Return the audio at its address; None, with one remark, where no feed of ours may have that."""
    if item.audio.mime is None:
        remarks.add("is left out: its file is no audio by its name and its type")
        return None
    if not client.allows_name(item.audio.url):
        remarks.add("is left out: its audio is on the listener's own machine or network")
        return None
    size = item.size_bytes or _size_from_host(item, client)
    if not size:
        also = f"{why_not_taken}, and " if why_not_taken else ""
        remarks.add(f"is left out: {also}neither feed nor host states the length of its audio")
        return None
    if why_not_taken:
        remarks.add(f"{why_not_taken}; the address stays")
    return Enclosure(
        external_url=item.audio.url, size_bytes=size, type=item.audio.mime, duration_s=item.duration_s
    )


def _size_from_host(item: ParsedItem, client: HttpClient) -> int:
    try:
        head = client.request(item.audio.url, method="HEAD")
    except FetchError:
        return 0
    length = head.headers.get("content-length", "") if head.status == 200 else ""  # a 404 page has one, too
    return int(length) if length.isdecimal() else 0


@dataclass(frozen=True)
class _LinkedFile:
    """A picture or a chapters file: in storage, at the old host, or nowhere."""

    key: str | None = None
    url_at_old_host: str | None = None
    marks: tuple[Chapter, ...] = ()


def _artwork(item: ParsedItem, files: FileImporter, remarks: Remarks) -> _LinkedFile:
    if item.image_url is None:
        return _LinkedFile()
    try:
        return _LinkedFile(files.import_artwork(item.image_url).key)
    except (RemoteFileUnusable, ForbiddenAddress) as error:
        remarks.add(f"its artwork is left out: it {_first_part(error)}")
        return _LinkedFile()
    except FetchError:
        remarks.add("its artwork could not be fetched; the address stays")
        return _LinkedFile(url_at_old_host=item.image_url)


def _chapters(item: ParsedItem, slug: str, files: FileImporter, remarks: Remarks) -> _LinkedFile:
    if item.chapters is None:
        return _LinkedFile()
    try:
        stored, data = files.import_chapters(item.chapters.url, slug)
    except (RemoteFileUnusable, ForbiddenAddress) as error:
        remarks.add(f"its chapters are left out: the file {_first_part(error)}")
        return _LinkedFile()
    except FetchError:
        remarks.add("its chapters could not be fetched; the address stays")
        return _LinkedFile(url_at_old_host=item.chapters.url)
    return _LinkedFile(stored.key, marks=read_chapters(data))


def _transcripts(item: ParsedItem, client: HttpClient, remarks: Remarks) -> Iterator[tuple[str, bytes]]:
    """Yield the old transcripts as files for the folder; the public feed lists none."""
    for file in item.transcripts:
        suffix = TRANSCRIPTS.get(file.mime, "txt")
        try:
            yield f"imported.{suffix}", client.get(file.url, limit_bytes=TRANSCRIPT_BYTES).body
        except FetchError:
            remarks.add(f"its transcript ({suffix}) could not be fetched")
        else:
            remarks.add(f"its transcript ({suffix}) is in its folder, not in the feed")
