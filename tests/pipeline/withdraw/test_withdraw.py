"""What was published is taken back: real speech, real ffmpeg, a local store."""

import json
import shutil
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from podcast_pipeline.audio import tags
from podcast_pipeline.episodes.base import EpisodeBase, write_base
from podcast_pipeline.errors import (
    ConfigError,
    EpisodeError,
    LeakError,
    NotFound,
    NothingToWithdraw,
)
from podcast_pipeline.files import short_sha256
from podcast_pipeline.model import DroppedWord, MediaSpan, Word
from podcast_pipeline.model.catalog import CATALOG_KEY, to_json, transcript_from_json
from podcast_pipeline.pipeline.maintain import rebuild, remove_orphaned_objects, unpublish
from podcast_pipeline.pipeline.merge.pull import pull
from podcast_pipeline.pipeline.publish import publish, release
from podcast_pipeline.pipeline.unschedule import unschedule
from podcast_pipeline.pipeline.withdraw.plan import Selection
from podcast_pipeline.pipeline.withdraw.withdraw import finish_withdrawal, plan_withdrawal, withdraw
from tests.support.pipeline import catalog, context_of, edit, episode, feed, items, objects, store
from tests.support.show import SLUG, ShowFolder, copy_show_folder
from tests.support.withdrawals import (
    QUOTE,
    audio_file,
    files_with_passage,
    keys_with_passage,
    loudest,
    sound_of,
    take_back,
)

NOW = datetime(2031, 5, 6, 12, tzinfo=UTC)


@pytest.fixture
def show(published: ShowFolder, tmp_path: Path) -> ShowFolder:
    """A published show to change."""
    return copy_show_folder(published, tmp_path / "show")


def correct(show: ShowFolder, old: str, new: str) -> None:
    """Change transcript.md and publish the correction."""
    path = show.episode / "transcript.md"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    publish(context_of(show), SLUG)


def test_a_withdrawal_that_another_publisher_overtakes(show: ShowFolder) -> None:
    """A version that is published between the plan and the withdrawal loses the passage, too."""
    planned = plan_withdrawal(context_of(show), SLUG, Selection(quote=QUOTE))
    correct(show, "worst of times", "worst of all times")
    receipt = withdraw(context_of(show, NOW), planned)
    assert receipt.withdrawal
    assert receipt.withdrawal.versions == (1, 2)
    assert episode(show).transcript.version == 3  # type: ignore[union-attr]
    assert keys_with_passage(store(show)) == set()


def test_a_withdrawal_that_another_withdrawal_overtakes(show: ShowFolder) -> None:
    """Who planned the same and comes second is told that it was done."""
    planned = plan_withdrawal(context_of(show), SLUG, Selection(quote=QUOTE))
    take_back(context_of(show, NOW), Selection(quote=QUOTE))
    with pytest.raises(NothingToWithdraw, match="was withdrawn on"):
        withdraw(context_of(show, NOW), planned)


def test_a_passage(show: ShowFolder, tmp_path: Path) -> None:
    """Words and sound of a passage are gone everywhere, nothing else changes and no time moves."""
    correct(show, "worst of times", "worst of all times")
    before, first_sound = episode(show), sound_of(audio_file(store(show), episode(show), tmp_path))
    assert len(keys_with_passage(store(show))) >= 12  # two versions
    receipt = take_back(context_of(show, NOW), Selection(quote=QUOTE), reason="a source asked")
    after = episode(show)

    assert keys_with_passage(store(show)) == set()
    assert files_with_passage(show.folder) == {f"episodes/{SLUG}/SOURCE.md"} & files_with_passage(show.folder)
    assert [(v.version, v.withdrawn_at) for v in after.transcripts] == [(1, NOW), (2, NOW), (3, None)]
    assert after.transcript
    assert after.transcript.note == "A passage was withdrawn."

    withdrawal = after.withdrawals[-1]
    assert (withdrawal.kind, withdrawal.versions, withdrawal.pending_keys) == ("passage", (1, 2), ())
    assert receipt.withdrawal
    assert set(receipt.removal.removed) == {
        before.enclosure.key,
        *(key for v in before.transcripts for key in v.keys),
    }
    assert receipt.purge_urls == (store(show).url(before.enclosure.key or ""),)
    for key in receipt.removal.removed:
        with pytest.raises(NotFound):
            store(show).head(key)

    assert after.enclosure.key != before.enclosure.key
    assert after.enclosure.duration_s == before.enclosure.duration_s
    assert (after.guid, after.publish_at) == (before.guid, before.publish_at)
    span, sound = withdrawal.span, sound_of(audio_file(store(show), after, tmp_path))
    assert span
    assert loudest(first_sound, span.start_s + 0.02, span.end_s - 0.02) > 0.1
    assert loudest(sound, span.start_s + 0.02, span.end_s - 0.02) < 1e-3
    rest = slice(0, int((span.start_s - 0.1) * 16_000)), slice(int((span.end_s + 0.1) * 16_000), None)
    for part in rest:
        assert np.corrcoef(first_sound[part], sound[part])[0, 1] > 0.995  # the same sound at the same time

    (item,) = items(show)
    url = item.find("enclosure").get("url")  # type: ignore[union-attr]
    assert url == store(show).url(after.enclosure.key or "")


