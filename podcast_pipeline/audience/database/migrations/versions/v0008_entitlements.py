"""Entitlements in place of one paid time, and what membership sites, students, mails and keys need."""

import sqlalchemy as sa
from alembic import op

from podcast_pipeline.audience.database.tables import LONG, UtcDateTime

revision = "0008"
down_revision = "0007"

IS_OPEN = sa.text("outcome IS NULL")
ID_TEXT = {
    "sqlite": "substr(id, 1, 8) || '-' || substr(id, 9, 4) || '-' || substr(id, 13, 4) || '-' || "
    "substr(id, 17, 4) || '-' || substr(id, 21)",
    "postgresql": "CAST(id AS text)",
}
"""A subscriber's id as `str(UUID)` writes it."""

FROM_PAID_TIME = """
    INSERT INTO entitlements
    (id, show_id, subscriber_id, source, foreign_id, plan, period, ends_at, observed_at, observed_id)
    SELECT id, show_id, id, 'manual', {id_text}, plan, period, paid_until, updated_at, ''
    FROM subscribers
"""


def upgrade() -> None:
    """Make the paid time of each subscriber an entitlement of the source `manual`; nobody's state changes."""
    make_entitlements()
    op.execute(FROM_PAID_TIME.format(id_text=ID_TEXT[op.get_context().dialect.name]))
    for name in ("plan", "period", "paid_until"):
        op.drop_column("subscribers", name)
    op.add_column("audit_log", sa.Column("actor", sa.String(80)))
    make_membership_events()
    make_proofs()
    make_student_codes()
    make_api_keys()
    make_welcome_mails()


def make_entitlements() -> None:
    """Create the table of entitlements."""
    op.create_table(
        "entitlements",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("subscriber_id", sa.Uuid, sa.ForeignKey("subscribers.id"), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("foreign_id", sa.String(255), nullable=False),
        sa.Column("plan", sa.String(32), nullable=False),
        sa.Column("period", sa.String(32), nullable=False),
        sa.Column("starts_at", UtcDateTime),
        sa.Column("ends_at", UtcDateTime),
        sa.Column("cancelled_at", UtcDateTime),
        sa.Column("suspended_at", UtcDateTime),
        sa.Column("observed_at", UtcDateTime, nullable=False),
        sa.Column("observed_id", sa.String(255), nullable=False),
        sa.Column("address_hmac", sa.String(64)),
    )
    op.create_index("ix_entitlements_subscriber_id", "entitlements", ["subscriber_id"])
    op.create_index(
        "uq_entitlements_show_id_source_foreign_id",
        "entitlements",
        ["show_id", "source", "foreign_id"],
        unique=True,
    )


def make_membership_events() -> None:
    """Create the table of the events that membership sites send."""
    op.create_table(
        "membership_events",
        sa.Column("id", LONG, primary_key=True),
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("event_id", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("foreign_id", sa.String(255)),
        sa.Column("occurred_at", UtcDateTime, nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("body", sa.Text),
        sa.Column("outcome", sa.String(32)),
        sa.Column("applied_at", UtcDateTime),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_error", sa.String(500)),
    )
    table, show = "membership_events", "show_id"
    op.create_index(
        "uq_membership_events_show_id_source_event_id", table, [show, "source", "event_id"], unique=True
    )
    op.create_index("ix_membership_events_show_id_source_foreign_id", table, [show, "source", "foreign_id"])
    op.create_index("ix_membership_events_show_id_received_at", table, [show, "received_at"])
    op.create_index(
        "ix_membership_events_open", table, [show, "id"], sqlite_where=IS_OPEN, postgresql_where=IS_OPEN
    )


def make_proofs() -> None:
    """Create the table of students' and teachers' proven addresses."""
    op.create_table(
        "proofs",
        sa.Column("id", LONG, primary_key=True),
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("address_hmac", sa.String(64), nullable=False),
        sa.Column("domain", sa.String(255), nullable=False),
        sa.Column("proven_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("code", sa.String(255)),
    )
    op.create_index("uq_proofs_show_id_address_hmac", "proofs", ["show_id", "address_hmac"], unique=True)
    op.create_index("ix_proofs_show_id_expires_at", "proofs", ["show_id", "expires_at"])


def make_student_codes() -> None:
    """Create the table of the codes that give the student price."""
    op.create_table(
        "student_codes",
        sa.Column("id", LONG, primary_key=True),
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("code", sa.String(100), nullable=False),
        sa.Column("loaded_at", UtcDateTime, nullable=False),
        sa.Column("given_at", UtcDateTime),
    )
    op.create_index("uq_student_codes_show_id_code", "student_codes", ["show_id", "code"], unique=True)


def make_api_keys() -> None:
    """Create the table of API keys."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("last_used_at", UtcDateTime),
        sa.Column("revoked_at", UtcDateTime),
    )
    op.create_index("ix_api_keys_show_id", "api_keys", ["show_id"])


def make_welcome_mails() -> None:
    """Create the table of the mails about an account."""
    op.create_table(
        "welcome_mails",
        sa.Column("subscriber_id", sa.Uuid, sa.ForeignKey("subscribers.id"), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("claimed_at", UtcDateTime, nullable=False),
        sa.Column("sent_at", UtcDateTime),
        sa.Column("retry_at", UtcDateTime),
        sa.PrimaryKeyConstraint("subscriber_id", "kind"),
    )
    op.create_index("ix_welcome_mails_show_id_claimed_at", "welcome_mails", ["show_id", "claimed_at"])
