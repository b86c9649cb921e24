"""The golden feeds, captions and documents as they are rendered now."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from uuid import UUID
from zipfile import ZipFile

from podcast_pipeline.feed.notice import build_notice
from podcast_pipeline.feed.rss import Audience, PrivateAudience, PublicAudience, render_feed
from podcast_pipeline.model import CaptionFormat
from podcast_pipeline.model.catalog import Catalog, catalog_from_json, transcript_from_json
from podcast_pipeline.transcript.captions.formats import (
    render_captions,
)
from podcast_pipeline.transcript.documents.word import to_word
from tests.support.paths import DATA
from tests.support.title_pages import TITLE_PAGE

FEEDS = DATA / "feeds"
CAPTIONS = DATA / "captions"
DOCUMENTS = DATA / "documents"
WORD_PARTS = ("word/document.xml", "word/header1.xml", "word/footer1.xml", "docProps/core.xml")
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


def rendered_documents() -> dict[Path, bytes]:
    """Return every golden text and HTML file with a title page, and the parts of a Word file."""
    rendered: dict[Path, bytes] = {}
    for name in ("interview", "arabic", "markup"):
        source = CAPTIONS / f"{name}.transcript.json"
        transcript = transcript_from_json(source.read_bytes(), source.name)
        for form in ("txt", "html"):
            path = DOCUMENTS / f"{name}.{form}"
            rendered[path] = render_captions(transcript, form, title_page=TITLE_PAGE)
        word = ZipFile(io.BytesIO(to_word(transcript, TITLE_PAGE)))
        for part in WORD_PARTS:
            rendered[DOCUMENTS / f"{name}.{part.rpartition('/')[2]}"] = word.read(part)
    return rendered
