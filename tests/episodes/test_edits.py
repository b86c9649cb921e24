"""transcript.md and edits.json in an episode's folder: no edit is ever lost."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from podcast_pipeline.config import GlossaryTable
from podcast_pipeline.episodes import edits
from podcast_pipeline.episodes.create import create_episode
from podcast_pipeline.episodes.edits import (
    EditedTranscript,
    current_edits,
    merge_edits,
    read_episode_text,
    replace_transcript,
)
from podcast_pipeline.episodes.library import Library
from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.files import short_sha256
from podcast_pipeline.model import Receipt, Segment, Speaker, Transcript, Word
from podcast_pipeline.transcript.edits import NameFix
from podcast_pipeline.transcript.names.glossary import Glossary, build_glossary, find_name_fixes

NOW = datetime(2026, 3, 3, 6, tzinfo=UTC)
SLUG = "the-hearing"
NAMES = build_glossary(GlossaryTable(), people=("Ann Kellner",))
WRITES = ("os.rename", "os.link", "os.remove")
FIRST = (
    ("S0", "Welcome back to the show, everybody."),
    ("S0", "With me today is Ann Kelner, who kept the village archive."),
    ("S1", "Thank you, I am very glad that you asked me."),
    ("S1", "We found the letter in a tin box beneath the stairs."),
    ("S0", "And nobody had opened it before?"),
    ("S1", "Nobody, not for forty years."),
)
AGAIN = tuple((who, text.replace("tin box", "thin box").replace("today is", "today")) for who, text in FIRST)


def heard(sentences: tuple[tuple[str, str], ...], model: str = "base") -> Transcript:
    """Return an engine's transcript, with a word every 0.4 s."""
    at_s, segments = 0.0, []
    for who, text in sentences:
        words = []
        for word in text.split():
            words.append(Word(text=f" {word}", start_s=at_s, end_s=at_s + 0.3, confidence=0.9))
            at_s += 0.4
        segments.append(Segment(speaker=who, words=tuple(words)))
    receipt = Receipt(
        engine="e", engine_version="1", model=model, weights_sha256="0" * 64, audio_sha256="1" * 64
    )
    speakers = (Speaker(id="S0"), Speaker(id="S1"))
    return Transcript(
        language="en", duration_s=at_s, segments=tuple(segments), speakers=speakers, receipt=receipt
    )


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """An episode that was transcribed once and not edited yet."""
    made = Library(tmp_path / "episodes", language="en")
    (tmp_path / "a.wav").write_bytes(b"sound")
    create_episode(tmp_path / "a.wav", made, slug=SLUG, title="The hearing")
    made.folder(SLUG).save_transcript(heard(FIRST))
    return made


def publish(
    library: Library, *, names: Glossary = NAMES, out: bool = False, keep: bool = True
) -> EditedTranscript:
    """Do with the words what a publication does."""
    folder = library.folder(SLUG)
    words = folder.load_transcript()
    assert words is not None
    return merge_edits(folder, folder.load_draft(), words, glossary=names, in_catalog=out, now=NOW, save=keep)


def transcribe(library: Library, words: Transcript) -> EditedTranscript:
    """Do with new words what `podcast transcribe` does."""
    replace_transcript(library.folder(SLUG), words, now=NOW)
    return publish(library)


def document(library: Library) -> Path:
    return library.folder(SLUG).transcript_md


def edit(library: Library, *changes: tuple[str, str]) -> None:
    text = document(library).read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    document(library).write_text(text, encoding="utf-8")


def files(library: Library) -> dict[str, bytes]:
    folder = library.folder(SLUG).path
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_first_document_has_the_names_put_right(library: Library) -> None:
    """transcript.md is written from the engine's words with the name fixes, which are recorded."""
    first = publish(library)
    (fix,) = first.edits.fixes
    assert (fix.before, fix.after, fix.start_s) == ("Ann Kelner,", "Ann Kellner,", 4.0)
    assert "Ann Kellner" in document(library).read_text(encoding="utf-8")
    assert library.folder(SLUG).load_transcript() == heard(FIRST)
    assert [w.start_s for w in first.transcript.words] == [w.start_s for w in heard(FIRST).words]


def test_publishing_again_writes_nothing(library: Library) -> None:
    """Without a change no file changes and the words stay."""
    first = publish(library)
    before = files(library)
    assert publish(library) == first
    assert files(library) == before


