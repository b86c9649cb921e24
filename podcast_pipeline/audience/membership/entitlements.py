"""Applies what a membership site says of a subscription to the entitlement that it gives.

The newest observation counts, in whatever order and however often observations come. A source changes its own
entitlements only, and no link: only a new subscriber, and a removed one who subscribes again, gets one.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import RowMapping, exists, insert, select, update

from podcast_pipeline.audience.database import advisory_lock, retry_on_integrity_error
from podcast_pipeline.audience.database.tables import entitlements, subscribers
from podcast_pipeline.audience.membership.facts import Membership, entitlement_end
from podcast_pipeline.audience.subscribers import transactions
from podcast_pipeline.audience.subscribers.email import EmailAddress, parse_email
from podcast_pipeline.audience.subscribers.entitlement_rows import ENTITLEMENT_COLUMNS, hidden_foreign_id
from podcast_pipeline.audience.subscribers.privacy.audit_log import AuditAction, Origin
from podcast_pipeline.audience.subscribers.repository import Subscribers
from podcast_pipeline.audience.subscribers.transactions import SubscriberTransaction, new_uuid7
from podcast_pipeline.errors import SubscriberError
from podcast_pipeline.model import Entitlement, Subscriber

Outcome = Literal["created", "changed", "unchanged", "stale", "unknown", "erased"]

FACTS = ("plan", "period", "starts_at", "ends_at", "cancelled_at", "suspended_at")
"""The columns of an entitlement that its source sets, beside the observation."""

OTHERS_ADDRESS = "the new address is another subscriber's; the old one stays"
ONE_OF_SEVERAL = "the new address is that of one of several subscriptions; the old one stays"
NO_ADDRESS = "the new address is not an e-mail address; the old one stays"
REMOVED = (
    "the subscriber was removed here, and the subscription goes on; add them again, or end it at its site"
)


@dataclass(frozen=True)
class Applied:
    """What one observation of a membership changed.

    Attributes:
        outcome: `created`: a new entitlement. `stale`: a newer observation is known. `unknown`: of no known
            subscription, and without an address. `erased`: of somebody who was erased.
        subscriber_id: None where the outcome is unknown or erased.
        is_new_subscriber: whether nobody had the address.
        remark: one line for a person about what could not be done, "" where there is nothing; it is stored
            with the event, and has no address in it.
    """

    outcome: Outcome
    subscriber_id: UUID | None = None
    is_new_subscriber: bool = False
    remark: str = ""


def apply_membership(
    repository: Subscribers, membership: Membership, *, grace_days: int, now: datetime, origin: Origin
) -> Applied:
    """Apply an observation in a transaction of its own; the source is the actor in the audit log.

    Args:
        grace_days: `[membership] grace_days` of show.toml.

    Raises:
        SubscriberError: a new subscriber's address is none, somebody was erased meanwhile, or the secret key
            did not make the current links.
    """

    def work() -> Applied:
        with repository.by(membership.source).transaction(now, origin) as change:
            return apply(change, membership, grace_days=grace_days)

    return retry_on_integrity_error(work)


def apply(change: SubscriberTransaction, membership: Membership, *, grace_days: int) -> Applied:
    """Apply an observation in a transaction that applies no other one.

    The caller tries again after an IntegrityError, which another process causes that adds the same address.

    Args:
        grace_days: `[membership] grace_days` of show.toml.

    Raises:
        SubscriberError: as for `apply_membership`.
    """
    _lock_subscription(change, membership)
    values = _values(membership, grace_days=grace_days, secret_key=change.secret_key)
    known = _find(change, membership.source, membership.foreign_id)
    if known is None:
        return _create(change, membership, values)
    if membership.order < (known["observed_at"], known["observed_id"]):
        return Applied("stale", known["subscriber_id"])
    transactions.lock_row(change.connection, known["subscriber_id"])
    return _update(change, membership, known, values)


def _lock_subscription(change: SubscriberTransaction, membership: Membership) -> None:
    """Let no other process apply an observation of the same subscription until the transaction ends."""
    name = f"{change.show_id}:{membership.source}:{membership.foreign_id}"
    advisory_lock(change.connection, b"M" + hashlib.sha256(name.encode()).digest()[:7])


def _find(change: SubscriberTransaction, source: str, foreign_id: str) -> RowMapping | None:
    query = select(*ENTITLEMENT_COLUMNS, entitlements.c.address_hmac).where(
        entitlements.c.show_id == change.show_id,
        entitlements.c.source == source,
        entitlements.c.foreign_id == foreign_id,
    )
    return change.connection.execute(query).mappings().first()


def _values(membership: Membership, *, grace_days: int, secret_key: bytes) -> dict[str, Any]:
    """Return the columns of an entitlement that an observation sets."""
    facts = {name: getattr(membership, name) for name in FACTS if name != "ends_at"}
    return {
        **facts,
        "ends_at": entitlement_end(membership, grace_days=grace_days),
        "observed_at": membership.observed_at,
        "observed_id": membership.observed_id,
        "address_hmac": _address_hmac(membership, secret_key),
    }


def _address_hmac(membership: Membership, secret_key: bytes) -> str | None:
    """Return a keyed hash of the source's address; None without a valid one."""
    address, _ = _address(membership)
    if address is None:
        return None
    return hmac.digest(secret_key, f"address:{address.normalized}".encode(), "sha256").hex()


