"""Cache finished work on disk: the words of windows, and which language is heard in what.

An interrupted run resumes after the last finished batch, and a repeated one detects no language again.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.files import make_folder, sweep_parts, write_atomically
from podcast_pipeline.model import FrozenModel, Word
from podcast_pipeline.transcription.decode import Samples
from podcast_pipeline.transcription.windows import SpeechWindow

Value = TypeVar("Value", bound=FrozenModel)
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

    @property
    def is_whole(self) -> bool:
        """Whether the batch is the one that was stored."""
        return self.sha256 in ("", _seal_of(self))


class HeardLanguages(FrozenModel):
    """The languages that were heard in one call of an engine's detection.

    Attributes:
        probabilities: for each window of the call, language -> its probability.
        sha256: of the other field; "" of a new value.
    """

    probabilities: tuple[dict[str, float], ...]
    sha256: str = ""


class WorkCache:
    """A folder with one file for each finished piece of work, written atomically."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def held(self) -> AbstractContextManager[None]:
        """Return a context in which the files are read and written; killed runs' parts are removed.

        Raises:
            TranscriptionError: the folder cannot be made.
        """
        try:
            make_folder(self.folder, mode=0o700)
            return sweep_parts(self.folder)
        except OSError as error:
            raise self._cannot_save(error) from error

    def read(self, name: str, kind: type[Value]) -> Value | None:
        """Return a stored value; None where there is none, or no readable one."""
        try:
            return kind.model_validate_json((self.folder / f"{name}.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def write(self, name: str, value: FrozenModel) -> None:
        """Write a value with its seal; it is on the disk when this returns.

        Raises:
            TranscriptionError: it cannot be stored (disk full); earlier ones stay.
        """
        sealed = value.model_copy(update={"sha256": _seal_of(value)})
        try:
            write_atomically(self.folder / f"{name}.json", sealed.model_dump_json().encode())
        except OSError as error:
            raise self._cannot_save(error) from error

    def _cannot_save(self, error: OSError) -> TranscriptionError:
        message = f"cannot save the finished words: {error.strerror}; make room and run it again"
        return TranscriptionError(self.folder, message)


class LanguageCache(WorkCache):
    """One folder per engine, weights and list of languages; one file per call of the detection.

    Args:
        languages: whose probabilities are kept.
        detect: the engine's detection; called by several threads at once.
    """

    def __init__(
        self,
        folder: Path,
        *,
        languages: Sequence[str],
        detect: Callable[[Sequence[Samples]], Sequence[Mapping[str, float]]],
    ) -> None:
        super().__init__(folder)
        self._languages, self._detect = languages, detect

    def probabilities(self, windows: Sequence[Samples]) -> Sequence[Mapping[str, float]]:
        """Return the probabilities of the languages for each window, from the cache if they are there.

        Raises:
            TranscriptionError: they cannot be stored.
        """
        hashes = b"".join(hashlib.sha256(window.tobytes()).digest() for window in windows)
        name = hashlib.sha256(hashes).hexdigest()
        cached = self.read(name, HeardLanguages)
        if cached and cached.sha256 == _seal_of(cached) and len(cached.probabilities) == len(windows):
            return cached.probabilities
        heard = HeardLanguages(
            probabilities=tuple(
                {language: float(found.get(language, 0.0)) for language in self._languages}
                for found in self._detect(windows)
            )
        )
        self.write(name, heard)
        return heard.probabilities


class WindowCache(WorkCache):
    """One folder per audio, engine, weights and options; one file per batch, written atomically.

    The number type is none of the options: a run that was begun with another one is continued.

    Attributes:
        was_used: a batch was read, so that the run took less time than its audio takes.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.was_used = False

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
        cached = self.read(name, TranscribedBatch)
        if (
            cached
            and cached.is_whole
            and cached.first_samples == tuple(window.first_sample for window in windows)
        ):
            self.was_used = True
            return cached
        self.write(name, batch := transcribe(windows))
        return batch


def _seal_of(value: FrozenModel) -> str:
    """Return the SHA-256 of all fields but `sha256`."""
    return hashlib.sha256(value.model_copy(update={"sha256": ""}).model_dump_json().encode()).hexdigest()
