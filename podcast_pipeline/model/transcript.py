"""The words of a recording, their speakers, and the receipt of the transcription."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    FiniteFloat,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from podcast_pipeline.model.fields import Instant, NonEmptyStr, Seconds, Sha256, StoredModel, sorted_by_key

CaptionFormat = Literal["vtt", "srt", "json", "html", "txt"]
FileFormat = Literal[CaptionFormat, "docx"]
PUBLIC_FORMATS: tuple[CaptionFormat, ...] = ("vtt", "srt", "json")
"""The files of a public transcript that feeds name; the site's pages have all formats."""
UNNAMED_SPEAKER = "Speaker {}"
"""The label of a voice that nobody has named, by its number; in English."""

LanguageCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]


class Word(StoredModel):
    """A word that an engine recognised.

    Attributes:
        text: as written, with the space before it where the language has one (" Ann", "'s", "。").
        confidence: 0 to 1.
    """

    text: NonEmptyStr
    start_s: Seconds
    end_s: Seconds
    confidence: Annotated[float, Field(ge=0, le=1), AfterValidator(lambda c: round(c, 3) + 0.0)] = 1.0

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end_s < self.start_s:
            raise ValueError("a word ends before it starts")
        return self


class Speaker(StoredModel):
    """A voice in a transcript. `name` is None until a person or a consented voice confirms it."""

    id: NonEmptyStr
    name: str | None = None


class Segment(StoredModel):
    """A sentence or a phrase of one speaker: at least one word, in order of time.

    Attributes:
        doubts: reasons for a person to listen here ("speaker", "silence", "loop"); empty without one.
        language: of the words, where it is not the transcript's; not written where it is.
    """

    speaker: str | None = None
    words: tuple[Word, ...] = Field(min_length=1)
    doubts: tuple[str, ...] = ()
    language: Annotated[LanguageCode | None, Field(exclude_if=lambda language: language is None)] = None

    @property
    def start_s(self) -> float:
        """Start of the first word."""
        return self.words[0].start_s

    @property
    def end_s(self) -> float:
        """End of the last word."""
        return self.words[-1].end_s

    @property
    def text(self) -> str:
        """The words as written, without the space before the first."""
        return "".join(word.text for word in self.words).strip()


class Receipt(StoredModel):
    """Everything needed to make the same transcript again."""

    engine: NonEmptyStr
    engine_version: NonEmptyStr
    model: NonEmptyStr
    weights_sha256: Sha256
    audio_sha256: Sha256
    options: Annotated[dict[str, str | int | FiniteFloat | bool | None], AfterValidator(sorted_by_key)] = (
        Field(default_factory=dict)
    )


class Correction(StoredModel):
    """A dated public note on a change of a transcript after publication."""

    corrected_at: Instant
    note: NonEmptyStr


class DroppedWord(StoredModel):
    """A word that was heard on a track, or on the mix of the tracks, and that the transcript does not have.

    Attributes:
        speaker: of the track that has it; None for a word of the mix, or of a speaker without words.
        louder: the speaker who is louder at that moment and whose words it is left to; None if nobody is.
    """

    word: Word
    speaker: str | None = None
    louder: str | None = None


class Transcript(StoredModel):
    """The words of an episode. In `episodes/` its times are recording times; everywhere else media times.

    Attributes:
        version: 1 for the first published, one more for every correction.
        media_sha256: the audio of its times; None for recording times.
        duration_s: length of the audio of its times.
        dropped: for review, in order of time; only in `episodes/`, and not written where there are none.
    """

    schema_version: Literal[1] = 1
    version: Annotated[int, Field(ge=1)] = 1
    language: NonEmptyStr
    duration_s: Seconds
    media_sha256: Sha256 | None = None
    speakers: tuple[Speaker, ...] = ()
    segments: tuple[Segment, ...] = ()
    corrections: tuple[Correction, ...] = ()
    receipt: Receipt | None = None
    dropped: tuple[DroppedWord, ...] = ()

    @model_serializer(mode="wrap")
    def _without_empty_dropped(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave `dropped` out where it is empty: a transcript from before that field keeps its bytes."""
        document: dict[str, Any] = serialize(self)
        return document if self.dropped else {k: v for k, v in document.items() if k != "dropped"}

    @property
    def words(self) -> tuple[Word, ...]:
        """All words, in order."""
        return tuple(word for segment in self.segments for word in segment.words)

    @property
    def text(self) -> str:
        """The words as running text, segments joined by one space."""
        return " ".join(segment.text for segment in self.segments)

    def speaker_name(self, speaker: str | None) -> str | None:
        """Return the label of a segment's speaker: a confirmed name, else `Speaker 1`; None without one."""
        for number, known in enumerate(self.speakers, start=1):
            if known.id == speaker:
                return known.name or UNNAMED_SPEAKER.format(number)
        return None

    @property
    def unnamed_speakers(self) -> tuple[str, ...]:
        """The labels of the voices that say something and that nobody has named."""
        speaking = {segment.speaker for segment in self.segments}
        return tuple(
            UNNAMED_SPEAKER.format(n)
            for n, known in enumerate(self.speakers, start=1)
            if not known.name and known.id in speaking
        )


class ErrorRate(StoredModel):
    """A share with its 95 % confidence interval; all three are equal if the sample is the whole episode."""

    value: float
    low: float
    high: float


class TranscriptProvenance(StoredModel):
    """By whom the words were written down, and how well.

    Attributes:
        word_errors: share of wrong words before corrections, measured on a sample; None if nobody measured.
    """

    made_by: Literal["machine", "person"]
    word_errors: ErrorRate | None = None


class TranscriptVersion(StoredModel):
    """One published version of a transcript. Its keys are under `private/`, see `public_keys`.

    Attributes:
        note: the public note on the correction; empty for the first version.
        word_key: of the Word file; None where an earlier release published the version. Not in `file_keys`,
            where an earlier release would refuse a format that it does not know.
        withdrawn_at: when it was taken back: nobody gets it any more, its objects are removed, and its keys
            stay so that a link to it is answered with the date.
        withdrawal_reason: what readers may see of the reason.
    """

    version: Annotated[int, Field(ge=1)]
    document_key: NonEmptyStr
    file_keys: Annotated[dict[CaptionFormat, str], AfterValidator(sorted_by_key)]
    language: NonEmptyStr
    word_count: Annotated[int, Field(ge=0)]
    published_at: Instant
    note: str = ""
    word_key: Annotated[NonEmptyStr | None, Field(exclude_if=lambda key: key is None)] = None
    withdrawn_at: Instant | None = None
    withdrawal_reason: str = ""

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the document and of all files."""
        return frozenset((self.document_key, *self.files.values()))

    @property
    def files(self) -> dict[FileFormat, str]:
        """The keys of all files for readers, by format."""
        keys: dict[FileFormat, str] = dict(self.file_keys.items())
        return {**keys, "docx": self.word_key} if self.word_key else keys

    def with_files(self, keys: Mapping[FileFormat, str]) -> Self:
        """Return the version with these files in place of its own."""
        captions = {form: key for form, key in sorted(keys.items()) if form != "docx"}
        return self.model_copy(update={"file_keys": captions, "word_key": keys.get("docx")})

    @property
    def public_keys(self) -> dict[CaptionFormat, str]:
        """The keys of the files for everybody, of the same bytes, where the transcript is public."""
        keys = {form: self.file_keys[form] for form in PUBLIC_FORMATS if form in self.file_keys}
        return {form: key.replace("private/", "public/", 1) for form, key in keys.items()}
