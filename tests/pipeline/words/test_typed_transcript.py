"""A typed transcript becomes the words of an episode: times, speakers, review, refusals, interruptions."""

import json
import sys
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import pytest
import typer

from podcast_pipeline import Context, open_show
from podcast_pipeline.episodes import edits
from podcast_pipeline.errors import CaptionError, EpisodeError
from podcast_pipeline.files import write_atomically
from podcast_pipeline.model import Transcript, TranscriptProvenance
from podcast_pipeline.pipeline.words import typed_transcript
from podcast_pipeline.pipeline.words.review import load_review
from podcast_pipeline.pipeline.words.text import edited_transcript
from podcast_pipeline.pipeline.words.typed_transcript import TranscriptImport, import_transcript
from podcast_pipeline.transcript.review import ReviewItem
from tests.support.paths import ROOT
from tests.support.pipeline import episode, store
from tests.support.show import SLUG, ShowFolder, build_draft, copy_show_folder
from tests.support.word_files import paragraphs, saved

NOW = datetime(2026, 12, 1, 6, tzinfo=UTC)
SAID = (ROOT / "tests/data/sample/reference.txt").read_text(encoding="utf-8").splitlines()
LABELS = ("ROBIN", "Alex Marlowe")
SECRET = "a sentence that only this file has, Quetzalcoatl, to look for everywhere"


@pytest.fixture
def show(published: ShowFolder, tmp_path: Path) -> ShowFolder:
    """A show whose episode was transcribed and never published."""
    return build_draft(published, tmp_path / "show")


def script(lines: list[str]) -> str:
    return "\n\n".join(f"{LABELS[number % 2]}: {line}" for number, line in enumerate(lines))


def write(show: ShowFolder, text: str, name: str = "typed.txt") -> Path:
    path = show.folder / name
    path.write_text(text, encoding="utf-8")
    return path


def context(show: ShowFolder) -> Context:
    return open_show(show.folder, environ=show.environment, clock=lambda: NOW)


def take(show: ShowFolder, file: Path, *, replace: bool = False) -> TranscriptImport:
    def refuse(warning: str) -> None:
        raise typer.Abort(warning)

    return import_transcript(context(show), SLUG, file, replace=replace, confirm=refuse)


def heard(show: ShowFolder) -> Transcript:
    words = context(show).library.folder(SLUG).load_transcript()
    assert words is not None
    return words


def edited(show: ShowFolder) -> Transcript:
    return load_review(context(show).library.folder(SLUG), context(show)).edited.transcript


def differences(show: ShowFolder) -> list[ReviewItem]:
    found = load_review(context(show).library.folder(SLUG), context(show)).items
    return [item for item in found if item.kind in ("only_typed", "only_heard")]


def files(show: ShowFolder) -> dict[str, bytes]:
    names = ("transcript.json", "transcript.md", "edits.json")
    return {name: (show.episode / name).read_bytes() for name in names if (show.episode / name).exists()}


def test_every_word_has_a_time_and_the_speaker_of_the_file(show: ShowFolder) -> None:
    """The words are the file's; equal ones have the engine's times; names are those of host and guest."""
    done = take(show, write(show, script(SAID)))
    words, times = edited(show), {word.text: word.start_s for word in heard(show).words}
    assert words.text.split() == " ".join(SAID).split()
    assert (done.word_count, done.speaker_count, done.share > 0.8) == (len(words.words), 2, True)
    for text in (" Dashwood", " amiable", " superlative"):
        assert {word.text: word.start_s for word in words.words}[text] == times[text]
    starts = [word.start_s for word in words.words]
    assert starts == sorted(starts)
    turns = groupby(words.segments, key=lambda segment: words.speaker_name(segment.speaker))
    assert [(name, " ".join(s.text for s in turn)) for name, turn in turns] == [
        (("Robin Ashdown", "Alex Marlowe")[number % 2], line) for number, line in enumerate(SAID)
    ]
    assert differences(show) == []


def test_a_word_document(show: ShowFolder) -> None:
    """The same from a .docx with bold names."""
    lines = [[(LABELS[n % 2], True), (f" {line}", False)] for n, line in enumerate(SAID)]
    path = show.folder / "typed.docx"
    path.write_bytes(saved(paragraphs(*lines)))
    take(show, path)
    assert edited(show).text.split() == " ".join(SAID).split()