def _address(membership: Membership) -> tuple[EmailAddress | None, str]:
    """Return the source's address, or None and what is wrong with it."""
    if membership.email is None:
        return None, ""
    try:
        return parse_email(membership.email), ""
    except SubscriberError:
        return None, NO_ADDRESS


def _create(change: SubscriberTransaction, membership: Membership, values: dict[str, Any]) -> Applied:
    """Add an entitlement to the subscriber with the address, or to a new one."""
    if membership.email is None:
        return Applied("unknown")
    address = parse_email(membership.email)
    found = transactions.find_for_update(change.connection, address.normalized, show_id=change.show_id)
    if found is None and _is_erased(change, membership):
        return Applied("erased")
    subscriber_id = found.id if found else change.insert(address, None)
    row = {
        **values,
        "id": new_uuid7(),
        "show_id": change.show_id,
        "subscriber_id": subscriber_id,
        "source": membership.source,
        "foreign_id": membership.foreign_id,
    }
    change.connection.execute(insert(entitlements).values(row))
    new = Entitlement.model_validate({name: row[name] for name in Entitlement.model_fields})
    returns = found is not None and found.removed_at is not None and new.holds(change.now)
    if found is None or returns:
        change.verify_secret_key()
        change.issue_token(subscriber_id)
    change.set(subscriber_id, **(transactions.reactivation_values(address) if returns else {}))
    action: AuditAction = "added" if found is None else "revived" if returns else "entitlement_added"
    change.write_audit_entry(subscriber_id, action, _details(membership, values))
    return Applied("created", subscriber_id, is_new_subscriber=found is None)


def _is_erased(change: SubscriberTransaction, membership: Membership) -> bool:
    source, foreign_id = membership.source, membership.foreign_id
    hidden = hidden_foreign_id(source, foreign_id, secret_key=change.secret_key)
    return _find(change, source, hidden) is not None


def _update(
    change: SubscriberTransaction, membership: Membership, known: RowMapping, values: dict[str, Any]
) -> Applied:
    """Set what the newest observation says, and follow a change of the source's address."""
    subscriber_id: UUID = known["subscriber_id"]
    has_moved, remark = _follow_address(change, membership, known, values["address_hmac"])
    if values["address_hmac"] is None or remark:  # so that the next observation is followed again
        values = {**values, "address_hmac": known["address_hmac"]}
    query = update(entitlements).where(entitlements.c.id == known["id"])
    change.connection.execute(query.values(values))
    is_changed = any(values[name] != known[name] for name in FACTS)
    if is_changed:
        change.set(subscriber_id)
        change.write_audit_entry(subscriber_id, "entitlement_changed", _details(membership, values))
    subscriber = transactions.get_by_id(change.connection, subscriber_id)
    outcome: Outcome = "changed" if is_changed or has_moved else "unchanged"
    return Applied(outcome, subscriber_id, remark=remark or _removed_remark(change, subscriber))


def _removed_remark(change: SubscriberTransaction, subscriber: Subscriber) -> str:
    is_paid = any(each.holds(change.now) for each in subscriber.entitlements)
    return REMOVED if subscriber.removed_at is not None and is_paid else ""


def _follow_address(
    change: SubscriberTransaction, membership: Membership, known: RowMapping, new_hmac: str | None
) -> tuple[bool, str]:
    """Give the subscriber the source's new address; return whether it changed, and what prevented it.

    Somebody who pays may type any address, and change it afterwards. So the address of a subscriber with
    another entitlement stays: whoever bought one more for it would get the account.
    """
    address, problem = _address(membership)
    if address is None or known["address_hmac"] == new_hmac:
        return False, problem
    is_theirs = (subscribers.c.show_id == change.show_id) & (
        subscribers.c.email_normalized == address.normalized
    )
    owner = change.connection.scalar(select(subscribers.c.id).where(is_theirs))
    if owner == known["subscriber_id"]:
        return False, ""
    if owner is not None:
        return False, OTHERS_ADDRESS
    if _has_others(change, known):
        return False, ONE_OF_SEVERAL
    change.set(known["subscriber_id"], email=address.email, email_normalized=address.normalized)
    change.write_audit_entry(known["subscriber_id"], "address_changed", {"source": membership.source})
    return True, ""


def _has_others(change: SubscriberTransaction, known: RowMapping) -> bool:
    """Return whether the subscriber of an entitlement has, or had, another one."""
    is_other = (entitlements.c.subscriber_id == known["subscriber_id"]) & (entitlements.c.id != known["id"])
    return bool(change.connection.scalar(select(exists(select(entitlements.c.id).where(is_other)))))


def _details(membership: Membership, values: dict[str, Any]) -> dict[str, str | None]:
    ends_at: datetime | None = values["ends_at"]
    details = {
        "source": membership.source,
        "plan": membership.plan,
        "period": membership.period,
        "paid_until": ends_at.isoformat() if ends_at else None,
    }
    return {**details, "because": membership.ended_because} if membership.ended_because else details
