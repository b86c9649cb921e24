"""The command line: help, exit codes, one-line errors, and lazy imports."""

import json
import re
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from imageio_ffmpeg import get_ffmpeg_exe
from typer.main import get_command

from podcast_pipeline.cli import main
from podcast_pipeline.cli.app import app
from tests.support.paths import ROOT
from tests.support.show import SLUG, ShowFolder, build_show_folder, clean_environment, copy_show_folder

HEAVY = ("torch", "boto3", "starlette", "whisper", "faster_whisper", "sqlalchemy", "feedgen", "av")


def commands() -> list[tuple[str, ...]]:
    """Return the words of every command, groups included."""

    def below(words: tuple[str, ...], command: object) -> list[tuple[str, ...]]:
        inner = getattr(command, "commands", {})
        return [words, *(w for name, c in inner.items() for w in below((*words, name), c))]

    return below((), get_command(app))[1:]


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run([get_ffmpeg_exe(), "-v", "error", "-y", *arguments], check=True)


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_stands_in_the_docs(words: tuple[str, ...]) -> None:
    """docs/reference/cli.md has a section for each command, with its help."""
    text = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    section = text.partition(f"## podcast {' '.join(words)}\n")[2].partition("\n## ")[0]
    assert re.search(r"Usage: podcast .*\n(?: .*\n)*\n  [A-Z]\w+.* .*", section)


def test_the_command_line_loads_nothing_heavy() -> None:
    """Importing every command loads no engine, no client and no server."""
    code = f"import sys, podcast_pipeline.cli.app; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_usage_error_is_exit_2(tmp_path: Path) -> None:
    """An unknown option is wrong usage."""
    assert build_show_folder(tmp_path / "show").run("publish", "--nonsense").returncode == 2


def test_outside_a_show_one_line_says_what_to_do(tmp_path: Path) -> None:
    """Without a show.toml the line names the command that makes one."""
    done = ShowFolder(tmp_path).run("list")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "podcast init" in done.stderr


