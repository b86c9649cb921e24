"""Imported items that no feed can list: what an earlier release took over as their audio is none."""

from podcast_pipeline.feed.untrusted.addresses import web_address
from podcast_pipeline.model import Episode
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.model.media_types import enclosure_type


def why_unplayable(episode: Episode) -> str | None:
    """Return why no feed lists an episode, None for an episode with audio."""
    enclosure = episode.enclosure
    if enclosure.key is None and web_address(enclosure.external_url or "") is None:
        return "its audio has no http(s) address"
    if enclosure_type(enclosure) is None:
        return f"its audio is of the type “{enclosure.type}”"
    return None


def left_out(catalog: Catalog | None) -> tuple[str, ...]:
    """Return one line for each published episode that is in no feed."""
    episodes = catalog.published() if catalog else ()
    reasons = ((episode.slug, why_unplayable(episode)) for episode in episodes)
    return tuple(
        f"{slug}: is left out of the feeds, {reason}; `podcast feed import` of the old feed fetches it again"
        for slug, reason in reasons
        if reason
    )
