"""What a command prints: nothing in it steers a terminal."""

import io
import json
import sys
import unicodedata

import pytest

from podcast_pipeline.cli import json_first, main
from podcast_pipeline.cli.output import HarmlessStream, Output, printable
from podcast_pipeline.model import Progress
from tests.support.imported_show import import_show
from tests.support.show import ShowFolder

FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>TITLE</title><description>TITLE</description>
<item><title>TITLE</title><description>TITLE</description><guid>GUID</guid>
<pubDate>TITLE</pubDate><enclosure url="https://n.example/GUID.mp3" length="9" type="audio/TITLE"/></item>
<item><title>evil</title><guid>evil GUID</guid><pubDate>Tue, 03 Mar 2026 06:00:00 XYZ</pubDate>
<enclosure url="https://n.example/GUID.mp3?2" length="9" type="audio/mpeg"/></item></channel></rss>"""

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


HOSTILE = "Evil \x9b2J\x1b]0;title\x07 \u202etext\u202c \u2066isolate\u2069 line\u2028end"
COMMANDS = (
    *(("list",), ("status", "evil"), ("doctor",), ("gc",), ("rebuild", "--allow"), ("release",)),
    *(("feed", "check"), ("feed", "diff", "old.xml"), ("feed", "import", "--keep-audio", "more.xml")),
    *(
        ("publish", "evil"),
        ("pull", "evil"),
        ("transcribe", "evil"),
        ("review", "evil"),
        ("unschedule", "evil"),
    ),
    *(
        ("transcript", "diff", "evil"),
        ("unpublish", "evil"),
        ("withdraw", "evil", "--all"),
        ("search", HOSTILE),
    ),
    *(("db", "init"), ("reindex",), ("subscribers", "add", "ann@example.org"), ("subscribers", "list")),
    *(("subscribers", "import", "people.csv"), ("subscribers", "export", "out.csv"), ("voices", "list")),
    *(("subscribers", "link", HOSTILE), ("voices", "add", HOSTILE, "a.wav"), ("audit",), (HOSTILE,)),
)
"""Commands of every group, with what a feed, a file or a person brings; many end with an error line."""


@pytest.mark.parametrize("options", [("--json",), ("--progress", "json")], ids=["JSON", "text"])
def test_no_command_steers_a_terminal(
    empty_show: ShowFolder,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
) -> None:
    """Titles, notes and names from elsewhere come through no command of any group as more than text (s17)."""
    monkeypatch.chdir(empty_show.folder)
    for name, title in (
        ("old.xml", HOSTILE.partition("\x1b")[0] + HOSTILE.partition("\x07")[2]),
        ("more.xml", "More"),
    ):
        feed = FEED.replace("TITLE", title).replace("GUID", name)
        (empty_show.folder / name).write_text(feed, encoding="utf-8")
    import_show(empty_show, "old.xml", keep_audio=True)
    (empty_show.folder / "people.csv").write_text(f"email,name\n{HOSTILE},x\nbo@example.org,{HOSTILE}\n")
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))  # put back what `main` replaces
    for command in COMMANDS:
        monkeypatch.setattr(sys, "argv", ["podcast", *options, *command])
        with pytest.raises(SystemExit):
            main()
        printed = capsys.readouterr()
        text = (printed.out + printed.err).replace("\n", "").replace("\t", "")
        assert not [c for c in text if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs")], command
        assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(text), command


def test_a_stream_keeps_lines_and_styles_of_our_own(capsys: pytest.CaptureFixture[str]) -> None:
    """A question, a log line or a traceback is filtered too; what rich styles goes past the filter."""
    written = io.BytesIO()
    stream = HarmlessStream(io.TextIOWrapper(written, encoding="utf-8"))
    print("one\ttwo\nthree", STEERING, "\udcff", file=stream, flush=True)
    stream.unfiltered.write("\x1b[1mbold\x1b[0m")
    stream.unfiltered.flush()
    assert written.getvalue().decode() == "one\ttwo\nthree  [31m  2J            \n\x1b[1mbold\x1b[0m"
    assert capsys.readouterr() == ("", "")


def test_a_note_is_on_stderr_unless_nobody_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    """A note is one harmless line; with --quiet and between lines of JSON there is none."""
    Output().note("about 3 min\x1b[31m")
    Output(quiet=True).note("about 3 min")
    Output(progress="json").note("about 3 min")
    assert capsys.readouterr() == ("", "podcast: about 3 min [31m\n")


def test_a_note_leaves_the_bars(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the line stands above the bar, which goes on."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    output = Output()
    output.report(Progress(step="look", done=0, total=2))
    output.note("about 3 min")
    assert output._bars
    assert output._bars.live.is_started
    output.close()
    assert "podcast: about 3 min\n" in capsys.readouterr().err
