"""The audience's database: SQLite beside the show by default, PostgreSQL by PODCAST_DATABASE_URL.

`tables` describes the schema, `migrations` contains its steps, `engine` opens the database.
"""

from podcast_pipeline.audience.database.engine import (
    advisory_lock,
    connect,
    create_database,
    create_database_file,
    database_name,
    has_database,
    open_database,
    require_tables,
    retry_on_integrity_error,
    truncate_wal,
    upgrade,
    write_transaction,
)

__all__ = [
    "advisory_lock",
    "connect",
    "create_database",
    "create_database_file",
    "database_name",
    "has_database",
    "open_database",
    "require_tables",
    "retry_on_integrity_error",
    "truncate_wal",
    "upgrade",
    "write_transaction",
]
