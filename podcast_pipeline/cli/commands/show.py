"""Commands on the show: init, serve, doctor."""

import os
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from threading import Event, Thread
from typing import Annotated
from uuid import uuid4

import tomlkit
import typer

from podcast_pipeline.cli.commands.doctor import doctor
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.config import SECRET_VARIABLES, STATE_FOLDER
from podcast_pipeline.errors import ConfigError
from podcast_pipeline.files import make_folder, write_atomically

TEMPLATES = files("podcast_pipeline.episodes") / "template"


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(init)
    app.command()(serve)
    app.command()(doctor)


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Folder of the new show.")] = Path(),
) -> None:
    """Create a new show: show.toml, episodes/, sample artwork, .gitignore, the secret key, the database.

    Where PODCAST_DATABASE_URL is set, `podcast db init` makes the tables there.
    """
    target = folder / "show.toml"
    if target.exists():
        raise ConfigError(target, "already exists; edit it, or choose another folder")
    make_folder(folder / "episodes")
    document = tomlkit.parse((TEMPLATES / "show.toml").read_text(encoding="utf-8"))
    document["show"]["id"] = str(uuid4())
    document["show"]["guid"] = str(uuid4())
    if not (folder / "artwork.jpg").exists():
        write_atomically(folder / "artwork.jpg", (TEMPLATES / "artwork.jpg").read_bytes())
    if not (folder / ".gitignore").exists():
        write_atomically(folder / ".gitignore", b"/.podcast/\n/episodes/*/build/\n.*.part\n")
    _create_local_audience(folder / STATE_FOLDER)
    write_atomically(target, tomlkit.dumps(document).encode())  # last: where it is, all is there
    session: CliSession = context.obj
    session.output.result(
        {"folder": str(folder.resolve())},
        [f"{target}: new show; edit title, author and urls, then run `podcast publish recording.wav`"],
    )


def _create_local_audience(state_folder: Path) -> None:
    """Make the key and the SQLite database where there are none yet."""
    from podcast_pipeline.audience.database import create_database, has_database
    from podcast_pipeline.audience.subscribers.tokens import load_secret_key

    load_secret_key(None, state_folder, create=True)
    if not os.environ.get(SECRET_VARIABLES["database_url"]) and not has_database(None, state_folder):
        create_database(None, state_folder).dispose()


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            help="Port to listen on.", min=1, max=65535, show_default="that of an http urls.site, else 8080"
        ),
    ] = None,
) -> None:
    """Serve the pages, the private feeds and, with local storage, all public files."""
    from podcast_pipeline.audience.mail import SmtpMailer
    from podcast_pipeline.audience.subscribers.signin import SignIn
    from podcast_pipeline.cli.audience import open_subscribers
    from podcast_pipeline.web import server
    from podcast_pipeline.web.app import create_app

    session: CliSession = context.obj
    subscribers, show_id = open_subscribers(session, may_ask=False), session.config.show.id
    app = create_app(
        config=session.config,
        store=session.store,
        subscribers=subscribers,
        sessions=session.sessions,
        clock=session.clock,
        signin=SignIn(session.database, show_id=show_id, secret_key=subscribers.secret_key),
        mailer=SmtpMailer.from_config(session.config),
    )
    port = port or server.default_port(session.config.urls.site)
    warning = server.port_warning(session.config.urls.site, port)
    if warning:
        session.output.warn(warning)
    _start_retention_thread(session)
    app.state.catch_up()
    server.serve(app, host=host, port=port)


def _start_retention_thread(session: CliSession) -> None:
    """Delete expired personal data once a day in a background thread of `serve`."""
    from podcast_pipeline.audience.subscribers.privacy.retention import purge, run_daily

    retention = session.config.retention

    def delete_expired() -> None:
        purge(
            session.database,
            show_id=session.config.show.id,
            network_kept=timedelta(days=retention.network_addresses_days),
            audit_kept=timedelta(days=retention.audit_log_days),
            now=session.clock(),
        )

    Thread(target=run_daily, args=(delete_expired,), kwargs={"stopped": Event()}, daemon=True).start()
