"""The golden feeds and captions as they are rendered now."""

from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from uuid import UUID

from podcast_pipeline.feed.notice import build_notice
from podcast_pipeline.feed.rss import Audience, PrivateAudience, PublicAudience, render_feed
from podcast_pipeline.model import CaptionFormat
from podcast_pipeline.model.catalog import Catalog, catalog_from_json, transcript_from_json
from podcast_pipeline.transcript.captions.formats import (
    render_captions,
)
from tests.support.paths import DATA

FEEDS = DATA / "feeds"
CAPTIONS = DATA / "captions"
FORMATS: tuple[CaptionFormat, ...] = get_args(CaptionFormat)
SUBSCRIBER = UUID("5ab5c81e-0000-4000-8000-000000000007")
LAPSED_AT = datetime(2026, 3, 11, 23, 30, tzinfo=UTC)


def audiences(catalog: Catalog) -> dict[str, Audience]:
    """Return the three feeds of a catalog, by the name in their file."""
    item = build_notice(SUBSCRIBER, "lapsed", LAPSED_AT, renew_url=catalog.show.renew_url)
    return {
        "public": PublicAudience(),
        "private": PrivateAudience(),
        "lapsed": PrivateAudience(transcripts=False, notice=item),
    }


def rendered_feeds() -> dict[Path, bytes]:
    """Return every golden feed as it is rendered now, by its path."""
    return {
        source.with_suffix(f".{name}.xml"): render_feed(catalog, audience)
        for source in sorted(FEEDS.glob("*.json"))
        for catalog in [catalog_from_json(source.read_bytes())]
        for name, audience in audiences(catalog).items()
    }


def ordinary_catalog() -> Catalog:
    """Return the catalog of an ordinary show: its golden feeds are `ordinary.*.xml`."""
    return catalog_from_json((FEEDS / "ordinary.json").read_bytes())


def rendered_captions() -> dict[Path, bytes]:
    """Return every golden caption file as it is rendered now, by its path."""
    return {
        CAPTIONS / f"{source.name.removesuffix('.transcript.json')}.{format_}": render_captions(
            transcript_from_json(source.read_bytes(), source.name), format_
        )
        for source in sorted(CAPTIONS.glob("*.transcript.json"))
        for format_ in FORMATS
    }
