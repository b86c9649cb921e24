"""Requests with an Idempotency-Key: the same request again gets the same outcome, and changes nothing.

Of an answer its status and the subscriber's id are stored, so a repeated answer shows the subscriber of now.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Engine, delete, insert, select, update

from podcast_pipeline.audience.api.keys import ApiKey
from podcast_pipeline.audience.database import retry_on_integrity_error, write_transaction
from podcast_pipeline.audience.database.tables import api_requests as rows

CLAIM = timedelta(minutes=1)
"""For how long a request without an answer is being carried out; then its server was killed."""


class RequestDiffers(Exception):
    """Another request had the same Idempotency-Key."""


class RequestUnderWay(Exception):
    """The same request is being carried out."""


@dataclass(frozen=True)
class Outcome:
    """What became of a request: the status of its answer, and the subscriber that the answer shows."""

    status: int
    subscriber_id: UUID | None = None


@dataclass(frozen=True)
class ApiRequests:
    """The requests of a show's keys that have an Idempotency-Key."""

    engine: Engine
    show_id: UUID
    secret_key: bytes = field(repr=False)

    def once(
        self, key: ApiKey, name: str, request: bytes, work: Callable[[], Outcome], *, now: datetime
    ) -> Outcome:
        """Carry out a request, or return the outcome that it had; one that was refused may be tried again.

        Where a server was killed before it answered, the request is carried out again.

        Args:
            name: the Idempotency-Key.
            request: method, path and body.

        Raises:
            RequestDiffers: the name was another request's.
            RequestUnderWay: the request is being carried out.
        """
        name_hmac, request_hmac = self._hmac(b"name:" + name.encode()), self._hmac(b"request:" + request)
        is_this = (
            (rows.c.show_id == self.show_id) & (rows.c.key_id == key.id) & (rows.c.name_hmac == name_hmac)
        )
        values = {"show_id": self.show_id, "key_id": key.id, "name_hmac": name_hmac}
        claim = {**values, "request_hmac": request_hmac, "claimed_at": now}
        known = retry_on_integrity_error(lambda: self._claim(is_this, claim, now))
        if known is not None:
            return known
        try:
            outcome = work()
        except BaseException:
            with write_transaction(self.engine) as connection:
                connection.execute(delete(rows).where(is_this))
            raise
        with write_transaction(self.engine) as connection:
            done = {"status": outcome.status, "subscriber_id": outcome.subscriber_id}
            connection.execute(update(rows).where(is_this).values(done))
        return outcome

    def _claim(self, is_this: ColumnElement[bool], claim: dict[str, object], now: datetime) -> Outcome | None:
        with write_transaction(self.engine) as connection:
            row = connection.execute(select(rows).where(is_this).with_for_update()).first()
            if row is None:
                connection.execute(insert(rows).values(claim))
                return None
            if row.request_hmac != claim["request_hmac"]:
                raise RequestDiffers
            if row.status is not None:
                return Outcome(row.status, row.subscriber_id)
            if now - row.claimed_at < CLAIM:
                raise RequestUnderWay
            connection.execute(update(rows).where(is_this).values(claimed_at=now))
            return None

    def _hmac(self, data: bytes) -> str:
        return hmac.digest(self.secret_key, b"api:" + data, "sha256").hex()
