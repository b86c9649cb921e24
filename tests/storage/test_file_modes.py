"""Who may read what on a machine with several users: each file of a whole story, with its permissions."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path, PurePath
from stat import S_IMODE
from typing import Any

import pytest

from podcast_pipeline.config import load_config
from podcast_pipeline.storage.file_modes import find_open_files, restrict_files, store_mode
from podcast_pipeline.storage.local import LocalStore
from tests.support.ports import free_port
from tests.support.show import PODCAST, SLUG, ShowFolder, build_show_folder, copy_show_folder

HEADERS: dict[str, Any] = {"content_type": "text/plain", "cache_control": "no-store"}


def modes(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield (name, permissions) of a folder and all in it; links have none of their own."""
    for path in (folder, *sorted(folder.rglob("*"))):
        if not path.is_symlink():
            yield str(path.relative_to(folder)), S_IMODE(path.stat().st_mode)


def readable_by_others(folder: Path) -> list[str]:
    """Return what another user of the machine may read, write or enter."""
    return [name for name, mode in modes(folder) if mode & 0o077]


def run(show: ShowFolder, umask: int, *arguments: str, folder: Path | None = None) -> None:
    """Run a command under a umask."""
    done = subprocess.run(
        [PODCAST, *arguments],
        cwd=folder or show.folder,
        env={**show.environment, "PODCAST_DATABASE_URL": ""},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def serve_once(show: ShowFolder, umask: int) -> None:
    """Serve until the port answers: the database is written by then."""
    port = free_port()
    served = subprocess.Popen(
        [PODCAST, "serve", "--port", str(port)],
        cwd=show.folder,
        env={**show.environment, "PODCAST_DATABASE_URL": ""},
        umask=umask,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert served.stderr is not None
    while f":{port}" not in served.stderr.readline():
        assert served.poll() is None
        time.sleep(0.01)
    assert readable_by_others(show.folder / ".podcast") == []  # with the files of an open database
    served.terminate()
    served.communicate()


def test_nobody_else_can_read_a_file_of_a_whole_story(published: ShowFolder, tmp_path: Path) -> None:
    """Init, publish, subscribers, serve, export, withdraw: all is the owner's, even with umask 000."""
    tmp_path.chmod(0o755)
    run(ShowFolder(tmp_path), 0o000, "init", "show")
    show = ShowFolder(tmp_path / "show")
    shutil.copytree(published.episode, show.episode)  # with its finished master
    (show.episode / "published.json").unlink()
    for words in (
        ("publish", "--yes", SLUG),
        ("subscribers", "add", "ann@example.org"),
        ("subscribers", "export", "people.csv"),
        ("withdraw", SLUG, "--all", "--yes", "--reason", "a source asked"),
    ):
        run(show, 0o000, *words)
    serve_once(show, 0o000)
    names = {name for name, _ in modes(show.folder)}
    for kind in ("secret_key", "podcast.db", "withdrawals.jsonl", "store/.objects/private/catalog.json@"):
        assert any(name.startswith(f".podcast/{kind}") for name in names), kind
    ours = {f"episodes/{SLUG}", *(f"episodes/{SLUG}/{path.name}" for path in published.episode.iterdir())}
    assert [name for name in readable_by_others(show.folder) if name not in ours] == []
    assert f"episodes/{SLUG}/transcript.md" in ours  # as it was copied, in a folder that is closed
    assert S_IMODE((show.folder / "episodes").stat().st_mode) == 0o700


def test_nobody_else_can_read_what_a_transcription_and_a_master_leave(published: ShowFolder) -> None:
    """The raw words of the engine, the master and the store, made under the umask of this machine."""
    assert any("cache/windows" in name for name, _ in modes(published.folder / ".podcast"))
    graphs = re.compile(r"cache/derived/\w+/openvino/\d+\.blob")  # OpenVINO's mode
    assert [n for n in readable_by_others(published.folder / ".podcast") if not graphs.fullmatch(n)] == []
    assert readable_by_others(published.episode / "build") == []
    assert (
        readable_by_others(published.folder / "episodes") != []
    )  # notes as git made them, in a closed folder
    assert S_IMODE((published.folder / "episodes").stat().st_mode) == 0o700


def test_an_open_show_is_closed_by_the_next_command_which_says_so_once(
    published: ShowFolder, tmp_path: Path
) -> None:
    """A show of an earlier release, 0755 and 0644 all the way; a link in it is not followed."""
    show = copy_show_folder(published, tmp_path / "show")
    elsewhere = tmp_path / "weights"
    elsewhere.mkdir()
    (show.folder / ".podcast" / "elsewhere").symlink_to(elsewhere)
    for folder in (show.folder / ".podcast", show.folder / "episodes"):
        for path in (folder, *folder.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() else 0o644)
    first, second = show.run("list"), show.run("list")
    assert first.stderr.count("\n") == 2
    assert (
        ".podcast: other users of this machine could read it, transcripts too; now only you" in first.stderr
    )
    assert "set web_server_reads = true" in first.stderr
    assert "/episodes: other users of this machine could read it" in first.stderr
    assert second.stderr == ""
    assert readable_by_others(show.folder / ".podcast") == []
    assert S_IMODE((show.folder / "episodes").stat().st_mode) == 0o700
    assert S_IMODE(elsewhere.stat().st_mode) & 0o055


def test_an_episodes_folder_that_a_group_writes_in_stays_the_groups(tmp_path: Path) -> None:
    """A folder of 0775 was given to a group on purpose; only the rest is shut out."""
    show = build_show_folder(tmp_path / "show")
    (show.folder / "episodes").chmod(0o775)
    config = load_config(show.folder, {})
    assert len(restrict_files(config)) == 1
    assert restrict_files(config) == ()
    assert S_IMODE((show.folder / "episodes").stat().st_mode) == 0o770


def test_a_web_server_reads_the_public_bodies_and_nothing_else(published: ShowFolder, tmp_path: Path) -> None:
    """With web_server_reads the ways to public bodies are open, what is private is closed; off closes all."""
    show = copy_show_folder(published, tmp_path / "show")
    text = (show.folder / "show.toml").read_text(encoding="utf-8")
    reads = text.replace("[storage]\n", "[storage]\nweb_server_reads = true\n")
    (show.folder / "show.toml").write_text(reads, encoding="utf-8")
    said = show.run("list").stderr
    assert "store/public, which a web server can read" in said
    assert show.run("list").stderr == ""
    state = show.folder / ".podcast"
    found = dict(modes(state))
    open_to_others = {name for name, mode in found.items() if mode & 0o007}
    assert {found[name] for name in (".", "store", "store/.objects")} == {0o711}
    assert {
        name for name in open_to_others if not name.startswith(("store/public", "store/.objects/public"))
    } == {*(".", "store", "store/.objects")}
    for link in (path for path in (state / "store" / "public").rglob("*") if path.is_symlink()):
        body = link.resolve()
        assert S_IMODE(body.stat().st_mode) == 0o644
        assert all(S_IMODE(one.stat().st_mode) & 0o001 for one in body.parents if one.is_relative_to(state))
        assert S_IMODE((body.parent / "info.json").stat().st_mode) == 0o600
    assert show.run("rebuild").returncode == 0  # new objects have the same
    config = load_config(show.folder, {})
    assert list(find_open_files(config)) == []
    assert S_IMODE((state / "store/public/feed.xml").stat().st_mode) == 0o644
    (show.folder / "show.toml").write_text(text, encoding="utf-8")
    assert "now only you" in show.run("list").stderr
    assert readable_by_others(state) == []


def test_the_folder_store_closes_what_it_writes_under_any_umask(tmp_path: Path) -> None:
    """From Python, without the command line's umask, private objects are 0600 in 0700 all the same."""
    before = os.umask(0)
    try:
        for reads in (False, True):
            store = LocalStore(tmp_path / str(reads), base_url="", web_server_reads=reads)
            for key in ("public/a/b.txt", "private/a/b.txt"):
                store.put(key, b"x", **HEADERS)
    finally:
        os.umask(before)
    assert readable_by_others(tmp_path / "False") == []
    assert [name for name in readable_by_others(tmp_path / "True") if "private" in name] == []


@pytest.mark.parametrize(
    ("place", "is_folder", "mode"),
    [
        (".", True, 0o711),
        ("public", True, 0o755),
        ("public/audio", True, 0o755),
        ("private", True, 0o700),
        (".objects", True, 0o711),
        (".objects/public/feed.xml@1", True, 0o711),
        (".objects/public/feed.xml@1/body", False, 0o644),
        (".objects/public/feed.xml@1/info.json", False, 0o600),
        (".objects/private/catalog.json@1/body", False, 0o600),
        (".objects/private", True, 0o700),
        (".lock", False, 0o600),
    ],
)
def test_permissions_of_a_place_in_the_store(place: str, is_folder: bool, mode: int) -> None:
    """What a web server needs is open where asked for, and nothing is where it is not."""
    assert store_mode(PurePath(place), is_folder=is_folder, web_server_reads=True) == mode
    closed = store_mode(PurePath(place), is_folder=is_folder, web_server_reads=False)
    assert closed == (0o700 if is_folder else 0o600)


def test_doctor_names_what_is_open_and_what_a_web_server_cannot_enter(tmp_path: Path) -> None:
    """A folder that cannot be closed is named; so is the folder above that a web server cannot pass."""
    show = build_show_folder(tmp_path / "show").init_database()
    (tmp_path / "show").chmod(0o700)
    done = show.run("doctor", PODCAST_STORAGE_WEB_SERVER_READS="true")
    assert f"file permissions: a web server cannot enter {tmp_path / 'show'}" in done.stdout
    config = load_config(show.folder, {})
    (show.folder / ".podcast").chmod(0o755)
    (show.folder / "episodes").chmod(0o701)
    assert list(find_open_files(config)) == [show.folder / "episodes", show.folder / ".podcast"]
