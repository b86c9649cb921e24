"""The id of each show's database and the number of its revocations, compared with the mark in the store."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table; a show gets its row when its database is next opened."""
    op.create_table(
        "database_generations",
        sa.Column("show_id", sa.Uuid, nullable=False),
        sa.Column("database_id", sa.Uuid, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("show_id"),
    )
