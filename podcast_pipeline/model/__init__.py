"""The nouns of the pipeline: frozen values, no I/O, no clock.

Times are seconds as float, rounded to the millisecond; instants are aware datetimes in UTC, whole
seconds. Values of the catalog and of transcript documents accept unknown fields and keep them, so that a
later release can add one; all others refuse them.
"""

from podcast_pipeline.model.audio import Chapter, Cut, Enclosure, Insert, Soundbite, Timeline
from podcast_pipeline.model.episode import Draft, Episode, EpisodeState, EpisodeType, Markup, Original
from podcast_pipeline.model.fields import (
    SLUG,
    UNREADABLE,
    Instant,
    Line,
    Noun,
    Seconds,
    Sha256,
    Slug,
    StoredNoun,
    Text,
    Topic,
    keep_unknown_fields,
    web_address,
)
from podcast_pipeline.model.progress import Progress, Report
from podcast_pipeline.model.show import Person, Show
from podcast_pipeline.model.subscriber import Period, Plan, Subscriber, SubscriberState, Token
from podcast_pipeline.model.transcript import (
    CaptionFormat,
    Correction,
    Receipt,
    Segment,
    Speaker,
    Transcript,
    TranscriptVersion,
    Word,
)

__all__ = [
    "SLUG",
    "UNREADABLE",
    "CaptionFormat",
    "Chapter",
    "Correction",
    "Cut",
    "Draft",
    "Enclosure",
    "Episode",
    "EpisodeState",
    "EpisodeType",
    "Insert",
    "Instant",
    "Line",
    "Markup",
    "Noun",
    "Original",
    "Period",
    "Person",
    "Plan",
    "Progress",
    "Receipt",
    "Report",
    "Seconds",
    "Segment",
    "Sha256",
    "Show",
    "Slug",
    "Soundbite",
    "Speaker",
    "StoredNoun",
    "Subscriber",
    "SubscriberState",
    "Text",
    "Timeline",
    "Token",
    "Topic",
    "Transcript",
    "TranscriptVersion",
    "Word",
    "keep_unknown_fields",
    "web_address",
]
