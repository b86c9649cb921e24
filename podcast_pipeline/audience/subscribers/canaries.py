"""Canaries: the audit's own subscribers, one in each state; never listed, exported, counted or mailed."""

from datetime import datetime, timedelta
from functools import partial
from typing import Literal, get_args
from uuid import UUID

from sqlalchemy import select, update

from podcast_pipeline.audience.database import retry_on_integrity_error
from podcast_pipeline.audience.database.tables import subscribers, tokens
from podcast_pipeline.audience.subscribers import transactions
from podcast_pipeline.audience.subscribers.email import EmailAddress
from podcast_pipeline.audience.subscribers.plans import SubscriptionTerms
from podcast_pipeline.audience.subscribers.repository import Subscribers
from podcast_pipeline.audience.subscribers.tokens import secret_sha256, to_token
from podcast_pipeline.audience.subscribers.transactions import SubscriberTransaction
from podcast_pipeline.model import Subscriber

CanaryState = Literal["active", "lapsed", "suspended", "rotated", "removed"]

STATE_AGE = timedelta(days=1)
STATE_COLUMN: dict[CanaryState, str] = {
    "suspended": "suspended_at",
    "removed": "removed_at",
}


def ensure_canaries(repository: Subscribers, *, now: datetime) -> dict[CanaryState, tuple[Subscriber, str]]:
    """Return a subscriber and a token for each state, added or refreshed to be in it since yesterday.

    The token of `rotated` is one that was rotated out; the others are current.
    """
    states: tuple[CanaryState, ...] = get_args(CanaryState)
    return {state: retry_on_integrity_error(partial(_refresh, repository, state, now)) for state in states}


def _refresh(repository: Subscribers, state: CanaryState, now: datetime) -> tuple[Subscriber, str]:
    with repository.transaction(now, "cli") as change:
        canary_id = _find(change, state) or _add(change, state)
        if state == "lapsed":
            change.set_terms(canary_id, SubscriptionTerms(paid_until=now - STATE_AGE))
        elif state in STATE_COLUMN:
            change.set(canary_id, **{STATE_COLUMN[state]: now - STATE_AGE})
        token = _rotated_token(change, canary_id) if state == "rotated" else _current_token(change, canary_id)
        return transactions.get_by_id(change.connection, canary_id), token


def _address(state: CanaryState) -> EmailAddress:
    email = f"canary-{state}@podcast-pipeline.invalid"  # RFC 6761: undeliverable
    return EmailAddress(email=email, normalized=email)


def _find(change: SubscriberTransaction, state: CanaryState) -> UUID | None:
    query = select(subscribers.c.id).where(
        subscribers.c.show_id == change.show_id,
        subscribers.c.email_normalized == _address(state).normalized,
        subscribers.c.is_canary.is_(True),
    )
    return change.connection.scalar(query.with_for_update())


def _add(change: SubscriberTransaction, state: CanaryState) -> UUID:
    canary_id = change.insert(_address(state), SubscriptionTerms(), is_canary=True)
    change.write_audit_entry(canary_id, "added", {"canary": state})
    return canary_id


def _current_token(change: SubscriberTransaction, canary_id: UUID) -> str:
    return _find_token(change, canary_id, rotated=False) or change.issue_token(canary_id)


def _rotated_token(change: SubscriberTransaction, canary_id: UUID) -> str:
    token = _find_token(change, canary_id, rotated=True)
    if token is None:
        token = _current_token(change, canary_id)
        change.issue_token(canary_id)
    selector = token.partition(".")[0]
    change.connection.execute(
        update(tokens).where(tokens.c.selector == selector).values(rotated_at=change.now - STATE_AGE)
    )
    return token


def _find_token(change: SubscriberTransaction, canary_id: UUID, *, rotated: bool) -> str | None:
    """Return a token of a canary, None if all were made with a former key."""
    is_rotated = tokens.c.rotated_at.is_not(None) if rotated else tokens.c.rotated_at.is_(None)
    query = select(tokens.c.selector, tokens.c.secret_sha256).where(
        tokens.c.subscriber_id == canary_id, is_rotated
    )
    for selector, stored_sha256 in change.connection.execute(query):
        token = to_token(selector, change.secret_key)
        if secret_sha256(token) == stored_sha256:
            return token
    return None
