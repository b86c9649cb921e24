"""An event of a membership site, and what a source is to the rest of the pipeline."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from podcast_pipeline.audience.membership.facts import Membership

Details = Mapping[str, str | int]
"""Ids, amounts and dates of an event, which are kept when its body goes; no personal data."""


class SignatureRefused(Exception):
    """A request to a hook is not signed with the secret, or too long ago; nothing of it is kept."""


class NotAnEvent(Exception):
    """A signed body is no JSON object with the id and the kind of an event."""


@dataclass(frozen=True)
class SourceEvent:
    """One event that a source has sent.

    Attributes:
        id: in the source, at most 255 printable characters; a repeated delivery has the same.
        kind: the source's own name of it, known or not.
        foreign_id: what is to be looked at; None for an event of no subscription.
        occurred_at: the source's own time, or that of the delivery where it tells none.
        body: the signed JSON; personal data.
    """

    id: str
    kind: str
    foreign_id: str | None
    occurred_at: datetime
    body: str = field(repr=False)
    details: Details = field(default_factory=dict)


class MembershipSource(Protocol):
    """A membership site.

    Attributes:
        name: in `/hooks/<name>` and in the table of entitlements.
    """

    @property
    def name(self) -> str:
        """The name."""

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> None:
        """Check the signature of a delivery.

        Args:
            headers: names in any case, as Starlette's.
            body: as it was sent, byte for byte.

        Raises:
            SignatureRefused: it is not signed with the secret, or more than five minutes away from `now`.
        """

    def parse(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> SourceEvent:
        """Return the event of a verified delivery; raises NotAnEvent."""

    def look(self, event: SourceEvent, *, now: datetime) -> tuple[Membership, ...]:
        """Return what the source says now of the subscriptions of an event; none for an unknown kind.

        Raises:
            EventUnusable: the event or a subscription has not what it should have.
            MembershipError: the source does not answer.
        """

    def list_all(self, *, now: datetime) -> Iterator[Membership] | None:
        """Return what the source says of all of its subscriptions; None where it has no API.

        Raises:
            MembershipError: while it is read.
        """
