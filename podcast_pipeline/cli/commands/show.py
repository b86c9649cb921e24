"""Commands on the show: init, serve, doctor."""

import os
from importlib.resources import files
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import tomlkit
import typer

from podcast_pipeline.cli.commands.doctor import doctor
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.config import SECRET_VARIABLES, STATE_FOLDER
from podcast_pipeline.errors import ConfigError, TranscriptionError
from podcast_pipeline.files import make_folder, write_atomically

TEMPLATES = files("podcast_pipeline.episodes") / "template"
NOT_MEASURED = "`podcast doctor` says how long an hour of audio takes here with each Whisper model"
GIT_IGNORES = """\
/.podcast/
/episodes/*/build/
.*.part
# Recordings: an hour of WAV is 600 MB, and GitHub takes 100 MB. docs/how-to/team.md says how to keep them.
/episodes/*/source
/episodes/*/source.*
/episodes/*/track-*
"""


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
    make_folder(folder)
    make_folder(folder / "episodes", mode=0o700)
    document = tomlkit.parse((TEMPLATES / "show.toml").read_text(encoding="utf-8"))
    document["show"]["id"] = str(uuid4())
    document["show"]["guid"] = str(uuid4())
    if not (folder / "artwork.jpg").exists():
        write_atomically(folder / "artwork.jpg", (TEMPLATES / "artwork.jpg").read_bytes())
    _keep_out_of_git(folder / ".gitignore")
    _create_local_audience(folder / STATE_FOLDER)
    write_atomically(target, tomlkit.dumps(document).encode())  # last: where it is, all is there
    session: CliSession = context.obj
    session.output.result(
        {"folder": str(folder.resolve())},
        [
            f"{target}: new show; edit title, author and urls, then run `podcast publish recording.wav`",
            _speed_line(),
        ],
    )


def _speed_line() -> str:
    """Return how long an hour of audio takes with each model, from what was transcribed here before."""
    from podcast_pipeline import transcription
    from podcast_pipeline.transcription.known_models import speed

    try:
        known = speed.known_speeds(transcription.choose_engine(transcription.AUTO))
    except TranscriptionError as error:
        return str(error)
    return speed.hour_line(known) or NOT_MEASURED


def _keep_out_of_git(path: Path) -> None:
    """Write .gitignore, or add what is missing in one that is there: `.podcast` has the key and the words."""
    known = path.read_text(encoding="utf-8") if path.exists() else ""
    missing = [line for line in GIT_IGNORES.splitlines() if line not in known.splitlines()]
    if missing:
        begin = f"{known.rstrip()}\n" if known.strip() else ""
        write_atomically(path, (begin + "\n".join(missing) + "\n").encode())


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
    release: Annotated[
        bool, typer.Option("--release", help="Also publish scheduled episodes when they are due.")
    ] = False,
) -> None:
    """Serve the pages, the private feeds and, with local storage, all public files.

    Threads of the server do the background work: they send sign-in mails, apply the events of
    membership sites, and delete expired data.
    """
    from podcast_pipeline.cli.audience import open_subscribers
    from podcast_pipeline.cli.jobs import build_worker, open_signin
    from podcast_pipeline.cli.mail_jobs import open_students
    from podcast_pipeline.cli.membership import open_events, open_stripe
    from podcast_pipeline.cli.oidc import open_oidc
    from podcast_pipeline.web import server
    from podcast_pipeline.web.app import create_app

    session: CliSession = context.obj
    subscribers = open_subscribers(session, may_ask=False)
    signin = open_signin(session, subscribers)
    memberships = open_events(session.config, subscribers)
    app = create_app(
        config=session.config,
        store=session.store,
        subscribers=subscribers,
        sessions=session.sessions,
        clock=session.clock,
        signin=signin,
        oidc=open_oidc(session, subscribers),
        students=open_students(session, subscribers),
        memberships=memberships,
        shop=open_stripe(session.config),
    )
    port = port or server.default_port(session.config.urls.site)
    warning = server.port_warning(session.config.urls.site, port)
    if warning:
        session.output.warn(warning)
    app.state.catch_up()
    with build_worker(session, signin=signin, memberships=memberships, releases=release).running():
        server.serve(app, host=host, port=port)
