"""The transcript of an imported episode gets times when the episode is transcribed, and not before."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.http_servers import FileHost, ServedFile, running_host
from tests.support.imported_show import HEAD, import_show
from tests.support.power_cuts import commands
from tests.support.power_cuts.program import WORDS
from tests.support.rule_cases.hosts import picture
from tests.support.show import ShowFolder

SLUG = "the-hearing"
ITEM = """<item><title>The hearing</title><guid isPermaLink="false">one</guid>
<pubDate>Tue, 10 Mar 2020 07:00:00 GMT</pubDate><itunes:duration>30</itunes:duration>
<enclosure url="{0}/one.mp3" length="1" type="audio/mpeg"/>
<podcast:transcript url="{0}/one" type="{1}"/></item>"""
PAGE = f"""<h1>The hearing</h1><cite>Ann Ferrer:</cite><p>{" ".join(WORDS[:30])}</p>
<cite>Bo Lind:</cite><p>{" ".join(WORDS[30:60])}</p>"""
OTHER = "Nobody in this recording says any of these sentences, which are about cheese and about its makers."


@pytest.fixture
def host(tmp_path: Path) -> Iterator[FileHost]:
    """The host of a show with one episode: half a minute of speech."""
    commands.make_recording(tmp_path / "one.mp3")
    with running_host() as running:
        running.files["/one.mp3"] = ServedFile((tmp_path / "one.mp3").read_bytes(), "audio/mpeg")
        running.files["/show.png"] = ServedFile(picture(), "image/png")
        yield running


def imported(host: FileHost, show: ShowFolder, text: str, type_: str) -> Path:
    """Import the show with this transcript and return the episode's folder."""
    feed = f"{HEAD.format(host.url, ITEM.format(host.url, type_))}</channel></rss>"
    host.files["/feed.xml"] = ServedFile(feed.encode(), "application/rss+xml")
    host.files["/one"] = ServedFile(text.encode(), type_)
    import_show(show, f"{host.url}/feed.xml")
    return show.folder / "episodes" / SLUG


def transcribe(show: ShowFolder) -> "subprocess.CompletedProcess[str]":
    """Transcribe with an engine that reads the sample's text aloud."""
    return commands.run(show.folder.parent, ("transcribe", SLUG))


def test_a_transcription_gives_the_old_words_times(host: FileHost, empty_show: ShowFolder) -> None:
    """The import alone changes nothing; transcribed, words and speakers are the old ones, as a line says."""
    folder = imported(host, empty_show, PAGE, "text/html")
    assert not (folder / "transcript.md").exists()
    done = transcribe(empty_show)
    assert done.returncode == 0, done.stderr
    assert f"{SLUG}: 60 words of 2 speakers → {folder / 'transcript.md'}; 100% were heard" in done.stderr
    markdown = (folder / "transcript.md").read_text(encoding="utf-8")
    assert [name.casefold() in markdown.casefold() for name in ("**ann ferrer**", "**bo lind**")] == [
        True
    ] * 2
    assert len(json.loads((folder / "transcript.json").read_bytes())["segments"]) > 0
    before = markdown
    again = transcribe(empty_show)
    assert again.returncode == 0
    assert "were heard" not in again.stderr
    assert (folder / "transcript.md").read_text(encoding="utf-8") == before


def test_an_old_transcript_that_does_not_fit_leaves_the_engines_words(
    host: FileHost, empty_show: ShowFolder
) -> None:
    """Another text is named with its share, and the transcription is as without it."""
    folder = imported(host, empty_show, OTHER, "text/plain")
    done = transcribe(empty_show)
    assert done.returncode == 0
    assert (
        f"{SLUG}: the engine's words stay, not those of imported.txt: imported.txt is no transcript"
        in done.stderr
    )
    assert "cheese" not in (folder / "transcript.md").read_text(encoding="utf-8") + done.stderr
