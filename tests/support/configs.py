"""Settings of a show without a show.toml."""

from pathlib import Path
from uuid import uuid4

from podcast_pipeline.config import Config, ShowTable, TranscriptionTable


def tiny_config(
    folder: Path, *, language: str = "en", transcription: TranscriptionTable | None = None
) -> Config:
    """Return the settings of a show with nothing but what it needs."""
    show = ShowTable(
        id=uuid4(),
        guid=uuid4(),
        title="T",
        description="D",
        author="A",
        owner_email="a@example.org",
        categories=("News",),
        language=language,
    )
    return Config(folder=folder, show=show, transcription=transcription or TranscriptionTable())
