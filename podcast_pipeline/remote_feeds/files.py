"""Import files from another host into storage, byte for byte; an interrupted import resumes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from threading import Lock
from urllib.parse import urlsplit

from pydantic import ValidationError

from podcast_pipeline.errors import FetchError
from podcast_pipeline.feed.conformance.item import MEDIA_TYPES
from podcast_pipeline.files import short_sha256, write_atomically
from podcast_pipeline.model import CHAPTERS_TYPE, FrozenModel, Progress, Sha256
from podcast_pipeline.model.catalog import to_json
from podcast_pipeline.remote_feeds.client import DownloadedFile, HttpClient, redact_url
from podcast_pipeline.storage import Store
from podcast_pipeline.storage.objects import StagedObject
from podcast_pipeline.storage.upload import object_exists, upload

AUDIO_BYTES = 4 * 1024**3
ARTWORK_BYTES = 20 * 1024**2
CHAPTERS_BYTES = 2 * 1024**2
PICTURES = {b"\xff\xd8\xff": (".jpg", "image/jpeg"), b"\x89PNG": (".png", "image/png")}

FileTyper = Callable[[str, DownloadedFile], tuple[str, str]]
"""From a file's URL and the downloaded file to its suffix and its type."""


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
        """Import an episode's audio; `mime` is the type in the feed."""
        return self._import(
            url, f"public/audio/{slug}.", lambda u, file: _audio(u, mime or file.content_type), AUDIO_BYTES
        )

    def import_artwork(self, url: str) -> StoredFile:
        """Import a picture; FetchError where it is neither JPEG nor PNG."""
        return self._import(url, "public/art/", _picture, ARTWORK_BYTES)

    def import_chapters(self, url: str, slug: str) -> tuple[StoredFile, bytes]:
        """Import a chapters file; return its bytes too."""
        kind: FileTyper = lambda _, __: (".json", CHAPTERS_TYPE)  # noqa: E731
        stored = self._import(url, f"public/chapters/{slug}.", kind, CHAPTERS_BYTES)
        return stored, self.store.get(stored.key)[1]

    def _import(self, url: str, stem: str, kind: FileTyper, limit_bytes: int) -> StoredFile:
        record = self.journal / f"{short_sha256(f'{stem} {url}'.encode())}.json"
        with self._locks.setdefault(record, Lock()):  # many episodes share one picture
            return self._import_locked(url, stem, kind, limit_bytes, record)

    def _import_locked(
        self, url: str, stem: str, kind: FileTyper, limit_bytes: int, record: Path
    ) -> StoredFile:
        known = _read_record(record)
        if known is not None and object_exists(self.store, known.key, sha256=known.sha256):
            return known
        file = self.client.download(url, record.with_suffix(".bin"), limit_bytes=limit_bytes)
        try:
            suffix, content_type = kind(url, file)
            key = f"{stem}{file.sha256[:16]}{suffix}"
            staged = StagedObject(key, file.path, content_type, file.sha256, file.size_bytes)
            upload(self.store, (staged,), now=self.clock(), report=_ignore)
        finally:
            file.path.unlink()
        stored = StoredFile(
            key=key, size_bytes=file.size_bytes, sha256=file.sha256, content_type=content_type
        )
        write_atomically(record, to_json(stored))
        return stored


def _read_record(record: Path) -> StoredFile | None:
    try:
        return StoredFile.model_validate_json(record.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _audio(url: str, mime: str) -> tuple[str, str]:
    suffix = PurePosixPath(urlsplit(url).path).suffix.lower()
    if suffix in MEDIA_TYPES:
        allowed = MEDIA_TYPES[suffix]
        return suffix, mime if mime in allowed else allowed[0]
    suffix = next((s for s, types in MEDIA_TYPES.items() if mime in types), ".mp3")
    return suffix, mime or "audio/mpeg"


def _picture(url: str, file: DownloadedFile) -> tuple[str, str]:
    with file.path.open("rb") as opened:
        begin = opened.read(4)
    for magic, kind in PICTURES.items():
        if begin.startswith(magic):
            return kind
    raise FetchError(redact_url(url), "is neither JPEG nor PNG; check the address")


def _ignore(_: Progress) -> None:
    """Drop the progress of a file: the import reports episodes."""
