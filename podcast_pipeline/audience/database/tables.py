"""The tables, as SQLAlchemy Core metadata. A change here comes with a migration; a test compares them."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
    false,
    text,
)
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware and in UTC when read, on both databases; whole seconds, as in `model.Instant`."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Convert an aware time to UTC; raise ValueError for a naive one, whose time zone is unknown."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime is not an instant")
        return value.astimezone(UTC).replace(microsecond=0)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return aware UTC for SQLite's naive text and for a time in PostgreSQL's session time zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


LONG = BigInteger().with_variant(Integer, "sqlite")
"""An auto-incrementing key; SQLite increments INTEGER PRIMARY KEY only."""

HASH = String(64)
"""A SHA-256 or an HMAC-SHA256 in hex."""

subscribers = Table(
    "subscribers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("show_id", Uuid, nullable=False),
    Column("email", String(320)),  # NULL once erased: the row stays for the counts
    Column("email_normalized", String(320)),
    Column("suspended_at", UtcDateTime),
    Column("suspended_reason", String(500)),
    Column("removed_at", UtcDateTime),
    Column("erased_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("is_canary", Boolean, nullable=False),
    Column("news_since", UtcDateTime),  # opt-in to notifications of new transcripts; NULL: no opt-in
    Index("uq_subscribers_show_id_email_normalized", "show_id", "email_normalized", unique=True),
)
Index(  # the subscribers with an opt-in to notifications, by id
    "ix_subscribers_news",
    subscribers.c.show_id,
    subscribers.c.id,
    sqlite_where=text("news_since IS NOT NULL"),
    postgresql_where=text("news_since IS NOT NULL"),
)

entitlements = Table(  # what each source gives a subscriber; one that holds now makes them active
    "entitlements",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("show_id", Uuid, nullable=False),
    Column("subscriber_id", ForeignKey("subscribers.id"), nullable=False, index=True),
    Column("source", String(32), nullable=False),
    Column("foreign_id", String(255), nullable=False),  # once erased, a keyed hash of it
    Column("plan", String(32), nullable=False),
    Column("period", String(32), nullable=False),
    Column("starts_at", UtcDateTime),  # NULL: has begun
    Column("ends_at", UtcDateTime),  # NULL: never
    Column("cancelled_at", UtcDateTime),
    Column("suspended_at", UtcDateTime),
    Column("observed_at", UtcDateTime, nullable=False),
    Column("observed_id", String(255), nullable=False),
    Column("address_hmac", HASH),  # of the address that the source has
    Index("uq_entitlements_show_id_source_foreign_id", "show_id", "source", "foreign_id", unique=True),
)

membership_events = Table(  # what membership sites sent; stored before it is answered
    "membership_events",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("show_id", Uuid, nullable=False),
    Column("source", String(32), nullable=False),
    Column("event_id", String(255), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("foreign_id", String(255)),  # NULL: of no subscription, or erased
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("details", JSON, nullable=False),  # ids, amounts and dates, which stay
    Column("body", Text),  # NULL after 30 days, or once erased
    Column("outcome", String(32)),  # NULL until applied
    Column("applied_at", UtcDateTime),
    Column("attempts", Integer, nullable=False),
    Column("last_error", String(500)),
    Index("uq_membership_events_show_id_source_event_id", "show_id", "source", "event_id", unique=True),
    Index(None, "show_id", "source", "foreign_id"),
    Index("ix_membership_events_show_id_received_at", "show_id", "received_at"),
)
Index(
    "ix_membership_events_open",
    membership_events.c.show_id,
    membership_events.c.id,
    sqlite_where=text("outcome IS NULL"),
    postgresql_where=text("outcome IS NULL"),
)

proofs = Table(  # that an address is a student's or a teacher's
    "proofs",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("show_id", Uuid, nullable=False),
    Column("address_hmac", HASH, nullable=False),
    Column("domain", String(255), nullable=False),
    Column("proven_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("code", String(255)),  # reference of the promotion code that was given; NULL: none yet
    Index("uq_proofs_show_id_address_hmac", "show_id", "address_hmac", unique=True),
    Index("ix_proofs_show_id_expires_at", "show_id", "expires_at"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("show_id", Uuid, nullable=False, index=True),
    Column("name", String(100), nullable=False),
    Column("secret_sha256", HASH, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
)

api_requests = Table(  # those with an Idempotency-Key, for a day; nothing of their body
    "api_requests",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("show_id", Uuid, nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("name_hmac", HASH, nullable=False),
    Column("request_hmac", HASH, nullable=False),
    Column("claimed_at", UtcDateTime, nullable=False),
    Column("status", SmallInteger),  # of the answer; NULL until there is one
    Column("subscriber_id", Uuid),  # whom the answer shows
    Index("uq_api_requests_show_id_key_id_name_hmac", "show_id", "key_id", "name_hmac", unique=True),
    Index("ix_api_requests_show_id_claimed_at", "show_id", "claimed_at"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("selector", String(16), primary_key=True),
    Column("show_id", Uuid, nullable=False),
    Column("subscriber_id", ForeignKey("subscribers.id"), nullable=False, index=True),
    Column("secret_sha256", HASH, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("rotated_at", UtcDateTime),
)
Index(  # two concurrent rotations cannot leave two current tokens
    "uq_tokens_current",
    tokens.c.subscriber_id,
    unique=True,
    sqlite_where=text("rotated_at IS NULL"),
    postgresql_where=text("rotated_at IS NULL"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("show_id", Uuid, nullable=False),
    Column("subscriber_id", ForeignKey("subscribers.id"), nullable=False, index=True),
    Column("cookie_sha256", HASH, nullable=False, unique=True),
    Column("scope", String(16), nullable=False),
    Column(
        "selector", ForeignKey("tokens.selector"), index=True
    ),  # the token that opened it; NULL after a sign-in link
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

audit_log = Table(  # append-only: triggers refuse UPDATE, and DELETE of rows not released by audit_purges
    "audit_log",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("show_id", Uuid, nullable=False),
    Column("subscriber_id", Uuid, nullable=False),
    Column("action", String(32), nullable=False),
    Column("origin", String(16), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("details", JSON, nullable=False),
    Column("actor", String(80)),  # `cli`, `job`, `key <id>`, a source; NULL in entries of earlier releases
    Index(None, "show_id", "at"),
    Index(None, "subscriber_id"),
)

audit_purges = Table(  # written before retention deletes: releases entries older than purged_before
    "audit_purges",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("show_id", Uuid, nullable=False, index=True),
    Column("purged_before", UtcDateTime, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

network_addresses = Table(
    "network_addresses",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("show_id", Uuid, nullable=False),
    Column("subscriber_id", ForeignKey("subscribers.id"), nullable=False),
    Column("episode_id", Uuid),
    Column("address", String(45), nullable=False),
    Column("app", String(200), nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Index(None, "subscriber_id", "seen_at"),
    Index(None, "show_id", "seen_at"),
)

signin_requests = Table(  # one row for every requested mail, whether the address is known or not
    "signin_requests",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("show_id", Uuid, nullable=False),
    Column("subscriber_id", ForeignKey("subscribers.id"), index=True),
    Column("address_hmac", HASH, nullable=False),
    Column("browser_hmac", HASH, nullable=False, index=True),
    Column("link_hmac", HASH, nullable=False, unique=True),
    Column("code_hmac", HASH, nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("spent_at", UtcDateTime),
    Index(None, "address_hmac", "created_at"),
    Index(None, "show_id", "created_at"),
)

news_mails = Table(  # written before a notification is sent, so that no subscriber gets one twice
    "news_mails",
    metadata,
    Column("subscriber_id", ForeignKey("subscribers.id"), primary_key=True),
    Column("episode_id", Uuid, primary_key=True),
    Column("show_id", Uuid, nullable=False),
    Column("claimed_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),  # NULL until the mail server confirmed acceptance
    Index(None, "show_id", "claimed_at"),
    Index(None, "episode_id"),
)

welcome_mails = Table(  # of the account: welcome, lapse, rotation; written before one is sent, as news_mails
    "welcome_mails",
    metadata,
    Column("subscriber_id", ForeignKey("subscribers.id"), primary_key=True),
    Column("kind", String(64), primary_key=True),
    Column("show_id", Uuid, nullable=False),
    Column("claimed_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),  # NULL until the mail server confirmed acceptance
    Column("retry_at", UtcDateTime),  # of a mail that the server refused
    Index("ix_welcome_mails_show_id_claimed_at", "show_id", "claimed_at"),
)

student_codes = Table(  # from the newsroom's list, each for one person; who has one is in proofs
    "student_codes",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("show_id", Uuid, nullable=False),
    Column("code", String(100), nullable=False),
    Column("loaded_at", UtcDateTime, nullable=False),
    Column("given_at", UtcDateTime),
    Index("uq_student_codes_show_id_code", "show_id", "code", unique=True),
)

jobs = Table(  # the background work of the servers; no secret in a row, and an address sealed only
    "jobs",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("show_id", Uuid, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("key", String(64), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("run_after", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),  # since the last success
    Column("claim", Uuid),  # of the worker that has the job; NULL: nobody
    Column("claimed_until", UtcDateTime),
    Column("handed_over_at", UtcDateTime),  # from here on the job may be done and is not done again
    Column("outcome", String(16)),  # NULL until nothing more is to be done
    Column("finished_at", UtcDateTime),
    Column("last_error", String(500)),
    Index("uq_jobs_show_id_kind_key", "show_id", "kind", "key", unique=True),
)
Index(
    "ix_jobs_due",
    jobs.c.show_id,
    jobs.c.kind,
    jobs.c.run_after,
    sqlite_where=text("outcome IS NULL"),
    postgresql_where=text("outcome IS NULL"),
)

database_generations = Table(  # compared with the mark in the store: a restored backup has a lower number
    "database_generations",
    metadata,
    Column("show_id", Uuid, primary_key=True),
    Column("database_id", Uuid, nullable=False),
    Column("generation", Integer, nullable=False),
)

search_episodes = Table(  # searchable without a subscription; search/rows.py explains `id`
    "search_episodes",
    metadata,
    Column("id", LONG, primary_key=True, autoincrement=False),
    Column("show_id", Uuid, nullable=False),
    Column("episode_id", Uuid, nullable=False),
    Column("digest", HASH, nullable=False),
    Column("passage_count", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("guests", Text, nullable=False),
    Column("notes", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("topics", Text, nullable=False, server_default=text("''")),
    Column("teaser", Text, nullable=False, server_default=text("''")),
    Column("languages", Text, nullable=False, server_default=text("''")),  # with stems; public after p§
    Column("has_vocabulary", Boolean, nullable=False, server_default=false()),  # counted in search_vocabulary
    Index("uq_search_episodes_show_id_episode_id", "show_id", "episode_id", unique=True),
)

search_shows = Table(  # the current edition of a show's index; every change to the index makes a new one
    "search_shows",
    metadata,
    Column("show_id", Uuid, primary_key=True),
    Column("edition", Uuid, nullable=False),
)

search_passages = Table(
    "search_passages",
    metadata,
    Column("id", LONG, primary_key=True, autoincrement=False),
    Column("show_id", Uuid, nullable=False),
    Column("speaker", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("marks", Text, nullable=False),
    Column("body", Text, nullable=False),
)

search_vocabulary = Table(  # in how many episodes a word stands: of the public texts, and of all
    "search_vocabulary",
    metadata,
    Column("show_id", Uuid, primary_key=True),
    Column("is_public", Boolean, primary_key=True),
    Column("word", String(64), primary_key=True),
    Column("episode_count", Integer, nullable=False),
)
# The migrations also make the full-text tables search_titles and search_words over `body` (FTS5 or
# tsvector), which no Table can describe for both databases.
