"""A file that a power cut or a bad disk damaged is made again or named; it is never published."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from podcast_pipeline import publish
from podcast_pipeline.audio import notice, tags
from podcast_pipeline.audio.source import check_audio
from podcast_pipeline.errors import AudioError, StoreError
from podcast_pipeline.pipeline.show_assets import build_show_assets
from podcast_pipeline.storage.download import download
from podcast_pipeline.storage.local import LocalStore
from tests.support.pipeline import catalog, context_of, edit, episode, store
from tests.support.show import SLUG, ShowFolder, copy_show_folder
from tests.support.sounds import ignore_progress

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "a quarter": lambda data: data[: len(data) // 4],
    "a page of zeros": lambda data: data[:8192] + bytes(4096) + data[12288:],
}


@pytest.fixture
def mastered(published: ShowFolder, tmp_path: Path) -> ShowFolder:
    """A show whose episode was mastered and not published."""
    show = copy_show_folder(published, tmp_path / "show")
    shutil.rmtree(show.bucket)
    (show.episode / "published.json").unlink()
    return show


def master_of(show: ShowFolder) -> Path:
    (path,) = (show.episode / "build").glob("master.*.mp3")
    return path


def of_build(warned: list[str]) -> list[str]:
    """Return the warnings about derived files; the names that are printed have others."""
    return [line for line in warned if "build/" in line]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_master_is_made_again_with_a_line(mastered: ShowFolder, damage: str) -> None:
    """The episode is published with its whole sound, and the producer reads why it took longer."""
    path, warned = master_of(mastered), list[str]()
    whole = path.read_bytes()
    path.write_bytes(DAMAGES[damage](whole))
    publish(replace(context_of(mastered), warn=warned.append), SLUG)
    assert of_build(warned) == [f"{SLUG}: build/{path.name} is damaged; it is made again"]
    assert path.read_bytes() == whole
    enclosure = episode(mastered).enclosure
    heard = check_audio(mastered.bucket / str(enclosure.key), report=ignore_progress)
    assert heard.duration_s == pytest.approx(enclosure.duration_s, abs=0.01)


def test_a_whole_master_is_used_without_a_line(mastered: ShowFolder) -> None:
    """Nothing is made that is there."""
    before, warned = master_of(mastered).stat().st_mtime_ns, list[str]()
    publish(replace(context_of(mastered), warn=warned.append), SLUG)
    assert (master_of(mastered).stat().st_mtime_ns, of_build(warned)) == (before, [])


def test_a_tagged_file_that_lost_sound_is_not_published(
    mastered: ShowFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever happened after the master was read, the file that would go out is opened once."""
    write_id3 = tags.write_id3

    def lose_sound(path: Path, written: tags.Id3Tags) -> None:
        path.write_bytes(path.read_bytes()[:100_000])
        write_id3(path, written)

    monkeypatch.setattr(tags, "write_id3", lose_sound)
    with pytest.raises(AudioError, match=r"has \d+\.\d s of sound, not 71\.\d s"):
        publish(context_of(mastered), SLUG)
    assert not (mastered.bucket / "private/catalog.json").exists()


def test_damaged_audio_does_not_move(published: ShowFolder, tmp_path: Path) -> None:
    """Audio that changes its access is compared with the catalog's hash on the way."""
    show = copy_show_folder(published, tmp_path / "show")
    body = (show.bucket / str(episode(show).enclosure.key)).resolve()
    body.write_bytes(bytes(body.stat().st_size))
    before = catalog(show)
    edit(show, 'title = "Two', 'access = "subscribers"\ntitle = "Two')
    with pytest.raises(StoreError, match="is damaged in the store; put it back from a backup"):
        publish(context_of(show), SLUG)
    assert catalog(show) == before


def test_a_download_with_other_bytes_leaves_the_old_file(tmp_path: Path) -> None:
    """Nothing takes the name of a file that is not the one that was meant."""
    LocalStore(tmp_path / "store", base_url="").put(
        "private/a", b"new", content_type="text/plain", cache_control="no-cache"
    )
    target = tmp_path / "a"
    target.write_bytes(b"old")
    with pytest.raises(StoreError, match="is damaged in the store"):
        download(LocalStore(tmp_path / "store", base_url=""), "private/a", target, sha256="0" * 64)
    assert (target.read_bytes(), sorted(path.name for path in tmp_path.iterdir())) == (b"old", ["a", "store"])


def test_a_damaged_notice_is_not_published(
    mastered: ShowFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installation whose notice audio is not ours is named."""
    assert notice.load_notice() == notice.PATH.read_bytes()
    damaged = tmp_path / "notice.mp3"
    damaged.write_bytes(notice.PATH.read_bytes()[:-1])
    monkeypatch.setattr(notice, "PATH", damaged)
    with pytest.raises(AudioError, match=r"notice\.mp3: is damaged; install podcast-pipeline again"):
        build_show_assets(context_of(mastered), None)
    assert [info.key for info in store(mastered).list("public/")] == []
