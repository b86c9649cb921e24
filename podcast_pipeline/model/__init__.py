"""The values of the pipeline: frozen, without I/O and without a clock.

Times are seconds as float, rounded to the millisecond; instants are aware datetimes in UTC, whole
seconds. Values of the catalog and of transcript documents accept unknown fields and keep them, so that a
later release can add one; all other values refuse them.
"""

from podcast_pipeline.model.audio import CHAPTERS_TYPE, Chapter, Cut, Enclosure, Insert, Soundbite, Timeline
from podcast_pipeline.model.entitlement import MANUAL, Entitlement, Period, Plan
from podcast_pipeline.model.episode import (
    Episode,
    EpisodeDraft,
    EpisodeState,
    EpisodeType,
    FeedElement,
    ImportedItem,
    TranscriptChoice,
)
from podcast_pipeline.model.fields import (
    CONTROL_CHARACTERS,
    SLUG_PATTERN,
    FrozenModel,
    HttpUrlOrNone,
    Instant,
    NonEmptyStr,
    PersonName,
    Seconds,
    Sha256,
    SingleLineStr,
    Slug,
    StoredModel,
    Topic,
    composed,
    http_url_or_none,
    keep_unknown_fields,
)
from podcast_pipeline.model.progress import Progress, ProgressCallback, one_at_a_time
from podcast_pipeline.model.show import Person, Show
from podcast_pipeline.model.subscriber import FeedToken, Subscriber, SubscriberState
from podcast_pipeline.model.transcript import (
    CaptionFormat,
    Correction,
    DroppedWord,
    ErrorRate,
    Receipt,
    Segment,
    Speaker,
    Transcript,
    TranscriptProvenance,
    TranscriptVersion,
    Word,
)
from podcast_pipeline.model.withdrawal import MediaSpan, Withdrawal, WithdrawalKind, WordHashes

__all__ = [
    "CHAPTERS_TYPE",
    "CONTROL_CHARACTERS",
    "MANUAL",
    "SLUG_PATTERN",
    "CaptionFormat",
    "Chapter",
    "Correction",
    "Cut",
    "DroppedWord",
    "Enclosure",
    "Entitlement",
    "Episode",
    "EpisodeDraft",
    "EpisodeState",
    "EpisodeType",
    "ErrorRate",
    "FeedElement",
    "FeedToken",
    "FrozenModel",
    "HttpUrlOrNone",
    "ImportedItem",
    "Insert",
    "Instant",
    "MediaSpan",
    "NonEmptyStr",
    "Period",
    "Person",
    "PersonName",
    "Plan",
    "Progress",
    "ProgressCallback",
    "Receipt",
    "Seconds",
    "Segment",
    "Sha256",
    "Show",
    "SingleLineStr",
    "Slug",
    "Soundbite",
    "Speaker",
    "StoredModel",
    "Subscriber",
    "SubscriberState",
    "Timeline",
    "Topic",
    "Transcript",
    "TranscriptChoice",
    "TranscriptProvenance",
    "TranscriptVersion",
    "Withdrawal",
    "WithdrawalKind",
    "Word",
    "WordHashes",
    "composed",
    "http_url_or_none",
    "keep_unknown_fields",
    "one_at_a_time",
]
