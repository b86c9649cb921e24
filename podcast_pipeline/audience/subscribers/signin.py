"""Sign-in by mail: a link that works once, or a code for the browser that requested it.

Known and unknown addresses get the same answer for the same work, against timing attacks; only the mail
tells them apart.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, func, insert, select, update

from podcast_pipeline.audience.database import advisory_lock, write_transaction
from podcast_pipeline.audience.database.tables import signin_requests as requests
from podcast_pipeline.audience.database.tables import subscribers
from podcast_pipeline.audience.subscribers.email import normalize_email
from podcast_pipeline.audience.subscribers.row_mapping import real_subscribers

SIGNIN_LIFETIME = timedelta(minutes=15)
RATE_LIMIT_WINDOW = timedelta(hours=1)
MAILS_PER_WINDOW = 5
MAX_CODE_ATTEMPTS = 5
WRONG_CODES_WINDOW = timedelta(hours=24)
MAX_WRONG_CODES = 20
"""For an address within the window; then only links let in, or a million codes could be tried in time."""

CODE_DIGITS = 6
LINK_BYTES = 32


@dataclass(frozen=True)
class SignInMail:
    """The secrets of a sign-in mail and its recipient. Neither secret belongs into the subject.

    Attributes:
        code: empty after too many wrong codes for the address.
    """

    email: str
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

    def request(self, email: str, *, browser: str, now: datetime) -> SignInMail | None:
        """Return the mail to send; None for an unknown address or above the rate limit (five per hour).

        Args:
            browser: the value of the cookie that the code will be bound to.
        """
        normalized = normalize_email(email)
        address_hmac = self._hmac("address", normalized)
        link_secret = secrets.token_urlsafe(LINK_BYTES)
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
        with write_transaction(self.engine) as connection:
            advisory_lock(connection, bytes.fromhex(address_hmac))
            person = connection.execute(
                select(subscribers.c.id, subscribers.c.email)
                .where(real_subscribers(self.show_id), subscribers.c.email_normalized == normalized)
                .with_for_update(read=True)  # else erasure might miss the row written below
            ).first()
            if self._count_recent(connection, address_hmac, now) >= MAILS_PER_WINDOW:
                return None
            takes_code = self._takes_code(connection, address_hmac, now)
            row = {
                "show_id": self.show_id,
                "subscriber_id": person.id if person else None,
                "address_hmac": address_hmac,
                "browser_hmac": self._hmac("browser", browser),
                "link_hmac": self._hmac("link", link_secret),
                "code_hmac": self._hmac("code", browser, code),
                "tries": 0,
                "created_at": now,
            }
            connection.execute(insert(requests).values(row))
        return SignInMail(person.email, link_secret, code if takes_code else "") if person else None

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

    def _hmac(self, *parts: str) -> str:
        text = "\0".join(("signin", *parts)).encode("utf-8", "surrogatepass")
        return hmac.new(self._secret_key, text, "sha256").hexdigest()
