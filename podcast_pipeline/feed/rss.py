"""Render the public feed, the private feed and the feed of a lapsed subscriber.

Pure and byte-deterministic: the same catalog and audience give the same bytes in any locale, time zone
and thread. The cost is linear in the number of episodes (scripts/bench_feed.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import feedgen.entry
import feedgen.feed

from podcast_pipeline.errors import FeedError
from podcast_pipeline.feed import paging, private, reading_line, show_notes, tags
from podcast_pipeline.feed.feedgen_extension import ChannelTags, ItemTags, Tag
from podcast_pipeline.feed.notice import NoticeItem
from podcast_pipeline.feed.paging import FeedPage
from podcast_pipeline.feed.show_notes import PublishedPicture, published_pictures
from podcast_pipeline.feed.text import shorten, single_line, xml_safe
from podcast_pipeline.feed.untrusted.addresses import web_address
from podcast_pipeline.feed.untrusted.harmless import harmless_notes
from podcast_pipeline.feed.untrusted.playable import why_unplayable
from podcast_pipeline.model import Episode, ImportedItem, Show
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.model.media_types import enclosure_type

# feedgen switches the locale of the whole process to format a date, which is not thread-safe.
feedgen.feed.formatRFC2822 = feedgen.entry.formatRFC2822 = format_datetime

EPOCH = datetime.fromtimestamp(0, UTC)  # the lastBuildDate of an empty show; feedgen always writes one


@dataclass(frozen=True)
class PublicAudience:
    """Everybody, without a subscription."""


@dataclass(frozen=True)
class PrivateAudience:
    """One subscriber, by token.

    Attributes:
        transcripts: whether the subscriber may read transcripts now.
        notice: the item that explains why not.
        title_suffix: what follows the show's title.
    """

    transcripts: bool = True
    notice: NoticeItem | None = None
    title_suffix: str = ""


Audience = PublicAudience | PrivateAudience
PUBLIC = PublicAudience()


def render_feed(catalog: Catalog, audience: Audience = PUBLIC) -> bytes:
    """Render the published episodes that an audience may listen to, newest first.

    With pagination, the public feed has the newest episodes and links to the archive pages.

    Returns:
        RSS 2.0 as UTF-8 bytes; a private feed contains TOKEN_PLACEHOLDER for `personalize`.
    """
    if isinstance(audience, PublicAudience):
        return _render(paging.newest_page(catalog), audience)
    return _render(FeedPage(catalog, private.private_feed_url(catalog.show)), audience)


def render_archive_pages(catalog: Catalog) -> tuple[bytes, ...]:
    """Render the archive pages that the public feed links to, oldest first."""
    return tuple(_render(page, PublicAudience()) for page in paging.archive_pages(catalog))


def render_unpaged(catalog: Catalog) -> bytes:
    """Render the public feed as one page, as apps that follow the pagination see it."""
    return render_feed(
        catalog.with_show(catalog.show.model_copy(update={"page_size": None})), PublicAudience()
    )


def _render(page: FeedPage, audience: Audience) -> bytes:
    catalog = page.catalog
    feed = feedgen.feed.FeedGenerator()
    feed.register_extension("tags", ChannelTags, ItemTags, atom=False)
    _write_channel(feed, catalog.show, audience, page)
    feed.lastBuildDate(_changed_at(catalog, audience))
    feed.tags.set_entries(_entry(catalog, item, audience) for item in _items(catalog, audience))
    return bytes(feed.rss_str(pretty=True))


def _entry(catalog: Catalog, item: Episode | NoticeItem, audience: Audience) -> Any:
    entry = feedgen.entry.FeedEntry()
    entry.register_extension("tags", ItemTags, atom=False)
    if isinstance(item, NoticeItem):
        _write_notice(entry, catalog, item)
    else:
        _write_episode(entry, catalog.show, item, audience)
    return entry


def _items(catalog: Catalog, audience: Audience) -> list[Episode | NoticeItem]:
    if isinstance(audience, PublicAudience):
        return [episode for episode in _playable(catalog) if episode.access == "public"]
    notices = [audience.notice] if audience.notice else []
    return sorted([*notices, *_playable(catalog)], key=_at, reverse=True)


def _playable(catalog: Catalog) -> Iterator[Episode]:
    return (episode for episode in catalog.published() if why_unplayable(episode) is None)


def _at(item: Episode | NoticeItem) -> datetime:
    return item.published_at if isinstance(item, NoticeItem) else item.publish_at


def _changed_at(catalog: Catalog, audience: Audience) -> datetime:
    changed = catalog.content_changed_at() or EPOCH
    if isinstance(audience, PrivateAudience) and audience.notice:
        return max(changed, audience.notice.published_at)
    return changed


def _write_channel(feed: Any, show: Show, audience: Audience, page: FeedPage) -> None:
    is_private = isinstance(audience, PrivateAudience)
    suffix = audience.title_suffix if isinstance(audience, PrivateAudience) else ""
    feed.title(_readable(f"{show.title} {suffix}" if suffix else show.title, "show.title"))
    description = _readable(harmless_notes(show.description), "show.description")
    feed.description(shorten(description, show_notes.DESCRIPTION_BYTES))
    feed.language(single_line(show.language))
    feed.generator("podcast-pipeline")
    feed.link(href=page.address, rel="self", type="application/rss+xml")
    # feedgen makes the last link the channel's <link>, so the site comes after the self link with the token.
    feed.link(href=_readable(show.site_url, "urls.site"), rel="alternate")
    feed.tags.add(*tags.show_tags(show))
    feed.tags.add(*(tags.private_tags(show) if is_private else tags.public_tags(show)))
    feed.tags.add(*(Tag("atom:link", attributes={"rel": rel, "href": href}) for rel, href in page.links))


def _write_episode(entry: Any, show: Show, episode: Episode, audience: Audience) -> None:
    entry.title(_readable(episode.title, episode.slug))
    original = episode.original
    link = original and original.link and web_address(original.link)
    entry.link(href=single_line(link or show.episode_url(episode.slug)))
    is_permalink = episode.guid_is_permalink and web_address(episode.guid) is not None
    entry.guid(xml_safe(episode.guid), permalink=is_permalink)
    entry.pubDate(episode.publish_at)
    enclosure = episode.enclosure
    mime = enclosure_type(enclosure) or enclosure.type
    entry.enclosure(tags.enclosure_url(show, episode), enclosure.size_bytes, single_line(mime))
    notes = _original_notes(original) if original else None
    notes = notes or _notes(episode.notes, published_pictures(show, episode))
    reads = isinstance(audience, PrivateAudience) and audience.transcripts
    _write_notes(entry, _with_link(show, episode, notes) if reads and episode.transcript else notes)
    entry.tags.add(*tags.episode_tags(show, episode))
    if reads or episode.transcript_is_public:
        entry.tags.add(*tags.transcript_tags(show, episode))


def _write_notice(entry: Any, catalog: Catalog, item: NoticeItem) -> None:
    entry.title(single_line(item.title))
    entry.link(href=single_line(catalog.show.renew_url))
    entry.guid(str(item.guid), permalink=False)
    entry.pubDate(item.published_at)
    if catalog.notice_audio_key:
        address = single_line(catalog.show.object_url(catalog.notice_audio_key))
        entry.enclosure(address, catalog.notice_audio_size_bytes, "audio/mpeg")
        entry.tags.add(Tag("itunes:duration", tags.whole_seconds(catalog.notice_audio_duration_s)))
    _write_notes(entry, _notes(item.text))
    entry.tags.add(Tag("itunes:explicit", "false"), Tag("itunes:episodeType", "bonus"))


def _readable(text: str, subject: str) -> str:
    """Return text on one line; FeedError if no readable character is left."""
    readable = single_line(text)
    if not readable:
        raise FeedError(subject, "has no readable text for the feed; write a text")
    return readable


@dataclass(frozen=True)
class ItemNotes:
    """The notes of an item; None where there are none.

    Attributes:
        description: plain text, or HTML of an imported item.
        content: HTML.
    """

    description: str | None = None
    content: str | None = None


def _write_notes(entry: Any, notes: ItemNotes) -> None:
    if notes.description is not None:
        entry.description(notes.description)
    if notes.content is not None:
        entry.content(notes.content, type="CDATA")


def _notes(text: str, pictures: tuple[PublishedPicture, ...] = ()) -> ItemNotes:
    html = show_notes.to_html(text, pictures)
    return ItemNotes(show_notes.to_plain(text), html) if html else ItemNotes()


def _original_notes(original: ImportedItem) -> ItemNotes | None:
    """Return an imported item's notes unchanged, but for scripts; None where it had none."""
    if not (original.description or original.content):
        return None
    return ItemNotes(
        xml_safe(harmless_notes(original.description)) if original.description else None,
        xml_safe(harmless_notes(original.content)).replace("]]>", "]]&gt;") if original.content else None,
    )


def _with_link(show: Show, episode: Episode, notes: ItemNotes) -> ItemNotes:
    """Return the notes below the subscriber's link to this episode."""
    description = notes.description or ""
    content = notes.content or show_notes.to_html(description)
    return ItemNotes(
        reading_line.above_description(show, episode, description),
        f"{reading_line.html_line(show, episode)}{content}".rstrip("\n"),
    )
