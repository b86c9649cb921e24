"""The tables of show.toml on production: from the recording to its master and its reviewed transcript."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from podcast_pipeline.config.fields import IntFromText, NamedTable, ReviewAction, SpokenLanguage
from podcast_pipeline.model import FrozenModel, NonEmptyStr


class AudioTable(FrozenModel):
    """[audio]: loudness and format of the master, for new episodes."""

    loudness_stereo_lufs: Annotated[float, Field(ge=-30, le=-9)] = -16.0
    """Loudness of a stereo master, in LUFS."""
    loudness_mono_lufs: Annotated[float, Field(ge=-30, le=-9)] = -19.0
    """Loudness of a mono master, in LUFS."""
    true_peak_dbtp: Annotated[float, Field(ge=-9, le=-0.5)] = -1.0
    """Highest true peak of the encoded MP3, in dBTP."""
    bitrate_stereo_kbps: Annotated[Literal[64, 96, 128, 160, 192, 256, 320], IntFromText] = 128
    """Bit rate of a stereo MP3, in kbit/s."""
    bitrate_mono_kbps: Annotated[Literal[48, 64, 80, 96, 112, 128], IntFromText] = 96
    """Bit rate of a mono MP3, in kbit/s."""
    intro: str | None = None
    """File beside show.toml, up to two minutes, put before every new episode; faded, and matched
    in loudness."""
    outro: str | None = None
    """The same, put after every new episode."""
    fade_s: Annotated[float, Field(ge=0, le=5)] = 0.5
    """Length of the fades of intro and outro, in seconds."""


class TranscriptionTable(FrozenModel):
    """[transcription]: the engine and its model, the languages, and the style; for new transcriptions."""

    engine: str = "auto"
    """The speech engine: `auto`, `openvino`, `faster-whisper` or `openai-whisper`."""
    model: NonEmptyStr = "base"
    """Name of a Whisper model, like `base` or `large-v3-turbo` (docs/how-to/models.md), or a
    path to weights."""
    precision: Literal["auto", "bf16", "f32", "int8"] = "auto"
    """Number type of the openvino engine. `auto`: the fastest on this processor."""
    language: SpokenLanguage | None = None
    """The spoken language, for every episode. Without it the engine detects it."""
    languages: tuple[SpokenLanguage, ...] = ()
    """Two or more languages that are spoken by turns in one recording: `["en", "fr"]`
    (docs/how-to/languages.md)."""
    style: Literal["clean", "verbatim"] = "clean"
    """`verbatim` keeps fillers and stumbles (docs/how-to/languages.md#verbatim)."""

    @model_validator(mode="after")
    def _one_or_several(self) -> Self:
        if self.languages and (self.language or len(set(self.languages)) < 2):
            raise ValueError(
                "takes either one `language`, or two or more `languages` that are spoken by turns"
            )
        return self


class SpeakersTable(FrozenModel):
    """[speakers]: who speaks when in a mix (diarization). A recording of separate tracks needs none."""

    engine: Literal["auto", "senko", "off"] = "auto"
    """Who speaks when, in one mix. `auto`: senko, where it is installed. `off`: a transcript without
    speakers."""
    voices: NonEmptyStr | None = None
    """File of the known voices, relative to show.toml or absolute. Without it `.podcast/voices.json`."""


class TermTable(NamedTable):
    """A term of [glossary]: a name, or `{ name = "…", sounds_like = ["…"] }`."""

    name: NonEmptyStr
    """The name as it is written."""
    sounds_like: tuple[NonEmptyStr, ...] = ()
    """Misspellings that the engine writes for it."""


class GlossaryTable(FrozenModel):
    """[glossary]: names and terms of the show."""

    terms: tuple[TermTable, ...] = ()
    """Names and terms of the show: `"Ann Example"`, or `{ name = "…", sounds_like = ["…"] }`
    (docs/how-to/editing.md#names)."""


class ReviewTable(FrozenModel):
    """[review]: whether a finding of each kind blocks publication, warns, or is off."""

    unknown_names: ReviewAction = "warn"
    """Names that are not known from the show."""
    near_names: ReviewAction = "warn"
    """Names that nearly equal a known one."""
    printed_names: ReviewAction = "warn"
    """Speakers, and names in title and notes, that nearly equal those of guests and hosts."""
    words: ReviewAction = "warn"
    """Other words of low confidence."""
    numbers: ReviewAction = "warn"
    """Numbers of low confidence, and numbers of a typed transcript that are not those of the recording."""
    negations: ReviewAction = "warn"
    """Negations, by the same two rules."""
    quotes: ReviewAction = "warn"
    """Quotes of low confidence."""
    speakers: ReviewAction = "warn"
    """Turns whose speaker is doubtful."""
    doubts: ReviewAction = "warn"
    """Passages over music or noise, and suspected hallucinations."""
    conflicts: ReviewAction = "warn"
    """Edits whose place was not found after a new transcription."""
    dropped: ReviewAction = "warn"
    """Words that separate tracks dropped as another speaker's."""
    only_typed: ReviewAction = "warn"
    """Passages of a typed transcript that the engine did not recognise."""
    only_heard: ReviewAction = "warn"
    """Passages that the engine recognised and a typed transcript lacks."""
    low_confidence: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Confidence below which numbers, negations, quotes and words are listed."""

    def without_blocks(self) -> "ReviewTable":
        """Return the same policy, with a warning in place of each block."""
        return self.model_copy(update={name: "warn" for name, value in self if value == "block"})
