"""Download an object to a file."""

from pathlib import Path

from podcast_pipeline.files import atomic_path
from podcast_pipeline.storage import ObjectReader


def download(store: ObjectReader, key: str, target: Path) -> None:
    """Write an object's bytes to a file, whole or not at all."""
    target.parent.mkdir(exist_ok=True)
    with atomic_path(target) as part, part.open("wb") as file:
        file.writelines(store.stream(key))
