"""What another producer has published is merged into the folder, or refused with both values."""

import json
import re
from typing import Any

import pytest

from podcast_pipeline import Context
from podcast_pipeline.episodes.base import BASE_FILE
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.errors import EpisodeError, MergeError, UnknownBaseError
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.pipeline import publish as publishing
from podcast_pipeline.pipeline.commit import CatalogUpdate, commit
from podcast_pipeline.pipeline.merge import pull as pulling
from podcast_pipeline.pipeline.merge.published import FolderMerge, merge_folder
from podcast_pipeline.pipeline.publish import dry_run, publish
from tests.support.bucket_show import files
from tests.support.producers import Producer
from tests.support.show import SLUG

Producers = tuple[Producer, Producer]


def test_the_second_publication_keeps_what_the_first_corrected(producers: Producers) -> None:
    """Case 34: a name and a correction of B are in version 3, beside the title and the word of A."""
    a, b = producers
    b.correct("w1 w2", "rigor mortis")
    b.name_speaker("S0", "Dr. Bea")
    before = b.episode.transcripts
    b.publish()
    a.set_title("Another title")
    a.correct("w9", "kine")
    result = a.publish()
    (old, *_), newest = before, a.episode.transcripts
    assert [v.version for v in newest] == [*range(1, len(before) + 3)]
    assert a.published_turns[0] == ("Dr. Bea", "Welcome w0 rigor mortis w3. Then w4 w5 w6 w7.")
    assert (a.episode.title, "kine" in a.published_text) == ("Another title", True)
    assert newest[-1].note == "One word was corrected."
    assert any("{+rigor mortis+}" in line for line in result.taken)
    assert any("Dr. Bea" in line for line in result.taken)
    assert old == newest[0]
    assert (a.publish().changed, b.pull().conflicts) == (False, ())
    assert (b.publish().changed, b.published_turns) == (False, a.published_turns)


def test_fields_of_either_side_are_taken(producers: Producers) -> None:
    """Title, notes, guests, chapters and season: comments of episode.toml stay, notes.md is written."""
    a, b = producers
    b.replace("episode.toml", "^guests = .*", 'guests = ["Alex Marlowe", "Bo Lind"]')
    b.replace("episode.toml", '^title = "Good years, bad years"', 'title = "Bad years"')
    b.replace("episode.toml", "^season = 1", 'season = 2\nexplicit = true\ntopics = ["Law"]')
    (b.folder / "notes.md").write_text("New notes.\n", encoding="utf-8")
    b.publish()
    a.set_title("Another title")
    taken = a.publish().taken
    episode = a.episode
    assert (episode.title, episode.notes, episode.season) == ("Another title", "New notes.\n", 2)
    assert (episode.explicit, episode.topics) == (True, ("Law",))
    assert [person.name for person in episode.persons] == ["Alex Marlowe", "Bo Lind"]
    assert episode.chapters[0].title == "Bad years"
    assert {line.partition(":")[0] for line in taken} == {
        "explicit",
        "chapters",
        "guests",
        "notes",
        "season",
        "topics",
    }
    text = a.text("episode.toml")
    assert "# Chapters and soundbites are in recording times" in text
    assert 'source = "source.flac" # kept byte for byte' in text
    assert a.text("notes.md") == "New notes.\n"
    assert not a.publish().changed


def test_a_conflict_is_refused_with_both_values_and_nothing_changes(producers: Producers) -> None:
    """Exit code 3; the line has what is here, what is published, and the command to run."""
    a, b = producers
    b.set_title("Title of B")
    b.correct("w5", "west")
    b.publish()
    a.set_title("Title of A")
    a.correct("w5", "east")
    before, catalog = files(a.folder), a.context.catalog()
    with pytest.raises(MergeError) as refused:
        a.publish()
    line = str(refused.value)
    for part in ("Title of A", "Title of B", "“east” here", "“west” published", f"podcast pull {SLUG}"):
        assert part in line
    after = {**files(a.folder), "edits.json": before["edits.json"]}  # keeps what is in transcript.md
    assert (after, a.context.catalog()) == (before, catalog)


