"""Which bytes a model's name stands for: those of the table, else those that this machine had first.

What is remembered is one small file for each repository in the user's cache folder, whatever the show.
"""

import re
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.files import user_cache_folder, write_atomically
from podcast_pipeline.model import FrozenModel, Sha256
from podcast_pipeline.transcription.known_models.table import PUBLISHED_MODELS

REPOSITORY = re.compile(r"\w[\w.-]*/\w[\w.-]*")
LATEST = "main"  # revision of a repository of which nothing is known yet


class HubSource(NamedTuple):
    """Where a model's files are on the hub.

    Attributes:
        repository: owner and name.
        revision: a commit, or LATEST.
        sha256: of model.bin; None where nothing is known yet.
    """

    repository: str
    revision: str
    sha256: str | None


class TrustedModel(FrozenModel):
    """The first bytes of a model that this machine had."""

    revision: str
    sha256: Sha256


def find_source(model: str) -> HubSource:
    """Return where a model is published, with the bytes that are trusted.

    Args:
        model: a name of the table, or a repository (owner/name).

    Raises:
        TranscriptionError: no such name, the known ones are listed; or what is remembered is damaged.
    """
    published = PUBLISHED_MODELS.get(model)
    if not published and not REPOSITORY.fullmatch(model):
        raise TranscriptionError(
            model, f"no such model; known are {', '.join(PUBLISHED_MODELS)}, or a folder"
        )
    if published and published.sha256:
        return HubSource(published.repository, published.revision, published.sha256)
    repository = published.repository if published else model
    if known := _read(repository):
        return HubSource(repository, known.revision, known.sha256)
    return HubSource(repository, published.revision if published else LATEST, None)


def check_trusted(source: HubSource, *, revision: str, sha256: str) -> None:
    """Refuse other bytes than the trusted ones; trust the first ones of a repository from now on.

    Args:
        revision: the commit that the bytes are from.
        sha256: of model.bin.

    Raises:
        TranscriptionError: other bytes, or the first ones cannot be remembered.
    """
    if source.sha256 == sha256:
        return
    if source.sha256:
        raise TranscriptionError(source.repository, _other_bytes(source, sha256))
    trusted = TrustedModel(revision=revision, sha256=sha256)
    path = _path(source.repository)
    try:
        write_atomically(path, trusted.model_dump_json(indent=1).encode())
    except OSError as error:
        raise TranscriptionError(path, f"cannot be written: {error.strerror}; make room") from error


def _other_bytes(source: HubSource, sha256: str) -> str:
    message = f"its model.bin is not the expected one: its SHA-256 is {sha256}, not {source.sha256}"
    path = _path(source.repository)
    remedy = (
        f"delete {path} if you trust the new one" if path.exists() else "fetch it again, or give a folder"
    )
    return f"{message}; {remedy}"


def _read(repository: str) -> TrustedModel | None:
    path = _path(repository)
    try:
        return TrustedModel.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        message = "is damaged; delete it if you trust the model that is on this machine, or is fetched next"
        raise TranscriptionError(path, message) from error


def _path(repository: str) -> Path:
    return user_cache_folder() / "trusted-weights" / f"{repository.replace('/', '--')}.json"
