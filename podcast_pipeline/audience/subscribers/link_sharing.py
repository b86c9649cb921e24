"""Notices when a private link is used by more people than the one it was given to (rule P7).

It is noted in the audit log and nothing else happens: a family in one house, or somebody with four apps,
is no thief, and a person decides.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from podcast_pipeline.audience.database.tables import audit_log
from podcast_pipeline.audience.subscribers.privacy.addresses_seen import DownloadLog, DownloadUsage
from podcast_pipeline.audience.subscribers.repository import Subscribers

WINDOW = timedelta(hours=24)
ORDINARY = DownloadUsage(downloads=4, locations=3, apps=3)
"""Of one episode in 24 hours, as Omny has it; more is noted."""


class LinkSharingMonitor:
    """Counts complete downloads of what is behind a token, per subscriber and episode."""

    def __init__(self, repository: Subscribers) -> None:
        self._of = repository
        self._network = DownloadLog(repository.engine, show_id=repository.show_id)

    def record_download(
        self, subscriber_id: UUID, episode_id: UUID, *, address: str, app: str, now: datetime
    ) -> None:
        """Remember one complete download; note once in 24 hours that they are too many.

        Args:
            address, app: as in `Network.note`.
        """
        self._network.record(subscriber_id, episode_id=episode_id, address=address, app=app, now=now)
        use = self._network.usage_of(subscriber_id, episode_id, since=now - WINDOW)
        if any(vars(use)[name] > limit for name, limit in vars(ORDINARY).items()):
            self._write_down(subscriber_id, episode_id, use, now)

    def _write_down(self, subscriber_id: UUID, episode_id: UUID, use: DownloadUsage, now: datetime) -> None:
        with self._of.transaction(now, "web") as change:
            noted = select(audit_log.c.details).where(
                audit_log.c.subscriber_id == subscriber_id,
                audit_log.c.action == "overused",
                audit_log.c.at >= now - WINDOW,
            )
            known = {details["episode"] for details in change.connection.scalars(noted)}
            if str(episode_id) not in known:
                change.write_audit_entry(subscriber_id, "overused", {"episode": str(episode_id), **vars(use)})
