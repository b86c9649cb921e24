"""edits.json: edits with the context by which their places are found in another transcription."""

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from podcast_pipeline.model import FrozenModel, Instant, NonEmptyStr, Seconds, Transcript

HASH_DIGITS = 16
Hash16 = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class TextQuote(FrozenModel):
    """A place in an engine's transcription: the quoted words with their context.

    Attributes:
        before, heard, after: the engine's words (prefix, exact, suffix); `heard` is empty for an insertion.
        recording: first 16 hex digits of the recording's SHA-256; times are valid for that recording.
        rival: words of the context that the next best match in the same transcription has, too.
    """

    before: str = ""
    heard: str = ""
    after: str = ""
    start_s: Seconds
    end_s: Seconds
    recording: str | None = None
    rival: int = 0


class WordEdit(FrozenModel):
    """Words that a person wrote in place of the engine's; empty for a deletion.

    Attributes:
        side: the neighbour whose speaker says an insertion; replaced words keep their speaker.
        speaker: name of the speaker if it is neither neighbour's; else None.
        voice: sample passages of that speaker if the name is only a number.
        space_before, space_after: whether a space is on that side of the words, as beside Japanese;
            None, and not written, where the script or the engine's next word says so.
    """

    kind: Literal["words"] = "words"
    site: TextQuote
    written: str
    side: Literal["before", "after"] = "before"
    speaker: str | None = None
    voice: tuple[TextQuote, ...] = ()
    space_before: bool | None = None
    space_after: bool | None = None
    edited_at: Instant

    @model_serializer(mode="wrap")
    def _without_usual_spaces(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the spaces that need no word: earlier releases refuse keys that they do not know."""
        document: dict[str, Any] = serialize(self)
        return {k: v for k, v in document.items() if v is not None or not k.startswith("space_")}


class TurnEdit(FrozenModel):
    """A passage given to another speaker, by name.

    Attributes:
        voice: sample passages of that speaker if the name is only a number.
        begins_turn, ends_turn: whether the engine had another speaker before and after the passage.
    """

    kind: Literal["turn"] = "turn"
    site: TextQuote
    speaker: NonEmptyStr
    voice: tuple[TextQuote, ...] = ()
    begins_turn: bool = False
    ends_turn: bool = False
    edited_at: Instant


class NameEdit(FrozenModel):
    """A new name for a speaker.

    Attributes:
        name: None if the name was removed.
        was: the name before, as of a voice known from other episodes.
        samples: passages of that speaker: ids differ between transcriptions.
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
    """An edit that could not be applied, with the reason; `at_s` is the place to check."""

    edit: Edit
    at_s: Seconds
    reason: NonEmptyStr


class NameFix(FrozenModel):
    """A name that the glossary corrected.

    Attributes:
        before, after: the engine's words and the corrected ones.
        confidence: 0 to 1, the lowest of the words before.
        term: the known name.
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
        base: hash of the transcript.json that `fixes` belong to; None before transcript.md is first written.
        fixes: names that were corrected before a person saw the transcript.
        edits: applied edits, in the order of the text.
        conflicts: edits that could not be applied to the current transcription; kept until resolved.
        accepted: keys of review items that a person has checked and left as they are.
        replaces: hash of a transcript.md whose edits are all stored here and that must be rewritten, or None.
        idle_note: hash of the correction note that was in transcript.md when there was nothing to correct; it
            belongs to no later correction. Not written where there is none.
        typed: hash of the transcript.md as the import of a typed transcript has written it. None, and not
            written, where nothing was imported.
    """

    schema_version: Literal[1] = 1
    base: Hash16 | None = None
    fixes: tuple[NameFix, ...] = ()
    edits: tuple[Edit, ...] = ()
    conflicts: tuple[EditConflict, ...] = ()
    accepted: tuple[str, ...] = ()
    replaces: Hash16 | None = None
    idle_note: Hash16 | None = None
    typed: Hash16 | None = None

    @model_serializer(mode="wrap")
    def _without_empty_hashes(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is empty of later fields: earlier releases refuse keys that they do not know."""
        document: dict[str, Any] = serialize(self)
        return {k: v for k, v in document.items() if v is not None or k not in ("idle_note", "typed")}

    @property
    def all(self) -> tuple[WordEdit | TurnEdit | NameEdit, ...]:
        """All edits, those in conflict last: every new transcription tries them again."""
        return (*self.edits, *(conflict.edit for conflict in self.conflicts))


def edit_key(edit: WordEdit | TurnEdit | NameEdit) -> str:
    """Return a key of an edit's content, without its instant."""
    return edit.model_dump_json(exclude={"edited_at": True, "site": {"rival"}})


def recording_hash(transcript: Transcript) -> str | None:
    """Return the first digits of the recording's SHA-256, None if the transcript has no receipt."""
    return transcript.receipt.audio_sha256[:HASH_DIGITS] if transcript.receipt else None
