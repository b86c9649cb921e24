"""Commands on the subscribers' database: init, upgrade, copy."""

import typer

from podcast_pipeline.cli.output import format_count
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import ConfigError


def register(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="Make, upgrade or copy the subscribers' database.", no_args_is_help=True)
    for command in (init, upgrade, copy):
        group.command(command.__name__)(command)
    app.add_typer(group, name="db")


def init(context: typer.Context) -> None:
    """Make the subscribers' database, new and empty, and the secret key where there is none.

    In PostgreSQL where PODCAST_DATABASE_URL is set, else `.podcast/podcast.db`. Refused over an existing one.
    """
    from podcast_pipeline.cli.audience import create_audience

    session: CliSession = context.obj
    create_audience(session)
    name = session.database.dialect.name
    session.output.result({"database": name}, [f"a new {name} database, without subscribers"])


def upgrade(context: typer.Context) -> None:
    """Upgrade the database's schema to this version of podcast-pipeline."""
    from podcast_pipeline.audience import database

    session: CliSession = context.obj
    engine = database.connect(session.database_url, session.config.state_folder)
    context.call_on_close(engine.dispose)
    database.require_tables(engine)
    database.upgrade(engine)
    session.output.result({"upgraded": True}, ["the database is up to date"])


def copy(context: typer.Context) -> None:
    """Copy the subscribers, with their links, from SQLite to the PostgreSQL database of PODCAST_DATABASE_URL.

    All or nothing; refused if that database has subscribers of this show. Stop `podcast serve` first, and
    keep the same secret key.
    """
    from podcast_pipeline.audience.database import open_database
    from podcast_pipeline.audience.database.copy_show import copy_show
    from podcast_pipeline.audience.database.engine import DATABASE_FILE_NAME

    session: CliSession = context.obj
    folder = session.config.state_folder
    if session.database_url is None:
        raise ConfigError("PODCAST_DATABASE_URL", "is not set; set it to the PostgreSQL database to copy to")
    if not (folder / DATABASE_FILE_NAME).is_file():
        raise ConfigError(
            folder / DATABASE_FILE_NAME,
            "does not exist; only the SQLite database in the show's folder can be copied",
        )
    source = open_database(None, folder)
    context.call_on_close(source.dispose)
    copied = copy_show(source, session.database, session.config.show.id)
    session.output.result(
        {"copied": copied}, [f"{format_count(copied, 'subscriber')} copied, with their links"]
    )
