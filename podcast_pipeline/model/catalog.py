"""The catalog: the show and every scheduled, published or unpublished episode, as one JSON document."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from podcast_pipeline.errors import StoreError
from podcast_pipeline.model import Episode, Show, StoredModel, Transcript, keep_unknown_fields

CATALOG_KEY = "private/catalog.json"
SCHEMA_VERSION = 1
WRITTEN_BY = 4
"""Number of the catalog's form; a release that adds a field to a stored document increments it."""
WRITTEN_BY_VERSION = "0.1.0"
"""The first release that writes this form."""

RELEASE = re.compile(r"[0-9A-Za-z.+-]{1,40}")

DocumentT = TypeVar("DocumentT", bound=BaseModel)


def _release_or_none(text: str | None) -> str | None:
    """Return the number of a release; None for other text, which an error must not print."""
    return text if text and RELEASE.fullmatch(text) else None


def _in_order(episodes: tuple[Episode, ...]) -> tuple[Episode, ...]:
    def key(episode: Episode) -> tuple[datetime, int, str]:
        place = episode.original.place if episode.original else 0
        return episode.publish_at, place, str(episode.id)

    return tuple(sorted(episodes, key=key))


class Catalog(StoredModel):
    """The source of truth on everything that is, was or will be published.

    Attributes:
        written_by: the newest form that the catalog was ever written in; 0 before there were numbers.
        written_by_version: the first release that writes that form.
        notice_audio_key: the short audio of the notice item in a lapsed subscriber's feed.
        episodes: in order of publish_at, then place in the old feed, then id; unpublished ones stay as
            tombstones.
    """

    schema_version: Literal[1] = 1
    written_by: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = 0
    written_by_version: Annotated[str | None, AfterValidator(_release_or_none)] = None
    show: Show
    notice_audio_key: str | None = None
    notice_audio_size_bytes: int = 0
    notice_audio_duration_s: float = 0
    episodes: Annotated[tuple[Episode, ...], AfterValidator(_in_order)] = ()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        for name in ("id", "guid", "slug"):
            counts = Counter(str(getattr(episode, name)) for episode in self.episodes)
            twice = sorted(value for value, count in counts.items() if count > 1)
            if twice:
                raise ValueError(f"two episodes have the same {name}: {', '.join(twice)}")
        return self

    @property
    def public_text(self) -> tuple[str, ...]:
        """The texts that the producer wrote or approved for everybody; a host may read them out."""
        episodes = (text for episode in self.episodes for text in episode.public_text)
        return (*self.show_text, *episodes)

    @property
    def show_text(self) -> tuple[str, ...]:
        """The texts of the show among them."""
        return (self.show.title, self.show.description)

    @property
    def has_pending_withdrawals(self) -> bool:
        """Whether a withdrawal was begun whose feed may be old and whose objects may still be there."""
        return any(withdrawal.pending_keys for e in self.episodes for withdrawal in e.withdrawals)

    def by_slug(self, slug: str) -> Episode | None:
        """Return the episode with this slug, in any state."""
        return next((e for e in self.episodes if e.slug == slug), None)

    def by_id(self, episode_id: UUID) -> Episode | None:
        """Return the episode with this id, in any state."""
        return next((e for e in self.episodes if e.id == episode_id), None)

    def has_withdrawals(self, episode_id: UUID) -> bool:
        """Tell whether anything of an episode was withdrawn."""
        episode = self.by_id(episode_id)
        return episode is not None and bool(episode.withdrawals)

    def published(self) -> Iterator[Episode]:
        """Yield the published episodes, newest first."""
        return (e for e in reversed(self.episodes) if e.state == "published")

    def with_episode(self, episode: Episode) -> Self:
        """Return a catalog with this episode, replacing one of the same id."""
        return self.with_episodes((episode,))

    def with_episodes(self, episodes: Iterable[Episode]) -> Self:
        """Return a catalog with these episodes, each replacing one of the same id."""
        by_id = {e.id: e for e in (*self.episodes, *episodes)}
        return self._changed(episodes=tuple(by_id.values()))

    def without_episode(self, episode_id: UUID) -> Self:
        """Return a catalog that does not know this episode: nobody must have seen it."""
        return self._changed(episodes=tuple(e for e in self.episodes if e.id != episode_id))

    def with_show(self, show: Show, **notice_audio: object) -> Self:
        """Return a catalog of the same episodes under this show, with these notice_audio_ fields."""
        return self._changed(show=keep_unknown_fields(show, self.show), **notice_audio)

    def check_writable(self) -> None:
        """Raise StoreError when a later release wrote the catalog: its new fields would be lost."""
        if self.written_by > WRITTEN_BY:
            raise StoreError(
                CATALOG_KEY,
                f"was written by a newer release (form {self.written_by}, this one writes {WRITTEN_BY});"
                f" it can be served but not changed; install {self._required_release()}",
            )

    def _required_release(self) -> str:
        version = self.written_by_version
        return f"podcast-pipeline {version} or later" if version else "a newer podcast-pipeline"

    def signed(self) -> Self:
        """Return the catalog marked as written by this release."""
        return self._changed(written_by=WRITTEN_BY, written_by_version=WRITTEN_BY_VERSION)

    def content_changed_at(self) -> datetime | None:
        """Return the last change that a listener sees; None in a catalog without visible episodes."""
        visible = (e for e in self.episodes if e.state != "scheduled")
        return max((e.content_changed_at for e in visible), default=None)

    def next_change_at(self, now: datetime) -> datetime:
        """Return the instant of a change that is made now: later than all before, whatever the clock says.

        Apps that ask with If-Modified-Since would get 304 for ever where a clock was put back.
        """
        last, now = self.content_changed_at(), now.replace(microsecond=0)
        return now if last is None or last < now else last + timedelta(seconds=1)

    def _changed(self, **changes: object) -> Self:
        return type(self).model_validate({**dict(self), **changes})


def to_json(document: BaseModel) -> bytes:
    """Return a catalog or a transcript as UTF-8 JSON; equal values give equal bytes."""
    return (document.model_dump_json(indent=1) + "\n").encode()


def catalog_from_json(data: bytes) -> Catalog:
    """Read a catalog written by `to_json`; raises StoreError for a newer schema or a damaged file."""
    return _from_json(Catalog, data, CATALOG_KEY)


def transcript_from_json(data: bytes, name: str) -> Transcript:
    """Read a transcript written by `to_json`; `name` is the subject of an error."""
    return _from_json(Transcript, data, name)


def _from_json(kind: type[DocumentT], data: bytes, name: str) -> DocumentT:
    try:
        version = json.loads(data)["schema_version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreError(name, "is not a document of this program; restore it from a backup") from error
    if not isinstance(version, int) or version < SCHEMA_VERSION:
        raise StoreError(name, "is not a document of this program; restore it from a backup")
    if version > SCHEMA_VERSION:
        raise StoreError(
            name,
            f"has schema version {version}, this program supports {SCHEMA_VERSION}; "
            "install a newer podcast-pipeline",
        )
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the top"
        message = " ".join(f"is damaged at {where}: {first['msg']}".split())
        raise StoreError(name, f"{message}; restore it from a backup") from error
