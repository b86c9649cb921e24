"""What a command prints: nothing in it steers a terminal."""

import json

import pytest

from podcast_pipeline.cli import json_first
from podcast_pipeline.cli.output import Output, printable

STEERING = "\x1b[31m \x9b2J \x07 \x7f \u202e \u2066 \u2028"


def test_lines_do_not_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters, and those that turn text around, are spaces; lines stay lines."""
    Output().result({}, [f"one {STEERING}", "two\nthree", "עברית \u200f and 日本語"])
    Output().warn(STEERING)
    printed = capsys.readouterr()
    assert not set("\x1b\x9b\x07\x7f\u202e\u2066\u2028") & set(printed.out + printed.err)
    assert printed.out.split("\n")[1:] == ["two", "three", "עברית \u200f and 日本語", ""]
    assert printable("plain text") == "plain text"


def test_json_escapes_them(capsys: pytest.CaptureFixture[str]) -> None:
    """The document is the same, and its text harmless in a terminal."""
    Output(as_json=True).result({"title": STEERING})
    printed = capsys.readouterr().out
    assert printed.rstrip("\n").isprintable()
    assert json.loads(printed) == {"title": STEERING}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (["list"], ["list"]),
        (["--json", "list"], ["--json", "list"]),
        (["list", "--json"], ["--json", "list"]),
        (["transcript", "diff", "--json", "a"], ["--json", "transcript", "diff", "a"]),
        (["--json", "list", "--json"], ["--json", "list"]),
        (["-q", "publish", "--", "--json"], ["-q", "publish", "--", "--json"]),
        (["publish", "--json", "--", "--json"], ["--json", "publish", "--", "--json"]),
        ([], []),
    ],
    ids=" ".join,
)
def test_json_may_stand_after_the_command(given: list[str], read: list[str]) -> None:
    """It is one option for every command, wherever it is written; after -- it is an argument."""
    assert json_first(given) == read
