"""The files of a model as the Hugging Face hub serves them, for `running_host`."""

import hashlib

from tests.support.http_servers import ServedFile

COMMIT = "5" * 40
SMALL_FILES = {"config.json": b"{}", "tokenizer.json": b"{}", "vocabulary.txt": b"a\n"}
OPTIONAL = ("preprocessor_config.json", "vocabulary.json")


def sha256(content: bytes) -> str:
    """Return the SHA-256 of some bytes in hex."""
    return hashlib.sha256(content).hexdigest()


def hub_files(
    repository: str, model: bytes, *, revision: str = "main", commit: str = COMMIT, says: str | None = None
) -> dict[str, ServedFile]:
    """Return path -> file of a repository, by its revision and by the commit of that.

    Args:
        model: the bytes of model.bin.
        says: the SHA-256 that the hub sends for model.bin; None for the right one.
    """
    large = {"X-Linked-Etag": f'"{says or sha256(model)}"', "X-Linked-Size": str(len(model))}
    files = {
        "model.bin": _file(model, commit, large),
        **{name: _file(content, commit, {}) for name, content in SMALL_FILES.items()},
        **{name: _missing(commit) for name in OPTIONAL},
    }
    return {
        f"/{repository}/resolve/{at}/{name}": file
        for at in (revision, commit)
        for name, file in files.items()
    }


def _file(content: bytes, commit: str, headers: dict[str, str]) -> ServedFile:
    etag = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324 (git's)
    named = {"ETag": f'"{etag}"', "X-Repo-Commit": commit, **headers}
    return ServedFile(content, "application/octet-stream", headers=named)


def _missing(commit: str) -> ServedFile:
    headers = {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit}
    return ServedFile(b"", "text/plain", 404, headers)
