"""Detects that a private link is shared: downloads from too many places or apps (rule P7).

The only effect is an entry in the audit log: a family in one house, or a subscriber with four apps, is no
thief, and a person decides.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from podcast_pipeline.audience.database.tables import audit_log
from podcast_pipeline.audience.subscribers.privacy.addresses_seen import DownloadLog, DownloadUsage
from podcast_pipeline.audience.subscribers.repository import Subscribers

WINDOW = timedelta(hours=24)
ORDINARY_USAGE = DownloadUsage(downloads=4, locations=3, apps=3)
"""The limit for one episode in 24 hours, as Omny sets it; more is an entry in the audit log."""


class LinkSharingMonitor:
    """Counts what is fetched by private links and by one-episode links, per subscriber and episode."""

    def __init__(self, repository: Subscribers) -> None:
        self._repository = repository
        self._downloads = DownloadLog(repository.engine, show_id=repository.show_id)

    def record_download(
        self, subscriber_id: UUID, episode_id: UUID, *, address: str, app: str, now: datetime
    ) -> None:
        """Record one complete download; log usage beyond the limit once in 24 hours.

        Args:
            address, app: as in `DownloadLog.record`.
        """
        self._downloads.record(subscriber_id, episode_id=episode_id, address=address, app=app, now=now)
        self._judge(subscriber_id, episode_id, vars(ORDINARY_USAGE), now)

    def record_opening(
        self, subscriber_id: UUID, episode_id: UUID, *, address: str, app: str, now: datetime
    ) -> None:
        """Record that a one-episode link was opened: by whom and where, not how often.

        Who reads opens it again and again; who shares it is at many places or in many browsers.

        Args:
            address, app: as in `DownloadLog.record`.
        """
        since = now - WINDOW
        self._downloads.record(
            subscriber_id, episode_id=episode_id, address=address, app=app, now=now, once_since=since
        )
        limits = {name: limit for name, limit in vars(ORDINARY_USAGE).items() if name != "downloads"}
        self._judge(subscriber_id, episode_id, limits, now)

    def _judge(self, subscriber_id: UUID, episode_id: UUID, limits: dict[str, int], now: datetime) -> None:
        usage = self._downloads.usage_of(subscriber_id, episode_id, since=now - WINDOW)
        if any(vars(usage)[name] > limit for name, limit in limits.items()):
            self._log_overuse(subscriber_id, episode_id, usage, now)

    def _log_overuse(
        self, subscriber_id: UUID, episode_id: UUID, usage: DownloadUsage, now: datetime
    ) -> None:
        with self._repository.by("site").transaction(now, "web") as change:
            query = select(audit_log.c.details).where(
                audit_log.c.subscriber_id == subscriber_id,
                audit_log.c.action == "overused",
                audit_log.c.at >= now - WINDOW,
            )
            logged = {details["episode"] for details in change.connection.scalars(query)}
            if str(episode_id) not in logged:
                change.write_audit_entry(
                    subscriber_id, "overused", {"episode": str(episode_id), **vars(usage)}
                )
