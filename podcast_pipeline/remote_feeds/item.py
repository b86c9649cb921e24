"""Import one item of another host's feed: its files, its episode folder, its entry in the catalog."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError

from podcast_pipeline.episodes.base import BASE_FILE, EpisodeBase
from podcast_pipeline.episodes.create import create_imported_episode
from podcast_pipeline.episodes.library import Library
from podcast_pipeline.errors import FetchError, RemoteFileNotFound
from podcast_pipeline.feed.drop_invalid import drop_invalid_elements
from podcast_pipeline.feed.parse import ImportRemark, ParsedItem
from podcast_pipeline.model import Chapter, Enclosure, Episode, EpisodeDraft, ImportedItem, Show
from podcast_pipeline.model.catalog import to_json
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
        keep_audio: leave the audio where it is.
    """

    files: FileImporter
    library: Library
    show: Show
    language: str
    now: datetime
    keep_audio: bool


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
    remarks = [ImportRemark(f"{name} is not repeated", item.title) for name in sorted(item.dropped_elements)]
    enclosure = _enclosure(item, slug, files, remarks, keep_audio=context.keep_audio)
    if enclosure is None:
        return ImportedEpisode(None, tuple(remarks))
    artwork_key = _artwork(item, files, remarks)
    chapters_key, chapters = _chapters(item, slug, files, remarks)
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
        chapters=chapters,
        source_sha256=enclosure.sha256,
    )
    transcripts = dict(_transcripts(item, files.client, remarks))
    is_out = item.published_at <= context.now
    episode = Episode(
        **dict(draft),
        state="published" if is_out else "scheduled",
        publish_at=item.published_at,
        published_at=item.published_at if is_out else None,
        content_changed_at=item.published_at,
        enclosure=enclosure,
        artwork_key=artwork_key,
        chapters_key=chapters_key,
        guid_is_permalink=item.guid_is_permalink,
        original=ImportedItem(
            link=item.link,
            description=item.description,
            content=item.content,
            image_url=None if artwork_key else item.image_url,
            chapters_url=item.chapters.url if item.chapters and not chapters_key else None,
            tags=item.tags,
        ),
    )
    valid, dropped = drop_invalid_elements(context.show, episode)
    base = to_json(EpisodeBase.of(valid))
    files_by_name = {"notes.md": draft.notes.encode(), BASE_FILE: base, **transcripts}
    create_imported_episode(draft, context.library, files_by_name)
    remarks += [ImportRemark(reason, item.title) for reason in dropped]
    return ImportedEpisode(valid, tuple(remarks))


def _with_lf(text: str) -> str:
    """Return text with LF line ends and no byte order mark, so that an unedited notes.md reads back equal."""
    return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")


def _enclosure(
    item: ParsedItem, slug: str, files: FileImporter, remarks: list[ImportRemark], *, keep_audio: bool
) -> Enclosure | None:
    if not keep_audio:
        try:
            stored = files.import_audio(item.audio.url, slug, item.audio.mime)
        except RemoteFileNotFound:
            remarks.append(ImportRemark("its audio is gone from the old host; the address stays", item.title))
        else:
            if item.size_bytes not in (0, stored.size_bytes):
                remarks.append(ImportRemark("the feed gave its audio another length", item.title))
            return Enclosure(
                key=stored.key,
                size_bytes=stored.size_bytes,
                type=stored.content_type,
                duration_s=item.duration_s,
                sha256=stored.sha256,
            )
    size = item.size_bytes or _size_from_host(item, files.client)
    if not size:
        remarks.append(
            ImportRemark("is left out: neither feed nor host states the length of its audio", item.title)
        )
        return None
    return Enclosure(
        external_url=item.audio.url, size_bytes=size, type=item.audio.mime, duration_s=item.duration_s
    )


def _size_from_host(item: ParsedItem, client: HttpClient) -> int:
    try:
        length = client.request(item.audio.url, method="HEAD").headers.get("content-length", "")
    except FetchError:
        return 0
    return int(length) if length.isdecimal() else 0


def _artwork(item: ParsedItem, files: FileImporter, remarks: list[ImportRemark]) -> str | None:
    if item.image_url is None:
        return None
    try:
        return files.import_artwork(item.image_url).key
    except FetchError:
        remarks.append(ImportRemark("its artwork could not be fetched; the address stays", item.title))
        return None


def _chapters(
    item: ParsedItem, slug: str, files: FileImporter, remarks: list[ImportRemark]
) -> tuple[str | None, tuple[Chapter, ...]]:
    if item.chapters is None:
        return None, ()
    try:
        stored, data = files.import_chapters(item.chapters.url, slug)
    except FetchError:
        remarks.append(ImportRemark("its chapters could not be fetched; the address stays", item.title))
        return None, ()
    return stored.key, read_chapters(data)


def read_chapters(data: bytes) -> tuple[Chapter, ...]:
    """Read a chapters file for our pages; none where the file is not JSON chapters."""
    try:
        return tuple(
            Chapter(
                start_s=one["startTime"], title=one["title"], url=one.get("url"), toc=one.get("toc", True)
            )
            for one in json.loads(data)["chapters"]
            if one.get("title")
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ValidationError):
        return ()


def _transcripts(
    item: ParsedItem, client: HttpClient, remarks: list[ImportRemark]
) -> Iterator[tuple[str, bytes]]:
    """Yield the old transcripts as files for the folder; the public feed lists none."""
    for file in item.transcripts:
        suffix = TRANSCRIPTS.get(file.mime, "txt")
        try:
            yield f"imported.{suffix}", client.get(file.url, limit_bytes=TRANSCRIPT_BYTES).body
        except FetchError:
            remarks.append(ImportRemark(f"its transcript ({suffix}) could not be fetched", item.title))
        else:
            remarks.append(
                ImportRemark(f"its transcript ({suffix}) is in its folder, not in the feed", item.title)
            )
