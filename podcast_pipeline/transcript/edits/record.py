"""edits.json: what a person changed, so told that it is found again in another transcription."""

from typing import Annotated, Literal

from pydantic import Field

from podcast_pipeline.model import FrozenModel, Instant, NonEmptyStr, Seconds, Transcript

HASH_DIGITS = 16
Hash16 = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class TextQuote(FrozenModel):
    """A place in what the machine heard.

    Attributes:
        before, heard, after: the machine's own words there; heard is empty where nothing was.
        recording: first 16 hex digits of the recording's SHA-256; times hold for that one only.
        rival: words around it that were around another place of the same text, too.
    """

    before: str = ""
    heard: str = ""
    after: str = ""
    start_s: Seconds
    end_s: Seconds
    recording: str | None = None
    rival: int = 0


class WordEdit(FrozenModel):
    """What a person wrote in place of what the machine heard; empty when it was deleted.

    Attributes:
        side: which neighbour says what was inserted; what was heard has its own voice.
        speaker: who says it, by name, where that is neither; None where it is.
        voice: places where that speaker speaks, where the name is only a number.
    """

    kind: Literal["words"] = "words"
    site: TextQuote
    written: str
    side: Literal["before", "after"] = "before"
    speaker: str | None = None
    voice: tuple[TextQuote, ...] = ()
    edited_at: Instant


class TurnEdit(FrozenModel):
    """A passage given to another speaker, by name.

    Attributes:
        voice: places where that speaker speaks, where the name is only a number.
        begins_turn, ends_turn: whether the machine heard another voice before it, and after it.
    """

    kind: Literal["turn"] = "turn"
    site: TextQuote
    speaker: NonEmptyStr
    voice: tuple[TextQuote, ...] = ()
    begins_turn: bool = False
    ends_turn: bool = False
    edited_at: Instant


class NameEdit(FrozenModel):
    """A voice named once for all.

    Attributes:
        name: None when the name was taken away.
        was: the name it had by itself, as of a voice known from other episodes.
        samples: places where that voice speaks: ids of voices mean nothing in another transcription.
    """

    kind: Literal["name"] = "name"
    name: str | None
    was: str | None = None
    samples: tuple[TextQuote, ...] = Field(min_length=1)
    edited_at: Instant

    @property
    def site(self) -> TextQuote:
        """The first of the samples."""
        return self.samples[0]


Edit = Annotated[WordEdit | TurnEdit | NameEdit, Field(discriminator="kind")]


class EditConflict(FrozenModel):
    """An edit that could not be applied, and why; `at_s` is where to look."""

    edit: Edit
    at_s: Seconds
    reason: NonEmptyStr


class NameFix(FrozenModel):
    """A name that the second pass put right: what the engine wrote, what it is, whose name.

    Attributes:
        confidence: 0 to 1, of the least sure word before.
    """

    before: NonEmptyStr
    after: NonEmptyStr
    start_s: Seconds
    end_s: Seconds
    confidence: float
    term: NonEmptyStr


class Edits(FrozenModel):
    """edits.json.

    Attributes:
        base: the transcript.json that `fixes` belong to; None before transcript.md was first written.
        fixes: what the second pass changed in it before a person saw it.
        edits: what holds, in the order of the text.
        conflicts: what found no place in the words as they are now; kept until a person settles it.
        accepted: keys of findings that a person has listened to and left as they are.
        replaces: a transcript.md that is in here whole and is to be written anew; None when it stands.
    """

    schema_version: Literal[1] = 1
    base: Hash16 | None = None
    fixes: tuple[NameFix, ...] = ()
    edits: tuple[Edit, ...] = ()
    conflicts: tuple[EditConflict, ...] = ()
    accepted: tuple[str, ...] = ()
    replaces: Hash16 | None = None

    @property
    def all(self) -> tuple[WordEdit | TurnEdit | NameEdit, ...]:
        """Every edit there is, those in conflict last: they are tried again on every new transcription."""
        return (*self.edits, *(conflict.edit for conflict in self.conflicts))


def edit_key(edit: WordEdit | TurnEdit | NameEdit) -> str:
    """Return what an edit says, whenever it was made."""
    return edit.model_dump_json(exclude={"edited_at": True, "site": {"rival"}})


def recording_hash(transcript: Transcript) -> str | None:
    """Return which recording a transcript's times belong to, None when it does not say."""
    return transcript.receipt.audio_sha256[:HASH_DIGITS] if transcript.receipt else None
