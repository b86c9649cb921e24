"""Cache finished windows on disk, so that an interrupted run resumes after the last finished batch."""

import hashlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, model_validator

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.files import make_folder, sweep_parts, write_atomically
from podcast_pipeline.model import FrozenModel, Word
from podcast_pipeline.transcription.windows import SpeechWindow

WordWithDoubt = tuple[Word, str]  # the reason why the word is doubtful, or ""


class TranscribedBatch(FrozenModel):
    """The words of windows that were transcribed together.

    Attributes:
        first_samples: first sample of each window; a cached batch of other windows is not used.
        doubts: for each window, place of a word -> the reason why the word is doubtful.
        other_s: seconds of the windows that sound like another language, by language.
        calculation: the engine's settings of `engine.CALCULATION` when the windows were transcribed.
        sha256: of all other fields; "" of a new batch, and in a file of an earlier release.
    """

    first_samples: tuple[int, ...]
    words: tuple[tuple[Word, ...], ...]
    doubts: tuple[dict[int, str], ...]
    other_s: dict[str, float] = Field(default_factory=dict)
    calculation: dict[str, str] = Field(default_factory=dict)
    sha256: str = ""

    @model_validator(mode="after")
    def _of_each_window(self) -> Self:
        if not len(self.first_samples) == len(self.words) == len(self.doubts):
            raise ValueError("has not the words and doubts of each window")
        return self

    @property
    def words_by_window(self) -> dict[int, list[WordWithDoubt]]:
        """First sample of each window -> its words."""
        return {
            first: [(word, doubtful.get(place, "")) for place, word in enumerate(words)]
            for first, words, doubtful in zip(self.first_samples, self.words, self.doubts, strict=True)
        }

    def sealed(self) -> "TranscribedBatch":
        """Return the batch with its hash."""
        fields = self.model_copy(update={"sha256": ""}).model_dump_json().encode()
        return self.model_copy(update={"sha256": hashlib.sha256(fields).hexdigest()})

    @property
    def is_whole(self) -> bool:
        """Whether the batch is the one that was stored."""
        return self.sha256 in ("", self.sealed().sha256)


class WindowCache:
    """One folder per audio, engine, weights and options; one file per batch, written atomically.

    The number type is none of the options: a run that was begun with another one is continued.

    Attributes:
        was_used: a batch was read, so that the run took less time than its audio takes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.was_used = False

    def held(self) -> AbstractContextManager[None]:
        """Return a context in which the batches are read and written; killed runs' parts are removed.

        Raises:
            TranscriptionError: the folder cannot be made.
        """
        try:
            make_folder(self.folder, mode=0o700)
            return sweep_parts(self.folder)
        except OSError as error:
            raise self._cannot_save(error) from error

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
        if (
            cached
            and cached.is_whole
            and cached.first_samples == tuple(window.first_sample for window in windows)
        ):
            self.was_used = True
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
            write_atomically(self.folder / f"{name}.json", batch.sealed().model_dump_json().encode())
        except OSError as error:
            raise self._cannot_save(error) from error

    def _cannot_save(self, error: OSError) -> TranscriptionError:
        message = f"cannot save the finished words: {error.strerror}; make room and run it again"
        return TranscriptionError(self.folder, message)
