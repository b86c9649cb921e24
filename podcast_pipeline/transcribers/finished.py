"""What has been heard so far, on disk: a run that was killed goes on where it was."""

import os
from pathlib import Path

from pydantic import ValidationError

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.model import Noun, Word


class Batch(Noun):
    """The words of the windows that an engine heard together.

    Attributes:
        first_samples: where the windows begin; an entry for other windows is not used.
        doubts: of each window, place of a word -> why it is doubtful.
    """

    first_samples: tuple[int, ...]
    words: tuple[tuple[Word, ...], ...]
    doubts: tuple[dict[int, str], ...]


class Finished:
    """One folder per audio, engine, weights and options; one file per batch, whole or not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, name: str, first_samples: tuple[int, ...]) -> Batch | None:
        """Return the batch with these windows, None when it has to be heard."""
        try:
            batch = Batch.model_validate_json((self.folder / f"{name}.json").read_bytes())
        except (OSError, ValidationError):
            return None
        return batch if batch.first_samples == first_samples else None

    def put(self, name: str, batch: Batch) -> None:
        """Write a batch; it is on the disk when this returns.

        Raises:
            TranscriptionError: it cannot be written (disk full); what was there stays.
        """
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