def test_the_folder_can_go_on(show: ShowFolder) -> None:
    """After a withdrawal the folder is in step: nothing to publish, nothing to rebuild, edits are kept."""
    correct(show, "worst of times", "worst of all times")
    take_back(context_of(show, NOW), Selection(quote=QUOTE))
    known, stored = catalog(show), objects(show)
    result = publish(context_of(show), SLUG)
    assert not result.changed
    assert not rebuild(context_of(show))
    assert (catalog(show), objects(show)) == (known, stored)
    assert "all times" in (show.episode / "transcript.md").read_text(encoding="utf-8")
    saved = json.loads((show.episode / "edits.json").read_text(encoding="utf-8"))
    assert [edit["written"] for edit in saved["edits"]] == ["all"]
    base = json.loads((show.episode / "base.json").read_text(encoding="utf-8"))
    assert base["document_key"] == known.episodes[0].transcripts[-1].document_key
    edit(show, "Two winters and a will", "Two winters, one will")
    publish(context_of(show), SLUG)
    assert episode(show).withdrawals == known.episodes[0].withdrawals


def test_what_was_deleted_before(show: ShowFolder, tmp_path: Path) -> None:
    """Case 35: the turn was deleted in version 2; version 1 and the sound go, version 2 stays readable."""
    text = (show.episode / "transcript.md").read_text(encoding="utf-8")
    start = text.index("Unless to be")
    correct(show, text[start : text.index("We had everything", start)], "")
    assert keys_with_passage(store(show))
    take_back(context_of(show, NOW), Selection(quote=QUOTE))
    after = episode(show)
    assert [v.withdrawn_at is None for v in after.transcripts] == [False, True, True]
    assert keys_with_passage(store(show)) == set()
    assert files_with_passage(show.episode) <= {"SOURCE.md"}
    span = after.withdrawals[-1].span
    assert span
    sound = sound_of(audio_file(store(show), after, tmp_path))
    assert loudest(sound, span.start_s + 0.02, span.end_s - 0.02) < 1e-3


def test_by_times(show: ShowFolder) -> None:
    """Times of the published audio select the words whose middle they hold; the same again is told."""
    document = episode(show).transcript
    assert document
    words = transcript_from_json(store(show).get(document.document_key)[1], "x").words
    span = MediaSpan(start_s=words[40].start_s, end_s=words[49].end_s)
    take_back(context_of(show, NOW), Selection(span=span))
    newest = episode(show).transcript
    assert newest
    after = transcript_from_json(store(show).get(newest.document_key)[1], "x").words
    assert after == words[:40] + words[50:]
    with pytest.raises(NothingToWithdraw, match="withdrawn already"):
        plan_withdrawal(context_of(show), SLUG, Selection(span=span))