def test_a_saved_document_is_what_is_published(library: Library) -> None:
    """Corrected words get the times of the words they replace; all others keep theirs exactly."""
    publish(library)
    edit(library, ("tin box", "iron chest"), ("**Speaker 2**", "**Bea Holm**"), ("very ", ""))
    then = publish(library)
    assert "iron chest" in then.transcript.text
    assert {then.transcript.speaker_name(s.speaker) for s in then.transcript.segments} == {
        "Speaker 1",
        "Bea Holm",
    }
    times = {w.text: w.start_s for w in heard(FIRST).words}
    kept = [w for w in then.transcript.words if w.text in times and w.text.strip() not in ("the", "you,")]
    assert all(w.start_s in {v.start_s for v in heard(FIRST).words if v.text == w.text} for w in kept)
    assert {e.kind for e in read_episode_text(library.folder(SLUG)).edits.edits} == {"words", "turn"}


def test_edits_survive_another_transcription(library: Library) -> None:
    """The new transcript gets the edits that were only in transcript.md; the old file is in build/."""
    publish(library)
    edit(library, ("forty years", "fourteen years"), ("S1: Speaker 2", "S1: Bea Holm"))
    old = document(library).read_bytes()
    then = transcribe(library, heard(AGAIN, "small"))
    assert "thin box" in then.transcript.text
    assert "fourteen years" in then.transcript.text
    assert "**Bea Holm**" in document(library).read_text(encoding="utf-8")
    assert (library.folder(SLUG).build / f"transcript.{short_sha256(old)}.md").read_bytes() == old
    assert then.conflicts == ()
    assert publish(library).transcript == then.transcript


def test_an_edit_that_the_machine_agrees_with_is_kept_for_the_next(library: Library) -> None:
    """A correction that one model recognizes by itself is applied again when another model does not."""
    publish(library)
    edit(library, ("tin box", "thin box"))
    transcribe(library, heard(AGAIN, "small"))
    publish(library)
    then = transcribe(library, heard(FIRST, "tiny"))
    assert "thin box" in then.transcript.text


def test_a_conflict_is_kept_until_somebody_settles_it(library: Library) -> None:
    """An edit without a place is reported, stays after a publication, and goes once a person drops it."""
    publish(library)
    edit(library, ("tin box beneath the stairs", "chest beneath the stairs"))
    other = tuple((w, t.replace("We found the letter in a tin box beneath", "It was on")) for w, t in FIRST)
    (conflict,) = transcribe(library, heard(other, "small")).conflicts
    assert conflict.edit.kind == "words"
    assert publish(library).conflicts == (conflict,)
    desk = read_episode_text(library.folder(SLUG))
    edits.discard_conflict(desk, conflict)
    assert publish(library).conflicts == ()


