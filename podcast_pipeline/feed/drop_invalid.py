"""Drop elements of an imported episode that would break a rule of our feed."""

from typing import cast

from podcast_pipeline.feed import conformance
from podcast_pipeline.feed.conformance.document import FeedDocument, parse_rss
from podcast_pipeline.feed.rss import PublicAudience, render_feed
from podcast_pipeline.model import Episode, ImportedItem, Show
from podcast_pipeline.model.catalog import Catalog

DROPPABLE = {"itunes:image", "podcast:chapters"}
"""Elements beside the imported tags that an item can be without."""


def drop_invalid_elements(show: Show, episode: Episode) -> tuple[Episode | None, tuple[str, ...]]:
    """Return the episode without the imported elements that break a rule, and a message per element name.

    Returns:
        None for an episode that breaks a rule by an element that no item can be without.
    """
    original = episode.original
    if original is None:
        return episode, ()
    feed = render_feed(Catalog(show=show, episodes=(_published(episode),)), PublicAudience())
    document, messages = parse_rss(feed), {}
    droppable = {tag.name for tag in original.tags} | DROPPABLE
    for finding in conformance.check_feed(feed):
        name = _element_at(document, finding.line) if finding.severity == "error" else None
        if name:
            what = f"its {name} is left out" if name in droppable else "is left out"
            messages[name] = f"{what}: {finding.rule}, {finding.message}"
    if not messages:
        return episode, ()
    if messages.keys() - droppable:
        return None, tuple(messages.values())
    return episode.model_copy(update={"original": _without(original, set(messages))}), tuple(
        messages.values()
    )


def _published(episode: Episode) -> Episode:
    return episode.model_copy(update={"state": "published", "access": "public"})


def guid_at(document: FeedDocument, line: int | None) -> str | None:
    """Return the guid of the item that holds a line of a feed of ours; None for a line of the channel."""
    for item in document.items:
        if line in {cast(int, element.sourceline) for element in item.iter("*")}:
            return document.text(item, "guid")
    return None


def _element_at(document: FeedDocument, line: int | None) -> str | None:
    """Return the name of the item's child at a line; our feeds have one element per line."""
    for item in document.items:
        for child in item.iterchildren("*"):
            if line in {cast(int, element.sourceline) for element in child.iter("*")}:
                return document.name(child)
    return None


def _without(original: ImportedItem, names: set[str]) -> ImportedItem:
    changes: dict[str, object] = {"tags": tuple(tag for tag in original.tags if tag.name not in names)}
    if "itunes:image" in names:
        changes["image_url"] = None
    if "podcast:chapters" in names:
        changes["chapters_url"] = None
    return original.model_copy(update=changes)