def test_one_version(show: ShowFolder) -> None:
    """A version is gone with its files; the newest one, the audio and the folder stay as they are."""
    correct(show, "worst of times", "worst of all times")
    before = episode(show)
    take_back(context_of(show, NOW), Selection(version=1), public_reason="a wrong name")
    after = episode(show)
    first = before.transcripts[0]
    assert after.transcripts[0].withdrawal_reason == "a wrong name"
    assert after.transcript == before.transcript
    assert after.enclosure == before.enclosure
    assert not first.keys & set(objects(show))
    assert not publish(context_of(show), SLUG).changed
    with pytest.raises(NothingToWithdraw, match="withdrawn already, on 2031-05-06"):
        plan_withdrawal(context_of(show), SLUG, Selection(version=1))
    with pytest.raises(EpisodeError, match="has no version 9; published are 1, 2"):
        plan_withdrawal(context_of(show), SLUG, Selection(version=9))


def test_the_newest_version(show: ShowFolder) -> None:
    """Readers get the version before, and the same words are refused until they are changed."""
    correct(show, "worst of times", "worst of all times")
    take_back(context_of(show, NOW), Selection(version=2))
    newest = episode(show).transcript
    assert newest
    assert newest.version == 1
    with pytest.raises(LeakError, match=r"withdrawn on 2031-05-06; correct transcript\.md"):
        publish(context_of(show), SLUG)
    correct(show, "worst of all times", "worst of the times")
    assert episode(show).transcripts[-1].version == 3


def test_the_only_version(show: ShowFolder) -> None:
    """An episode may be left without a transcript: no teaser, no files, the audio goes on."""
    take_back(context_of(show, NOW), Selection(version=1))
    after = episode(show)
    assert (after.transcript, after.teaser, after.state) == (None, "", "published")
    assert after.enclosure.key in objects(show)


@pytest.mark.parametrize("state", ["published", "unpublished"])
def test_a_whole_episode(show: ShowFolder, state: str) -> None:
    """Every object is gone at once, also of an episode that was unpublished; id, guid and slug stay."""
    before = episode(show)
    if state == "unpublished":
        unpublish(context_of(show), SLUG)
        store(show).delete(before.transcripts[0].document_key)  # one that is lost delays nothing
    take_back(context_of(show, NOW), Selection(whole=True))
    after = episode(show)
    assert (after.id, after.guid, after.slug) == (before.id, before.guid, before.slug)
    assert (after.state, after.title, after.notes, after.chapters) == ("unpublished", SLUG, "", ())
    assert [key for key in objects(show) if f"/{SLUG}." in key] == []
    assert items(show) == []
    assert files_with_passage(show.bucket) == set()
    assert not list((show.episode / "build").glob("master*"))
    assert remove_orphaned_objects(context_of(show), remove=False) == []
    with pytest.raises(NothingToWithdraw, match="already"):
        plan_withdrawal(context_of(show), SLUG, Selection(whole=True))


def test_orphans_go_too(show: ShowFolder) -> None:
    """What an earlier audio or a killed publication left under the episode's name is removed with it."""
    orphan = f"public/audio/{SLUG}.0123456789abcdef.mp3"
    other = f"public/audio/{SLUG}-2.0123456789abcdef.mp3"
    for key in (orphan, other):
        store(show).put(key, b"sound", content_type="audio/mpeg", cache_control="no-cache")
    take_back(context_of(show, NOW), Selection(quote=QUOTE))
    assert orphan not in objects(show)
    assert other in objects(show)


def test_an_old_clone_is_refused_and_cleaned(show: ShowFolder, published: ShowFolder) -> None:
    """A folder from before the withdrawal publishes nothing of it, and `withdraw` cleans it."""
    take_back(context_of(show, NOW), Selection(quote=QUOTE))
    stored = objects(show)
    shutil.rmtree(show.episode)
    shutil.copytree(published.episode, show.episode)
    assert files_with_passage(show.episode) > {"SOURCE.md"} & files_with_passage(show.episode)
    with pytest.raises(LeakError, match=f"podcast withdraw {SLUG}"):
        publish(context_of(show), SLUG)
    with pytest.raises(LeakError, match=f"podcast withdraw {SLUG}"):
        pull(context_of(show), SLUG)
    assert objects(show) == stored
    receipt = finish_withdrawal(context_of(show), SLUG)
    assert f"episodes/{SLUG}/transcript.json" in receipt.folder.files
    assert files_with_passage(show.episode) <= {"SOURCE.md"}
    assert not publish(context_of(show), SLUG).changed
    assert finish_withdrawal(context_of(show), SLUG).did_nothing


