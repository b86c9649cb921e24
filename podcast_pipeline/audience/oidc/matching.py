"""From the address of an account to the subscriber, once for each attempt."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from podcast_pipeline.audience.database import write_transaction
from podcast_pipeline.audience.database.tables import signin_requests, subscribers
from podcast_pipeline.audience.subscribers.email import normalize_email
from podcast_pipeline.audience.subscribers.keyed_hash import keyed_hash
from podcast_pipeline.audience.subscribers.row_mapping import real_subscribers


class AccountMatching:
    """Finds the subscriber of a verified address.

    Args:
        secret_key: key of the HMACs of addresses and states.
    """

    def __init__(self, engine: Engine, *, show_id: UUID, secret_key: bytes) -> None:
        self.engine = engine
        self.show_id = show_id
        self._secret_key = secret_key

    def spend(self, state: str, *, email: str, now: datetime) -> UUID | None:
        """Spend an attempt and return the subscriber's id; None if it was spent, or nobody has the address.

        Its row stands among the requests for sign-in mails: it is kept and exported as they are, and is
        unique by the state, so that of two answers with the same code one signs in.
        """
        normalized = normalize_email(email)
        try:
            with write_transaction(self.engine) as connection:
                subscriber_id: UUID | None = connection.scalar(
                    select(subscribers.c.id)
                    .where(real_subscribers(self.show_id), subscribers.c.email_normalized == normalized)
                    .with_for_update(read=True)  # else erasure might miss the row written below
                )
                row = {
                    "show_id": self.show_id,
                    "subscriber_id": subscriber_id,
                    "address_hmac": self._hmac("address", normalized),
                    "browser_hmac": self._hmac("browser", state),
                    "link_hmac": self._hmac("state", state),
                    "code_hmac": self._hmac("code", state),
                    "tries": 0,
                    "created_at": now,
                    "spent_at": now,
                }
                connection.execute(insert(signin_requests).values(row))
        except IntegrityError:
            return None
        return subscriber_id

    def _hmac(self, *parts: str) -> str:
        return keyed_hash(self._secret_key, "oidc", *parts)
