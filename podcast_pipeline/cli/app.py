"""The commands of `podcast` and their global options."""

import logging
import signal
from pathlib import Path
from typing import Annotated

import typer

from podcast_pipeline import __version__
from podcast_pipeline.cli.commands import (
    api_keys,
    audit,
    database,
    episodes,
    feeds,
    jobs,
    preview,
    pull,
    review,
    search,
    show,
    students,
    subscribers,
    voices,
    withdraw,
)
from podcast_pipeline.cli.output import Output, ProgressStyle
from podcast_pipeline.cli.session import CliSession

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Publish an interview podcast: free audio for everybody, the transcript for subscribers.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a check found problems, 130 interrupted.",
)
show.register(app)
database.register(app)
episodes.register(app)
preview.register(app)
pull.register(app)
withdraw.register(app)
feeds.register(app)
subscribers.register(app)
students.register(app)
api_keys.register(app)
jobs.register(app)
search.register(app)
review.register(app)
voices.register(app)
audit.register(app)


def _print_version(is_set: bool) -> None:
    if is_set:
        typer.echo(f"podcast-pipeline {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    project: Annotated[
        Path | None,
        typer.Option(help="The show's folder.", show_default="the nearest folder upwards with a show.toml"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else.")
    ] = False,
    progress: Annotated[
        ProgressStyle,
        typer.Option(help="Show progress as bars on a terminal (auto) or as JSON lines on stderr (json)."),
    ] = "auto",
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Print log messages on stderr.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Open the session with the global options."""
    del version  # handled by its callback
    logging.basicConfig(level=logging.INFO if verbose else logging.ERROR, format="%(name)s: %(message)s")
    for library in ("httpx", "httpcore"):  # their lines have whole addresses, secrets included
        logging.getLogger(library).setLevel(logging.WARNING)
    output = Output(as_json=as_json, quiet=quiet, progress=progress)
    signal.signal(signal.SIGINT, output.interrupt)
    session = context.obj = CliSession(project, output)
    context.call_on_close(output.close)
    context.call_on_close(session.close)
