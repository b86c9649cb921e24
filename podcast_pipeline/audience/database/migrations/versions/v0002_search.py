"""The search index: the text that results show, and the full-text tables of the database."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

LONG = sa.BigInteger().with_variant(sa.Integer, "sqlite")

MATCHES = {
    # `ascii` splits where we put spaces and nowhere else. The words lie in the tables beside it, and
    # ranking is ours, so neither a copy of them nor column sizes are kept.
    "sqlite": (
        """
        CREATE VIRTUAL TABLE search_titles USING fts5(
            body, content = 'search_episodes', content_rowid = 'id', tokenize = 'ascii', columnsize = 0)
        """,
        """
        CREATE VIRTUAL TABLE search_words USING fts5(
            body, content = 'search_passages', content_rowid = 'id', tokenize = 'ascii', columnsize = 0)
        """,
    ),
    # fastupdate off: an episode is a few dozen rows, and no reader should sift a pending list
    "postgresql": (
        "CREATE TABLE search_titles (id BIGINT PRIMARY KEY, body TSVECTOR NOT NULL)",
        "CREATE TABLE search_words (id BIGINT PRIMARY KEY, body TSVECTOR NOT NULL)",
        "CREATE INDEX ix_search_titles_body ON search_titles USING gin (body) WITH (fastupdate = off)",
        "CREATE INDEX ix_search_words_body ON search_words USING gin (body) WITH (fastupdate = off)",
    ),
}


def upgrade() -> None:
    """Create the tables of the index; `podcast reindex`, or `serve` at its start, fills them."""
    op.create_table(
        "search_episodes",
        sa.Column("id", LONG, primary_key=True, autoincrement=False),
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("episode_id", sa.Uuid, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("passage_count", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("guests", sa.Text, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index(
        "uq_search_episodes_show_id_episode_id", "search_episodes", ["show_id", "episode_id"], unique=True
    )
    op.create_table(
        "search_passages",
        sa.Column("id", LONG, primary_key=True, autoincrement=False),
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("speaker", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("marks", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    for statement in MATCHES[op.get_context().dialect.name]:
        op.execute(statement)
