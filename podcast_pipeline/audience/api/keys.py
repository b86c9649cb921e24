"""API keys, `pk_<id>.<secret>`: a key is shown once, and the database contains a hash of its secret."""

import re
import secrets
from base64 import b32encode
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Literal, get_args
from uuid import UUID

from sqlalchemy import Engine, RowMapping, insert, select, update

from podcast_pipeline.audience.database import write_transaction
from podcast_pipeline.audience.database.tables import api_keys
from podcast_pipeline.audience.subscribers.tokens import hash_secret, new_selector, secret_matches
from podcast_pipeline.errors import ApiKeyError

Scope = Literal["subscribers:read", "subscribers:write", "events:read"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

SECRET_BYTES = 25  # 200 bits, 40 characters of base32
KEY_PATTERN = re.compile(r"pk_([a-z2-7]{16})\.([a-z2-7]{40})")
NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,27}")
USE_NOTED_EVERY = timedelta(minutes=5)
NO_SECRET_SHA256 = "0" * 64  # compared where there is no such key, against timing attacks


@dataclass(frozen=True)
class ApiKey:
    """A key without its secret.

    Attributes:
        name: of the program that has it; keys of one name are one source of entitlements.
    """

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def actor(self) -> str:
        """Who made a change, for the audit log."""
        return f"key {self.id}"

    @property
    def source(self) -> str:
        """The source of the entitlements that this key gives."""
        return f"api:{self.name}"


class ApiKeys:
    """The API keys of a show."""

    def __init__(self, engine: Engine, *, show_id: UUID) -> None:
        self.engine = engine
        self.show_id = show_id

    def add(self, name: str, scopes: Collection[str], *, now: datetime) -> tuple[ApiKey, str]:
        """Make a key, and return it with its text, which is stored nowhere.

        Raises:
            ApiKeyError: the name or a scope is none, or there is no scope.
        """
        key = ApiKey(new_selector(), _parse_name(name), _parse_scopes(scopes), now)
        secret = b32encode(secrets.token_bytes(SECRET_BYTES)).decode().lower()
        row = {
            "id": key.id,
            "show_id": self.show_id,
            "name": key.name,
            "secret_sha256": hash_secret(secret),
            "scopes": list(key.scopes),
            "created_at": now,
        }
        with write_transaction(self.engine) as connection:
            connection.execute(insert(api_keys).values(row))
        return key, f"pk_{key.id}.{secret}"

    def list_all(self) -> list[ApiKey]:
        """Return all keys, revoked ones too, oldest first."""
        query = select(api_keys).where(api_keys.c.show_id == self.show_id)
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(api_keys.c.created_at, api_keys.c.id)).mappings().all()
        return [_to_key(row) for row in rows]

    def revoke(self, key_id: str, *, now: datetime) -> ApiKey:
        """Revoke a key for ever; a revoked one keeps its day.

        Raises:
            ApiKeyError: there is no such key.
        """
        is_key = (api_keys.c.show_id == self.show_id) & (api_keys.c.id == key_id)
        with write_transaction(self.engine) as connection:
            query = update(api_keys).where(is_key, api_keys.c.revoked_at.is_(None))
            connection.execute(query.values(revoked_at=now))
            row = connection.execute(select(api_keys).where(is_key)).mappings().first()
        if row is None:
            raise ApiKeyError(key_id[:40], "is the id of no key; see `podcast api-keys list`")
        return _to_key(row)

    def find(self, text: str, *, now: datetime) -> ApiKey | None:
        """Return the key of a text that is not revoked, and note its use; None for any other text."""
        match = KEY_PATTERN.fullmatch(text)
        if match is None:
            return None
        is_key = (api_keys.c.show_id == self.show_id) & (api_keys.c.id == match[1])
        with self.engine.connect() as connection:
            row = connection.execute(select(api_keys).where(is_key)).mappings().first()
        if not secret_matches(match[2], row["secret_sha256"] if row else NO_SECRET_SHA256) or row is None:
            return None
        key = _to_key(row)
        if key.revoked_at is not None:
            return None
        if key.last_used_at is None or now - key.last_used_at >= USE_NOTED_EVERY:
            with write_transaction(self.engine) as connection:
                connection.execute(update(api_keys).where(is_key).values(last_used_at=now))
        return key


def _to_key(row: RowMapping) -> ApiKey:
    values = {each.name: row[each.name] for each in fields(ApiKey)}
    return ApiKey(**{**values, "scopes": tuple(scope for scope in SCOPES if scope in row["scopes"])})


def _parse_name(text: str) -> str:
    if not NAME_PATTERN.fullmatch(text):
        raise ApiKeyError(
            text[:40], "is not a name for a key; write at most 28 small letters, digits and hyphens, like crm"
        )
    return text


def _parse_scopes(texts: Collection[str]) -> tuple[Scope, ...]:
    unknown = next((text for text in texts if text not in SCOPES), None)
    if unknown is not None:
        raise ApiKeyError(unknown[:40], f"is not a scope; known are {', '.join(SCOPES)}")
    if not texts:
        raise ApiKeyError("--scope", f"is missing; give one or more of {', '.join(SCOPES)}")
    return tuple(scope for scope in SCOPES if scope in texts)
