"""Fetch models by name from the Hugging Face hub into its cache; a cut download goes on where it stopped.

The library that the hub gives out begins a cut download anew, takes a path that a host sends as the name of
a file, and compares no bytes; here only its requests are used. Its cache is shared with every program that
uses the hub.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self, cast

import httpx2
import huggingface_hub
from huggingface_hub import constants, errors, file_download, utils

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.files import file_lock, make_folder, move_into_place, sha256_of, sync_to_disk
from podcast_pipeline.model import Progress, ProgressCallback
from podcast_pipeline.transcription.known_models.trust import LATEST, HubSource, check_trusted, find_source
from podcast_pipeline.transcription.weights import MODEL_FILE, SHA256_NAME, install_hint

SMALL_FILES = ("config.json", "tokenizer.json")
OPTIONAL_FILES = ("preprocessor_config.json", "vocabulary.json", "vocabulary.txt")
COMMIT, DIGEST = re.compile("[0-9a-f]{40}"), re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
UNNAMED = "the hub does not say its SHA-256; give a folder with --model PATH"
PATTERNS = [*SMALL_FILES, *OPTIONAL_FILES, MODEL_FILE]


def fetch_from_hub(model: str, *, report: ProgressCallback = lambda _: None) -> Path:
    """Return the folder of a model in the hub's cache, fetched if it is not there.

    HF_ENDPOINT, HF_HOME and HF_HUB_OFFLINE are those of the hub's library.

    Args:
        model: a name of the table, or a repository (owner/name).
        report: called with the bytes of model.bin that are here.

    Raises:
        TranscriptionError: unknown name; not in the cache and no network; or other bytes than the expected.
    """
    source = find_source(model)
    cached = _in_cache(source)
    if cached is not None:
        return cached
    with _clear_errors(model):
        return _fetch(model, source, report)


def _in_cache(source: HubSource) -> Path | None:
    """Return the folder of a model that was fetched before, at its commit or by another program.

    At another commit only the expected bytes count; a large file's name in the cache is its SHA-256.
    """
    at_commit = _snapshot(source.repository, source.revision)
    if at_commit is not None or source.revision == LATEST:
        return at_commit
    other = _snapshot(source.repository, LATEST)
    return other if other and (other / MODEL_FILE).resolve().name == source.sha256 else None


def _snapshot(repository: str, revision: str) -> Path | None:
    """Return the folder of a revision in the cache; None without model.bin, which is fetched last."""
    with suppress(OSError, ValueError):
        folder = Path(
            huggingface_hub.snapshot_download(
                repository, revision=revision, allow_patterns=PATTERNS, local_files_only=True
            )
        )
        return folder if (folder / MODEL_FILE).is_file() else None
    return None


class HubFile(NamedTuple):
    """A file as the hub announces it.

    Attributes:
        commit: of the repository, 40 hex digits.
        digest: SHA-256 of a large file, git's SHA-1 of a small one; its name in the cache.
    """

    url: str
    commit: str
    digest: str
    size_bytes: int


def _fetch(model: str, source: HubSource, report: ProgressCallback) -> Path:
    """Fetch model.bin if the hub has the expected bytes, then the small files; its name is written last."""
    found = _look_up(model, source.repository, MODEL_FILE, source.revision)
    if not SHA256_NAME.fullmatch(found.digest):
        raise TranscriptionError(model, UNNAMED)
    if source.sha256 not in (None, found.digest):
        check_trusted(source, revision=found.commit, sha256=found.digest)
    _download(model, source.repository, found, report)
    for name in (*SMALL_FILES, *OPTIONAL_FILES):
        with suppress(*([errors.RemoteEntryNotFoundError] if name in OPTIONAL_FILES else [])):
            small = _look_up(model, source.repository, name, found.commit)
            _download(model, source.repository, small, lambda _: None)
            _name(source, found.commit, name, small)
    return _name(source, found.commit, MODEL_FILE, found).parent


def _look_up(model: str, repository: str, name: str, revision: str) -> HubFile:
    """Return what the hub announces of a file.

    Raises:
        TranscriptionError: it does not name the bytes; a path that it sends in place of a name is not used.
    """
    url = huggingface_hub.hf_hub_url(repository, name, revision=revision)
    found = huggingface_hub.get_hf_file_metadata(url)
    commit, digest = found.commit_hash or "", found.etag or ""
    if not (COMMIT.fullmatch(commit) and DIGEST.fullmatch(digest) and found.size is not None):
        raise TranscriptionError(model, UNNAMED)
    return HubFile(url, commit, digest, found.size)


def _name(source: HubSource, commit: str, name: str, file: HubFile) -> Path:
    """Give a file of the cache its name in the folder of a commit; both are on the disk on return."""
    folder = _folder(source.repository)
    named = folder / "snapshots" / commit / name
    make_folder(named.parent)
    file_download._create_symlink(str(folder / "blobs" / file.digest), str(named))
    file_download._cache_commit_hash_for_specific_revision(str(folder), source.revision, commit)
    sync_to_disk(named)
    sync_to_disk(named.parent)
    return named


def _folder(repository: str) -> Path:
    """Return a repository's folder in the hub's cache."""
    name = file_download.repo_folder_name(repo_id=repository, repo_type="model")
    return Path(constants.HF_HUB_CACHE) / name


def _download(model: str, repository: str, found: HubFile, report: ProgressCallback) -> None:
    """Fetch a file from where an earlier run stopped; it is put in place when its bytes are right.

    Raises:
        TranscriptionError: the bytes are others, or more, than the hub has announced; they are deleted.
    """
    blob = _folder(repository) / "blobs" / found.digest
    part = blob.with_name(f"{blob.name}.podcast.part")
    make_folder(blob.parent)
    with file_lock(part.with_suffix(".lock")):
        if blob.is_file():
            return
        if part.is_symlink() or (part.exists() and part.stat().st_size > found.size_bytes):
            part.unlink()
        try:
            with part.open("ab") as file:
                file_download.http_get(
                    found.url,
                    file,
                    resume_size=file.tell(),
                    headers=utils.build_hf_headers(),  # type: ignore[attr-defined]
                    expected_size=found.size_bytes,
                    tqdm_class=cast(Any, partial(ByteProgress, model, report, found.size_bytes)),
                )
            _check_bytes(model, part, found)
        except TranscriptionError:
            part.unlink()
            raise
        move_into_place(part, blob)


def _check_bytes(model: str, path: Path, announced: HubFile) -> None:
    """Refuse a file that has another digest than the hub has announced, of the same kind."""
    if SHA256_NAME.fullmatch(announced.digest):
        kind, digest = "SHA-256", sha256_of(path)
    else:
        data = path.read_bytes()
        git = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False)
        kind, digest = "SHA-1", git.hexdigest()
    if digest != announced.digest:
        raise TranscriptionError(model, f"was fetched damaged: its {kind} is {digest}; run it again")


class ByteProgress:
    """Reports the bytes of a file as progress; the hub's library takes it for a bar of tqdm.

    Args:
        size_bytes: of the whole file.
        initial: of them, those of an earlier run.
        _others: how tqdm would show them.
    """

    def __init__(
        self, model: str, report: ProgressCallback, size_bytes: int, *, initial: float = 0, **_others: object
    ) -> None:
        self._model, self._report, self._size_bytes, self._done = model, report, size_bytes, 0.0
        self.update(0)
        self.update(initial)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def update(self, n: float) -> None:
        """Count more bytes; fewer where the host sends the file from its start again.

        Raises:
            TranscriptionError: there are more than the file has; they are not written.
        """
        self._done += n
        if self._done > self._size_bytes:
            message = f"the hub sends more than the {self._size_bytes} bytes that it announces; run it again"
            raise TranscriptionError(self._model, message)
        step = f"fetch {self._model}"
        self._report(Progress(step=step, done=self._done, total=self._size_bytes, unit="bytes"))


@contextmanager
def _clear_errors(model: str) -> Iterator[None]:
    """Turn what the hub's library raises into one line that says what to do."""
    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise _missing(model, "HF_HUB_OFFLINE forbids fetching them") from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        message = "the hub has no such model; known names: docs/how-to/models.md"
        raise TranscriptionError(model, message) from error
    except httpx2.ConnectError as error:
        raise _missing(model, "the hub cannot be reached") from error
    except (httpx2.HTTPError, OSError, ValueError, ImportError) as error:  # ImportError: a SOCKS proxy
        if isinstance(error, OSError) and error.errno is not None:
            message = f"cannot keep the weights of {model}: {error.strerror}; make room, or set HF_HOME"
            raise TranscriptionError(constants.HF_HUB_CACHE, message) from error
        raise _missing(model, f"fetching them failed ({_first_line(error)})") from error


def _missing(model: str, reason: str) -> TranscriptionError:
    return TranscriptionError(
        model, f"its weights are not on this machine, and {reason}; {install_hint(model)}"
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