def test_words_that_came_from_elsewhere_stop_the_command(library: Library) -> None:
    """A transcript.json that is not the base of the document is an error that names the remedy."""
    publish(library)
    edit(library, ("tin box", "iron chest"))
    before = files(library)
    library.folder(SLUG).save_transcript(heard(AGAIN))
    with pytest.raises(EpisodeError, match=r"other words .* from build/transcript\.[0-9a-f]{16}\.json"):
        publish(library)
    (kept,) = library.folder(SLUG).build.glob("transcript.*.json")
    kept.unlink()
    with pytest.raises(EpisodeError, match=r"other words .* from git,"):
        publish(library)
    library.folder(SLUG).transcript_json.unlink()
    with pytest.raises(EpisodeError, match=r"transcript\.json is gone; put it back from git,"):
        current_edits(read_episode_text(library.folder(SLUG)), NOW)
    assert files(library) == {name: data for name, data in before.items() if name != "transcript.json"}


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "no front matter": (lambda md: md.split(b"---\n\n")[1], "line 1: the front matter is missing"),
    "emptied": (lambda md: md[:0], "line 1: the front matter is missing"),
    "no words": (lambda md: md.split(b"**Sp")[0], "no words left"),
    "latin-1": (lambda md: md.replace(b"forty", b"f\xf6rty"), "is not UTF-8"),
    "utf-16": (lambda md: md.decode().encode("utf-16"), "is not UTF-8"),
    "base cut short": (lambda md: md.replace(b"base: ", b"base: x"), "line 2: base must be"),
    "merge": (
        lambda md: md.replace(b"**Sp", b"<<<<<<< HEAD\n**Sp", 1),
        "line 12: unresolved git merge conflict",
    ),
    "broken heading": (lambda md: md.replace(b"**Speaker 1**", b"**Speaker 1", 1), "line 12: a time follows"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_document_that_cannot_be_read_stops_the_command(library: Library, damage: str) -> None:
    """An unreadable document stays as it is, nothing is written, and the error has the line number."""
    publish(library)
    edit(library, ("forty years", "fourteen years or forty"))
    spoil, line = DAMAGE[damage]
    whole = document(library).read_bytes()
    document(library).write_bytes(spoil(whole))
    before = files(library)
    for command in (publish, lambda library: transcribe(library, heard(AGAIN))):
        with pytest.raises(EpisodeError, match=rf"transcript\.md.*{line}"):
            command(library)
    assert files(library) == before
    document(library).write_bytes(whole)
    assert "fourteen years or forty" in publish(library).transcript.text


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n"])
def test_other_line_ends_and_tabs_lose_no_edit(library: Library, ends: str) -> None:
    """A file with other line ends, a byte order mark or tabs is read without losing an edit."""
    publish(library)
    edit(library, ("forty years", "fourteen\tyears"), ("  S1", "\tS1"))
    plain = publish(library)
    text = document(library).read_text(encoding="utf-8").replace("\n", ends)
    document(library).write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert publish(library) == plain
    assert "fourteen years" in transcribe(library, heard(AGAIN, "small")).transcript.text


def test_a_rehearsal_writes_nothing(library: Library) -> None:
    """With `save` off even a first document is not written."""
    before = files(library)
    assert "Kellner" in publish(library, keep=False).transcript.text
    assert files(library) == before


def test_a_new_name_in_the_glossary_runs_the_second_pass_again(library: Library) -> None:
    """Before publication the text follows the glossary; a person's edits stay."""
    publish(library, names=Glossary())
    edit(library, ("forty years", "fourteen years"))
    then = publish(library)
    assert "Kellner" in then.transcript.text
    assert "fourteen years" in then.transcript.text


def test_an_episode_that_is_out_keeps_its_names(library: Library) -> None:
    """After the publication a changed glossary changes nothing."""
    first = publish(library)
    assert publish(library, names=Glossary(), out=True) == first


def test_what_is_saved_while_it_runs_is_not_overwritten(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file saved between reading and writing stays; the error asks to run the command again."""
    publish(library, names=Glossary())

    def find(words: Transcript, names: Glossary) -> tuple[NameFix, ...]:
        edit(library, ("forty years", "fourteen years"))
        return find_name_fixes(words, names)

    monkeypatch.setattr(edits, "find_name_fixes", find)
    with pytest.raises(EpisodeError, match="saved while this ran"):
        publish(library)
    assert "fourteen years" in document(library).read_text(encoding="utf-8")
    monkeypatch.undo()
    then = publish(library).transcript.text
    assert "fourteen years" in then
    assert "Kellner" in then


def kill_at(number: int, action: Callable[[], object]) -> bool:
    """Run an action in a process killed before its n-th file operation; return False if the action ended."""

    def child() -> None:
        left = [number]

        def hook(event: str, _: object) -> None:
            if event in WRITES:
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        action()
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


@pytest.mark.parametrize("goes_on", ["transcribe", "publish"])
def test_killed_between_any_two_writes_nothing_is_lost(library: Library, goes_on: str) -> None:
    """After a kill -9 before any rename, link or removal the next run and all later runs have the edit."""
    publish(library)
    edit(library, ("forty years", "fourteen years"), ("S1: Speaker 2", "S1: Bea Holm"))
    saved, start = document(library).read_bytes(), files(library)
    number = 1
    while kill_at(number, lambda: transcribe(library, heard(AGAIN, "small"))):
        if goes_on == "publish":
            text = publish(library).transcript.text
            assert "fourteen years" in text, number
        then = transcribe(library, heard(AGAIN, "small"))
        assert "fourteen years" in then.transcript.text, number
        assert "thin box" in then.transcript.text, number
        assert "Bea Holm" in {s.name for s in then.transcript.speakers}, number
        assert then.conflicts == (), number
        assert saved in files(library).values(), number
        restore(library, start)
        number += 1
    assert number > 5


def test_killed_then_edited_nothing_is_lost(library: Library) -> None:
    """An edit saved after a kill is in the text, or stays in transcript.md with an error."""
    publish(library)
    edit(library, ("forty years", "fourteen years"))
    start = files(library)
    number = 1
    while kill_at(number, lambda: transcribe(library, heard(AGAIN, "small"))):
        there = document(library).exists()
        if there:
            edit(library, ("stairs", "ladder"))
        try:
            text = publish(library).transcript.text
        except EpisodeError:
            text = document(library).read_text(encoding="utf-8")
        assert "fourteen years" in text, number
        assert not there or "ladder" in text, number
        restore(library, start)
        number += 1


def restore(library: Library, wanted: dict[str, bytes]) -> None:
    folder = library.folder(SLUG).path
    for name in files(library):
        (folder / name).unlink()
    for name, data in wanted.items():
        (folder / name).write_bytes(data)


def test_taking_twice_takes_the_same(library: Library) -> None:
    """Edits extracted twice from the same file are equal, times included."""
    publish(library)
    edit(library, ("forty years", "fourteen years"))
    once = publish(library).edits
    assert current_edits(read_episode_text(library.folder(SLUG)), datetime(2027, 1, 1, tzinfo=UTC)) == once
