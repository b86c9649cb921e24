"""A folder as an object store, with atomic writes even if a writer is killed.

    root/public/feed.xml  ->  ../.objects/public/feed.xml@<version>/body     a link; its replacement commits
    root/.objects/public/feed.xml@<version>/body, info.json                  written before, never changed
    root/.lock                                                               held during a write

A version (body and metadata) is complete and on the disk, its name included, before its link is renamed
over the old one, so body and metadata change together and a reader needs no lock. A put has reached the disk
when it returns. A body that is not as info.json describes it is no object: it is not served. Versions without
a link (their writer was killed) are removed by the next write of their key, or by `podcast gc`.
"""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from errno import EINVAL, ENOENT, ENOTDIR
from io import BytesIO
from pathlib import Path
from stat import S_IMODE
from typing import IO, TYPE_CHECKING, Self

from podcast_pipeline.errors import DamagedObject, Denied, NotFound, StoreError
from podcast_pipeline.files import file_lock, make_folder, sha256_of, sync_to_disk
from podcast_pipeline.storage import CHUNK_BYTES, ObjectInfo, UnfinishedUpload
from podcast_pipeline.storage.conditional import check_preconditions
from podcast_pipeline.storage.file_modes import CLOSED_FILE, CLOSED_FOLDER, store_mode
from podcast_pipeline.storage.keys import check_key, check_prefix, public_url

if TYPE_CHECKING:
    from podcast_pipeline.config import Config

NOT_FOUND_ERRNOS = (ENOENT, ENOTDIR, EINVAL)
"""The errors for a key that does not exist, leads through an object, or is a folder."""

READ_ATTEMPTS = 20  # retries of a reader while the object is being replaced


