"""The audience's database: SQLite beside the show by default, PostgreSQL by PODCAST_DATABASE_URL.

`tables` describes the schema, `migrations` contains its steps, `engine` opens the database.
"""

from podcast_pipeline.audience.database.engine import (
    advisory_lock,
    connect,
    open_database,
    retry_on_integrity_error,
    truncate_wal,
    upgrade,
    write_transaction,
)

__all__ = [
    "advisory_lock",
    "connect",
    "open_database",
    "retry_on_integrity_error",
    "truncate_wal",
    "upgrade",
    "write_transaction",
]
