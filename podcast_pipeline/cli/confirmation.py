"""Confirmation of what cannot be undone: asked on a terminal, an option elsewhere."""

import sys

import typer

from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import ConfigError


def can_ask(session: CliSession) -> bool:
    """Tell whether somebody can answer: a terminal, and no --json."""
    return sys.stdin.isatty() and not session.output.as_json


def confirm(session: CliSession, warning: str, question: str, *, yes: bool) -> None:
    """Go on only if it is meant; the answer to Enter is no.

    Args:
        warning: what cannot be undone, one line without a full stop.
        yes: --yes was given.

    Raises:
        ConfigError: nobody can be asked and --yes was not given.
        typer.Abort: the answer was no.
    """
    if yes:
        return
    if not can_ask(session):
        raise ConfigError("--yes", f"is needed without a terminal: {warning}")
    session.output.warn(warning)
    typer.confirm(question, default=False, abort=True)
