"""Structured data (JSON-LD) of an episode for search engines: public facts, no transcript. Pure."""

from typing import Any
from xml.sax.saxutils import escape as xml

from podcast_pipeline.feed.show_notes import summary
from podcast_pipeline.feed.tags import credited_persons
from podcast_pipeline.model import Episode, Show
from podcast_pipeline.web.view import iso_duration

__all__ = ["episode_artwork_url", "podcast_episode", "xml"]


def episode_artwork_url(show: Show, episode: Episode) -> str | None:
    """Return the URL of the episode's artwork, or else of the show's."""
    key = episode.artwork_key or show.artwork_key
    return show.object_url(key) if key else None


def podcast_episode(show: Show, episode: Episode, *, audio: str | None) -> dict[str, Any]:
    """Return a schema.org PodcastEpisode as JSON-LD.

    Args:
        audio: URL of the audio that the page plays; None without one.

    Source: https://schema.org/PodcastEpisode; `hasPart` marks the paywalled transcript.
    """
    fields = {
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
            "isAccessibleForFree": episode.transcript_is_public,
            "cssSelector": ".transcript",
        },
    }
    return {name: value for name, value in fields.items() if value not in (None, "")}


def _audio(episode: Episode, url: str | None) -> dict[str, Any] | None:
    enclosure = episode.enclosure
    if episode.access == "subscribers" or url is None:
        return None
    return {
        "@type": "AudioObject",
        "contentUrl": url,
        "encodingFormat": enclosure.type,
        "contentSize": str(enclosure.size_bytes),
        "duration": iso_duration(enclosure.duration_s),
    }
