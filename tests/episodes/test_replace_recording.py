"""Another recording in an episode's folder: what stays, what is named, and what a killed run leaves."""

import shutil
from pathlib import Path

import pytest

from podcast_pipeline.episodes import replace_recording as module
from podcast_pipeline.episodes.create import create_episode
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.episodes.library import Library
from podcast_pipeline.episodes.replace_recording import replace_recording
from podcast_pipeline.files import sha256_of

SLUG = "the-ferry"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """An episode made of one file, with a comment of a person in its episode.toml."""
    library = Library(tmp_path / "episodes", language="en")
    library.root.mkdir()
    create_episode(recording(tmp_path, "old.wav"), library, title="The ferry", guests=("Ana Lind",))
    path = library.root / SLUG / "episode.toml"
    path.write_text(path.read_text(encoding="utf-8") + "season = 3 # the winter\n", encoding="utf-8")
    return library


def recording(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(f"the sound of {name}".encode())
    return path


def replace(library: Library, source: Path, **tracks: Path) -> tuple[str, ...]:
    with library.open(SLUG) as folder:
        rows = [(name, path, None) for name, path in tracks.items()]
        return replace_recording(folder, source, tracks=rows)


def folder_of(library: Library) -> EpisodeFolder:
    return library.folder(SLUG)


def test_the_episode_stays_the_one_that_apps_know(library: Library, tmp_path: Path) -> None:
    """Id, guid, slug, comments and the other keys stay; source and its hash are the new file's."""
    before, new = folder_of(library).table, recording(tmp_path, "new.FLAC")
    assert replace(library, new) == ("source.wav",)
    folder = folder_of(library)
    kept = {"source", "source_sha256"}
    assert folder.table.model_dump(exclude=kept) == before.model_dump(exclude=kept)
    assert folder.table.source == f"source.{sha256_of(new)[:8]}.flac"
    assert folder.source.read_bytes() == new.read_bytes()
    assert folder.load_draft().source_sha256 == sha256_of(new)
    assert "# the winter" in (folder.path / "episode.toml").read_text(encoding="utf-8")
    assert (folder.path / "source.wav").read_bytes() == (tmp_path / "old.wav").read_bytes()


def test_again_it_writes_nothing(library: Library, tmp_path: Path) -> None:
    """The same recording a second time changes no byte and names no old file."""
    new = recording(tmp_path, "new.wav")
    replace(library, new)
    before = {path: path.read_bytes() for path in folder_of(library).path.iterdir() if path.is_file()}
    assert replace(library, new) == ()
    assert {path: path.read_bytes() for path in before} == before


def test_back_to_the_old_one(library: Library, tmp_path: Path) -> None:
    """The old recording can be put back the same way."""
    replace(library, recording(tmp_path, "new.wav"))
    replace(library, tmp_path / "old.wav")
    assert folder_of(library).load_draft().source_sha256 == sha256_of(tmp_path / "old.wav")


def test_a_file_saved_over_the_old_one_is_taken_where_it_lies(library: Library, tmp_path: Path) -> None:
    """A recording copied over source.wav becomes the recording, without a second copy."""
    source = folder_of(library).source
    shutil.copyfile(recording(tmp_path, "new.wav"), source)
    assert replace(library, source) == ()
    folder = folder_of(library)
    assert (folder.table.source, folder.load_draft().source_sha256) == ("source.wav", sha256_of(source))


def test_tracks_come_and_go_with_their_mix(library: Library, tmp_path: Path) -> None:
    """Tracks replace a mix, other tracks those, and one mix all of them; the old files are named."""
    ana, bo = recording(tmp_path, "ana.wav"), recording(tmp_path, "bo.wav")
    assert replace(library, recording(tmp_path, "mix.flac"), Ana=ana, Bo=bo) == ("source.wav",)
    folder = folder_of(library)
    assert [(track.name, track.sha256) for track in folder.check_tracks()] == [
        ("Ana", sha256_of(ana)),
        ("Bo", sha256_of(bo)),
    ]
    first = [folder.table.source, *(track.file for track in folder.table.tracks)]
    other = recording(tmp_path, "bo2.wav")
    gone = replace(library, recording(tmp_path, "mix2.flac"), Ana=ana, Bo=other)
    assert gone == (first[0], first[2])
    assert replace(library, recording(tmp_path, "alone.wav"))[1:] == (
        first[1],
        f"track-2.{sha256_of(other)[:8]}.wav",
    )
    assert folder_of(library).check_tracks() == ()


def test_a_killed_run_is_run_again(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before episode.toml names the new file, the folder has its old recording; a second run ends."""
    new, before = recording(tmp_path, "new.wav"), folder_of(library).table

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_atomically", killed)
        with pytest.raises(KeyboardInterrupt):
            replace(library, new)
    assert folder_of(library).table == before
    assert folder_of(library).load_draft().source_sha256 == before.source_sha256
    assert replace(library, new) == ("source.wav",)
