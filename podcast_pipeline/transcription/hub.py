"""Fetch models by name from the Hugging Face hub into its cache; a cut download goes on where it stopped.

The library that the hub gives out begins a cut download anew; here only its request for the bytes is used
for model.bin, which is all but a few megabytes. Its cache is shared with every program that uses the hub.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Self, cast

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


def _fetch(model: str, source: HubSource, report: ProgressCallback) -> Path:
    """Fetch model.bin if the hub has the expected bytes, then the small files beside it."""
    url = huggingface_hub.hf_hub_url(source.repository, MODEL_FILE, revision=source.revision)
    found = huggingface_hub.get_hf_file_metadata(url)
    if not (found.commit_hash and found.size and found.etag and SHA256_NAME.fullmatch(found.etag)):
        raise TranscriptionError(model, "the hub does not say its SHA-256; give a folder with --model PATH")
    if source.sha256 not in (None, found.etag):
        check_trusted(source, revision=found.commit_hash, sha256=found.etag)
    _download(model, url, _blob(source.repository, found.etag), found.size, report)
    for name in SMALL_FILES:
        _fetch_small(source.repository, name, found.commit_hash)
    for name in OPTIONAL_FILES:
        with suppress(errors.RemoteEntryNotFoundError):
            _fetch_small(source.repository, name, found.commit_hash)
    return _fetch_small(source.repository, MODEL_FILE, found.commit_hash).parent  # its bytes are there


def _fetch_small(repository: str, name: str, commit: str) -> Path:
    """Fetch a file that is not in the cache; it is on the disk before the next one's name is."""
    path = Path(huggingface_hub.hf_hub_download(repository, name, revision=commit))
    for written in (path, path.resolve().parent, path.parent):
        sync_to_disk(written)
    return path


def _blob(repository: str, sha256: str) -> Path:
    """Return the place of a file in the hub's cache, which is named by its SHA-256."""
    folder = file_download.repo_folder_name(repo_id=repository, repo_type="model")
    return Path(constants.HF_HUB_CACHE) / folder / "blobs" / sha256


def _download(model: str, url: str, blob: Path, size_bytes: int, report: ProgressCallback) -> None:
    """Fetch a file from where an earlier run stopped; it is put in place when its SHA-256 is right.

    Raises:
        TranscriptionError: the bytes are others than their name says; they are deleted.
    """
    part = blob.with_name(f"{blob.name}.podcast.part")
    make_folder(blob.parent)
    with file_lock(part.with_suffix(".lock")):
        if blob.is_file():
            return
        if part.exists() and part.stat().st_size > size_bytes:
            part.unlink()
        with part.open("ab") as file:
            file_download.http_get(
                url,
                file,
                resume_size=file.tell(),
                headers=utils.build_hf_headers(),  # type: ignore[attr-defined]
                expected_size=size_bytes,
                tqdm_class=cast(Any, partial(ByteProgress, f"fetch {model}", report)),
            )
        if (sha256 := sha256_of(part)) != blob.name:
            part.unlink()
            raise TranscriptionError(model, f"was fetched damaged: its SHA-256 is {sha256}; run it again")
        move_into_place(part, blob)


class ByteProgress:
    """Reports the bytes of a file as progress; the hub's library takes it for a bar of tqdm.

    Args:
        total: bytes of the file.
        initial: of them, those of an earlier run.
        _others: how tqdm would show them.
    """

    def __init__(
        self, step: str, report: ProgressCallback, *, total: float, initial: float = 0, **_others: object
    ) -> None:
        self._step, self._report, self._total, self._done = step, report, total, 0.0
        self.update(0)
        self.update(initial)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def update(self, n: float) -> None:
        """Count more bytes; fewer where the host sends the file from its start again."""
        self._done += n
        self._report(Progress(step=self._step, done=self._done, total=self._total, unit="bytes"))


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
    except (httpx2.HTTPError, OSError, ValueError) as error:
        raise _missing(model, f"fetching them failed ({_first_line(error)})") from error


def _missing(model: str, reason: str) -> TranscriptionError:
    return TranscriptionError(
        model, f"its weights are not on this machine, and {reason}; {install_hint(model)}"
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
