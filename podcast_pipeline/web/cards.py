"""Cards: what another site or a messenger shows for a link to a page. Public words only. Pure.

Source: Open Graph protocol; X developer docs, summary card.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from langcodes import Language
from langcodes.tag_parser import LanguageTagError

from podcast_pipeline.feed.show_notes import SUMMARY_BYTES, summary
from podcast_pipeline.feed.text import shorten, single_line
from podcast_pipeline.model import Episode, Show

PICTURE_TYPES = {"jpg": "image/jpeg", "png": "image/png"}
"""The media type of a published picture, by the ending of its key."""


@dataclass(frozen=True)
class CardPicture:
    """A picture: ours by `key`, or on another host, of which only the address is known.

    Attributes:
        alt: what it shows, for those who do not see it.
    """

    url: str
    alt: str
    key: str | None = None

    @property
    def content_type(self) -> str | None:
        """The media type; None for another host's picture."""
        return PICTURE_TYPES.get(self.key.rpartition(".")[2]) if self.key else None


@dataclass(frozen=True)
class Card:
    """A page as its links show it.

    Attributes:
        url: the canonical address, without anything personal.
        language: of title and description.
    """

    kind: Literal["website", "article", "profile"]
    url: str
    title: str
    description: str
    language: str
    picture: CardPicture | None

    @property
    def picture_key(self) -> str | None:
        """The key of the picture; None without one, or on another host."""
        return self.picture.key if self.picture else None

    @property
    def locale(self) -> str | None:
        """The language as Open Graph writes it; None where the country is not known."""
        return locale_of(self.language)


def show_card(show: Show) -> Card:
    """Return the card of the show's front page."""
    picture = _show_picture(show)
    return Card("website", f"{show.site_url}/", show.title, show.description, show.language, picture)


def episode_card(show: Show, episode: Episode) -> Card:
    """Return the card of an episode, with its own picture or the show's."""
    key = episode.artwork_key
    picture = CardPicture(show.object_url(key), episode.title, key) if key else _show_picture(show)
    url, description = show.episode_url(episode.slug), summary(episode.notes)
    return Card("article", url, episode.title, description, episode.language, picture)


def list_card(show: Show, name: str, episodes: Sequence[Episode], *, url: str, is_person: bool) -> Card:
    """Return the card of a guest, a topic, a season or a year: its name, and the titles of its episodes.

    Args:
        episodes: newest first; the newest that has a picture of the person gives it.
    """
    titles = shorten(" · ".join(single_line(episode.title) for episode in episodes), SUMMARY_BYTES)
    people = (person for episode in episodes for person in episode.persons if person.name == name)
    portrait = next((person.image_url for person in people if person.image_url), None) if is_person else None
    picture = CardPicture(portrait, name) if portrait else _show_picture(show)
    return Card("profile" if is_person else "website", url, name, titles, show.language, picture)


def locale_of(language: str) -> str | None:
    """Return a language (BCP 47) with the country of most of its readers, `de_DE`; None if that is not known.

    Source: Unicode CLDR, likely subtags, by langcodes.
    """
    try:
        likely = Language.get(language).maximize()
    except LanguageTagError:
        return None
    return f"{likely.language}_{likely.territory}" if likely.language and likely.territory else None


def _show_picture(show: Show) -> CardPicture | None:
    key = show.artwork_key
    return CardPicture(show.object_url(key), show.title, key) if key else None
