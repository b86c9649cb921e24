"""Commands on students and teachers: codes."""

from pathlib import Path
from typing import Annotated

import typer

from podcast_pipeline.cli.output import format_count
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import ConfigError

MAX_FILE_BYTES = 10_000_000


def register(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(no_args_is_help=True, help="Manage the price for students and teachers.")
    group.command()(codes)
    group.callback()(lambda: None)  # with one command the group would be that command
    app.add_typer(group, name="students")


def codes(
    context: typer.Context,
    path: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A text file with one code on each line.")
    ] = None,
) -> None:
    """Load codes that give the student price, each for one person; without FILE count those that are left.

    Make the codes at the membership site, each good for one use. Loading the same file again adds nothing.
    """
    from podcast_pipeline.audience.students.codes import StudentCodes

    session: CliSession = context.obj
    subscribers = session.subscribers
    listed = StudentCodes(subscribers.engine, show_id=subscribers.show_id)
    loaded = listed.load(_lines(path), now=session.clock()) if path else 0
    counts = listed.counts()
    lines = [f"{path}: {format_count(loaded, 'code')} loaded"] if path else []
    session.output.result(
        {"loaded": loaded, "given": counts.given, "left": counts.left},
        [*lines, f"{format_count(counts.left, 'code')} left, {counts.given} given"],
    )


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        text = data.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(path, "is not there; give a text file with one code on each line") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(path, "cannot be read; give a text file in UTF-8, one code on each line") from error
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(path, f"is larger than {MAX_FILE_BYTES} bytes; load it in parts")
    return text.splitlines()
