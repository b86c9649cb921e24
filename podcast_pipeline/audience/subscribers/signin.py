"""Sign-in by mail: a link that works once, or a code for the browser that requested it.

Known and unknown addresses get the same answer for the same work, against timing attacks; only the mail
tells them apart. A request queues a job; the mail is composed when it is sent, some seconds later. Neither
the link nor the code is stored: like feed tokens they are derived, from the secret key and the job's nonce.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, func, insert, select, update

from podcast_pipeline.audience.database import advisory_lock, write_transaction
from podcast_pipeline.audience.database.tables import signin_requests as requests
from podcast_pipeline.audience.database.tables import subscribers
from podcast_pipeline.audience.jobs.queue import add_job
from podcast_pipeline.audience.subscribers.email import normalize_email
from podcast_pipeline.audience.subscribers.keyed_hash import keyed_hash
from podcast_pipeline.audience.subscribers.row_mapping import real_subscribers

SIGNIN_LIFETIME = timedelta(minutes=15)
RATE_LIMIT_WINDOW = timedelta(hours=1)
MAILS_PER_WINDOW = 5
MAX_CODE_ATTEMPTS = 5
WRONG_CODES_WINDOW = timedelta(hours=24)
MAX_WRONG_CODES = 20
"""For an address within the window; then only links let in, or a million codes could be tried in time."""

CODE_DIGITS = 6
NONCE_BYTES = 32

SIGNIN_MAIL = "sign-in mail"
"""The kind of the jobs that requests queue."""
LONGEST_PAUSE_S = 5
"""A mail leaves up to this many seconds after its request, at random: its work is no part of any answer."""


@dataclass(frozen=True)
class SignInMail:
    """The secrets of a sign-in mail and its recipient. Neither secret belongs into the subject.

    Attributes:
        email: None for an unknown address, which gets no mail.
        code: empty after too many wrong codes for the address.
    """

    email: str | None
    link_secret: str = field(repr=False)
    code: str = field(repr=False)


class SignIn:
    """Sign-in to a show.

    Args:
        secret_key: key of the HMACs of addresses and codes, which are too few for a plain hash.
    """

    def __init__(self, engine: Engine, *, show_id: UUID, secret_key: bytes) -> None:
        self.engine = engine
        self.show_id = show_id
        self._secret_key = secret_key

    def request(self, email: str, *, browser: str, now: datetime, landing: str = "") -> str | None:
        """Queue a mail to an address, known or not; above the rate limit (five per hour) nothing is queued.

        Args:
            browser: the value of the cookie that the code will be bound to.
            landing: where to go after sign-in, for the link in the mail; signed.

        Returns:
            The nonce of the mail, for `mail`; None above the rate limit.
        """
        normalized = normalize_email(email)
        address_hmac = self._hmac("address", normalized)
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        link_hmac = self._hmac("link", self._link_secret(nonce))
        pause = timedelta(seconds=secrets.SystemRandom().uniform(1, LONGEST_PAUSE_S))
        with write_transaction(self.engine) as connection:
            advisory_lock(connection, bytes.fromhex(address_hmac))
            person = connection.execute(
                select(subscribers.c.id)
                .where(real_subscribers(self.show_id), subscribers.c.email_normalized == normalized)
                .with_for_update(read=True)  # else erasure might miss the row written below
            ).first()
            if self._count_recent(connection, address_hmac, now) >= MAILS_PER_WINDOW:
                return None
            row = {
                "show_id": self.show_id,
                "subscriber_id": person.id if person else None,
                "address_hmac": address_hmac,
                "browser_hmac": self._hmac("browser", browser),
                "link_hmac": link_hmac,
                "code_hmac": self._hmac("code", browser, self._code(nonce)),
                "tries": 0,
                "created_at": now,
            }
            connection.execute(insert(requests).values(row))
            add_job(
                connection,
                self.show_id,
                SIGNIN_MAIL,
                link_hmac,
                payload={"nonce": nonce, **({"landing": landing} if landing else {})},
                run_after=now + pause,
                now=now,
            )
        return nonce

    def mail(self, nonce: str, *, now: datetime) -> SignInMail | None:
        """Return the mail of a request; None if its link has expired or was spent, or the person erased."""
        secret = self._link_secret(nonce)
        query = (
            select(requests.c.address_hmac, subscribers.c.email)
            .outerjoin_from(requests, subscribers)
            .where(requests.c.link_hmac == self._hmac("link", secret), self._is_open(now))
        )
        with self.engine.connect() as connection:
            row = connection.execute(query).first()
            if row is None:
                return None
            takes_code = self._takes_code(connection, row.address_hmac, now)
        return SignInMail(row.email, secret, self._code(nonce) if takes_code else "")

    def takes_code(self, *, browser: str, now: datetime) -> bool:
        """Return whether a code may let this browser in; not after too many wrong ones for its address.

        It is the same for an address that is no subscriber's.
        """
        with self.engine.connect() as connection:
            newest = self._newest_of(connection, browser, now)
            return newest is None or self._takes_code(connection, newest["address_hmac"], now)

    def spend_link(self, link_secret: str, *, now: datetime) -> UUID | None:
        """Spend a link and return its subscriber's id; None if it is spent, expired or made up.

        Mail scanners follow links: the page must require a click (POST) before calling this.
        """
        is_link = requests.c.link_hmac == self._hmac("link", link_secret)
        with write_transaction(self.engine) as connection:
            return self._spend(connection, is_link & self._is_open(now), now)

    def spend_code(self, code: str, *, browser: str, now: datetime) -> UUID | None:
        """Spend the newest mail's code, return its subscriber's id; None for others or after five tries."""
        code_hmac = self._hmac("code", browser, code.strip())
        with write_transaction(self.engine) as connection:
            newest = self._newest_of(connection, browser, now)
            if newest is None:
                return None
            advisory_lock(connection, bytes.fromhex(newest["address_hmac"]))
            if not self._takes_code(connection, newest["address_hmac"], now):
                return None
            is_newest = (requests.c.id == newest["id"]) & (requests.c.tries < MAX_CODE_ATTEMPTS)
            if hmac.compare_digest(code_hmac, newest["code_hmac"]):
                return self._spend(connection, is_newest & self._is_open(now), now)
            connection.execute(update(requests).where(is_newest).values(tries=requests.c.tries + 1))
            return None

    def _spend(self, connection: Connection, condition: ColumnElement[bool], now: datetime) -> UUID | None:
        """Spend in one statement, so that of two concurrent attempts only one succeeds."""
        query = update(requests).where(condition).values(spent_at=now).returning(requests.c.subscriber_id)
        subscriber_id: UUID | None = connection.scalar(query)
        return subscriber_id

    def _newest_of(self, connection: Connection, browser: str, now: datetime) -> RowMapping | None:
        """Return the newest open request of a browser."""
        is_of_browser = (requests.c.browser_hmac == self._hmac("browser", browser)) & self._is_open(now)
        query = select(requests.c.id, requests.c.address_hmac, requests.c.code_hmac).where(is_of_browser)
        return connection.execute(query.order_by(requests.c.id.desc()).limit(1)).mappings().first()

    def _takes_code(self, connection: Connection, address_hmac: str, now: datetime) -> bool:
        wrong = select(func.sum(requests.c.tries)).where(
            requests.c.show_id == self.show_id,
            requests.c.address_hmac == address_hmac,
            requests.c.created_at > now - WRONG_CODES_WINDOW,
        )
        return (connection.scalar(wrong) or 0) < MAX_WRONG_CODES

    def _is_open(self, now: datetime) -> ColumnElement[bool]:
        return (
            (requests.c.show_id == self.show_id)
            & requests.c.spent_at.is_(None)
            & (requests.c.created_at > now - SIGNIN_LIFETIME)
        )

    def _count_recent(self, connection: Connection, address_hmac: str, now: datetime) -> int:
        query = select(func.count()).where(
            requests.c.show_id == self.show_id,
            requests.c.address_hmac == address_hmac,
            requests.c.created_at > now - RATE_LIMIT_WINDOW,
        )
        return connection.scalar(query) or 0

    def _link_secret(self, nonce: str) -> str:
        digest = hmac.digest(self._secret_key, f"signin-link:{nonce}".encode(), "sha256")
        return urlsafe_b64encode(digest).decode().rstrip("=")

    def _code(self, nonce: str) -> str:
        digest = hmac.digest(self._secret_key, f"signin-code:{nonce}".encode(), "sha256")
        return f"{int.from_bytes(digest) % 10**CODE_DIGITS:0{CODE_DIGITS}}"

    def _hmac(self, *parts: str) -> str:
        return keyed_hash(self._secret_key, "signin", *parts)
