"""What search engines read of an episode: public facts only, nothing of the transcript. Pure."""

from typing import Any
from xml.sax.saxutils import escape as xml

from podcast_pipeline.feed.show_notes import summary
from podcast_pipeline.feed.tags import credited
from podcast_pipeline.model import Episode, Show
from podcast_pipeline.web.view import iso_duration

__all__ = ["artwork", "episode", "xml"]


def artwork(show: Show, about: Episode) -> str | None:
    """Return the address of the episode's picture, or the show's."""
    key = about.artwork_key or show.artwork_key
    return show.media_address(key) if key else None


def episode(show: Show, about: Episode, *, audio: str | None) -> dict[str, Any]:
    """Return schema.org's PodcastEpisode, JSON-LD.

    Args:
        audio: address of what the page plays.

    Source: https://schema.org/PodcastEpisode; the paywalled part as search engines want it named.
    """
    said = {
        "@context": "https://schema.org",
        "@type": "PodcastEpisode",
        "name": about.title,
        "url": show.page_address(about.slug),
        "datePublished": about.publish_at.isoformat(),
        "description": summary(about.notes),
        "inLanguage": about.language,
        "duration": iso_duration(about.enclosure.duration_s),
        "episodeNumber": about.number,
        "partOfSeason": about.season and {"@type": "PodcastSeason", "seasonNumber": about.season},
        "partOfSeries": {
            "@type": "PodcastSeries",
            "name": show.title,
            "url": show.site_url,
            "webFeed": show.feed_url,
        },
        "image": artwork(show, about),
        "contributor": [
            {"@type": "Person", "name": person.name, **({"url": person.url} if person.url else {})}
            for person in credited(show, about) or show.hosts
        ],
        "associatedMedia": _audio(about, audio),
        "isAccessibleForFree": about.access == "public",
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
