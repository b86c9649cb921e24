"""Download an object to a file."""

from pathlib import Path

from podcast_pipeline.errors import StoreError
from podcast_pipeline.files import atomic_path, make_folder, sha256_of
from podcast_pipeline.storage import ObjectReader


def download(store: ObjectReader, key: str, target: Path, *, sha256: str | None) -> None:
    """Write an object's bytes to a file, whole or not at all.

    Args:
        sha256: of the bytes, as the catalog has it; None where it has none.

    Raises:
        StoreError: the object has other bytes.
    """
    make_folder(target.parent)
    with atomic_path(target) as part:
        with part.open("wb") as file:
            file.writelines(store.stream(key))
        if sha256 is not None and sha256_of(part) != sha256:
            raise StoreError(key, "is damaged in the store; put it back from a backup")
