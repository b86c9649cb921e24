"""The generation of a show's database: how often something was revoked in it, for comparison with the mark.

Every revocation counts in its own transaction, so a restored older database has a lower generation.
"""

from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite

from podcast_pipeline.audience.database.engine import write_transaction
from podcast_pipeline.audience.database.tables import database_generations, subscribers
from podcast_pipeline.model.database_mark import DatabaseState


def read_state(engine: Engine, show_id: UUID) -> DatabaseState:
    """Return the id and the generation of a show's database; a show without an id gets one."""
    with engine.connect() as connection:
        state = _read(connection, show_id)
    if state is not None:
        return state
    with write_transaction(engine) as connection:
        _ensure_row(connection, show_id)
    return read_state(engine, show_id)


def advance(connection: Connection, show_id: UUID) -> None:
    """Count one revocation, in the transaction that revokes."""
    _ensure_row(connection, show_id)
    counter = database_generations.c.generation
    query = update(database_generations).where(database_generations.c.show_id == show_id)
    connection.execute(query.values(generation=counter + 1))


def _ensure_row(connection: Connection, show_id: UUID) -> None:
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    row = {"show_id": show_id, "database_id": uuid4(), "generation": 0}
    connection.execute(insert(database_generations).values(row).on_conflict_do_nothing())


def _read(connection: Connection, show_id: UUID) -> DatabaseState | None:
    kept = database_generations.c
    is_real = (subscribers.c.show_id == show_id) & subscribers.c.is_canary.is_(False)
    has_subscribers = exists(select(subscribers.c.id).where(is_real))
    query = select(kept.database_id, kept.generation, has_subscribers).where(kept.show_id == show_id)
    row = connection.execute(query).one_or_none()
    return DatabaseState(row[0], row[1], bool(row[2])) if row else None
