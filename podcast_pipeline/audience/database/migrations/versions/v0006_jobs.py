"""The background work of the servers."""

import sqlalchemy as sa
from alembic import op

from podcast_pipeline.audience.database.tables import LONG, UtcDateTime

revision = "0006"
down_revision = "0005"

IS_OPEN = sa.text("outcome IS NULL")


def upgrade() -> None:
    """Add the table; the periodic jobs get their rows when a server next starts."""
    op.create_table(
        "jobs",
        sa.Column("id", LONG, primary_key=True),
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("run_after", UtcDateTime, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("claim", sa.Uuid),
        sa.Column("claimed_until", UtcDateTime),
        sa.Column("handed_over_at", UtcDateTime),
        sa.Column("outcome", sa.String(16)),
        sa.Column("finished_at", UtcDateTime),
        sa.Column("last_error", sa.String(500)),
    )
    op.create_index("uq_jobs_show_id_kind_key", "jobs", ["show_id", "kind", "key"], unique=True)
    op.create_index(
        "ix_jobs_due",
        "jobs",
        ["show_id", "kind", "run_after"],
        sqlite_where=IS_OPEN,
        postgresql_where=IS_OPEN,
    )
