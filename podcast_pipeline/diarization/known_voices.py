"""Voices that may be known: an embedding each, and how its owner consented. One private file, nothing else.

An embedding is biometric data. There is one copy, outside git and outside the bucket, so that `remove`
removes it; who moves to another laptop adds the voices again, or copies the file by hand.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError

from podcast_pipeline.errors import DiarizationError
from podcast_pipeline.files import write_atomically
from podcast_pipeline.model import FrozenModel, Instant, NonEmptyStr

SAME_PERSON = 0.76  # cosine to a known voice that a voice has at least; see docs/speakers.md
LONGEST_NAME = 128
MARGIN = 0.15  # and so much more than to the next known voice, and than any other speaker has


class KnownVoice(FrozenModel):
    """A person's voice, with consent.

    Attributes:
        consent: how it was given, in the producer's words.
        engine: whose embedding it is; another engine's cannot be compared.
    """

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    consent: NonEmptyStr
    added_at: Instant
    engine: NonEmptyStr
    embedding: tuple[float, ...]


class VoiceBook(FrozenModel):
    """The whole file."""

    schema_version: Literal[1] = 1
    voices: tuple[KnownVoice, ...] = ()

    def with_voice(self, voice: KnownVoice) -> "VoiceBook":
        """Return the book with a voice added, or replaced by name."""
        others = tuple(known for known in self.voices if known.name != voice.name)
        return self.model_copy(update={"voices": (*others, voice)})

    def without(self, name: str) -> "VoiceBook":
        """Return the book without a voice; SpeakersError when it is not in it."""
        left = tuple(known for known in self.voices if known.name != name)
        if len(left) == len(self.voices):
            raise DiarizationError(name, "is not among the known voices; `podcast voices list` shows them")
        return self.model_copy(update={"voices": left})


def read_voice_book(path: Path) -> VoiceBook:
    """Return the known voices; an empty book where nobody was added.

    Raises:
        SpeakersError: the file is damaged.
    """
    try:
        return VoiceBook.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return VoiceBook()
    except ValidationError as error:
        message = f"cannot be read ({error.errors()[0]['msg']}); remove it and add the voices again"
        raise DiarizationError(path, message) from error


def write_voice_book(path: Path, book: VoiceBook) -> None:
    """Keep the book for its owner's eyes only; an empty one is no file."""
    if not book.voices:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    before = os.umask(0o077)
    try:
        write_atomically(path, f"{book.model_dump_json(indent=1)}\n".encode())
    finally:
        os.umask(before)


def create_known_voice(
    name: str, *, consent: str, engine: str, embed: Callable[[], Sequence[float]], now: datetime
) -> KnownVoice:
    """Return a voice to be kept.

    Args:
        embed: hears the voice; not called without consent.

    Raises:
        SpeakersError: there is no name, or nobody says how consent was given.
    """
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        raise DiarizationError(name, f"is no name; give 1 to {LONGEST_NAME} letters")
    if not consent.strip():
        raise DiarizationError(name, 'a voice is kept with consent only; say how it was given: --consent "…"')
    return KnownVoice(
        name=name.strip(), consent=consent.strip(), added_at=now, engine=engine, embedding=tuple(embed())
    )


def identify_speakers(voices: Mapping[str, Sequence[float]], known: Sequence[KnownVoice]) -> dict[str, str]:
    """Return speaker -> name, for those that are certain: near, and clearly nearer than anybody else.

    Args:
        voices: speaker -> embedding, of one recording.
    """
    if not voices or not known:
        return {}
    speakers = list(voices)
    near = np.array([voices[speaker] for speaker in speakers]) @ np.array([v.embedding for v in known]).T
    names: dict[str, str] = {}
    for i, speaker in enumerate(speakers):
        k = int(near[i].argmax())
        rivals = [*np.delete(near[i], k), *np.delete(near[:, k], i)]
        if near[i, k] >= SAME_PERSON and all(near[i, k] - rival >= MARGIN for rival in rivals):
            names[speaker] = known[k].name
    return names


def propose_guest_name(
    speakers: Sequence[str], names: Mapping[str, str], guests: Sequence[str]
) -> dict[str, str]:
    """Return speaker -> the guest it must be: beside known voices one is unknown, and one guest is left."""
    unknown = [speaker for speaker in speakers if speaker not in names]
    left = [guest for guest in guests if guest not in names.values()]
    return {unknown[0]: left[0]} if names and len(unknown) == len(left) == 1 else {}
