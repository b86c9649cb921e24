"""Published episodes of a few words, and searches of all that is indexed."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid5
from zoneinfo import ZoneInfo

from sqlalchemy import select

from podcast_pipeline.audience.database.tables import search_episodes
from podcast_pipeline.model import Enclosure, Episode
from podcast_pipeline.search import SearchIndex, SearchResults, parse_query
from tests.support.site import SHOW_ID

ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def episode_of(slug: str, **fields: object) -> Episode:
    """Return a published episode; its id depends on the slug alone."""
    facts: dict[str, object] = {
        "id": uuid5(SHOW_ID, slug),
        "guid": slug,
        "slug": slug,
        "title": slug.replace("-", " "),
        "language": "en",
        "state": "published",
        "publish_at": NOW,
        "published_at": NOW,
        "content_changed_at": NOW,
        "enclosure": Enclosure(key="public/audio/x.mp3", size_bytes=1, type="audio/mpeg", duration_s=60),
    }
    return Episode.model_validate(facts | fields)


def search(index: SearchIndex, query: str, *, include_transcripts: bool = True, **more: Any) -> SearchResults:
    """Search all episodes of the index."""
    with index.engine.connect() as connection:
        known = frozenset(connection.scalars(select(search_episodes.c.episode_id)))
    return index.search(
        parse_query(query, ZONE), include_transcripts=include_transcripts, episode_ids=known, **more
    )
