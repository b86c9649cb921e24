"""The show's pages as an Atom feed for news readers: titles, summaries and links; no audio.

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
    """Return the address of the Atom feed."""
    return f"{show.site_url}/archive.atom"


def render_atom(catalog: Catalog) -> bytes:
    """Render the published episodes, newest first, as UTF-8; no transcript text is included.

    An entry's id is the episode's; its `updated` changes when the episode's page shows something new.
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
        _write_entry(feed.add_entry(order="append"), show, episode)
    return bytes(feed.atom_str(pretty=True))


def _write_entry(entry: Any, show: Show, episode: Episode) -> None:
    entry.id(f"urn:uuid:{episode.id}")
    entry.title(single_line(episode.title))
    entry.link(href=single_line(show.episode_url(episode.slug)), rel="alternate", type="text/html")
    entry.published(episode.publish_at)
    entry.updated(episode.content_changed_at)
    if first_line := summary(episode.notes):
        entry.summary(first_line)
