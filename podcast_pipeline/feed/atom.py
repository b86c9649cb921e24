"""Render the pages of a show as an Atom feed, for readers of news: titles, first lines, links; no audio.

Source: RFC 4287.
"""

from typing import Any

import feedgen.feed

from podcast_pipeline.feed.rss import EPOCH
from podcast_pipeline.feed.show_notes import summary
from podcast_pipeline.feed.text import single_line, xml_safe
from podcast_pipeline.model import Episode, Show
from podcast_pipeline.model.catalog import Catalog

ATOM_TYPE = "application/atom+xml; charset=utf-8"


def atom_url(show: Show) -> str:
    """Return where the feed is."""
    return f"{show.site_url}/archive.atom"


def render_atom(catalog: Catalog) -> bytes:
    """Render what the archive lists, newest first, as UTF-8; nothing of a transcript is in it.

    An entry's id is the episode's, and it is updated when its page shows something new.
    """
    show = catalog.show
    feed = feedgen.feed.FeedGenerator()
    feed.id(f"urn:uuid:{show.guid}")
    feed.title(single_line(show.title))
    feed.subtitle(xml_safe(show.description))
    feed.author(name=single_line(show.author))
    feed.language(single_line(show.language))
    feed.generator("podcast-pipeline")
    feed.updated(catalog.content_changed_at() or EPOCH)
    feed.link(href=single_line(atom_url(show)), rel="self", type="application/atom+xml")
    feed.link(href=single_line(show.site_url), rel="alternate", type="text/html")
    for episode in catalog.published():
        _write(feed.add_entry(order="append"), show, episode)
    return bytes(feed.atom_str(pretty=True))


def _write(entry: Any, show: Show, episode: Episode) -> None:
    entry.id(f"urn:uuid:{episode.id}")
    entry.title(single_line(episode.title))
    entry.link(href=single_line(show.episode_url(episode.slug)), rel="alternate", type="text/html")
    entry.published(episode.publish_at)
    entry.updated(episode.content_changed_at)
    if first_line := summary(episode.notes):
        entry.summary(first_line)
