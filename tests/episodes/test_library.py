"""The library: episodes are created once, faults are errors, and no file is half written."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import av
import pytest

from podcast_pipeline.audio.recording.opening import FORMATS
from podcast_pipeline.episodes.create import create_episode, slug_of
from podcast_pipeline.episodes.library import Library
from podcast_pipeline.errors import ConfigError, EpisodeError
from podcast_pipeline.files import atomic_folder, sha256_of, write_atomically
from podcast_pipeline.model import CONTROL_CHARACTERS, FrozenModel


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "episodes", language="en")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "Ann Example, live.WAV"
    path.write_bytes(b"RIFF....")
    return path


def edit(library: Library, slug: str, old: str, new: str) -> None:
    path = library.root / slug / "episode.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_minted_episode_can_be_loaded(library: Library, recording: Path) -> None:
    """Title and slug come from the file's name, id and guid are one UUID."""
    slug = create_episode(recording, library, guests=("Ann Example",), notes="Hello")
    draft = library.folder(slug).load_draft()
    assert slug == "ann-example-live"
    assert UUID(draft.guid) == draft.id
    assert (draft.notes, draft.persons[0].name, draft.persons[0].role) == ("Hello", "Ann Example", "guest")


def test_topics_are_the_producers(library: Library, recording: Path) -> None:
    """The topics of episode.toml are in the draft, in that order."""
    slug = create_episode(recording, library)
    edit(library, slug, "guests = []", 'guests = []\ntopics = ["Water", "City hall"]')
    assert library.folder(slug).load_draft().topics == ("Water", "City hall")


@pytest.mark.parametrize("of_show", [False, True])
@pytest.mark.parametrize("own", [None, False, True])
def test_explicit_is_inherited_from_the_show(
    tmp_path: Path, recording: Path, of_show: bool, own: bool | None
) -> None:
    """An episode is as explicit as its show, unless its episode.toml says otherwise."""
    made = Library(tmp_path / "shows", language="en", explicit=of_show)
    slug = create_episode(recording, made)
    if own is not None:
        edit(made, slug, "guests = []", f"guests = []\nexplicit = {str(own).lower()}")
    assert made.folder(slug).load_draft().explicit is (of_show if own is None else own)


def test_the_source_is_kept_byte_for_byte(library: Library, recording: Path) -> None:
    """The copied recording has the bytes of the original, and its hash is recorded."""
    slug = create_episode(recording, library)
    kept = library.folder(slug).source
    assert kept.read_bytes() == recording.read_bytes()
    assert library.folder(slug).load_draft().source_sha256 == sha256_of(recording)


def test_the_same_recording_again_is_the_same_episode(library: Library, recording: Path) -> None:
    """Creating an episode twice gives one folder, id and slug: an interrupted run can be repeated."""
    said = {"title": "A title", "guests": ("Ann",), "notes": "Notes"}
    first = create_episode(recording, library, **said)  # type: ignore[arg-type]
    assert (create_episode(recording, library), create_episode(recording, library, **said)) == (first, first)  # type: ignore[arg-type]
    assert list(library.slugs()) == [first]


@pytest.mark.parametrize(
    "other", [{"title": "Another"}, {"slug": "another"}, {"guests": ("Bob",)}, {"notes": "Other notes"}]
)
def test_what_an_episode_does_not_say_is_not_lost_in_silence(
    library: Library, recording: Path, other: dict[str, object]
) -> None:
    """Another title, slug, guest or note for the recording of an episode is an error that names it."""
    known = create_episode(recording, library, title="A title", guests=("Ann",), notes="Notes")
    with pytest.raises(EpisodeError, match=f"{known}: .* has other {next(iter(other))}; change"):
        create_episode(recording, library, **other)  # type: ignore[arg-type]
    assert library.folder(known).load_draft().title == "A title"