@pytest.mark.parametrize("ours", [True, False])
def test_a_pull_leaves_conflicts_for_an_editor(producers: Producers, ours: bool) -> None:
    """Both values stand between markers; either may be kept, the rest is merged, and publication goes on."""
    a, b = producers
    b.set_title("Title of B")
    b.correct("w5", "west")
    b.correct("w13", "south")
    b.publish()
    a.set_title("Title of A")
    a.correct("w5", "east")
    a.correct("w9", "north")
    saved = a.text()
    result = a.pull()
    assert len(result.conflicts) == 2
    assert result.files == ("episode.toml", "transcript.md")
    assert {"Title of A", "Title of B"} <= set(re.findall("Title of .", a.text("episode.toml")))
    assert all(word in a.text() for word in ("east", "west", "north", "south"))
    assert saved in [path.read_text("utf-8") for path in (a.folder / "build").glob("transcript.*.md")]
    marked = files(a.folder)
    for command in (a.pull, a.publish):
        with pytest.raises(EpisodeError, match=r"line \d+: unresolved conflict"):
            command()
    assert files(a.folder) == marked
    a.resolve(ours=ours)
    assert (a.pull().conflicts, a.pull().taken) == ((), ())
    a.publish()
    kept = ("Title of A", "east") if ours else ("Title of B", "west")
    assert (a.episode.title, kept[1] in a.published_text) == (kept[0], True)
    assert all(word in a.published_text for word in ("north", "south"))


def test_conflicting_notes_stand_between_markers(producers: Producers) -> None:
    """notes.md with markers is not published."""
    a, b = producers
    (b.folder / "notes.md").write_text("One.\n\nTwo of B.\n", encoding="utf-8")
    b.publish()
    (a.folder / "notes.md").write_text("One.\n\nTwo of A.\n", encoding="utf-8")
    assert a.pull().files == ("notes.md",)
    assert a.text("notes.md") == ("One.\n\n<<<<<<< here\nTwo of A.\n=======\nTwo of B.\n>>>>>>> published\n")
    with pytest.raises(EpisodeError, match=r"notes.md line 3: unresolved conflict"):
        a.publish()


def test_a_pull_without_own_changes_gives_the_published_state(producers: Producers) -> None:
    """Nothing is left to publish afterwards, and pulling again changes no byte."""
    a, b = producers
    b.correct("w1 w2", "rigor mortis")
    b.correct("Indeed w8 w9 w10 w11.", "")
    b.name_speaker("S0", "Dr. Bea")
    b.set_title("Title of B")
    b.publish()
    assert a.pull().conflicts == ()
    after = files(a.folder)
    assert (a.pull().taken, files(a.folder)) == ((), after)
    catalog = a.context.catalog()
    assert (a.publish().changed, a.context.catalog()) == (False, catalog)
    assert a.episode.title == "Title of B"


def test_a_rehearsal_tells_what_would_be_merged_and_writes_nothing(producers: Producers) -> None:
    """`--dry-run` refuses the same conflicts."""
    a, b = producers
    b.correct("w5", "west")
    b.set_title("Title of B")
    b.publish()
    a.correct("w9", "north")
    before = files(a.folder)
    result = dry_run(a.context, SLUG)
    assert result.episode.title == "Title of B"
    assert (len(result.taken), files(a.folder)) == (2, before)
    a.set_title("Title of A")
    with pytest.raises(MergeError, match="Title of B"):
        dry_run(a.context, SLUG)


def commit_and_stop(context: Context, update: CatalogUpdate) -> None:
    commit(context, update)
    raise KeyboardInterrupt


@pytest.mark.parametrize("undone", [False, True])
def test_a_run_killed_before_base_json_goes_on(
    producers: Producers, monkeypatch: pytest.MonkeyPatch, undone: bool
) -> None:
    """The folder equals what is published: no conflict, nothing to publish, and base.json is written."""
    a, b = producers
    a.set_title("Title of A")
    a.correct("w5", "east")
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "commit", commit_and_stop)
        with pytest.raises(KeyboardInterrupt):
            a.publish()
    old = a.text(BASE_FILE)
    if undone:  # what it had published is taken back on purpose
        a.set_title("Two winters and a will")
        result = a.publish()
        assert (result.taken, a.episode.title) == ((), "Two winters and a will")
    else:
        assert not a.publish().changed
    assert a.text(BASE_FILE) != old
    b.correct("w9", "north")
    b.publish()
    assert all(word in b.published_text for word in ("east", "north"))


