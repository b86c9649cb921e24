"""The podcast:guid of a show: one for its public feed, one for all its private feeds."""

from uuid import UUID, uuid5

from podcast_pipeline.model import Show

PODCAST_NAMESPACE = UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6")


def podcast_guid(feed_url: str) -> UUID:
    """Return the guid of a new show from its feed's address; assigned once, never computed again.

    Source: guid.md of the podcast namespace; rule F5.
    """
    return uuid5(PODCAST_NAMESPACE, feed_url.partition("://")[2].rstrip("/"))


def private_guid(show: Show) -> UUID:
    """Return the guid that all private feeds of a show carry."""
    return uuid5(show.guid, "private")
