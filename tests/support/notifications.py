"""A published episode and the rules of access, for tests of the notifications."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from podcast_pipeline.access import AccessPolicy
from podcast_pipeline.model import Enclosure, Episode, TranscriptVersion

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OUT = NOW - timedelta(hours=2)

POLICY = AccessPolicy(renew_url="https://example.com/renew")


def transcript(at: datetime) -> TranscriptVersion:
    return TranscriptVersion(
        version=1,
        document_key="private/documents/x.0.json",
        file_keys={},
        language="en",
        word_count=9,
        published_at=at,
    )


EPISODE = Episode(
    id=UUID(int=9),
    guid="9",
    slug="out",
    title="Out",
    language="en",
    state="published",
    publish_at=OUT,
    published_at=OUT,
    content_changed_at=OUT,
    enclosure=Enclosure(
        key="public/audio/x.mp3", size_bytes=1, type="audio/mpeg", duration_s=1, sha256="0" * 64
    ),
    transcripts=(transcript(OUT),),
)
