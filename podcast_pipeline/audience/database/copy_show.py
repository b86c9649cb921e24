"""Moves a show's subscribers from SQLite to PostgreSQL, with their links, states and history."""

from uuid import UUID

from sqlalchemy import Engine, exists, func, insert, select

from podcast_pipeline.audience.database.engine import advisory_lock, write_transaction
from podcast_pipeline.audience.database.tables import metadata, subscribers
from podcast_pipeline.errors import SubscriberError

AUDIENCE_TABLES = tuple(table for table in metadata.sorted_tables if not table.name.startswith("search_"))
"""What is copied, in the order of the references; the search index is made anew from what is published."""

ROWS = 1000  # in memory at once


def copy_show(source: Engine, target: Engine, show_id: UUID) -> int:
    """Copy all that is held on a show's subscribers, as a whole or not at all.

    Returns:
        How many can be listed there: neither erased people nor audit's own.

    Raises:
        SubscriberError: the target has subscribers of this show.
    """
    ours = subscribers.c.show_id == show_id
    with (
        source.connect().execution_options(yield_per=ROWS) as reading,
        write_transaction(target) as connection,
    ):
        advisory_lock(connection, b"C" + show_id.bytes[:7])
        if connection.scalar(select(exists().where(ours))):
            raise SubscriberError("PODCAST_DATABASE_URL", "has subscribers of this show; nothing was copied")
        for table in AUDIENCE_TABLES:
            counted = table.autoincrement_column  # the target counts for itself, in the same order
            columns = [column for column in table.c if column is not counted]
            query = select(*columns).where(table.c.show_id == show_id).order_by(*table.primary_key)
            for rows in reading.execute(query).mappings().partitions():
                connection.execute(insert(table), [dict(row) for row in rows])
        people = subscribers.c.erased_at.is_(None) & subscribers.c.is_canary.is_(False)
        return connection.scalar(select(func.count()).where(ours, people)) or 0
