"""What has been heard so far, on disk: a run that was killed goes on where it was."""

from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import ValidationError

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.files import write_atomically
from podcast_pipeline.model import FrozenModel, Word
from podcast_pipeline.transcription.windows import SpeechWindow

WordWithDoubt = tuple[Word, str]  # and why it is doubtful, or ""


class TranscribedBatch(FrozenModel):
    """The words of the windows that an engine heard together.

    Attributes:
        first_samples: where the windows begin; an entry for other windows is not used.
        doubts: of each window, place of a word -> why it is doubtful.
    """

    first_samples: tuple[int, ...]
    words: tuple[tuple[Word, ...], ...]
    doubts: tuple[dict[int, str], ...]

    @property
    def words_by_window(self) -> dict[int, list[WordWithDoubt]]:
        """Where each window begins -> its words."""
        return {
            first: [(word, doubtful.get(place, "")) for place, word in enumerate(words)]
            for first, words, doubtful in zip(self.first_samples, self.words, self.doubts, strict=True)
        }


class WindowCache:
    """One folder per audio, engine, weights and options; one file per batch, whole or not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get_or_run(
        self,
        name: str,
        windows: Iterable[SpeechWindow],
        *,
        transcribe: Callable[[Iterable[SpeechWindow]], TranscribedBatch],
    ) -> TranscribedBatch:
        """Return the words of some windows, which are heard unless they were before.

        Raises:
            TranscriptionError: they cannot be kept (disk full); what was there stays.
        """
        kept = self._read(name)
        if kept and kept.first_samples == tuple(window.first_sample for window in windows):
            return kept
        self._write(name, heard := transcribe(windows))
        return heard

    def _read(self, name: str) -> TranscribedBatch | None:
        try:
            return TranscribedBatch.model_validate_json((self.folder / f"{name}.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def _write(self, name: str, batch: TranscribedBatch) -> None:
        """Write a batch; it is on the disk when this returns."""
        try:
            write_atomically(self.folder / f"{name}.json", batch.model_dump_json().encode())
        except OSError as error:
            message = f"cannot keep what was heard: {error.strerror}; make room and run it again"
            raise TranscriptionError(self.folder, message) from error
