"""Cache finished windows on disk, so that an interrupted run resumes after the last finished batch."""

from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import ValidationError

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.files import write_atomically
from podcast_pipeline.model import FrozenModel, Word
from podcast_pipeline.transcription.windows import SpeechWindow

WordWithDoubt = tuple[Word, str]  # the reason why the word is doubtful, or ""


class TranscribedBatch(FrozenModel):
    """The words of windows that were transcribed together.

    Attributes:
        first_samples: first sample of each window; a cached batch of other windows is not used.
        doubts: for each window, place of a word -> the reason why the word is doubtful.
    """

    first_samples: tuple[int, ...]
    words: tuple[tuple[Word, ...], ...]
    doubts: tuple[dict[int, str], ...]

    @property
    def words_by_window(self) -> dict[int, list[WordWithDoubt]]:
        """First sample of each window -> its words."""
        return {
            first: [(word, doubtful.get(place, "")) for place, word in enumerate(words)]
            for first, words, doubtful in zip(self.first_samples, self.words, self.doubts, strict=True)
        }


class WindowCache:
    """One folder per audio, engine, weights and options; one file per batch, written atomically."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get_or_run(
        self,
        name: str,
        windows: Iterable[SpeechWindow],
        *,
        transcribe: Callable[[Iterable[SpeechWindow]], TranscribedBatch],
    ) -> TranscribedBatch:
        """Return the batch of some windows, from the cache if it is there, else transcribed and stored.

        Raises:
            TranscriptionError: the batch cannot be stored (disk full); earlier batches stay.
        """
        cached = self._read(name)
        if cached and cached.first_samples == tuple(window.first_sample for window in windows):
            return cached
        self._write(name, batch := transcribe(windows))
        return batch

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
            message = f"cannot save the finished words: {error.strerror}; make room and run it again"
            raise TranscriptionError(self.folder, message) from error