class LocalReader:
    """Reads a folder; without credentials `public/` only and no list, as under our bucket policy."""

    def __init__(self, root: Path, *, anonymous: bool) -> None:
        self._root = root
        self._anonymous = anonymous

    def head(self, key: str) -> ObjectInfo:
        """Return the metadata of an object."""
        info, body = self._open(key)
        body.close()
        return info

    def get(self, key: str) -> tuple[ObjectInfo, bytes]:
        """Return a whole object; DamagedObject where its bytes have another SHA-256."""
        info, body = self._open(key)
        with body:
            data = body.read()
        if hashlib.sha256(data).hexdigest() != info.sha256:
            raise DamagedObject(key, "has other bytes than were stored; restore the store from a backup")
        return info, data

    def stream(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from `start` up to, not including, `end`; errors come with the first chunk."""
        info, body = self._open(key)
        with body:
            body.seek(start)
            left = min(info.size_bytes if end is None else end, info.size_bytes) - start
            while left > 0 and (chunk := body.read(min(left, CHUNK_BYTES))):
                left -= len(chunk)
                yield chunk

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose key begins with `prefix`, in order of key."""
        if self._anonymous:
            raise Denied(prefix, "cannot be listed without credentials")
        for key in sorted(self._keys(check_prefix(prefix))):
            try:
                info = self._listed(key)
            except NotFound:  # deleted after the listing
                continue
            yield ObjectInfo(key, info.size_bytes, "", "", info.etag, None, info.modified_at)

    def _listed(self, key: str) -> ObjectInfo:
        """Return the metadata of an object, of a damaged one what its file shows: `gc` must see it."""
        try:
            return self.head(key)
        except DamagedObject:
            with _store_errors(key):
                found = (self._version(key) / "body").stat()
            modified_at = datetime.fromtimestamp(found.st_mtime, UTC)
            return ObjectInfo(key, found.st_size, "", "", "", None, modified_at)

    def _keys(self, prefix: str) -> Iterator[str]:
        folder = self._root / prefix.rpartition("/")[0]
        for parent, _, names in os.walk(folder):
            at = Path(parent).relative_to(self._root).as_posix()
            keys = (f"{at}/{name}" for name in names if "@" not in name)
            yield from (key for key in keys if key.startswith(prefix))

    def _open(self, key: str) -> tuple[ObjectInfo, IO[bytes]]:
        """Open the current version of `key`."""
        if not check_key(key).startswith("public/") and self._anonymous:
            raise Denied(key, "cannot be read without credentials")
        with _store_errors(key):
            for _ in range(READ_ATTEMPTS):
                version = self._version(key)
                try:
                    return _open_version(key, version)
                except FileNotFoundError:  # replaced between the two reads
                    continue
        raise StoreError(key, "the object's file is missing from the store's folder; store the object again")

    def _version(self, key: str) -> Path:
        link = self._root / key
        try:
            return (link.parent / link.readlink()).parent
        except OSError as error:
            if error.errno in NOT_FOUND_ERRNOS:
                raise NotFound(key, "there is no such object") from error
            raise


class LocalStore(LocalReader):
    """The embedded store: a folder, for one machine and any number of processes on it.

    Args:
        root: the folder; created by the first write.
        base_url: address of `public/`, without a trailing slash.
        web_server_reads: other users may read the bodies of public objects; private ones nobody may.
    """

    remote = False

    def __init__(self, root: Path, *, base_url: str, web_server_reads: bool = False) -> None:
        super().__init__(root, anonymous=False)
        self._base_url = base_url
        self._web_server_reads = web_server_reads

    @classmethod
    def from_config(cls, config: "Config") -> Self:
        """Return the store in `.podcast/store` beside show.toml."""
        return cls(
            config.local_store_folder,
            base_url=config.media_url,
            web_server_reads=config.storage.web_server_reads,
        )

    def put(
        self,
        key: str,
        body: bytes | Path,
        *,
        content_type: str,
        cache_control: str,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> ObjectInfo:
        """Write an object atomically; see Store."""
        check_key(key)
        with _store_errors(key), self._lock():
            check_preconditions(self, key, if_absent=if_absent, if_match=if_match)
            version = self._versions(key).with_name(f"{Path(key).name}@{secrets.token_hex(8)}")
            self._make_folder(version.parent)
            version.mkdir(CLOSED_FOLDER)
            version.chmod(self._mode(version, True))
            _copy(body, version / "body", mode=self._mode(version / "body"))
            info = _describe(key, version / "body", content_type, cache_control)
            _copy(json.dumps(info).encode(), version / "info.json", mode=self._mode(version / "info.json"))
            sync_to_disk(version)
            sync_to_disk(version.parent)
            self._commit(key, version)
            return _info(key, version)

    def delete(self, key: str) -> None:
        """Delete an object; no error if there is none."""
        check_key(key)
        with _store_errors(key), self._lock():
            (self._root / key).unlink(missing_ok=True)
            if (self._root / key).parent.is_dir():
                sync_to_disk((self._root / key).parent)
            self._remove_versions(key, keep=None)

    def purge(self, key: str, *, keep_current: bool = False) -> tuple[str, ...]:
        """Remove an object and what killed writers left of it; a folder keeps no other versions."""
        if not keep_current:
            self.delete(key)
            return ()
        with _store_errors(key), self._lock():
            self._remove_versions(key, keep=self._versions(key).with_name(self._version(key).name))
        return ()

    def unfinished_uploads(self, prefix: str) -> Iterator[UnfinishedUpload]:
        """Yield the versions without a link: their writer was killed, or is still writing."""
        objects = self._root / ".objects"
        for version in sorted(objects.glob(f"{check_prefix(prefix)}**/*@*")):
            key = version.relative_to(objects).as_posix().rpartition("@")[0]
            with suppress(FileNotFoundError):  # removed by another writer
                if not self._is_current(key, version):
                    size = sum(file.stat().st_size for file in version.iterdir())
                    at = datetime.fromtimestamp(version.stat().st_mtime, UTC)
                    yield UnfinishedUpload(key, version.name.rpartition("@")[2], size, at)

    def abort_upload(self, upload: UnfinishedUpload) -> None:
        """Remove a version without a link."""
        version = self._versions(upload.key).with_name(f"{Path(upload.key).name}@{upload.id}")
        with _store_errors(upload.key), self._lock():
            if version.exists() and not self._is_current(upload.key, version):
                shutil.rmtree(version)

    def url(self, key: str) -> str:
        """Return the address of a key under `public/`."""
        return public_url(self._base_url, key)

    def presigned_url(self, key: str, seconds: int) -> None:
        """Return None: a folder has no addresses."""

    def anonymous(self) -> LocalReader:
        """Return a reader without credentials: `public/` only, no list."""
        return LocalReader(self._root, anonymous=True)

    def _commit(self, key: str, version: Path) -> None:
        link = self._root / key
        self._make_folder(link.parent)
        new_link = link.with_name(f"{link.name}@link")
        new_link.unlink(missing_ok=True)
        new_link.symlink_to(os.path.relpath(version / "body", link.parent))
        new_link.replace(link)
        sync_to_disk(link.parent)
        self._remove_versions(key, keep=version)

    def _make_folder(self, folder: Path) -> None:
        """Make a folder of the store, and those above it, with the permissions of their place."""
        make_folder(folder, mode=CLOSED_FOLDER)
        for path in (folder, *folder.parents):
            if path.is_relative_to(self._root) and S_IMODE(path.stat().st_mode) != self._mode(path, True):
                path.chmod(self._mode(path, True))

    def _mode(self, path: Path, is_folder: bool = False) -> int:
        place = path.relative_to(self._root)
        return store_mode(place, is_folder=is_folder, web_server_reads=self._web_server_reads)

    def _versions(self, key: str) -> Path:
        return self._root / ".objects" / key

    def _is_current(self, key: str, version: Path) -> bool:
        try:
            return self._version(key).resolve() == version.resolve()
        except NotFound:
            return False

    def _remove_versions(self, key: str, *, keep: Path | None) -> None:
        """Remove the versions of `key` except `keep`; a reader with an open file can read on."""
        versions = self._versions(key)
        for version in versions.parent.glob(f"{versions.name}@*"):
            if version != keep:
                shutil.rmtree(version)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self._make_folder(self._root)
        with file_lock(self._root / ".lock"):
            yield


@contextmanager
def _store_errors(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or "the store's folder"
        raise StoreError(key, f"{error.strerror}; check {where} and its disk") from error


def _copy(body: bytes | Path, target: Path, *, mode: int) -> None:
    """Write a file that nobody else can read until it is whole."""
    target.touch(CLOSED_FILE)
    with BytesIO(body) if isinstance(body, bytes) else body.open("rb") as source, target.open("wb") as file:
        shutil.copyfileobj(source, file, CHUNK_BYTES)
    target.chmod(mode)
    sync_to_disk(target)


def _describe(key: str, body: Path, content_type: str, cache_control: str) -> dict[str, str | int]:
    sha256 = sha256_of(body)
    return {
        "key": key,
        "size_bytes": body.stat().st_size,
        "content_type": content_type,
        "cache_control": cache_control,
        "etag": sha256[:32],
        "sha256": sha256,
        "modified_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _open_version(key: str, version: Path) -> tuple[ObjectInfo, IO[bytes]]:
    """Open the body of a version; DamagedObject where it has not the length that info.json states."""
    info, body = _info(key, version), (version / "body").open("rb")
    there = os.fstat(body.fileno()).st_size
    if there == info.size_bytes:
        return info, body
    body.close()
    raise DamagedObject(
        key, f"has {there} bytes of the {info.size_bytes} that were stored; restore the store from a backup"
    )


def _info(key: str, version: Path) -> ObjectInfo:
    try:
        fields = json.loads((version / "info.json").read_bytes())
        return ObjectInfo(**{**fields, "modified_at": datetime.fromisoformat(fields["modified_at"])})
    except (ValueError, TypeError, KeyError) as error:
        message = f"{os.path.normpath(version / 'info.json')} cannot be read; restore the store from a backup"
        raise DamagedObject(key, message) from error
