"""What has been heard so far, on disk: a run that was killed goes on where it was."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import ValidationError

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.model import Noun, Word
from podcast_pipeline.transcription.windows import Window

Said = tuple[Word, str]  # and why it is doubtful, or ""


class Batch(Noun):
    """The words of the windows that an engine heard together.

    Attributes:
        first_samples: where the windows begin; an entry for other windows is not used.
        doubts: of each window, place of a word -> why it is doubtful.
    """

    first_samples: tuple[int, ...]
    words: tuple[tuple[Word, ...], ...]
    doubts: tuple[dict[int, str], ...]

    @property
    def said(self) -> dict[int, list[Said]]:
        """Where each window begins -> its words."""
        return {
            first: [(word, doubtful.get(place, "")) for place, word in enumerate(words)]
            for first, words, doubtful in zip(self.first_samples, self.words, self.doubts, strict=True)
        }


class Finished:
    """One folder per audio, engine, weights and options; one file per batch, whole or not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def once(
        self, name: str, windows: Iterable[Window], *, hear: Callable[[Iterable[Window]], Batch]
    ) -> Batch:
        """Return the words of some windows, which are heard unless they were before.

        Raises:
            TranscriptionError: they cannot be kept (disk full); what was there stays.
        """
        kept = self._read(name)
        if kept and kept.first_samples == tuple(window.first_sample for window in windows):
            return kept
        self._write(name, heard := hear(windows))
        return heard

    def _read(self, name: str) -> Batch | None:
        try:
            return Batch.model_validate_json((self.folder / f"{name}.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def _write(self, name: str, batch: Batch) -> None:
        """Write a batch; it is on the disk when this returns."""
        part = self.folder / f"{name}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                file.write(batch.model_dump_json().encode())
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.folder / f"{name}.json")
        except OSError as error:
            message = f"cannot keep what was heard: {error.strerror}; make room and run it again"
            raise TranscriptionError(self.folder, message) from error