def test_a_file_without_speakers_keeps_the_voices(show: ShowFolder) -> None:
    """Nothing is said about who speaks: the voices stay as they were found."""
    before = [(segment.speaker, segment.start_s) for segment in heard(show).segments]
    take(show, write(show, "\n\n".join(SAID)))
    assert {segment.speaker for segment in edited(show).segments} == {speaker for speaker, _ in before}


def test_what_one_side_lacks_is_for_review_and_moves_no_other_word(show: ShowFolder) -> None:
    """An introduction that nobody said and a passage that was cut are items; all other times stay."""
    take(show, write(show, script([SECRET, *SAID[:2], *SAID[4:]])))
    found = {item.kind: item for item in differences(show)}
    assert SECRET.split(",")[0] in found["only_typed"].text
    assert found["only_heard"].text.startswith("It was the epoch of belief")
    times = {word.text: word.start_s for word in heard(show).words}
    assert {word.text: word.start_s for word in edited(show).words}[" superlative"] == times[" superlative"]
    assert "typed and not heard" in found["only_typed"].reason


def test_an_accepted_difference_is_not_listed_again(show: ShowFolder) -> None:
    """Accepting is kept; a correction in transcript.md ends the other difference."""
    take(show, write(show, script([SECRET, *SAID[:2], *SAID[4:]])))
    text = edits.read_episode_text(context(show).library.folder(SLUG))
    for item in differences(show):
        if item.kind == "only_heard":
            edits.record_acceptance(text, item.key)
    path = show.episode / "transcript.md"
    path.write_text(path.read_text(encoding="utf-8").replace(SECRET, ""), encoding="utf-8")
    assert differences(show) == []


def test_importing_again_changes_nothing_and_asks_nothing(show: ShowFolder) -> None:
    """The same file again leaves every byte; a corrected file replaces what the first one wrote."""
    file = write(show, script(SAID))
    take(show, file)
    before = files(show)
    take(show, file)
    assert files(show) == before
    take(show, write(show, script([line.replace("cold-hearted", "warm-hearted") for line in SAID])))
    assert "warm-hearted" in edited(show).text


