"""Proofs that somebody has an academic address, and the one code that each gives.

The address itself is not stored: a proof has its HMAC, the same for all spellings of a mailbox. Of any number
of requests, servers and clicks, one code is given for a proof, and a proof lasts a year.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Engine, Row, func, insert, select, update

from podcast_pipeline.audience.database import advisory_lock, write_transaction
from podcast_pipeline.audience.database.tables import proofs, signin_requests
from podcast_pipeline.audience.jobs.queue import add_job
from podcast_pipeline.audience.students.codes import PromotionCodes, StudentCodes
from podcast_pipeline.audience.students.domains import academic_domain
from podcast_pipeline.audience.students.links import StudentLinks
from podcast_pipeline.audience.subscribers.email import EmailAddress, parse_email
from podcast_pipeline.audience.subscribers.keyed_hash import keyed_hash
from podcast_pipeline.audience.subscribers.mailbox import mailbox_hmac
from podcast_pipeline.audience.subscribers.signin import MAILS_PER_WINDOW, RATE_LIMIT_WINDOW

PROOF_LIFETIME = timedelta(days=365)
RENEWED_BEFORE = timedelta(days=30)
"""How long before its end a proof can be renewed, and a reminder is sent."""

STUDENT_MAIL = "student mail"
"""The kind of the jobs that requests queue."""


@dataclass(frozen=True)
class Proof:
    """A proven address.

    Attributes:
        code: what gives the price; None while there is none to give.
    """

    domain: str
    expires_at: datetime
    code: str | None = field(repr=False)


class StudentProofs:
    """The proofs of a show.

    Args:
        secret_key: key of the HMACs of addresses, and of the links.
        domains: domains that the newsroom adds to the list.
        service: makes the codes; None: they come from the newsroom's list.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        show_id: UUID,
        secret_key: bytes,
        domains: Iterable[str] = (),
        service: PromotionCodes | None = None,
    ) -> None:
        self.engine = engine
        self.show_id = show_id
        self.links = StudentLinks(secret_key)
        self._secret_key = secret_key
        self._domains = tuple(domains)
        self._service = service
        self._codes = StudentCodes(engine, show_id=show_id)

    def request(self, email: str, *, browser: str, now: datetime) -> bool:
        """Queue a mail with a link; return whether the address is academic.

        Above the rate limit of sign-in (five mails per hour to one mailbox) nothing is queued.

        Raises:
            SubscriberError: the text is no address.
        """
        address = parse_email(email)
        if academic_domain(address, also=self._domains) is None:
            return False
        address_hmac, sealed = self.address_hmac(address), self.links.seal_for_job(address, now=now)
        row = {
            "show_id": self.show_id,
            "subscriber_id": None,
            "address_hmac": address_hmac,
            "browser_hmac": self._hmac("browser", browser),
            "link_hmac": self._hmac("link", sealed),
            "code_hmac": self._hmac("code", sealed),
            "tries": 0,
            "created_at": now,
            "spent_at": now,  # no sign-in
        }
        with write_transaction(self.engine) as connection:
            advisory_lock(connection, bytes.fromhex(address_hmac))
            if self._count_recent(connection, address_hmac, now) < MAILS_PER_WINDOW:
                connection.execute(insert(signin_requests).values(row))
                payload = {"sealed": sealed}
                key = row["link_hmac"]
                assert isinstance(key, str)
                add_job(connection, self.show_id, STUDENT_MAIL, key, payload=payload, run_after=now, now=now)
        return True

    def prove(self, link_secret: str, *, now: datetime) -> Proof | None:
        """Prove the address of a link; None if the link is too old or not one of ours.

        A proof that is not soon over stays as it is, with its code; a new year gives a new one. A run that is
        killed leaves a proof without a code, which the next click completes.

        Raises:
            PodcastError: the service that makes codes cannot be asked; the proof is kept.
        """
        address = self.links.open(link_secret, now=now)
        domain = academic_domain(address, also=self._domains) if address else None
        if address is None or domain is None:
            return None
        address_hmac = self.address_hmac(address)
        with write_transaction(self.engine) as connection:
            row = self._renewed(connection, address_hmac, domain, now)
            if row.code is None and self._service is None:
                code = self._codes.take(connection, now=now)
                return self._given(connection, row, code)
        if row.code is not None or self._service is None:
            return Proof(row.domain, row.expires_at, row.code)
        code = self._service.make(once=self._hmac("code", address_hmac, row.proven_at.isoformat()))
        with write_transaction(self.engine) as connection:
            return self._given(connection, row, code)

    def address_hmac(self, address: EmailAddress) -> str:
        """Return the HMAC of a mailbox, by which its proof is found."""
        return mailbox_hmac(address, self._secret_key)

    def soon_over(self, now: datetime) -> dict[str, datetime]:
        """Return the HMACs of the mailboxes whose proofs can be renewed, and when they end."""
        is_soon = (proofs.c.expires_at > now) & (proofs.c.expires_at <= now + RENEWED_BEFORE)
        query = select(proofs.c.address_hmac, proofs.c.expires_at)
        with self.engine.connect() as connection:
            rows = connection.execute(query.where(proofs.c.show_id == self.show_id, is_soon))
            return {row.address_hmac: row.expires_at for row in rows}

    def _given(self, connection: Connection, row: Row[Any], code: str | None) -> Proof:
        """Keep the code of a proof, and return what is kept: of two clicks at once the first one's."""
        has_none = (proofs.c.id == row.id) & proofs.c.code.is_(None)
        connection.execute(update(proofs).where(has_none).values(code=code))
        kept = connection.scalar(select(proofs.c.code).where(proofs.c.id == row.id))
        return Proof(row.domain, row.expires_at, kept)

    def _renewed(self, connection: Connection, address_hmac: str, domain: str, now: datetime) -> Row[Any]:
        """Return the row of a proof that is not soon over, a new one where there is none."""
        advisory_lock(connection, bytes.fromhex(address_hmac))
        is_theirs = (proofs.c.show_id == self.show_id) & (proofs.c.address_hmac == address_hmac)
        query = select(proofs).where(is_theirs).with_for_update()
        row = connection.execute(query).first()
        values = {"domain": domain, "proven_at": now, "expires_at": now + PROOF_LIFETIME, "code": None}
        if row is None:
            connection.execute(
                insert(proofs).values(show_id=self.show_id, address_hmac=address_hmac, **values)
            )
        elif row.expires_at <= now + RENEWED_BEFORE:
            connection.execute(update(proofs).where(is_theirs).values(values))
        return connection.execute(query).one()

    def _count_recent(self, connection: Connection, address_hmac: str, now: datetime) -> int:
        is_recent: ColumnElement[bool] = signin_requests.c.created_at > now - RATE_LIMIT_WINDOW
        query = select(func.count()).where(
            signin_requests.c.show_id == self.show_id,
            signin_requests.c.address_hmac == address_hmac,
            is_recent,
        )
        return connection.scalar(query) or 0

    def _hmac(self, *parts: str) -> str:
        return keyed_hash(self._secret_key, "student", *parts)
