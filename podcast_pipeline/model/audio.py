"""The audio of an episode, its chapters and soundbites, and the timeline from recording to media."""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from podcast_pipeline.model.fields import HttpUrlOrNone, NonEmptyStr, Seconds, Sha256, StoredModel

CHAPTERS_TYPE = "application/json+chapters"
"""The media type of a chapters file. Source: podcast-namespace, chapters.md."""


class Chapter(StoredModel):
    """A chapter mark; `toc` False keeps it out of tables of contents."""

    start_s: Seconds
    """Start, in seconds of the recording or of the media."""
    title: Annotated[str, Field(min_length=1, max_length=255)]
    """Title that apps show."""
    url: HttpUrlOrNone = None
    """A page that belongs to the chapter, http(s)."""
    toc: bool = True
    """Whether apps list the chapter."""


class Soundbite(StoredModel):
    """A stretch of the audio offered as a preview (podcast:soundbite)."""

    start_s: Seconds
    """Start, in seconds of the recording or of the media."""
    duration_s: Seconds
    """Length in seconds."""
    title: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Title that apps show."""


class Enclosure(StoredModel):
    """The audio file of an item: ours by `key`, or another host's by `external_url`."""

    key: str | None = None
    external_url: str | None = None
    size_bytes: Annotated[int, Field(gt=0)]
    type: NonEmptyStr
    duration_s: Seconds
    sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.key is None) == (self.external_url is None):
            raise ValueError("an enclosure has either a key or an external_url")
        return self


class Cut(StoredModel):
    """A stretch of the recording that is not in the media; recording times, end excluded."""

    start_s: Seconds
    end_s: Seconds

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end_s <= self.start_s:
            raise ValueError("a cut ends after it starts")
        return self


class Insert(StoredModel):
    """Audio inserted into the media, at a recording time (an intro at 0, an outro at the end)."""

    at_s: Seconds
    duration_s: Seconds


class Timeline(StoredModel):
    """Maps recording times to media times by cuts, sorted and disjoint, and inserts."""

    cuts: tuple[Cut, ...] = ()
    inserts: tuple[Insert, ...] = ()

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if any(after.start_s < before.end_s for before, after in pairwise(self.cuts)):
            raise ValueError("cuts overlap or are not in order")
        return self

    def to_media(self, recording_s: float) -> float | None:
        """Return the media time of a recording time, or None where the recording was cut.

        The time of an insert maps to the end of the insert; for a word that ends there see
        transcript/timeline.py.
        """
        if any(cut.start_s <= recording_s < cut.end_s for cut in self.cuts):
            return None
        removed = sum(c.end_s - c.start_s for c in self.cuts if c.end_s <= recording_s)
        added = sum(i.duration_s for i in self.inserts if i.at_s <= recording_s)
        return round(recording_s - removed + added, 3)