def test_init_makes_a_show_that_can_be_published(tmp_path: Path) -> None:
    """A new show has ids of its own and is valid at once; a second init changes nothing."""
    parent = ShowFolder(tmp_path)
    made = parent.run("init", "myshow", XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert made.returncode == 0
    assert "`podcast doctor` says how long an hour of audio takes here" in made.stdout
    show = ShowFolder(tmp_path / "myshow")
    text = (show.folder / "show.toml").read_text(encoding="utf-8")
    assert show.run("list").returncode == 0
    again = parent.run("init", "myshow")
    assert (again.returncode, "already exists" in again.stderr) == (1, True)
    assert (show.folder / "show.toml").read_text(encoding="utf-8") == text
    assert text.count('id = ""') == 0
    assert stat.S_IMODE((show.folder / ".podcast" / "secret_key").stat().st_mode) == 0o600


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("This is no audio, but a text that somebody renamed.\n" * 50, encoding="utf-8")


def _silence(path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=44100:cl=mono", "-t", "5", path)


def _video(path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:d=2", "-pix_fmt", "yuv420p", path)


def _four_channels(path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=d=3", "-ac", "4", path)


def _truncated(path: Path) -> None:
    whole = path.with_name("whole.mp3")
    ffmpeg("-f", "lavfi", "-i", "sine=d=30", whole)
    data = whole.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    whole.unlink()


BAD = {
    "empty.wav": _empty,
    "text.mp3": _text,
    "silence.wav": _silence,
    "video.mp4": _video,
    "channels.wav": _four_channels,
    "truncated.mp3": _truncated,
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", ["publish", "ingest"])
def test_a_bad_recording_is_refused_before_any_work(tmp_path: Path, name: str, command: str) -> None:
    """One line names the file and the reason, with exit 1; nothing is written."""
    show = build_show_folder(tmp_path / "show")
    BAD[name](tmp_path / name)
    before = sorted(show.folder.rglob("*"))
    done = show.run(command, str(tmp_path / name))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert name in done.stderr
    assert sorted(show.folder.rglob("*")) == before


def test_a_recording_that_is_not_there_is_taken_for_a_slug(published: ShowFolder) -> None:
    """An argument that is no file is a slug; the error of an unknown slug names `podcast list`."""
    done = published.run("publish", "recording.wav")
    assert (done.returncode, "podcast list" in done.stderr) == (1, True)


def test_the_feed_of_a_show_without_a_publication_is_one_line(tmp_path: Path) -> None:
    """`feed check` names the command that makes the feed."""
    done = build_show_folder(tmp_path).run("feed", "check")
    line = "podcast: public/feed.xml: nothing was published yet; run `podcast publish`\n"
    assert (done.returncode, done.stderr) == (1, line)


def test_list_and_status_show_where_an_episode_is(published: ShowFolder) -> None:
    """The published episode is listed as such, in JSON too."""
    listed = json.loads(published.run("--json", "list").stdout)["episodes"]
    status = json.loads(published.run("--json", "status", SLUG).stdout)
    assert [(e["slug"], e["state"]) for e in listed] == [(SLUG, "published")]
    assert status["state"] == "published"


def test_transcribe_writes_every_format_beside_nothing_else(tmp_path: Path) -> None:
    """Without a show any audio file is transcribed into the formats of the options."""
    source = ROOT / "episodes" / SLUG / "source.flac"
    ffmpeg("-i", source, "-t", "8", tmp_path / "clip.wav")
    done = ShowFolder(tmp_path).run(
        "transcribe", "clip.wav", "--model", "tiny.en", "--format", "vtt,txt", HOME=str(tmp_path / "home")
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "clip.vtt").read_text(encoding="utf-8").startswith("WEBVTT")
    assert "best of times" in (tmp_path / "clip.txt").read_text(encoding="utf-8")


def test_transcribe_of_many_gives_each_a_result(tmp_path: Path) -> None:
    """A bad file is an error beside the results of the good files; the exit code is 1."""
    _text(tmp_path / "bad.mp3")
    source = ROOT / "episodes" / SLUG / "source.flac"
    ffmpeg("-i", source, "-t", "8", tmp_path / "good.wav")
    done = ShowFolder(tmp_path).run("--json", "transcribe", "bad.mp3", "good.wav", "--model", "tiny.en")
    bad, good = json.loads(done.stdout)["transcripts"]
    assert done.returncode == 1
    assert ("bad.mp3" in bad["error"], good["error"], good["word_count"] > 10) == (True, None, True)


def test_progress_as_json_lines(published: ShowFolder, tmp_path: Path) -> None:
    """--progress json gives one JSON event a line on stderr."""
    show = copy_show_folder(published, tmp_path / "show")
    (show.episode / "notes.md").write_text("Other notes.\n", encoding="utf-8")
    done = show.run("--progress", "json", "publish", SLUG)
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert {"store", "catalog", "feed"} <= {event["step"] for event in events}


def test_subscribers_are_added_listed_and_lapse(tmp_path: Path) -> None:
    """A link can be shown again, a past date lapses, and only add, rotate and link print a token."""
    show = build_show_folder(tmp_path / "show").init_database()
    added = json.loads(show.run("--json", "subscribers", "add", "Ann@Example.org").stdout)
    linked = json.loads(show.run("--json", "subscribers", "link", "ann@example.org").stdout)
    assert added["feed_url"] == linked["feed_url"]
    states = [
        json.loads(show.run("--json", "subscribers", *words).stdout)["state"]
        for words in (
            ("renew", "ann@example.org", "--until", "2020-01-31"),
            ("renew", "ann@example.org", "--until", "2099-01-31"),
            ("suspend", "ann@example.org"),
            ("resume", "ann@example.org"),
        )
    ]
    assert states == ["lapsed", "active", "suspended", "active"]
    rotated = json.loads(show.run("--json", "subscribers", "rotate", "ann@example.org").stdout)
    assert rotated["feed_url"] != added["feed_url"]
    listed = show.run("subscribers", "list")
    assert "Ann@example.org" in listed.stdout
    assert rotated["feed_url"].split("/")[4] not in listed.stdout


def test_adding_again_says_what_was_not_taken(tmp_path: Path) -> None:
    """An existing subscriber stays unchanged; other terms or a closed link are reported."""
    show = build_show_folder(tmp_path / "show").init_database()
    add = ("subscribers", "add", "ann@example.org", "--until")
    assert show.run(*add, "2098-01-31").stderr == ""
    assert show.run(*add, "2098-01-31").stderr == ""
    told = show.run(*add, "2099-01-31")
    assert told.returncode == 0
    assert "already exists and stays active, standard, yearly, paid until 2098-01-31; " in told.stderr
    show.run("subscribers", "suspend", "ann@example.org")
    assert "is suspended, standard, yearly, paid until 2098-01-31" in show.run(*add, "2098-01-31").stderr
    assert "  2098-01-31" in show.run("subscribers", "list").stdout


def test_a_wrong_address_or_date_is_one_line(tmp_path: Path) -> None:
    """The error line names the wrong input, with exit 1 and without a traceback."""
    show = build_show_folder(tmp_path / "show").init_database()
    for words in (
        ("add", "not an address"),
        ("add", "a@example.org", "--until", "soon"),
        ("link", "x@example.org"),
    ):
        done = show.run("subscribers", *words)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr


def test_interrupt_is_exit_130(tmp_path: Path) -> None:
    """SIGINT ends the command with 130 and a line that it can be run again."""
    show = build_show_folder(tmp_path / "show")
    process = subprocess.Popen(
        [sys.executable, "-m", "podcast_pipeline", "--progress", "json", "publish", SLUG],
        cwd=show.folder,
        env=clean_environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    process.stderr.readline()  # the first step has begun
    while process.poll() is None:  # a first one that meets foreign code may be lost, as on a terminal
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
    with process.stderr:
        said = process.stderr.read()
    assert (process.returncode, "run the same command again" in said) == (130, True)


def test_an_error_after_an_interrupt_is_the_interrupt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C in a statement breaks the connection; the database library raises its own error then."""

    def interrupted(*_: object, **__: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            raise RuntimeError("can't change 'autocommit' now")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of the program")

    monkeypatch.setattr("podcast_pipeline.cli.app.app", interrupted)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 130
    assert capsys.readouterr().err == "podcast: interrupted; run the same command again\n"
    monkeypatch.setattr("podcast_pipeline.cli.app.app", broken)
    with pytest.raises(RuntimeError, match="a fault of the program"):
        main()


def test_any_title_can_be_listed(published: ShowFolder, tmp_path: Path) -> None:
    """Markup, control characters and line ends in a title are printed as text, one line for each episode."""
    show = copy_show_folder(published, tmp_path / "show")
    toml = (show.episode / "episode.toml").read_text(encoding="utf-8")
    for name, title in (("one", "The [/b] case [bonus]"), ("two", "Ελλάδα " * 20)):
        (show.folder / "episodes" / name).mkdir()
        changed = re.sub("(?m)^title = .*$", f'title = "{title}"', toml, count=1).replace(
            f'"{SLUG}"', f'"{name}"'
        )
        changed = re.sub('(?m)^(id|guid) = ".', r'\1 = "0', changed)
        (show.folder / "episodes" / name / "episode.toml").write_text(changed, encoding="utf-8")
        source = next(show.episode.glob("source.*"))
        (show.folder / "episodes" / name / source.name).hardlink_to(source)
    done = show.run("list", PYTHONIOENCODING="utf-8")
    assert done.returncode == 0, done.stderr
    assert "The [/b] case [bonus]" in done.stdout
    assert any(("Ελλάδα " * 20).strip() in line for line in done.stdout.splitlines())
    ascii_only = show.run("list", PYTHONIOENCODING="ascii")
    assert (ascii_only.returncode, ascii_only.stderr) == (0, "")


def test_an_argument_that_is_not_utf8_is_one_line(tmp_path: Path) -> None:
    """The error line of a file in another encoding names the file and the remedy."""
    show = build_show_folder(tmp_path / "show").init_database()
    done = show.run("subscribers", "add", "a@example.org")
    assert done.returncode == 0, done.stderr
    done = show.run("subscribers", "suspend", "a@example.org", "--reason", "caf\udce9")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "is not UTF-8" in done.stderr


def test_a_failure_is_one_json_document_too(tmp_path: Path) -> None:
    """With --json stdout has the line that stderr has."""
    done = build_show_folder(tmp_path / "show").run("--json", "status", "nobody")
    assert done.returncode == 1
    assert f"podcast: {json.loads(done.stdout)['error']}" == done.stderr.strip()
