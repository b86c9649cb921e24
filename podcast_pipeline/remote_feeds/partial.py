"""The bytes of an interrupted download, as far as they are known to be on the disk."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from podcast_pipeline.files import move_into_place, sync_to_disk, write_atomically
from podcast_pipeline.model import FrozenModel, Sha256

BLOCK_BYTES = 1024**2
NOTED_BYTES = 16 * 1024**2  # between two notes: a kill or a power cut loses less than this


class PartNote(FrozenModel):
    """The note of a part.

    Attributes:
        validator: the host's, for If-Range; None where it sent none, and nothing can be continued.
        size_bytes: so many bytes of the part were on the disk; what stands behind them is not believed.
        sha256: of these bytes.
    """

    validator: str | None
    size_bytes: int
    sha256: Sha256


class PartialDownload:
    """A download in `<target>.part`, with a note beside it in `<target>.note`.

    Attributes:
        validator: of the bytes so far; None for none.
        size_bytes: of the bytes so far.
    """

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self._target, self._note = target, target.with_name(f"{target.name}.note")
        self._digest = hashlib.sha256()
        self.validator: str | None = None
        self.size_bytes = 0

    def load(self) -> None:
        """Read what an earlier attempt left, as far as its note vouches for it."""
        self._reset(None)
        try:
            note = PartNote.model_validate_json(self._note.read_bytes())
            digest = _digest_of(self.path, note.size_bytes)
        except (OSError, ValidationError):
            return
        if note.validator and digest.hexdigest() == note.sha256:
            self.validator, self.size_bytes, self._digest = note.validator, note.size_bytes, digest

    @contextmanager
    def writer(self, validator: str | None, *, appending: bool) -> Iterator[Callable[[bytes], None]]:
        """Yield a function that writes bytes; they are on the disk and noted afterwards, also after an error.

        Args:
            validator: of the host's answer.
            appending: to the bytes so far; else these are dropped.
        """
        if not appending:
            self._reset(validator)
        with self.path.open("r+b" if appending else "wb") as part:
            part.truncate(self.size_bytes)
            part.seek(self.size_bytes)
            try:
                yield self._writer(part)
            finally:
                self._write_note(part)

    def finish(self) -> None:
        """Make the part the target."""
        move_into_place(self.path, self._target)
        self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove the part."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def _reset(self, validator: str | None) -> None:
        self.validator, self.size_bytes, self._digest = validator, 0, hashlib.sha256()

    def _writer(self, part: IO[bytes]) -> Callable[[bytes], None]:
        noted = self.size_bytes

        def write(chunk: bytes) -> None:
            nonlocal noted
            part.write(chunk)
            self._digest.update(chunk)
            self.size_bytes += len(chunk)
            if self.size_bytes - noted >= NOTED_BYTES:
                self._write_note(part)
                noted = self.size_bytes

        return write

    def _write_note(self, part: IO[bytes]) -> None:
        part.flush()
        sync_to_disk(self.path)
        note = PartNote(validator=self.validator, size_bytes=self.size_bytes, sha256=self._digest.hexdigest())
        write_atomically(self._note, note.model_dump_json().encode())


def _digest_of(path: Path, size_bytes: int) -> "hashlib._Hash":
    """Return the SHA-256 of the first bytes of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while size_bytes > 0 and (block := file.read(min(size_bytes, BLOCK_BYTES))):
            digest.update(block)
            size_bytes -= len(block)
    return digest