def test_the_recording_of_a_withdrawn_episode_may_come_again(library: Library, recording: Path) -> None:
    """The recording of a withdrawn episode becomes another episode, with another slug."""
    known = create_episode(recording, library)
    again = create_episode(recording, library, slug="again", unpublished_slugs=frozenset({known}))
    ids = [library.folder(slug).load_draft().id for slug in (again, known)]
    assert (again, ids[0] == ids[1]) == ("again", False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"slug": "../../evil"},
        {"slug": "UPPER"},
        {"slug": "x" * 300},
        {"title": "x" * 256},
        {"title": "a\nb"},
        {"title": "\x1b[31mred"},
        {"title": "half \udcff"},
        {"guests": (" ",)},
    ],
)
def test_what_episode_toml_could_not_hold_names_its_option(
    library: Library, recording: Path, wrong: dict[str, object]
) -> None:
    """The error line begins with the option, and nothing is written, in the library or outside of it."""
    with pytest.raises(EpisodeError, match=r"^--(slug|title|guest)") as refused:
        create_episode(recording, library, **wrong)  # type: ignore[arg-type]
    assert len(str(refused.value)) < 250
    assert not library.root.exists()


@pytest.mark.parametrize("name", ["a\nb\x1b[31m.wav", "b\udcffd.wav", "👨\u200d👩\u200d👧 at home.wav"])
def test_any_file_name_gives_a_readable_title(library: Library, tmp_path: Path, name: str) -> None:
    """Line ends, control characters and bytes that are not UTF-8 are not in the title."""
    recording = tmp_path / name
    recording.write_bytes(b"RIFF")
    title = library.folder(create_episode(recording, library, slug="one")).load_draft().title
    assert not CONTROL_CHARACTERS.search(title)
    assert title


@pytest.mark.parametrize(
    ("name", "title", "slug", "kept"),
    [
        ("Dr. Smith talks", "Dr. Smith talks", "dr-smith-talks", "source"),
        ("Dr. Smith talks.WAV", "Dr. Smith talks", "dr-smith-talks", "source.wav"),
        ("ep. 12 with No. 5", "Ep. 12 with No. 5", "ep-12-with-no-5", "source"),
        ("ep. 12 with No. 5.flac", "Ep. 12 with No. 5", "ep-12-with-no-5", "source.flac"),
        ("A word with St.John", "A word with St.John", "a-word-with-st-john", "source"),
        ("v1.2", "V1.2", "v1-2", "source"),
        ("NATO and Jean-Luc.m4a", "NATO and Jean-Luc", "nato-and-jean-luc", "source.m4a"),
        ("the_long-night.opus", "The long night", "the-long-night", "source.opus"),
        ("talk." + "x" * 250, "Talk." + "x" * 250, "talk", "source"),
    ],
)
def test_a_dot_in_a_name_is_part_of_it(
    library: Library, tmp_path: Path, name: str, title: str, slug: str, kept: str
) -> None:
    """Only the known extensions of recordings are removed from a name; a guest's name stays as written."""
    recording = tmp_path / name
    recording.write_bytes(b"RIFF")
    minted = create_episode(recording, library)
    assert (minted, library.folder(minted).load_draft().title) == (slug, title)
    assert library.folder(minted).source.name == kept


def test_a_dot_in_the_name_of_a_track_is_part_of_it(
    library: Library, recording: Path, tmp_path: Path
) -> None:
    """A track is stored under its number, with its extension if there is one."""
    files = [tmp_path / name for name in ("Ann. " + "b" * 240, "Dr. Smith.flac")]
    for file in files:
        file.write_bytes(file.name.encode())
    slug = create_episode(
        recording, library, tracks=[(f"Guest {n}", file, None) for n, file in enumerate(files)]
    )
    assert sorted(path.name for path in library.folder(slug).path.glob("track*")) == [
        "track-1",
        "track-2.flac",
    ]


def test_a_slug_of_another_recording_is_refused(library: Library, recording: Path, tmp_path: Path) -> None:
    """A used slug is refused for another recording, and nothing is written."""
    other = tmp_path / "other.wav"
    other.write_bytes(b"other")
    create_episode(recording, library, slug="taken")
    with pytest.raises(EpisodeError, match="pass another --slug"):
        create_episode(other, library, slug="taken")
    assert [p.name for p in library.root.iterdir()] == ["taken"]


@pytest.mark.parametrize("slug", ["Ann", "a b", "ä", "../up", "-a", "a--b"])
def test_a_slug_that_is_not_ascii_words_is_refused(library: Library, recording: Path, slug: str) -> None:
    """A slug has only a-z, 0-9 and single hyphens; a refused slug leaves no folder."""
    with pytest.raises(EpisodeError, match=r"^--slug"):
        create_episode(recording, library, slug=slug)
    assert not list(library.root.glob("*/episode.toml"))


