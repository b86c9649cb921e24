"""Copies a show's subscribers from SQLite to PostgreSQL, with their tokens, states and audit log."""

from uuid import UUID

from sqlalchemy import Engine, delete, exists, func, insert, select

from podcast_pipeline.audience.database.engine import advisory_lock, write_transaction
from podcast_pipeline.audience.database.tables import database_generations, jobs, metadata, subscribers
from podcast_pipeline.errors import SubscriberError

AUDIENCE_TABLES = tuple(
    table for table in metadata.sorted_tables if table is not jobs and not table.name.startswith("search_")
)
"""The tables to copy, in the order of their foreign keys.

`podcast reindex` rebuilds the search index; a server that has run on the target has periodic jobs there, and
the sign-in mails of the source are void by the time its server has moved.
"""

ROWS_IN_MEMORY = 1000


def copy_show(source: Engine, target: Engine, show_id: UUID) -> int:
    """Copy all rows about a show's subscribers in one transaction.

    Returns:
        The number of subscribers copied, without erased ones and the audit's canaries.

    Raises:
        SubscriberError: the target already has subscribers of this show.
    """
    is_of_show = subscribers.c.show_id == show_id
    with (
        source.connect().execution_options(yield_per=ROWS_IN_MEMORY) as source_connection,
        write_transaction(target) as connection,
    ):
        advisory_lock(connection, b"C" + show_id.bytes[:7])
        if connection.scalar(select(exists().where(is_of_show))):
            raise SubscriberError("PODCAST_DATABASE_URL", "has subscribers of this show; nothing was copied")
        connection.execute(  # the copy is the same database to the mark in the store
            delete(database_generations).where(database_generations.c.show_id == show_id)
        )
        for table in AUDIENCE_TABLES:
            serial = table.autoincrement_column  # the target assigns new numbers in the same order
            columns = [column for column in table.c if column is not serial]
            query = select(*columns).where(table.c.show_id == show_id).order_by(*table.primary_key)
            for rows in source_connection.execute(query).mappings().partitions():
                connection.execute(insert(table), [dict(row) for row in rows])
        is_real = subscribers.c.erased_at.is_(None) & subscribers.c.is_canary.is_(False)
        return connection.scalar(select(func.count()).where(is_of_show, is_real)) or 0