def test_edits_by_hand_are_asked_about(show: ShowFolder) -> None:
    """A person's correction stops the import where nobody confirms; --yes replaces it and keeps the file."""
    file = write(show, script(SAID))
    take(show, file)
    path = show.episode / "transcript.md"
    path.write_text(path.read_text(encoding="utf-8").replace("amiable", "agreeable"), encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(
        typer.Abort, match=r"changes since the last import made by hand in transcript\.md would be replaced"
    ):
        take(show, file)
    assert path.read_bytes() == before
    done = show.run("transcript", "import", SLUG, str(file))
    assert (done.returncode, "--yes: is needed without a terminal" in done.stderr) == (2, True)
    done = show.run("--json", "transcript", "import", "--yes", SLUG, str(file))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["differences"] == dict.fromkeys(
        ("only_typed", "only_heard", "numbers", "negations"), 0
    )
    assert "agreeable" not in edited(show).text
    assert any(
        "agreeable" in old.read_text(encoding="utf-8") for old in (show.episode / "build").glob("*.md")
    )


def test_another_episodes_transcript_is_refused(show: ShowFolder) -> None:
    """The line has the share of the words that were heard and no word of the file; nothing is written."""
    take(show, write(show, script(SAID)))
    before = files(show)
    other = " ".join(f"the word{n} of {SECRET} is house{n % 7} and" for n in range(60))
    with pytest.raises(EpisodeError) as caught:
        take(show, write(show, other, "other.txt"))
    line = "other.txt is no transcript of this recording: 0% of its words were heard; give the right file,"
    larger = f"or, if it is, run `podcast transcribe {SLUG} --model small`, or a larger model"
    assert str(caught.value) == f"{SLUG}: {line} {larger}"
    assert files(show) == before


def test_no_word_of_the_file_is_printed(show: ShowFolder) -> None:
    """Neither output, nor log messages, nor errors have a word of what was typed."""
    good, bad = write(show, script([SECRET, *SAID])), write(show, f"{SECRET} " * 40, "bad.txt")
    for file in (good, bad, write(show, SECRET, "bad.docx"), write(show, SECRET, "bad.srt")):
        done = show.run("-v", "--json", "transcript", "import", "--yes", SLUG, str(file))
        assert "Quetzalcoatl" not in done.stdout + done.stderr
        assert done.returncode == (0 if file == good else 1)


@pytest.mark.parametrize("name", ["missing.txt", "folder.txt"])
def test_a_file_that_is_none_is_one_line(show: ShowFolder, name: str) -> None:
    """A missing file and a folder are named."""
    (show.folder / "folder.txt").mkdir()
    with pytest.raises(CaptionError, match=rf"{name}: is no file; give the typed transcript"):
        take(show, show.folder / name)


def test_a_file_that_is_too_large_is_refused(show: ShowFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is read than an import takes."""
    monkeypatch.setattr(typed_transcript, "LARGEST_BYTES", 1024**2)
    with pytest.raises(CaptionError, match="has more than 1 MB; is it the right file"):
        take(show, write(show, "a " * 1024**2))


@pytest.mark.skipif(sys.platform != "linux", reason="has no /proc")
def test_a_file_that_does_not_say_its_size_is_not_read_whole(
    show: ShowFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of the system has 0 bytes and many, as one that grows has."""
    monkeypatch.setattr(typed_transcript, "LARGEST_BYTES", 10)
    (show.folder / "grows.txt").symlink_to("/proc/self/status")
    with pytest.raises(CaptionError, match="has more than 0 MB"):
        take(show, show.folder / "grows.txt")


def test_a_published_transcript_is_corrected_only_on_request(published: ShowFolder, tmp_path: Path) -> None:
    """Without --replace it is refused; with it, the next publication is a second version."""
    show = copy_show_folder(published, tmp_path / "show")
    file = write(show, script(SAID))
    with pytest.raises(EpisodeError, match="is published with a transcript; pass --replace to correct it"):
        take(show, file)
    assert show.run("transcript", "import", "--replace", SLUG, str(file)).returncode == 0
    done = show.run("publish", "--yes", SLUG)
    assert done.returncode == 0, done.stderr
    assert episode(show).provenance == TranscriptProvenance(made_by="person")
    versions = episode(show).transcripts
    vtt = store(show).get(versions[-1].file_keys["vtt"])[1].decode()
    assert (len(versions), "<v Alex Marlowe>And Mr. John Dashwood" in vtt) == (2, True)


def test_another_transcription_keeps_the_typed_words(show: ShowFolder) -> None:
    """New engine words get the differences of the file as a person's edits; the import is still known."""
    take(show, write(show, script(SAID)))
    old = heard(show)
    words = old.segments[0].words
    other = old.model_copy(
        update={"segments": (old.segments[0].model_copy(update={"words": words[:-1]}), *old.segments[1:])}
    )
    with context(show).library.open(SLUG) as folder:
        edits.replace_transcript(folder, other, now=NOW)
        edited_transcript(folder, folder.load_draft(), other, None, context(show))
        assert edits.read_episode_text(folder).edits.typed
    assert len(set(" ".join(SAID).split()) - set(edited(show).text.split())) <= 1


@pytest.mark.parametrize("writes", range(3))
def test_a_killed_import_is_run_again(show: ShowFolder, monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    """Wherever it stops between two writes, the same command ends with the same files, and asks nothing."""
    file, real, left = write(show, script(SAID)), write_atomically, iter(range(writes))
    take(show, write(show, script(SAID[:-1]), "before.txt"))

    def write_some(path: Path, data: bytes, *, mode: int | None = None) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        real(path, data, mode=mode)

    with monkeypatch.context() as patch:
        patch.setattr("podcast_pipeline.episodes.edits.write_atomically", write_some)
        with pytest.raises(KeyboardInterrupt):
            take(show, file)
    take(show, file)
    killed = files(show)
    for name in ("transcript.md", "edits.json"):
        (show.episode / name).unlink()
    take(show, file)
    assert killed == files(show)
