"""Confirmation, asked on a terminal and an option elsewhere.

--yes is for what cannot be undone, --allow NAME for a gate.
"""

import sys
from collections.abc import Callable, Collection
from typing import TypeVar

import typer

from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import ConfigError, GateClosed
from podcast_pipeline.model.gates import GATES, GateName

Result = TypeVar("Result")


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


def ask_at_gates(
    session: CliSession,
    allow: Collection[str],
    work: Callable[[frozenset[GateName]], Result],
    *,
    may_ask: bool = True,
) -> Result:
    """Do work that stops at gates; on a terminal ask at each of them and do the work again.

    Args:
        allow: the gates that --allow names.
        work: takes the gates that are allowed; repeatable.
        may_ask: False where a person wants to be asked nothing.

    Raises:
        ConfigError: --allow names no gate.
        GateClosed: nobody can be asked.
        typer.Abort: the answer was no.
    """
    allowed = parse_gates(allow)
    while True:
        try:
            return work(allowed)
        except GateClosed as closed:
            if not (may_ask and can_ask(session)) or closed.gate in allowed:
                raise
            session.output.warn(f"{closed.subject}: {closed.finding}")
            typer.confirm(f"Go on anyway (--allow {closed.gate})?", default=False, abort=True)
            allowed |= parse_gates([closed.gate])


def parse_gates(names: Collection[str]) -> frozenset[GateName]:
    """Return the gates of these names; raises ConfigError for another one."""
    for name in names:
        if name not in GATES:
            raise ConfigError(
                f"--allow {name}", f"is no gate; a gate's name comes after it: {', '.join(GATES)}"
            )
    return frozenset(gate for gate in GATES if gate in names)
