"""Import files from another host into storage, byte for byte; an interrupted import resumes.

Each is looked at before it is stored, and has the type that its content has: neither the feed nor the old
host is believed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Lock

from pydantic import ValidationError

from podcast_pipeline.audio.artwork import identify_picture
from podcast_pipeline.audio.foreign import identify_audio
from podcast_pipeline.errors import AudioError, RemoteFileUnusable
from podcast_pipeline.files import short_sha256, write_atomically
from podcast_pipeline.model import CHAPTERS_TYPE, FrozenModel, Progress, Sha256
from podcast_pipeline.model.catalog import to_json
from podcast_pipeline.model.media_types import AUDIO_TYPES
from podcast_pipeline.remote_feeds.chapters import harmless_chapters
from podcast_pipeline.remote_feeds.client import DownloadedFile, HttpClient, redact_url
from podcast_pipeline.storage import Store
from podcast_pipeline.storage.objects import StagedObject, stage_bytes
from podcast_pipeline.storage.upload import object_exists, upload

AUDIO_BYTES = 4 * 1024**3
ARTWORK_BYTES = 20 * 1024**2
CHAPTERS_BYTES = 2 * 1024**2
INSPECTED = "inspected"
"""Part of a record's name: the records of releases that did not look into files are not taken for these."""

Inspector = Callable[[DownloadedFile], "InspectedFile"]
"""Looks at a downloaded file; RemoteFileUnusable, without an address, where it is none of its kind."""


@dataclass(frozen=True)
class InspectedFile:
    """What a file is by its content.

    Attributes:
        body: what is stored; None: the file as it came.
    """

    suffix: str
    content_type: str
    body: bytes | None = None


class StoredFile(FrozenModel):
    """An object in storage that was imported from another host."""

    key: str
    size_bytes: int
    sha256: Sha256
    content_type: str


@dataclass(frozen=True)
class FileImporter:
    """Imports files; each is recorded in `journal`, so that a second run does not request it again.

    Attributes:
        journal: folder of the records and of interrupted downloads.
    """

    client: HttpClient
    store: Store
    journal: Path
    clock: Callable[[], datetime]
    _locks: dict[Path, Lock] = field(default_factory=dict)

    def import_audio(self, url: str, slug: str, mime: str) -> StoredFile:
        """Import an episode's audio.

        Args:
            mime: the type in the feed, kept where it is another name of the file's.

        Raises:
            RemoteFileUnusable: what the host delivers is no audio.
        """
        return self._import(url, f"public/audio/{slug}.", partial(_audio, mime), AUDIO_BYTES)

    def import_artwork(self, url: str) -> StoredFile:
        """Import a picture; RemoteFileUnusable where it is neither JPEG nor PNG."""
        return self._import(url, "public/art/", _picture, ARTWORK_BYTES)

    def import_chapters(self, url: str, slug: str) -> tuple[StoredFile, bytes]:
        """Import a chapters file; return its bytes too.

        Raises:
            RemoteFileUnusable: it is no chapters file.
        """
        stored = self._import(url, f"public/chapters/{slug}.", _chapters, CHAPTERS_BYTES)
        return stored, self.store.get(stored.key)[1]

    def _import(self, url: str, stem: str, inspect: Inspector, limit_bytes: int) -> StoredFile:
        record = self.journal / f"{short_sha256(f'{INSPECTED} {stem} {url}'.encode())}.json"
        with self._locks.setdefault(record, Lock()):  # many episodes share one picture
            return self._import_locked(url, stem, inspect, limit_bytes, record)

    def _import_locked(
        self, url: str, stem: str, inspect: Inspector, limit_bytes: int, record: Path
    ) -> StoredFile:
        known = _read_record(record)
        if known is not None and object_exists(self.store, known.key, sha256=known.sha256):
            return known
        file = self.client.download(url, record.with_suffix(".bin"), limit_bytes=limit_bytes)
        try:
            staged = _staged(stem, file, inspect(file))
            upload(self.store, (staged,), now=self.clock(), report=_ignore)
        except RemoteFileUnusable as error:
            file.path.unlink()
            raise RemoteFileUnusable(redact_url(url), error.message) from error
        file.path.unlink()
        stored = StoredFile(
            key=staged.key,
            size_bytes=staged.size_bytes,
            sha256=staged.sha256,
            content_type=staged.content_type,
        )
        write_atomically(record, to_json(stored))
        return stored


def _read_record(record: Path) -> StoredFile | None:
    try:
        return StoredFile.model_validate_json(record.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _staged(stem: str, file: DownloadedFile, inspected: InspectedFile) -> StagedObject:
    if inspected.body is not None:
        folder, _, name = stem.rpartition("/")
        suffix = inspected.suffix.removeprefix(".")
        return stage_bytes(folder, name.rstrip("."), suffix, inspected.body, inspected.content_type)
    key = f"{stem}{file.sha256[:16]}{inspected.suffix}"
    return StagedObject(key, file.path, inspected.content_type, file.sha256, file.size_bytes)


def _audio(mime: str, file: DownloadedFile) -> InspectedFile:
    try:
        found = identify_audio(file.path)
    except AudioError as error:
        raise RemoteFileUnusable("", error.message) from error
    is_a_name_of_it = mime in AUDIO_TYPES[found.suffix]
    return InspectedFile(found.suffix, mime if is_a_name_of_it else found.content_type)


def _picture(file: DownloadedFile) -> InspectedFile:
    kind = identify_picture(file.path.read_bytes())
    if kind is None:
        raise RemoteFileUnusable("", "is no whole JPEG or PNG")
    return InspectedFile(*kind)


def _chapters(file: DownloadedFile) -> InspectedFile:
    data = file.path.read_bytes()
    harmless = harmless_chapters(data)
    return InspectedFile(".json", CHAPTERS_TYPE, None if harmless == data else harmless)


def _ignore(_: Progress) -> None:
    """Drop the progress of a file: the import reports episodes."""
