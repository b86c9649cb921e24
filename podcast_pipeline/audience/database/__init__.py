"""The audience's database: SQLite beside the show by default, PostgreSQL by PODCAST_DATABASE_URL.

`tables` says what there is, `migrations` how it came to be, `engine` opens it.
"""

from podcast_pipeline.audience.database.engine import (
    connect,
    exclusive,
    open_database,
    overwrite_deleted,
    repeat_after_race,
    upgrade,
    writing,
)

__all__ = [
    "connect",
    "exclusive",
    "open_database",
    "overwrite_deleted",
    "repeat_after_race",
    "upgrade",
    "writing",
]