def test_a_title_without_ascii_letters_gets_an_ascii_slug(library: Library, recording: Path) -> None:
    """A title in another script is transliterated to ASCII."""
    assert create_episode(recording, library, title="Привет, Zoë!") == "privet-zoe"


def test_an_unknown_key_names_the_near_one(library: Library, recording: Path) -> None:
    """A typo in a key of episode.toml is an error that names the nearest key."""
    slug = create_episode(recording, library)
    edit(library, slug, "title =", "titel =")
    with pytest.raises(ConfigError, match=r"did you mean title\?"):
        library.folder(slug).load_draft()


def test_a_changed_source_is_refused(library: Library, recording: Path) -> None:
    """Another recording than the ingested one is an error that names the remedy."""
    slug = create_episode(recording, library)
    library.folder(slug).source.write_bytes(b"something else")
    with pytest.raises(EpisodeError, match="put it back"):
        library.folder(slug).load_draft()


def test_a_folder_that_disagrees_with_its_slug_is_refused(library: Library, recording: Path) -> None:
    """A folder with another name than its slug is an error."""
    slug = create_episode(recording, library)
    (library.root / slug).rename(library.root / "renamed")
    with pytest.raises(EpisodeError, match="must agree"):
        library.folder("renamed").load_draft()


def test_no_such_episode_says_how_to_list(library: Library) -> None:
    """The error of an unknown slug names the command that lists the slugs."""
    with pytest.raises(EpisodeError, match="podcast list"):
        library.folder("nothing-here").load_draft()


class Note(FrozenModel):
    """A stage's result in tests."""

    text: str


def test_a_stage_is_made_once_for_the_same_inputs(library: Library, recording: Path) -> None:
    """Equal inputs reuse the result; other inputs make another result, and the old one goes."""
    folder = library.folder(create_episode(recording, library))
    made: list[str] = []
    warned: list[str] = []

    def stage(version: int) -> tuple[Path, Note]:
        def make(target: Path) -> Note:
            made.append(target.name)
            target.write_bytes(b"result")
            return Note(text=str(version))

        return folder.build_once(
            "stage", ".bin", inputs={"version": version}, result_type=Note, build=make, warn=warned.append
        )

    first = stage(1)
    assert stage(1) == first
    assert stage(2) != first
    assert (len(made), warned) == (2, [])
    (folder.build / "stage.by-hand.bin").touch()
    newest, _ = stage(3)
    kept = sorted(path.name for path in folder.build.iterdir())
    assert kept == sorted([newest.name, newest.with_suffix(".json").name, "stage.by-hand.bin"])


def test_a_stage_without_its_note_is_made_again(library: Library, recording: Path) -> None:
    """A result without its note counts as interrupted and is made again."""
    folder = library.folder(create_episode(recording, library))
    runs: list[int] = []

    def make(target: Path) -> Note:
        runs.append(1)
        target.write_bytes(b"result")
        return Note(text="done")

    warned: list[str] = []
    target, _ = folder.build_once(
        "stage", ".bin", inputs={}, result_type=Note, build=make, warn=warned.append
    )
    target.with_suffix(".json").unlink()
    folder.build_once("stage", ".bin", inputs={}, result_type=Note, build=make, warn=warned.append)
    assert (len(runs), warned) == (2, [])


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda data: data[:3],
    "zeros": lambda data: bytes(len(data)),
    "longer": lambda data: data + bytes(4096),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_of_a_stage_is_made_again_with_a_line(
    library: Library, recording: Path, damage: str
) -> None:
    """A file that is not as its note has it is not believed by its name, whatever a power cut left of it."""
    folder = library.folder(create_episode(recording, library))
    warned: list[str] = []

    def make(target: Path) -> Note:
        target.write_bytes(b"result")
        return Note(text="done")

    for _ in range(2):
        target, note = folder.build_once(
            "stage", ".bin", inputs={}, result_type=Note, build=make, warn=warned.append
        )
        assert (target.read_bytes(), note) == (b"result", Note(text="done"))
        target.write_bytes(DAMAGES[damage](b"result"))
    assert warned == [f"{folder.slug}: build/{target.name} is damaged; it is made again"]


