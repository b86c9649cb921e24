"""The show and the people who make it."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from podcast_pipeline.model.fields import HttpUrlOrNone, NonEmptyStr, StoredModel


class Person(StoredModel):
    """A credited human: a host or a guest (podcast:person; group is always `cast` here)."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    role: Literal["host", "guest"] = "host"
    url: HttpUrlOrNone = None
    image_url: HttpUrlOrNone = None


class Show(StoredModel):
    """The show as feeds describe it, built from show.toml; the published copy is in the catalog.

    Attributes:
        id: our own id, on every database row.
        guid: podcast:guid of the public feed, assigned once.
        categories: Apple's categories, a subcategory as "News > Politics".
        site_url, media_url: no trailing slash; an object's public URL is media_url + key after `public/`.
        artwork_key: key under `public/art/`, None until the first publication.
        update_rrule: podcast:updateFrequency, e.g. `FREQ=WEEKLY;BYDAY=TU,FR`.
        hub_urls: WebSub hubs, which notify apps of changes of the public feed.
        page_size: episodes on a page of the public feed (pagination); None: all are on one page.
        new_feed_url: the address that the show has moved to.
        renew_url: the site where there is no page to subscribe at; see `subscribe_url`.
    """

    id: UUID
    guid: UUID
    title: NonEmptyStr
    description: NonEmptyStr
    language: NonEmptyStr
    author: NonEmptyStr
    owner_email: NonEmptyStr
    categories: tuple[NonEmptyStr, ...] = Field(min_length=1)
    explicit: bool = False
    hosts: tuple[Person, ...] = ()
    site_url: NonEmptyStr
    media_url: NonEmptyStr
    feed_url: NonEmptyStr
    artwork_key: str | None = None
    update_rrule: str | None = None
    locked: bool = True
    hub_urls: tuple[NonEmptyStr, ...] = ()
    page_size: Annotated[int, Field(ge=10)] | None = None
    new_feed_url: str | None = None
    renew_url: str

    @property
    def subscribe_url(self) -> str | None:
        """The page to subscribe at or renew; None where renew_url only leads back to the site."""
        return self.renew_url if self.renew_url.rstrip("/") != self.site_url.rstrip("/") else None

    @property
    def moved_feed_url(self) -> str | None:
        """The new address of the public feed; None where it has none, or new_feed_url is its own."""
        return self.new_feed_url if self.new_feed_url != self.feed_url else None

    def object_url(self, key: str) -> str:
        """Return the public URL of an object under `public/`."""
        return f"{self.media_url}/{key.removeprefix('public/')}"

    def episode_url(self, slug: str) -> str:
        """Return the URL of an episode's page."""
        return f"{self.site_url}/episodes/{slug}"
