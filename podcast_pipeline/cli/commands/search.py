"""The search index on the command line: `reindex`, and following a publication."""

from typing import TYPE_CHECKING

import typer

from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import PodcastError

if TYPE_CHECKING:
    from podcast_pipeline.search.index import IndexUpdate


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(reindex)


def reindex(context: typer.Context) -> None:
    """Bring the search index up to what is published; safe at any time, goes on where it was."""
    session: CliSession = context.obj
    done = _catch_up(session)
    session.output.result(
        {"indexed": done.indexed, "removed": done.removed},
        [f"{len(done.indexed)} episodes indexed, {done.removed} removed"],
    )


def update_search_index(session: CliSession) -> None:
    """Bring the index up to a publication where there is a database; what is out stays out if that fails."""
    from podcast_pipeline.audience.database.engine import DATABASE_FILE_NAME

    if session.database_url is None and not (session.config.state_folder / DATABASE_FILE_NAME).is_file():
        return
    try:
        _catch_up(session)
    except PodcastError as error:
        session.output.warn(f"the search index is behind: {error}; run `podcast reindex`")


def _catch_up(session: CliSession) -> "IndexUpdate":
    from podcast_pipeline.search import SearchIndex
    from podcast_pipeline.search.index import IndexUpdate
    from podcast_pipeline.storage.published import read_catalog

    catalog, _ = read_catalog(session.store)
    if catalog is None:
        return IndexUpdate((), 0)
    index = SearchIndex(session.database, show_id=session.config.show.id)
    return index.sync(catalog, session.store, report=session.output.report)