@pytest.mark.parametrize("lost_race", [False, True])
def test_words_that_did_not_arrive_are_still_changes_of_this_folder(
    producers: Producers, monkeypatch: pytest.MonkeyPatch, lost_race: bool
) -> None:
    """A run that stops before the catalog, by Ctrl-C or a faster colleague, can be repeated and merges."""
    a, b = producers
    a.correct("w5", "east")
    b.correct("w9", "north")

    def publish_b_first(context: Context, update: CatalogUpdate) -> tuple[Catalog, bool]:
        patch.undo()
        b.publish()
        if lost_race:
            return commit(context, update)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "commit", publish_b_first)
        with pytest.raises(EpisodeError if lost_race else KeyboardInterrupt):
            a.publish()
    a.publish()
    assert all(word in a.published_text for word in ("east", "north"))


def test_notes_that_are_saved_during_a_pull_are_kept(
    producers: Producers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The colleague's notes do not overwrite those that a person saved after the folder was read."""
    a, b = producers
    (b.folder / "notes.md").write_text("Notes of B.\n", encoding="utf-8")
    b.publish()
    merge = merge_folder

    def merge_and_save(folder: EpisodeFolder, *arguments: Any, **options: Any) -> FolderMerge:
        merged = merge(folder, *arguments, **options)
        (folder.path / "notes.md").write_text("Saved meanwhile.\n", encoding="utf-8")
        return merged

    with monkeypatch.context() as patch:
        patch.setattr(pulling, "merge_folder", merge_and_save)
        with pytest.raises(EpisodeError, match=r"notes\.md was saved while this ran"):
            a.pull()
    assert a.text("notes.md") == "Saved meanwhile.\n"


def test_a_replaced_recording_is_not_undone(producers: Producers) -> None:
    """An older recording is not published over a newer one, and cannot be taken from the store."""
    a, b = producers
    replaced = "0" * 64
    catalog = a.context.catalog()
    assert catalog is not None
    episode = a.episode.model_copy(update={"source_sha256": replaced})
    b.context.store.put(
        "private/catalog.json",
        (catalog.with_episode(episode).model_dump_json() + "\n").encode(),
        content_type="application/json",
        cache_control="private",
    )
    with pytest.raises(MergeError, match="the recording is"):
        a.publish()
    base = json.loads(a.text(BASE_FILE))
    result = a.pull()
    assert result.files == ("episode.toml",)
    assert replaced in a.text("episode.toml")
    assert json.loads(a.text(BASE_FILE))["document_key"] == base["document_key"]


def test_words_of_a_folder_that_lost_them_come_from_the_store(producers: Producers) -> None:
    """A clone without transcript.json is not transcribed anew over everybody's corrections."""
    a, b = producers
    b.correct("w5", "west")
    b.publish()
    for name in ("transcript.json", "transcript.md", "edits.json"):
        (a.folder / name).unlink()
    assert not a.publish().changed
    assert "west" in a.text()


def test_published_edits_are_merged_into_a_new_transcription(producers: Producers) -> None:
    """The engine's other words stay, the published corrections are in place, and a clash is refused."""
    a, b = producers
    b.correct("w5", "west")
    b.name_speaker("S1", "Bo")
    b.publish()
    transcript = json.loads(a.text("transcript.json"))
    transcript["receipt"] = {
        **dict.fromkeys(("engine", "engine_version", "model"), "other"),
        "weights_sha256": "0" * 64,
        "audio_sha256": a.episode.source_sha256,
    }
    words = json.dumps(transcript).replace('" w13"', '" heard13"')
    (a.folder / "transcript.md").unlink()
    (a.folder / "edits.json").unlink()
    (a.folder / "transcript.json").write_text(words, encoding="utf-8")
    taken = a.publish().taken
    assert len(taken) == 2
    assert "heard13" in a.published_text
    assert ("Bo", "Indeed w8 w9 w10 w11.") in a.published_turns
    edits = json.loads(a.text("edits.json"))
    assert {edit["kind"] for edit in edits["edits"]} == {"words", "name"}


@pytest.mark.parametrize("receipt", ["newest", "older", "none"])
def test_a_folder_of_an_earlier_release(producers: Producers, receipt: str) -> None:
    """Without base.json the receipt tells what the folder has; without either a person is asked."""
    a, b = producers
    assert b.episode.transcript is not None
    named = b.episode.transcript.document_key
    b.correct("w5", "west")
    b.publish()
    (a.folder / BASE_FILE).unlink()
    newest = b.episode.transcript.document_key
    if receipt == "none":
        (a.folder / "published.json").unlink()
    else:
        facts = {"id": str(b.episode.id), "document_key": newest if receipt == "newest" else named}
        (a.folder / "published.json").write_text(json.dumps(facts), encoding="utf-8")
    if receipt == "none":
        with pytest.raises(UnknownBaseError, match="“w5” here and “west” published"):
            a.publish()
        assert publish(a.context, SLUG, trust_folder=True).changed
        assert "west" not in a.published_text
    elif receipt == "older":
        a.publish()
        assert "west" in a.published_text
        a.set_title("Of A")
        assert a.publish().changed
    else:
        assert a.publish().changed  # its receipt says that the folder had the newest words
        assert "west" not in a.published_text


def test_a_folder_without_a_base_that_equals_the_catalog_is_simply_published(producers: Producers) -> None:
    """Nobody needs to be asked where nothing differs."""
    a, _ = producers
    for name in (BASE_FILE, "published.json"):
        (a.folder / name).unlink()
    assert not a.publish().changed
    assert (a.folder / BASE_FILE).exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<<<<<<< HEAD\n{\n=======\n{\n>>>>>>> b\n", "has an unresolved git merge"),
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"schema_version": 1}', "cannot be read"),
        ("other-episode", "belongs to another episode"),
        ("other-branch", "names words that this catalog does not have"),
    ],
)
def test_a_damaged_base_is_one_clear_line(producers: Producers, text: str, message: str) -> None:
    """Nothing is published with a useless base.json; a pull asks about each difference and writes another."""
    a, b = producers
    b.correct("w5", "west")
    b.publish()
    changes = {
        "other-episode": {"episode_id": "00000000-0000-4000-8000-000000000000"},
        "other-branch": {"document_key": "private/documents/x.json"},
    }
    if text in changes:
        text = json.dumps({**json.loads(a.text(BASE_FILE)), **changes[text]})
    (a.folder / BASE_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(MergeError, match=message) as refused:
        a.publish()
    assert f"podcast pull {SLUG}" in str(refused.value)
    a.pull()
    assert "west" in a.text()
    a.resolve(ours=False)
    assert not a.publish().changed


def test_a_base_of_a_later_release_is_left_alone(producers: Producers) -> None:
    """The line says to install a newer release."""
    a, _ = producers
    (a.folder / BASE_FILE).write_text('{"schema_version": 2}', encoding="utf-8")
    for command in (a.publish, a.pull):
        with pytest.raises(EpisodeError, match="install a newer"):
            command()


def test_words_that_are_no_longer_stored_are_asked_about(producers: Producers) -> None:
    """After a withdrawal of the base nothing is merged by guess; a folder without own edits just follows."""
    a, b = producers
    old = a.episode.transcript
    assert old is not None
    b.correct("w5", "west")
    b.publish()
    a.context.store.delete(old.document_key)
    saved = a.text()
    a.pull()
    assert "west" in a.text()
    (a.folder / "transcript.md").write_text(saved, encoding="utf-8")
    a.correct("w9", "north")
    base = json.loads(a.text(BASE_FILE))
    (a.folder / BASE_FILE).write_text(json.dumps({**base, "document_key": old.document_key, "words": None}))
    with pytest.raises(MergeError, match="no longer stored"):
        a.publish()
    assert len(a.pull().conflicts) == 3
    a.resolve(ours=False)
    a.publish()
    assert "west" in a.published_text


def test_a_scheduled_episode_counts_too(producers: Producers) -> None:
    """What another has changed before the publication time is merged the same way."""
    a, b = producers
    catalog = a.context.catalog()
    assert catalog is not None
    scheduled = a.episode.model_copy(update={"state": "scheduled", "published_at": None})
    scheduled = scheduled.model_copy(update={"publish_at": scheduled.publish_at.replace(year=2099)})
    a.context.store.put(
        "private/catalog.json",
        (catalog.with_episode(scheduled).model_dump_json() + "\n").encode(),
        content_type="application/json",
        cache_control="private",
    )
    a.context.store.delete("public/feed.xml")
    b.correct("w5", "west")
    b.publish()
    a.correct("w9", "north")
    a.publish()
    assert a.episode.state == "scheduled"
    assert all(word in a.published_text for word in ("west", "north"))
