"""Brings the files of another host into our store, byte for byte, each once whatever interrupts."""

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
"""From a file's address and the file to its ending and its type."""


class StoredFile(FrozenModel):
    """An object that came from another host."""

    key: str
    size_bytes: int
    sha256: Sha256
    content_type: str


@dataclass(frozen=True)
class FileImporter:
    """Takes files over. What was taken is noted in `journal`, so that a second run asks for none again.

    Attributes:
        journal: a folder for notes and for downloads that broke off.
    """

    client: HttpClient
    store: Store
    journal: Path
    clock: Callable[[], datetime]
    _turns: dict[Path, Lock] = field(default_factory=dict)

    def import_audio(self, url: str, slug: str, mime: str) -> StoredFile:
        """Take an episode's audio; `mime` is what the feed says of it."""
        return self._take(
            url, f"public/audio/{slug}.", lambda u, file: _audio(u, mime or file.content_type), AUDIO_BYTES
        )

    def import_artwork(self, url: str) -> StoredFile:
        """Take a picture; FetchError where it is neither JPEG nor PNG."""
        return self._take(url, "public/art/", _picture, ARTWORK_BYTES)

    def import_chapters(self, url: str, slug: str) -> tuple[StoredFile, bytes]:
        """Take a chapters file; return its bytes too."""
        kind: FileTyper = lambda _, __: (".json", CHAPTERS_TYPE)  # noqa: E731
        taken = self._take(url, f"public/chapters/{slug}.", kind, CHAPTERS_BYTES)
        return taken, self.store.get(taken.key)[1]

    def _take(self, url: str, stem: str, kind: FileTyper, limit_bytes: int) -> StoredFile:
        note = self.journal / f"{short_sha256(f'{stem} {url}'.encode())}.json"
        with self._turns.setdefault(note, Lock()):  # episodes of many shows have one picture
            return self._take_alone(url, stem, kind, limit_bytes, note)

    def _take_alone(self, url: str, stem: str, kind: FileTyper, limit_bytes: int, note: Path) -> StoredFile:
        known = _noted(note)
        if known is not None and object_exists(self.store, known.key):
            return known
        file = self.client.download(url, note.with_suffix(".bin"), limit_bytes=limit_bytes)
        try:
            ending, content_type = kind(url, file)
            key = f"{stem}{file.sha256[:16]}{ending}"
            staged = StagedObject(key, file.path, content_type, file.sha256, file.size_bytes)
            upload(self.store, (staged,), now=self.clock(), report=_silently)
        finally:
            file.path.unlink()
        taken = StoredFile(key=key, size_bytes=file.size_bytes, sha256=file.sha256, content_type=content_type)
        write_atomically(note, to_json(taken))
        return taken


def _noted(note: Path) -> StoredFile | None:
    try:
        return StoredFile.model_validate_json(note.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _audio(url: str, mime: str) -> tuple[str, str]:
    ending = PurePosixPath(urlsplit(url).path).suffix.lower()
    if ending in MEDIA_TYPES:
        allowed = MEDIA_TYPES[ending]
        return ending, mime if mime in allowed else allowed[0]
    found = next((e for e, types in MEDIA_TYPES.items() if mime in types), ".mp3")
    return found, mime or "audio/mpeg"


def _picture(url: str, file: DownloadedFile) -> tuple[str, str]:
    with file.path.open("rb") as opened:
        begin = opened.read(4)
    for magic, kind in PICTURES.items():
        if begin.startswith(magic):
            return kind
    raise FetchError(redact_url(url), "is neither JPEG nor PNG; check the address")


def _silently(progress: Progress) -> None:
    """Take no notice: the import counts episodes, not their files."""
