"""Search by stems, topics and first words; the vocabulary; pairs of neighbours for phrases on PostgreSQL."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

PAIRS = (
    "ALTER TABLE search_words ADD COLUMN pairs SMALLINT[]",
    "DROP INDEX ix_search_words_body",
    "CREATE INDEX ix_search_words_body_pairs ON search_words USING gin (body, pairs) WITH (fastupdate = off)",
)


def upgrade() -> None:
    """Add the columns and the table; `podcast reindex`, or `serve` at its start, fills them."""
    for name in ("topics", "teaser", "languages"):
        op.add_column(
            "search_episodes", sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))
        )
    op.add_column(
        "search_episodes",
        sa.Column("has_vocabulary", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "search_vocabulary",
        sa.Column("show_id", sa.Uuid, primary_key=True),
        sa.Column("is_public", sa.Boolean, primary_key=True),
        sa.Column("word", sa.String(64), primary_key=True),
        sa.Column("episode_count", sa.Integer, nullable=False),
    )
    if op.get_context().dialect.name == "postgresql":
        for statement in PAIRS:
            op.execute(statement)
