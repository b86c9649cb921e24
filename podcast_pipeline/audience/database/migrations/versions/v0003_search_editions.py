"""The edition of each show's search index."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

FIRST = "00000000000000000000000000000000"  # a UUID, which SQLite keeps as this text


def upgrade() -> None:
    """Give every existing index an edition."""
    op.create_table(
        "search_shows",
        sa.Column("show_id", sa.Uuid, primary_key=True),
        sa.Column("edition", sa.Uuid, nullable=False),
    )
    kind = "uuid" if op.get_context().dialect.name == "postgresql" else "char(32)"
    op.execute(
        "INSERT INTO search_shows (show_id, edition) "  # noqa: S608 (of our own pieces)
        f"SELECT DISTINCT show_id, CAST('{FIRST}' AS {kind}) FROM search_episodes"
    )