def test_a_note_of_an_earlier_release_is_no_proof(library: Library, recording: Path) -> None:
    """A note without the file's hash, as releases before this one wrote it, has the stage made again."""
    folder = library.folder(create_episode(recording, library))

    def make(target: Path) -> Note:
        target.write_bytes(b"result")
        return Note(text="new")

    target, _ = folder.build_once("stage", ".bin", inputs={}, result_type=Note, build=make, warn=fail)
    target.with_suffix(".json").write_text('{"text": "old"}', encoding="utf-8")
    _, note = folder.build_once("stage", ".bin", inputs={}, result_type=Note, build=make, warn=fail)
    assert note == Note(text="new")


def fail(line: str) -> None:
    raise AssertionError(line)


def test_a_folder_that_is_being_made_is_no_episode(library: Library, recording: Path) -> None:
    """What a killed `ingest` left is not listed and is removed by the next; one at work keeps its folder."""
    slug = create_episode(recording, library)
    left = library.root / ".left.0123456789abcdef.part"
    shutil.copytree(library.root / slug, left)
    assert list(library.slugs()) == [slug]
    assert library.slug_of_source(sha256_of(recording)) == slug
    other = recording.with_name("Bo.wav")
    other.write_bytes(b"RIFF....Bo")
    with atomic_folder(library.root / "at-work") as at_work:
        create_episode(other, library)
        assert at_work.is_dir()
    assert sorted(path.name for path in library.root.iterdir()) == [slug, "at-work", "bo"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """A failed write keeps the old file and leaves no temporary file."""
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


EPISODE_TOML = f"""id = "{UUID(int=1)}"
guid = "g"
slug = "talk"
title = "Talk"
source = "source.wav"
source_sha256 = "{"0" * 64}"
"""


def talk(folder: Path, text: str = EPISODE_TOML) -> Library:
    """Return a library with the episode `talk`, and beside it a key that nobody may read."""
    library = Library(folder / "episodes", language="en")
    (library.root / "talk" / "build").mkdir(parents=True)
    (library.root / "talk" / "episode.toml").write_text(text, encoding="utf-8")
    (folder / "secret_key").write_text("k" * 32)
    return library


NAMES = [
    *("notes.md", "transcript.md", "transcript.json", "edits.json", "base.json", "published.json"),
    *("imported.vtt", "imported.srt", "imported.json", "imported.html", "imported.txt"),
    *("episode.toml", "accuracy.md", "source.wav", "build/came", "build/master.0123456789abcdef.mp3"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    """Git carries links: one to the secret key would put the key into the public feed (s13)."""
    library = talk(tmp_path)
    path = library.root / "talk" / name
    path.unlink(missing_ok=True)
    path.symlink_to(tmp_path / "secret_key")
    with pytest.raises(EpisodeError, match=rf"talk: {name} leads to .*secret_key; put a plain file"):
        library.folder("talk")


def test_a_link_inside_of_the_folder_is_its_own_file(tmp_path: Path) -> None:
    """A recording may have a second name in the folder; nothing leaves it."""
    library = talk(tmp_path)
    (library.root / "talk" / "recorder.wav").write_bytes(b"RIFF")
    (library.root / "talk" / "source.wav").symlink_to("recorder.wav")
    assert library.folder("talk").source.read_bytes() == b"RIFF"


@pytest.mark.parametrize("name", ["build", "."])
def test_a_folder_that_is_a_link_is_refused(tmp_path: Path, name: str) -> None:
    """Neither `build/` nor the episode itself is another folder of this machine."""
    library = talk(tmp_path)
    path = library.root / "talk" / name
    path.rename(tmp_path / "elsewhere")
    (library.root / "talk" if name == "." else path).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EpisodeError, match=r"talk: .*leads to .*elsewhere"):
        library.folder("talk")


@pytest.mark.parametrize(
    "name",
    ["../../secret_key", "/etc/hostname", "..\\\\..\\\\secret_key", "C:\\\\key.wav", "sub/../../x.wav"],
)
@pytest.mark.parametrize("key", ["source", "tracks"])
def test_a_recording_elsewhere_is_refused(tmp_path: Path, key: str, name: str) -> None:
    """`source` and `file` of a track name a file of the episode's folder, and no other (s16)."""
    text = EPISODE_TOML.replace("source.wav", name) if key == "source" else EPISODE_TOML
    if key == "tracks":
        text += f'[[tracks]]\nname = "Ann"\nfile = "{name}"\nsha256 = "{"0" * 64}"\n'
    with pytest.raises(EpisodeError, match=r"leads out of .*talk; copy the file into it"):
        talk(tmp_path, text).folder("talk")


@pytest.mark.parametrize("name", ["notes.md", "source.wav", "edits.json"])
def test_a_pipe_for_a_file_is_refused(tmp_path: Path, name: str) -> None:
    """Reading it would wait for ever."""
    library = talk(tmp_path)
    os.mkfifo(library.root / "talk" / name)
    with pytest.raises(EpisodeError, match=rf"{name} leads to .*, a pipe or a device; put"):
        library.folder("talk")


@pytest.mark.parametrize("slug", ["con", "aux", "com1", "lpt9"])
def test_a_name_that_windows_keeps_is_no_slug(tmp_path: Path, slug: str) -> None:
    """A clone on Windows could not have the episode's folder."""
    (tmp_path / "rec.wav").write_bytes(b"x")
    with pytest.raises(EpisodeError, match=rf"{slug}: is a name that Windows keeps for a device"):
        create_episode(tmp_path / "rec.wav", Library(tmp_path / "e", language="en"), title=slug.upper())


def test_a_clone_without_the_recording_can_be_read(library: Library, recording: Path) -> None:
    """Recordings are not in git: what does not hear it goes on, what does is a line that says what to do."""
    slug = create_episode(recording, library)
    folder = library.folder(slug)
    assert folder.require_recording() == folder.source
    folder.source.unlink()
    assert folder.load_draft().source_sha256 == folder.table.source_sha256
    with pytest.raises(EpisodeError, match=r"source\.wav is not here, as recordings are not in git; copy it"):
        folder.require_recording()


def test_notes_of_megabytes_are_no_notes(library: Library, recording: Path) -> None:
    """They are refused with a line, not worked on for minutes."""
    slug = create_episode(recording, library)
    (library.root / slug / "notes.md").write_text("word " * 50_000, encoding="utf-8")
    with pytest.raises(EpisodeError, match=r"notes\.md: has 250 kB; show notes have at most 200"):
        library.folder(slug).load_draft()


def test_a_title_that_is_too_long_is_said_so(library: Library, recording: Path, tmp_path: Path) -> None:
    """A title of 300 letters is told as that, also where its first letters are another episode's slug."""
    create_episode(recording, library, title="long " * 20)
    other = tmp_path / "other.wav"
    other.write_bytes(b"RIFF other")
    with pytest.raises(EpisodeError, match=r"--title: give one line .* at most 255 characters"):
        create_episode(other, library, title="long " * 60)


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("The mayor's budget", "the-mayors-budget"),
        ("L’été, d’après O’Brien", "lete-dapres-obrien"),
        ("日本語の話", "ri-ben-yu-nohua"),
        ("🎙", ""),
    ],
)
def test_a_slug_is_made_from_the_words_of_a_title(title: str, slug: str) -> None:
    """An apostrophe joins; a title in another script is spelled in Latin letters."""
    assert slug_of(title) == slug


