"""Opt-in to notifications of new transcripts, and the notifications that were sent."""

import sqlalchemy as sa
from alembic import op

from podcast_pipeline.audience.database.tables import UtcDateTime

revision = "0004"
down_revision = "0003"

WANTED = sa.text("news_since IS NOT NULL")


def upgrade() -> None:
    """Add the opt-in, which every existing subscriber starts without."""
    op.add_column("subscribers", sa.Column("news_since", UtcDateTime))
    op.create_index(
        "ix_subscribers_news", "subscribers", ["show_id", "id"], sqlite_where=WANTED, postgresql_where=WANTED
    )
    op.create_table(
        "news_mails",
        sa.Column("subscriber_id", sa.Uuid, sa.ForeignKey("subscribers.id"), nullable=False),
        sa.Column("episode_id", sa.Uuid, nullable=False),
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("claimed_at", UtcDateTime, nullable=False),
        sa.Column("sent_at", UtcDateTime),
        sa.PrimaryKeyConstraint("subscriber_id", "episode_id"),
    )
    op.create_index("ix_news_mails_show_id_claimed_at", "news_mails", ["show_id", "claimed_at"])
    op.create_index("ix_news_mails_episode_id", "news_mails", ["episode_id"])
