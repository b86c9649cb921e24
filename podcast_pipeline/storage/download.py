"""Download an object to a file."""

from pathlib import Path

from podcast_pipeline.storage import ObjectReader


def download(store: ObjectReader, key: str, target: Path) -> None:
    """Write an object's bytes to a file, whole or not at all."""
    part = target.with_name(f"{target.name}.part")
    target.parent.mkdir(exist_ok=True)
    with part.open("wb") as file:
        file.writelines(store.stream(key))
    part.replace(target)
