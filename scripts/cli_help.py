"""Every command's --help as text, for docs/reference/cli.md."""

from collections.abc import Iterator

from typer.main import get_command
from typer.testing import CliRunner

from podcast_pipeline.cli.app import app

WIDTH = "88"


def command_texts() -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield (words of a command, what its --help prints), groups before their commands."""
    runner = CliRunner(env={"COLUMNS": WIDTH, "TERMINAL_WIDTH": WIDTH, "NO_COLOR": "1"})
    for words in _commands((), get_command(app)):
        text = runner.invoke(app, [*words, "--help"], prog_name="podcast").output
        yield ("podcast", *words), "\n".join(line.rstrip() for line in text.strip().splitlines())


def _commands(words: tuple[str, ...], command: object) -> Iterator[tuple[str, ...]]:
    yield words
    for name, below in getattr(command, "commands", {}).items():
        yield from _commands((*words, name), below)
