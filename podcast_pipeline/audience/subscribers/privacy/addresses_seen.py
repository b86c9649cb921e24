"""The download log: network addresses that downloaded a private feed's files, kept for a month."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv6Address, ip_address
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, distinct, func, insert, select

from podcast_pipeline.audience.database import write_transaction
from podcast_pipeline.audience.database.tables import network_addresses
from podcast_pipeline.audience.subscribers import transactions

LONGEST_APP = 200  # characters of a User-Agent


@dataclass(frozen=True)
class DownloadUsage:
    """Counts of one subscriber's downloads of one episode, and of their locations and apps."""

    downloads: int
    locations: int
    apps: int


class DownloadLog:
    """The complete downloads of a show's subscribers, with their network addresses."""

    def __init__(self, engine: Engine, *, show_id: UUID) -> None:
        self.engine = engine
        self.show_id = show_id

    def record(
        self,
        subscriber_id: UUID,
        *,
        episode_id: UUID | None,
        address: str,
        app: str,
        now: datetime,
        once_since: datetime | None = None,
    ) -> None:
        """Record one complete download.

        Args:
            address: IPv4 or IPv6; IPv6 is stored as its /64, which is one household.
            app: the User-Agent as sent.
            once_since: record nothing if this app, there, is on record for the episode since then.

        Raises:
            SubscriberError: the subscriber was erased meanwhile.
        """
        row = {
            "show_id": self.show_id,
            "subscriber_id": subscriber_id,
            "episode_id": episode_id,
            "address": client_network(address),
            "app": app.encode("utf-8", "replace").decode().replace("\0", "?")[:LONGEST_APP],
            "seen_at": now,
        }
        with write_transaction(self.engine) as connection:
            transactions.lock_row(connection, subscriber_id)
            if once_since is None or not _is_known(connection, row, once_since):
                connection.execute(insert(network_addresses).values(row))

    def count(self, episode_id: UUID) -> int:
        """Return the number of complete downloads of an episode that are on record; old ones are deleted."""
        query = select(func.count()).where(
            network_addresses.c.show_id == self.show_id, network_addresses.c.episode_id == episode_id
        )
        with self.engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def usage_of(self, subscriber_id: UUID, episode_id: UUID, *, since: datetime) -> DownloadUsage:
        """Return the counts for rule P7 (link sharing), from `since` on."""
        query = select(
            func.count(),
            func.count(distinct(network_addresses.c.address)),
            func.count(distinct(network_addresses.c.app)),
        ).where(
            network_addresses.c.subscriber_id == subscriber_id,
            network_addresses.c.episode_id == episode_id,
            network_addresses.c.seen_at >= since,
        )
        with self.engine.connect() as connection:
            return DownloadUsage(*connection.execute(query).one())


def _is_known(connection: Connection, row: dict[str, Any], since: datetime) -> bool:
    """Return whether the same app at the same place is on record since then."""
    table = network_addresses
    same = (table.c[name] == row[name] for name in ("subscriber_id", "episode_id", "address", "app"))
    query = select(table.c.seen_at).where(*same, table.c.seen_at >= since).limit(1)
    return connection.execute(query).first() is not None


def client_network(address: str, *, default: str = "unknown") -> str:
    """Return an IPv4 address as it is, the /64 of an IPv6 address, `default` for any other text."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return default
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)
