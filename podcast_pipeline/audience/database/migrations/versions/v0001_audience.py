"""Subscribers, tokens, sessions, sign-in, the audit log and network addresses."""

import sqlalchemy as sa
from alembic import op

from podcast_pipeline.audience.database.tables import UtcDateTime

revision = "0001"
down_revision = None

LONG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
CURRENT = sa.text("rotated_at IS NULL")

ALLOWED = "EXISTS (SELECT 1 FROM audit_purges p WHERE p.show_id = OLD.show_id AND p.purged_before > OLD.at)"

SQLITE_TRIGGERS = (
    """
    CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
    """,
    f"""
    CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log WHEN NOT {ALLOWED}
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
    """,
)

POSTGRESQL_TRIGGERS = (
    f"""
    CREATE FUNCTION audit_log_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            IF {ALLOWED} THEN RETURN OLD; END IF;
        END IF;
        RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    """
    CREATE TRIGGER audit_log_rows BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_append_only()
    """,
    """
    CREATE TRIGGER audit_log_truncate BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_append_only()
    """,
)


def upgrade() -> None:
    """Create the tables of the first release."""
    make_subscribers()
    make_tokens()
    make_sessions()
    make_audit_log()
    make_network_addresses()
    make_signin_requests()


def make_subscribers() -> None:
    """Create the table of subscribers, former ones included."""
    op.create_table(
        "subscribers",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("email", sa.String(320)),
        sa.Column("email_normalized", sa.String(320)),
        sa.Column("plan", sa.String(32), nullable=False),
        sa.Column("period", sa.String(32), nullable=False),
        sa.Column("paid_until", UtcDateTime),
        sa.Column("suspended_at", UtcDateTime),
        sa.Column("suspended_reason", sa.String(500)),
        sa.Column("removed_at", UtcDateTime),
        sa.Column("erased_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("is_canary", sa.Boolean, nullable=False),
    )
    op.create_index(
        "uq_subscribers_show_id_email_normalized", "subscribers", ["show_id", "email_normalized"], unique=True
    )


def make_tokens() -> None:
    """Create the table of feed tokens: a selector and the hash of a secret."""
    op.create_table(
        "tokens",
        sa.Column("selector", sa.String(16), primary_key=True),
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("subscriber_id", sa.Uuid, sa.ForeignKey("subscribers.id"), nullable=False),
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("rotated_at", UtcDateTime),
    )
    op.create_index("ix_tokens_subscriber_id", "tokens", ["subscriber_id"])
    op.create_index(
        "uq_tokens_current",
        "tokens",
        ["subscriber_id"],
        unique=True,
        sqlite_where=CURRENT,
        postgresql_where=CURRENT,
    )


def make_sessions() -> None:
    """Create the table of browser sessions, by the hash of their session cookie."""
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("subscriber_id", sa.Uuid, sa.ForeignKey("subscribers.id"), nullable=False),
        sa.Column("cookie_sha256", sa.String(64), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("selector", sa.String(16), sa.ForeignKey("tokens.selector")),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("cookie_sha256"),
    )
    op.create_index("ix_sessions_subscriber_id", "sessions", ["subscriber_id"])
    op.create_index("ix_sessions_selector", "sessions", ["selector"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])


def make_audit_log() -> None:
    """Create the append-only audit log, and the table of the purges that retention may make."""
    op.create_table(
        "audit_log",
        sa.Column("id", LONG, primary_key=True),
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("subscriber_id", sa.Uuid, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
    )
    op.create_index("ix_audit_log_show_id_at", "audit_log", ["show_id", "at"])
    op.create_index("ix_audit_log_subscriber_id", "audit_log", ["subscriber_id"])
    op.create_table(
        "audit_purges",
        sa.Column("id", LONG, primary_key=True),
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("purged_before", UtcDateTime, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_audit_purges_show_id", "audit_purges", ["show_id"])
    triggers = {"sqlite": SQLITE_TRIGGERS, "postgresql": POSTGRESQL_TRIGGERS}
    for trigger in triggers[op.get_context().dialect.name]:
        op.execute(trigger)


def make_network_addresses() -> None:
    """Create the table of network addresses that downloaded a private feed's files, kept for a month."""
    op.create_table(
        "network_addresses",
        sa.Column("id", LONG, primary_key=True),
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("subscriber_id", sa.Uuid, sa.ForeignKey("subscribers.id"), nullable=False),
        sa.Column("episode_id", sa.Uuid),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("app", sa.String(200), nullable=False),
        sa.Column("seen_at", UtcDateTime, nullable=False),
    )
    op.create_index(
        "ix_network_addresses_subscriber_id_seen_at", "network_addresses", ["subscriber_id", "seen_at"]
    )
    op.create_index("ix_network_addresses_show_id_seen_at", "network_addresses", ["show_id", "seen_at"])


def make_signin_requests() -> None:
    """Create the table of mailed sign-in links and codes, by their hashes."""
    op.create_table(
        "signin_requests",
        sa.Column("id", LONG, primary_key=True),
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("subscriber_id", sa.Uuid, sa.ForeignKey("subscribers.id")),
        sa.Column("address_hmac", sa.String(64), nullable=False),
        sa.Column("browser_hmac", sa.String(64), nullable=False),
        sa.Column("link_hmac", sa.String(64), nullable=False),
        sa.Column("code_hmac", sa.String(64), nullable=False),
        sa.Column("tries", sa.SmallInteger, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("spent_at", UtcDateTime),
        sa.UniqueConstraint("link_hmac"),
    )
    op.create_index("ix_signin_requests_subscriber_id", "signin_requests", ["subscriber_id"])
    op.create_index("ix_signin_requests_browser_hmac", "signin_requests", ["browser_hmac"])
    op.create_index(
        "ix_signin_requests_address_hmac_created_at", "signin_requests", ["address_hmac", "created_at"]
    )
    op.create_index("ix_signin_requests_show_id_created_at", "signin_requests", ["show_id", "created_at"])