def test_a_path_below_a_file_is_no_episode(tmp_path: Path) -> None:
    """`podcast publish rec.wav` of what is a pipe asks for an episode of that name."""
    (tmp_path / "e").mkdir()
    (tmp_path / "rec.wav").touch()
    with pytest.raises(EpisodeError, match="there is no such episode, nor such a file"):
        Library(tmp_path / "e", language="en").folder(str(tmp_path / "rec.wav"))


NO_SOUND = frozenset({"avif", "heic", "heif", "ism", "mks", "psp", "mac"})
"""Suffixes that ffmpeg gives these formats too: pictures, playlists, subtitles, and words of a title."""


@pytest.mark.parametrize("format_", FORMATS.split(","))
def test_a_default_title_has_no_suffix_of_a_recording(tmp_path: Path, library: Library, format_: str) -> None:
    """The suffixes of every format that is read are left out, in any case."""
    suffixes = av.ContainerFormat(format_, "r").extensions | {format_} & {"amr", "asf", "dsf", "wtv", "loas"}
    for number, suffix in enumerate(sorted(suffixes - NO_SOUND)):
        path = tmp_path / f"call_with-ann {number}.{suffix.upper()}"
        path.write_bytes(f"{format_} {number}".encode())
        folder = library.folder(create_episode(path, library))
        assert folder.table.title == f"Call_with-ann {number}"
        assert folder.table.source == f"source.{suffix}"
