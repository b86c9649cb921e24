"""The feed item that explains to a subscriber why the transcripts are gone and how to get them back."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid5

from podcast_pipeline.access import Standing

MESSAGES: dict[str, tuple[str, str, str, str]] = {
    "lapsed": (
        "Your subscription has ended",
        "The episodes stay in this feed, the transcripts need a subscription.",
        "Renew it at <{}>",
        "Ask the newsroom to renew it.",
    ),
    "suspended": (
        "Your subscription is suspended",
        "The episodes stay in this feed, the transcripts are on hold.",
        "See <{}>",
        "Ask the newsroom what to do.",
    ),
    "rotated": (
        "This private link was replaced",
        "This feed will stop soon. Use the new link;",
        "if you do not have it, ask for it at <{}>",
        "if you do not have it, ask the newsroom for it.",
    ),
    "removed": (
        "Your subscription was closed",
        "This feed will stop soon.",
        "You can subscribe again at <{}>",
        "Ask the newsroom to subscribe again.",
    ),
}
"""By standing: the title, the reason, what to do at an address, and what to do where there is none."""


@dataclass(frozen=True)
class NoticeItem:
    """An item that is not an episode.

    Attributes:
        guid: the same for the same subscriber, standing and instant, so that apps show the notice once.
        published_at: the pubDate, aware.
        text: Markdown.
    """

    guid: UUID
    published_at: datetime
    title: str
    text: str


def build_notice(
    subscriber_id: UUID, standing: Standing, since: datetime, *, renew_url: str | None
) -> NoticeItem:
    """Return the notice for a subscriber who has not been active since an instant.

    The notice links to the renewal page, never to the new private feed: anybody may hold an old private link.
    """
    at = since.astimezone(UTC).replace(microsecond=0)
    title, reason, at_address, elsewhere = MESSAGES[standing]
    text = f"{reason} {at_address.format(renew_url) if renew_url else elsewhere}"
    return NoticeItem(uuid5(subscriber_id, f"{standing}:{at.isoformat()}"), at, title, text)
