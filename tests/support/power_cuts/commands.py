"""The commands whose power is cut, and what must be true afterwards."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from podcast_pipeline.config import load_config
from podcast_pipeline.files import sha256_of
from podcast_pipeline.storage.local import LocalStore
from tests.support.bucket_show import files, object_urls, objects
from tests.support.paths import ROOT
from tests.support.power_cuts.program import WORDS
from tests.support.show import clean_environment, run_ffmpeg

PROGRAM = Path(__file__).with_name("program.py")
SLUG = "the-hearing"
READER = "ann@example.org"
LONGEST_S = 900
PYTHONPATH = os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(ROOT)])
MEDIA = "http://localhost:8080/public/"

INGEST = ("ingest", "{recording}", "--slug", SLUG, "--title", "The hearing")
BEGINS = {
    "show": ("nothing", ("init", "show")),
    "ingested": ("show", INGEST),
    "published": ("ingested", ("publish", SLUG)),
}
"""State in which a command begins -> the state before it, and the command that makes it."""

Folder = Path
"""The folder around the show's: `podcast init show` is run in it too."""


@dataclass(frozen=True)
class CutCommand:
    """A command of `podcast` whose power is cut.

    Attributes:
        arguments: of `podcast`; {feed} stands for the address of another host's feed, {recording} and
            {typed} for files.
        begin: name of the state in which the command is run.
        result: what an uncut run leaves; a cut one that is run again must leave the same.
        promise: what is there once the command has returned, and must be there after a cut then.
        refusal: part of the line with which the second run may refuse, because the first had done all.
    """

    arguments: tuple[str, ...]
    begin: str
    result: Callable[[Folder], object]
    promise: Callable[[Folder], object]
    refusal: str = ""


