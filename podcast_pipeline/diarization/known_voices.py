"""Known voices: an embedding of each, and how its owner consented, in one private file.

An embedding is biometric data. There is one copy, outside git and outside the bucket, so that `remove`
removes it; on another laptop add the voices again, or copy the file by hand.
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field, ValidationError

from podcast_pipeline.errors import DiarizationError
from podcast_pipeline.files import make_folder, sweep_parts, sync_to_disk, write_atomically
from podcast_pipeline.model import FrozenModel, Instant, NonEmptyStr, composed

SAME_PERSON = 0.76  # least cosine of a voice to the known voice of the same person; docs/how-to/speakers.md
LONGEST_NAME = 128
MARGIN = 0.15  # by which that cosine exceeds those to other known voices, and those of other speakers


class KnownVoice(FrozenModel):
    """A person's voice, with consent.

    Attributes:
        consent: how consent was given, in the producer's words.
        engine: that made the embedding; embeddings of different engines cannot be compared.
    """

    name: Annotated[str, AfterValidator(composed), Field(min_length=1, max_length=LONGEST_NAME)]
    consent: NonEmptyStr
    added_at: Instant
    engine: NonEmptyStr
    embedding: tuple[float, ...]


class VoiceBook(FrozenModel):
    """The content of the file of known voices."""

    schema_version: Literal[1] = 1
    voices: tuple[KnownVoice, ...] = ()

    def with_voice(self, voice: KnownVoice) -> "VoiceBook":
        """Return the book with a voice added, or replaced by name in any spelling."""
        others = tuple(known for known in self.voices if not _is_same_name(known.name, voice.name))
        return self.model_copy(update={"voices": (*others, voice)})

    def without(self, name: str) -> "VoiceBook":
        """Return the book without the voices of a person, however the name is spelled.

        Raises:
            DiarizationError: no voice has that name.
        """
        others = tuple(known for known in self.voices if not _is_same_name(known.name, name))
        if len(others) == len(self.voices):
            raise DiarizationError(name, "is not among the known voices; `podcast voices list` shows them")
        return self.model_copy(update={"voices": others})


def _is_same_name(one: str, other: str) -> bool:
    """Return whether two names differ in Unicode form, case and spaces alone."""
    first, second = (unicodedata.normalize("NFKC", name).casefold().split() for name in (one, other))
    return first == second


def read_voice_book(path: Path) -> VoiceBook:
    """Return the known voices; an empty book if there is no file.

    Raises:
        DiarizationError: the file is damaged.
    """
    try:
        return VoiceBook.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return VoiceBook()
    except ValidationError as error:
        message = f"cannot be read ({error.errors()[0]['msg']}); remove it and add the voices again"
        raise DiarizationError(path, message) from error


def write_voice_book(path: Path, book: VoiceBook) -> None:
    """Write the book, readable by the file's owner only; delete the file if the book is empty.

    What a killed run left of a book is removed: it is biometric data too.
    """
    make_folder(path.parent, mode=0o700)
    with sweep_parts(path.parent):
        if not book.voices:
            path.unlink(missing_ok=True)
            sync_to_disk(path.parent)
            return
        write_atomically(path, f"{book.model_dump_json(indent=1)}\n".encode(), mode=0o600)


def create_known_voice(
    name: str, *, consent: str, engine: str, embed: Callable[[], Sequence[float]], now: datetime
) -> KnownVoice:
    """Return a voice with its embedding.

    Args:
        embed: computes the embedding; not called without consent.

    Raises:
        DiarizationError: no valid name, or no statement of consent.
    """
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        raise DiarizationError(name, f"is not a valid name; give 1 to {LONGEST_NAME} letters")
    if not consent.strip():
        raise DiarizationError(
            name, 'a voice is stored with consent only; state how it was given: --consent "…"'
        )
    return KnownVoice(
        name=name.strip(), consent=consent.strip(), added_at=now, engine=engine, embedding=tuple(embed())
    )


def identify_speakers(voices: Mapping[str, Sequence[float]], known: Sequence[KnownVoice]) -> dict[str, str]:
    """Return speaker -> name where it is certain: similar, and clearly more similar than any other.

    Args:
        voices: speaker -> embedding, of one recording.
    """
    if not voices or not known:
        return {}
    speakers = list(voices)
    similarity = (
        np.array([voices[speaker] for speaker in speakers]) @ np.array([v.embedding for v in known]).T
    )
    names: dict[str, str] = {}
    for i, speaker in enumerate(speakers):
        k = int(similarity[i].argmax())
        rivals = [*np.delete(similarity[i], k), *np.delete(similarity[:, k], i)]
        if similarity[i, k] >= SAME_PERSON and all(similarity[i, k] - rival >= MARGIN for rival in rivals):
            names[speaker] = known[k].name
    return names


def propose_guest_name(
    speakers: Sequence[str], names: Mapping[str, str], guests: Sequence[str]
) -> dict[str, str]:
    """Return speaker -> guest if known voices leave exactly one unknown speaker and one guest."""
    unknown = [speaker for speaker in speakers if speaker not in names]
    remaining = [guest for guest in guests if guest not in names.values()]
    return {unknown[0]: remaining[0]} if names and len(unknown) == len(remaining) == 1 else {}
