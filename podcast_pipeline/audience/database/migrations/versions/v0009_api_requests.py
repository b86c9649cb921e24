"""Requests to the REST API that have an Idempotency-Key."""

import sqlalchemy as sa
from alembic import op

from podcast_pipeline.audience.database.tables import LONG, UtcDateTime

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "api_requests",
        sa.Column("id", LONG, primary_key=True),
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("name_hmac", sa.String(64), nullable=False),
        sa.Column("request_hmac", sa.String(64), nullable=False),
        sa.Column("claimed_at", UtcDateTime, nullable=False),
        sa.Column("status", sa.SmallInteger),
        sa.Column("subscriber_id", sa.Uuid),
    )
    unique = ["show_id", "key_id", "name_hmac"]
    op.create_index("uq_api_requests_show_id_key_id_name_hmac", "api_requests", unique, unique=True)
    op.create_index("ix_api_requests_show_id_claimed_at", "api_requests", ["show_id", "claimed_at"])
