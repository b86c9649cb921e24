"""What search engines read of an episode: public facts only, nothing of the transcript. Pure."""

from typing import Any
from xml.sax.saxutils import escape as xml

from podcast_pipeline.feed.show_notes import summary
from podcast_pipeline.feed.tags import credited_persons
from podcast_pipeline.model import Episode, Show
from podcast_pipeline.web.view import iso_duration

__all__ = ["episode_artwork_url", "podcast_episode", "xml"]


def episode_artwork_url(show: Show, episode: Episode) -> str | None:
    """Return the address of the episode's picture, or the show's."""
    key = episode.artwork_key or show.artwork_key
    return show.object_url(key) if key else None


def podcast_episode(show: Show, episode: Episode, *, audio: str | None) -> dict[str, Any]:
    """Return schema.org's PodcastEpisode, JSON-LD.

    Args:
        audio: address of what the page plays.

    Source: https://schema.org/PodcastEpisode; the paywalled part as search engines want it named.
    """
    said = {
        "@context": "https://schema.org",
        "@type": "PodcastEpisode",
        "name": episode.title,
        "url": show.episode_url(episode.slug),
        "datePublished": episode.publish_at.isoformat(),
        "description": summary(episode.notes),
        "inLanguage": episode.language,
        "duration": iso_duration(episode.enclosure.duration_s),
        "episodeNumber": episode.number,
        "partOfSeason": episode.season and {"@type": "PodcastSeason", "seasonNumber": episode.season},
        "partOfSeries": {
            "@type": "PodcastSeries",
            "name": show.title,
            "url": show.site_url,
            "webFeed": show.feed_url,
        },
        "image": episode_artwork_url(show, episode),
        "contributor": [
            {"@type": "Person", "name": person.name, **({"url": person.url} if person.url else {})}
            for person in credited_persons(show, episode) or show.hosts
        ],
        "associatedMedia": _audio(episode, audio),
        "isAccessibleForFree": episode.access == "public",
        "hasPart": {
            "@type": "WebPageElement",
            "isAccessibleForFree": False,
            "cssSelector": ".transcript",
        },
    }
    return {name: value for name, value in said.items() if value not in (None, "")}


def _audio(about: Episode, address: str | None) -> dict[str, Any] | None:
    enclosure = about.enclosure
    if about.access == "subscribers" or address is None:
        return None
    return {
        "@type": "AudioObject",
        "contentUrl": address,
        "encodingFormat": enclosure.type,
        "contentSize": str(enclosure.size_bytes),
        "duration": iso_duration(enclosure.duration_s),
    }