def start(
    folder: Folder, arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> "subprocess.Popen[str]":
    """Start the program of `podcast` in the show, or, before there is one, around it."""
    return subprocess.Popen(
        [sys.executable, PROGRAM, *arguments],
        cwd=folder / "show" if arguments[0] != "init" else folder,
        env={**clean_environment(), "PYTHONPATH": PYTHONPATH, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a cut kills the process and its children
    )


def run(
    folder: Folder, arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run the program of `podcast` to its end."""
    process = start(folder, arguments, environment)
    output, errors = process.communicate(timeout=LONGEST_S)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def filled_in(arguments: Sequence[str], work: Path, feed: str = "") -> list[str]:
    """Return arguments with the address of another host's feed, and with a recording and its transcript."""
    paths = {"recording": work / "recording.wav", "typed": work / "typed.txt"}
    return [argument.format(feed=feed, **paths) for argument in arguments]


def make_begin(work: Path, name: str) -> Folder:
    """Return the state of a name, made once: a new show, an ingested episode, a published one, or nothing."""
    folder = work / name
    if folder.exists():
        return folder
    if name == "nothing":
        folder.mkdir()
        make_recording(work / "recording.wav")
        (work / "typed.txt").write_text(f"ANN EXAMPLE: {' '.join(WORDS[:60])}", encoding="utf-8")
        return folder
    before, arguments = BEGINS[name]
    shutil.copytree(make_begin(work, before), folder, symlinks=True)
    done = run(folder, filled_in(arguments, work))
    assert done.returncode == 0, done.stderr
    return folder


def make_recording(path: Path) -> None:
    """Write the first seconds of the sample's recording."""
    run_ffmpeg("-i", ROOT / "episodes/two-winters-and-a-will/source.flac", "-t", "30", path)


def show_files(folder: Folder) -> dict[str, bytes]:
    """Return all objects of the store and the files of all episodes; receipts have the seconds of a run."""
    found = {f"store/{key}": body for key, (body, _, _) in objects(store_of(folder)).items()}
    episodes = folder / "show/episodes"
    for episode in sorted(episodes.iterdir()):
        found |= {f"{episode.name}/{name}": data for name, data in files(episode).items()}
    return {name: data for name, data in found.items() if not name.endswith("/published.json")}


def new_show(folder: Folder) -> object:
    """Return what a new show has, and whether it can be used."""
    show = folder / "show"
    config = load_config(show, {})
    return (
        config.show.id.version,
        len((show / ".podcast/secret_key").read_text(encoding="ascii")),
        sha256_of(show / "artwork.jpg"),
        (show / ".gitignore").read_bytes(),
        (show / "episodes").is_dir(),
    )


def minted(folder: Folder) -> object:
    """Return what is made once and never again: the ids and the key."""
    show = folder / "show"
    return (show / "show.toml").read_bytes(), (show / ".podcast/secret_key").read_bytes(), new_show(folder)


def episode_files(folder: Folder) -> dict[str, bytes]:
    """Return the files of all episodes; what is being made has a name that begins with a dot."""
    return {name: data for name, data in show_files(folder).items() if not name.startswith((".", "store/"))}


def ingested(folder: Folder) -> object:
    """Return the files of the episode; its id is drawn, so episode.toml differs."""
    found = episode_files(folder)
    assert f'slug = "{SLUG}"'.encode() in found.pop(f"{SLUG}/episode.toml")
    return found


def transcript_files(folder: Folder) -> object:
    """Return the words and their files."""
    show = folder / "show"
    written = {path.name: path.read_bytes() for path in sorted(show.glob(f"{SLUG}.*"))}
    return files(show / "episodes" / SLUG), written


def readers(folder: Folder) -> object:
    """Return the addresses of all subscribers."""
    done = run(folder, ("--json", "subscribers", "list"))
    assert done.returncode == 0, done.stderr
    return [one["email"] for one in json.loads(done.stdout)["subscribers"]]


def feed_link(folder: Folder) -> object:
    """Return the reader's private feed link."""
    done = run(folder, ("subscribers", "link", READER))
    assert done.returncode == 0, done.stderr
    return done.stdout


COMMANDS = {
    "init": CutCommand(("init", "show"), "nothing", new_show, minted, refusal="already exists"),
    "subscribers add": CutCommand(("subscribers", "add", READER), "show", readers, feed_link),
    "ingest": CutCommand(INGEST, "show", ingested, episode_files),
    "transcribe": CutCommand(("transcribe", SLUG), "ingested", transcript_files, transcript_files),
    "publish": CutCommand(("publish", SLUG), "ingested", show_files, show_files),
    "transcript import": CutCommand(
        ("transcript", "import", SLUG, "{typed}"), "ingested", transcript_files, transcript_files
    ),
    "feed import": CutCommand(("feed", "import", "{feed}"), "show", show_files, show_files),
    "unpublish": CutCommand(("unpublish", "--yes", SLUG), "published", show_files, show_files),
    "withdraw": CutCommand(("withdraw", SLUG, "--all", "--yes"), "published", show_files, show_files),
}
"""Each is cut; a new command that writes is one line more."""


def store_of(folder: Folder) -> LocalStore:
    """Return the show's store."""
    return LocalStore(folder / "show/.podcast/store", base_url=MEDIA)


def assert_nothing_half_published(folder: Folder) -> None:
    """Assert that every object in the store is whole, and that the feed names no other."""
    there = objects(store_of(folder))  # reads each: other bytes than were stored are an error
    feed = there.get("public/feed.xml")
    for url, size in object_urls(feed[0]) if feed else ():
        body = there[url[url.index("public/") :]][0]
        assert size in (None, len(body)), url


def assert_kept(begin: Folder, folder: Folder) -> None:
    """Assert that the ids and the key from before the command are there."""
    if (begin / "show/show.toml").is_file():
        assert load_config(begin / "show", {}).show.id == load_config(folder / "show", {}).show.id
        key = "show/.podcast/secret_key"
        assert (begin / key).read_bytes() == (folder / key).read_bytes()