@pytest.mark.parametrize("place", ["notes.md", "chapter"])
def test_public_text_with_the_words_is_refused(show: ShowFolder, place: str) -> None:
    """Before the withdrawal it is named, to be changed first; afterwards it does not come back."""
    words = "unless to be rather cold-hearted and rather selfish is to be"
    toml = (show.episode / "episode.toml").read_bytes()
    if place == "notes.md":
        (show.episode / "notes.md").write_text(f"He said: *{words}*.\n", encoding="utf-8")
    else:
        edit(show, "Good years, bad years", words)
    publish(context_of(show), SLUG)
    named = {"notes.md": "the notes", "chapter": "the chapter “"}[place]
    with pytest.raises(EpisodeError, match=f"public in {named}"):
        plan_withdrawal(context_of(show), SLUG, Selection(quote=QUOTE))
    changed = (show.episode / "episode.toml").read_bytes()
    (show.episode / "episode.toml").write_bytes(toml)
    notes = (show.episode / "notes.md").read_bytes()
    (show.episode / "notes.md").write_text("Other notes.\n", encoding="utf-8")
    publish(context_of(show), SLUG)
    take_back(context_of(show, NOW), Selection(quote=QUOTE))
    assert keys_with_passage(store(show)) == set()  # chapters of then are orphans
    assert b"cold" not in tags.id3_bytes(next((show.bucket / "public/audio").glob(f"{SLUG}*")))
    (show.episode / "episode.toml").write_bytes(changed)
    (show.episode / "notes.md").write_bytes(notes)
    with pytest.raises(LeakError, match="withdrawn on 2031-05-06; change it"):
        publish(context_of(show), SLUG)


def test_the_public_reason_may_not_quote(show: ShowFolder) -> None:
    """A reason that readers see must not have the words."""
    with pytest.raises(ConfigError, match="public-reason"):
        take_back(
            context_of(show),
            Selection(quote=QUOTE),
            public_reason="he never said “Unless to be rather cold-hearted and rather selfish”",
        )


def test_a_quote_at_several_places(show: ShowFolder) -> None:
    """A quote that may mean several places is refused with their number and times."""
    with pytest.raises(EpisodeError, match=r"at \d+ places \(0:00, 0:0\d, .*--from and --to"):
        plan_withdrawal(context_of(show), SLUG, Selection(quote="it was the"))
    with pytest.raises(NothingToWithdraw, match="in no published version"):
        plan_withdrawal(context_of(show), SLUG, Selection(quote="nobody ever said this"))


def test_a_correction_note_with_the_words(show: ShowFolder) -> None:
    """A public note of an earlier correction that quotes the passage is no longer printed."""
    path = show.episode / "transcript.md"
    text = path.read_text(encoding="utf-8")
    note = "note: He said unless to be rather cold-hearted and rather selfish is to be ill\n"
    text = text.replace("base:", f"{note}base:", 1).replace("worst of times", "worst of all times")
    path.write_text(text, encoding="utf-8")
    publish(context_of(show), SLUG)
    assert "cold-hearted" in episode(show).transcripts[-1].note
    take_back(context_of(show, NOW), Selection(quote=QUOTE), public_reason="off the record")
    assert [v.note for v in episode(show).transcripts] == ["", "", "A passage was withdrawn: off the record"]
    assert keys_with_passage(store(show)) == set()


def test_a_master_made_again_is_silent_there(show: ShowFolder, tmp_path: Path) -> None:
    """Another recording and back again: the master that is made anew from the first has the silence too."""
    take_back(context_of(show, NOW), Selection(quote=QUOTE))
    known = catalog(show)
    there = episode(show)
    elsewhere = there.model_copy(update={"source_sha256": "0" * 64})
    store(show).put(
        CATALOG_KEY,
        to_json(known.with_episode(elsewhere)),
        content_type="application/json",
        cache_control="private, no-cache",
    )
    with context_of(show).library.open(SLUG) as folder:
        write_base(folder, EpisodeBase.of(elsewhere))  # the folder was equal to it, and has a new recording
    publish(context_of(show), SLUG, allow=["redownloads", "new-audio"])
    after = episode(show)
    assert after.enclosure.key != there.enclosure.key
    span = after.withdrawals[-1].span
    assert span
    sound = sound_of(audio_file(store(show), after, tmp_path))
    assert loudest(sound, span.start_s + 0.03, span.end_s - 0.03) < 2e-3
    assert loudest(sound, 0, span.start_s) > 0.1


