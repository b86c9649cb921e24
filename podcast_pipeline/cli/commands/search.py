"""`podcast reindex`, and the update of the search index after a publication."""

from typing import TYPE_CHECKING

import typer

from podcast_pipeline.cli.output import format_count
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import PodcastError

if TYPE_CHECKING:
    from podcast_pipeline.search.index import IndexUpdate


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(reindex)


def reindex(context: typer.Context) -> None:
    """Update the search index from the published episodes; safe at any time, continues where it stopped."""
    session: CliSession = context.obj
    update = _sync_index(session, erase=True)
    session.output.result(
        {"indexed": update.indexed, "removed": update.removed},
        [f"{format_count(len(update.indexed), 'episode')} indexed, {update.removed} removed"],
    )


def update_search_index(session: CliSession, *, erase: bool = False) -> None:
    """Update the index after a publication, if there is a database; an error becomes a warning.

    Args:
        erase: leave no removed word in the database's files.
    """
    if not has_database(session):
        return
    try:
        _sync_index(session, erase=erase)
    except PodcastError as error:
        session.output.warn(f"the search index is out of date: {error}; run `podcast reindex`")


def has_database(session: CliSession) -> bool:
    """Tell whether there is a database: one by URL, or a SQLite file that is there already."""
    from podcast_pipeline.audience.database.engine import DATABASE_FILE_NAME

    return session.database_url is not None or (session.config.state_folder / DATABASE_FILE_NAME).is_file()


def _sync_index(session: CliSession, *, erase: bool) -> "IndexUpdate":
    from podcast_pipeline.search import SearchIndex
    from podcast_pipeline.search.index import IndexUpdate
    from podcast_pipeline.storage.published import read_catalog

    catalog, _ = read_catalog(session.store)
    if catalog is None:
        return IndexUpdate((), 0)
    index = SearchIndex(session.database, show_id=session.config.show.id)
    update = index.sync(catalog, session.store, report=session.output.report)
    if erase and any(episode.withdrawals for episode in catalog.episodes):
        index.erase_removed_words()  # also what a run that was killed has left
    return update