def test_release_finishes_what_was_killed(show: ShowFolder) -> None:
    """After a kill behind the catalog `release` brings the feed up to date and removes the objects."""
    before, stored_feed = episode(show), feed(show)
    bodies = {info.key: store(show).get(info.key) for info in store(show).list("private/transcripts/")}
    take_back(context_of(show, NOW), Selection(quote=QUOTE))
    killed = catalog(show)
    entry = episode(show).withdrawals[-1]
    pending = entry.model_copy(update={"pending_keys": tuple(sorted(bodies))})
    with_pending = episode(show).model_copy(update={"withdrawals": (pending,)})
    for key, (info, body) in bodies.items():
        store(show).put(key, body, content_type=info.content_type, cache_control=info.cache_control)
    for key, body in (
        (CATALOG_KEY, to_json(killed.with_episode(with_pending))),
        ("public/feed.xml", stored_feed),
    ):
        info = store(show).head(key)
        store(show).put(key, body, content_type=info.content_type, cache_control=info.cache_control)
    release(context_of(show))
    assert not set(bodies) & set(objects(show))
    assert (before.enclosure.key or "").encode() not in feed(show)
    assert catalog(show) == killed


def test_what_is_published_again_is_not_removed(show: ShowFolder) -> None:
    """Files of a later version with the bytes of a withdrawn one stay, though their removal was pending."""
    correct(show, "worst of times", "worst of all times")
    take_back(context_of(show, NOW), Selection(version=1))
    known = episode(show)
    entry = known.withdrawals[-1].model_copy(
        update={"pending_keys": tuple(sorted(known.transcripts[1].keys))}
    )
    pending = catalog(show).with_episode(known.model_copy(update={"withdrawals": (entry,)}))
    info = store(show).head(CATALOG_KEY)
    store(show).put(
        CATALOG_KEY, to_json(pending), content_type=info.content_type, cache_control=info.cache_control
    )
    release(context_of(show))
    assert episode(show).withdrawals[-1].pending_keys == ()
    assert all(store(show).head(key).size_bytes for key in known.transcripts[1].keys)


def test_a_dropped_word_goes_with_the_passage(show: ShowFolder) -> None:
    """A word dropped from a track, between two words of the passage, is in no file of the folder."""
    path = show.episode / "transcript.json"
    transcript = transcript_from_json(path.read_bytes(), "transcript.json")
    words = transcript.words
    first = next(n for n, word in enumerate(words) if "Unless" in word.text)
    before, after = next(pair for pair in pairwise(words[first:]) if pair[0].end_s < pair[1].start_s)
    said = Word(text=" whisper", start_s=before.end_s, end_s=after.start_s, confidence=0.5)
    dropped = DroppedWord(word=said)
    old, new = path.read_bytes(), to_json(transcript.model_copy(update={"dropped": (dropped,)}))
    path.write_bytes(new)
    for name in ("transcript.md", "edits.json"):  # both name the words that they belong to
        text = (show.episode / name).read_text(encoding="utf-8")
        (show.episode / name).write_text(text.replace(short_sha256(old), short_sha256(new)), encoding="utf-8")
    take_back(context_of(show, NOW), Selection(quote=QUOTE))
    assert "whisper" not in path.read_text(encoding="utf-8")


def test_a_withdrawn_episode_leaves_no_note(show: ShowFolder) -> None:
    """A correction's note may name somebody: after `--all` the catalog has none."""
    path = show.episode / "transcript.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("---\n", "---\nnote: Bob was misnamed\n", 1), encoding="utf-8")
    correct(show, "worst of times", "worst of all times")
    assert b"Bob" in store(show).get(CATALOG_KEY)[1]
    take_back(context_of(show, NOW), Selection(whole=True))
    assert b"Bob" not in store(show).get(CATALOG_KEY)[1]


def test_an_unedited_old_clone_takes_corrections_and_withdrawal(
    show: ShowFolder, published: ShowFolder
) -> None:
    """A clone of version 1 without edits, cleaned, has no conflict with a colleague's correction."""
    correct(show, "worst of times", "worst of all times")
    take_back(context_of(show, NOW), Selection(quote=QUOTE))
    shutil.rmtree(show.episode)
    shutil.copytree(published.episode, show.episode)
    finish_withdrawal(context_of(show), SLUG)
    known = episode(show)
    result = publish(context_of(show), SLUG)
    assert any("all" in line for line in result.taken)
    assert episode(show).transcripts == known.transcripts
    assert "all times" in (show.episode / "transcript.md").read_text(encoding="utf-8")


def test_times_beyond_the_end_are_refused(show: ShowFolder) -> None:
    """A slip in --to would silence the rest of the episode; a rounded second is no slip."""
    end_s = episode(show).enclosure.duration_s
    with pytest.raises(EpisodeError, match="the audio ends at"):
        plan_withdrawal(context_of(show), SLUG, Selection(span=MediaSpan(start_s=5, end_s=end_s + 30)))
    assert plan_withdrawal(
        context_of(show), SLUG, Selection(span=MediaSpan(start_s=end_s - 1, end_s=end_s + 0.5))
    )


def test_an_episode_with_withdrawn_words_stays_scheduled(show: ShowFolder) -> None:
    """Out of the catalog nothing would keep its words and its sound from coming back."""
    take_back(context_of(show, NOW), Selection(quote=QUOTE))
    scheduled = episode(show).model_copy(update={"state": "scheduled", "published_at": None})
    info = store(show).head(CATALOG_KEY)
    store(show).put(
        CATALOG_KEY,
        to_json(catalog(show).with_episode(scheduled)),
        content_type=info.content_type,
        cache_control=info.cache_control,
    )
    with pytest.raises(EpisodeError, match="keeps them from coming back"):
        unschedule(context_of(show), SLUG)
    assert episode(show) == scheduled


def test_the_log_and_git(show: ShowFolder) -> None:
    """The private reason stands in a log of this machine alone; git history is named and left alone."""
    (show.folder / ".git").mkdir()
    receipt = take_back(context_of(show, NOW), Selection(quote=QUOTE), reason="order 7 C 12/31")
    assert any("git history" in line for line in receipt.to_lines())
    assert list((show.folder / ".git").iterdir()) == []
    log = show.folder / ".podcast" / "withdrawals.jsonl"
    (line,) = log.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["reason"] == "order 7 C 12/31"
    assert log.stat().st_mode & 0o777 == 0o600
    assert b"7 C 12" not in to_json(catalog(show))
    assert "cold-hearted" not in line


def test_a_folder_that_cannot_be_cleaned(show: ShowFolder) -> None:
    """A broken episode.toml keeps no word in the store: what was not cleaned is named, and can be later."""
    toml = (show.episode / "episode.toml").read_bytes()
    (show.episode / "episode.toml").write_bytes(b"not toml")
    receipt = take_back(context_of(show, NOW), Selection(quote=QUOTE))
    assert receipt.folder.failed
    assert "episode.toml" in receipt.folder.failed
    assert keys_with_passage(store(show)) == set()
    (show.episode / "episode.toml").write_bytes(toml)
    finish_withdrawal(context_of(show), SLUG)
    assert files_with_passage(show.episode) <= {"SOURCE.md"}


def test_a_short_passage(show: ShowFolder, published: ShowFolder) -> None:
    """Three words are recognised in an old clone too, and are not in the catalog as a fast hash."""
    quote = "spring of hope"
    take_back(context_of(show, NOW), Selection(quote=quote))
    words = episode(show).withdrawals[-1].words
    assert words
    assert (words.run_words, words.slow) == (3, True)
    shutil.rmtree(show.episode)
    shutil.copytree(published.episode, show.episode)
    with pytest.raises(LeakError, match="withdrawn"):
        publish(context_of(show), SLUG)
    finish_withdrawal(context_of(show), SLUG)
    assert quote not in (show.episode / "transcript.md").read_text(encoding="utf-8")
    assert not publish(context_of(show), SLUG).changed
