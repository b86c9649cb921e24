"""Transcripts for everybody, by choice: opened, taken back, by `release` after days, killed in between."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from podcast_pipeline import publish
from podcast_pipeline.cli.doctor.finding import DoctorFinding
from podcast_pipeline.cli.doctor.services import CHECKS
from podcast_pipeline.cli.output import Output
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import ConfigError, GateClosed
from podcast_pipeline.model import Episode
from podcast_pipeline.pipeline import maintain, public_transcripts
from podcast_pipeline.pipeline import publish as publications
from podcast_pipeline.pipeline.public_transcripts import open_due_transcripts
from podcast_pipeline.pipeline.publish import release
from podcast_pipeline.pipeline.withdraw.plan import Selection
from podcast_pipeline.pipeline.withdraw.withdraw import plan_withdrawal, withdraw
from podcast_pipeline.storage.upload import upload
from tests.support.pipeline import context_of, edit, episode, feed, items, objects, store
from tests.support.show import SLUG, ShowFolder, build_draft, copy_show_folder

TRANSCRIPT = "{https://podcastindex.org/namespace/1.0}transcript"
LATER = timedelta(days=8)


@pytest.fixture
def show(published: ShowFolder, tmp_path: Path) -> ShowFolder:
    """The published sample show."""
    return copy_show_folder(published, tmp_path / "show")


def choose(show: ShowFolder, choice: str) -> None:
    """Write the choice into episode.toml, in place of one before."""
    path = show.episode / "episode.toml"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "transcript =" not in line]
    path.write_text("\n".join([f'transcript = "{choice}"', *lines, ""]), encoding="utf-8")


def public_files(show: ShowFolder) -> set[str]:
    return {key for key in objects(show) if key.startswith("public/transcripts/")}


def listed(show: ShowFolder) -> list[str]:
    """Return the addresses of the transcripts in the public feed."""
    return [tag.get("url", "") for item in items(show) for tag in item.findall(TRANSCRIPT)]


def kept(show: ShowFolder) -> list[str | None]:
    """Return what apps know an item by: guid, date, enclosure."""
    return [
        part
        for item in items(show)
        for part in (
            item.findtext("guid"),
            item.findtext("pubDate"),
            ElementTree.tostring(item.find("enclosure") or ElementTree.Element("none"), encoding="unicode"),
        )
    ]


def test_opened_and_taken_back(show: ShowFolder) -> None:
    """The files lie under public/ with the private bytes, the feed names them; back, both are gone."""
    before, known, first = objects(show), episode(show), kept(show)
    choose(show, "public")
    publish(context_of(show), SLUG)
    opened = episode(show)
    assert opened.transcript_is_public
    assert public_files(show) == set(opened.public_transcript_keys) != set()
    for key in public_files(show):
        assert store(show).get(key)[1] == store(show).get(key.replace("public/", "private/"))[1]
    assert [url.rpartition("/")[2] for url in listed(show)] == [
        opened.transcript.public_keys[form].rpartition("/")[2]  # type: ignore[union-attr]
        for form in ("vtt", "srt", "json")
    ]
    assert kept(show) == first
    choose(show, "subscribers")
    result = publish(context_of(show), SLUG)
    assert len(result.episode.pending_keys) == 3
    assert (public_files(show), listed(show), kept(show)) == (set(), [], first)
    assert (episode(show).transcript_is_public, episode(show).pending_keys) == (False, ())
    assert set(objects(show)) == set(before)
    assert episode(show).transcripts == known.transcripts
    assert not publish(context_of(show), SLUG).changed


def test_a_choice_that_is_deleted_is_none(show: ShowFolder) -> None:
    """Without the key the words are for subscribers again."""
    choose(show, "public")
    publish(context_of(show), SLUG)
    edit(show, 'transcript = "public"\n', "")
    publish(context_of(show), SLUG)
    assert (public_files(show), episode(show).transcript_is_public) == (set(), False)


def test_a_correction_is_public_at_once(show: ShowFolder) -> None:
    """A new version of the words is stored for everybody, and the feed names it."""
    choose(show, "public")
    publish(context_of(show), SLUG)
    correct(show)
    newest = episode(show).transcript
    assert newest is not None
    assert newest.version == 2
    assert set(newest.public_keys.values()) <= public_files(show)
    assert {url.rpartition("/")[2] for url in listed(show)} == {
        key.rpartition("/")[2] for key in newest.public_keys.values()
    }


def correct(show: ShowFolder) -> None:
    """Publish a second version of the words."""
    markdown = show.episode / "transcript.md"
    text = markdown.read_text(encoding="utf-8")
    markdown.write_text(f"{text.rstrip()} Indeed.\n", encoding="utf-8")
    publish(context_of(show), SLUG)


def test_the_older_version_is_stored_before_the_feed_names_it(show: ShowFolder) -> None:
    """The first version was never public; and its files are stored once the second is withdrawn."""
    correct(show)
    choose(show, "public")
    publish(context_of(show), SLUG)
    second = public_files(show)
    withdraw(context_of(show), plan_withdrawal(context_of(show), SLUG, Selection(version=2)))
    first = episode(show).transcripts[0]
    assert public_files(show) == set(first.public_keys.values())
    assert not public_files(show) & second
    assert {url.rpartition("/")[2] for url in listed(show)} == {
        key.rpartition("/")[2] for key in public_files(show)
    }


def die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_what_a_killed_release_stored_is_removed_by_the_next_publication(
    show: ShowFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before the catalog names the files; the producer then decides for subscribers."""
    with_days(show, 0)
    with monkeypatch.context() as patched:
        patched.setattr(public_transcripts, "commit", die)
        with pytest.raises(KeyboardInterrupt):
            open_due_transcripts(context_of(show, at(show, 1)))
    assert len(public_files(show)) == 3
    choose(show, "subscribers")
    publish(context_of(show), SLUG)
    assert (public_files(show), episode(show).pending_keys) == (set(), ())


def test_unpublished_words_leave_no_stored_file(show: ShowFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken down after a killed `release`, the files that no catalog named go too."""
    with_days(show, 0)
    with monkeypatch.context() as patched:
        patched.setattr(public_transcripts, "commit", die)
        with pytest.raises(KeyboardInterrupt):
            open_due_transcripts(context_of(show, at(show, 1)))
    maintain.unpublish(context_of(show), SLUG)
    assert (public_files(show), episode(show).pending_keys) == (set(), ())


def test_what_a_killed_run_has_left_is_named_and_unpublish_removes_it(show: ShowFolder) -> None:
    """Stored under public/ for an episode that was taken down: named by doctor, removed by `unpublish`."""
    maintain.unpublish(context_of(show), SLUG)
    version = episode(show).transcript
    assert version is not None
    key = version.public_keys["vtt"]
    store(show).put(key, b"WEBVTT", content_type="text/vtt", cache_control="no-cache")
    assert found_by_doctor(show, later=timedelta()) == []
    (found,) = found_by_doctor(show, later=timedelta(hours=2))
    assert (found.ok, found.said.partition(":")[0]) == (False, key)
    maintain.unpublish(context_of(show), SLUG)
    assert (public_files(show), found_by_doctor(show, later=timedelta(hours=2))) == (set(), [])


def found_by_doctor(show: ShowFolder, *, later: timedelta) -> list[DoctorFinding]:
    session = CliSession(show.folder, Output(quiet=True), clock=lambda: datetime.now(UTC) + later)
    return list(CHECKS["public transcripts"](session))


def test_who_is_overtaken_leaves_no_public_file(show: ShowFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another producer decides for subscribers while `release` stores the files."""
    with_days(show, 0)
    choose(show, "subscribers")

    def overtaken(*arguments: Any, **options: Any) -> None:
        publish(context_of(show), SLUG)
        upload(*arguments, **options)

    monkeypatch.setattr(public_transcripts, "upload", overtaken)
    assert open_due_transcripts(context_of(show, at(show, 1))) == ()
    assert (public_files(show), episode(show).transcript_is_public) == (set(), False)


def test_a_killed_run_is_finished_by_release(show: ShowFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the feed no longer names the files, the next `release` removes them."""
    choose(show, "public")
    publish(context_of(show), SLUG)
    choose(show, "subscribers")

    with monkeypatch.context() as patched:
        patched.setattr(publications, "remove_pending_objects", die)
        with pytest.raises(KeyboardInterrupt):
            publish(context_of(show), SLUG)
    assert listed(show) == []
    assert public_files(show) == set(episode(show).pending_keys) != set()
    release(context_of(show))
    assert (public_files(show), episode(show).pending_keys) == (set(), ())


def at(show: ShowFolder, days: float) -> datetime:
    """Return an instant so many days after the publication."""
    return episode(show).publish_at + timedelta(days=days)


def with_days(show: ShowFolder, days: int) -> None:
    path = show.folder / "show.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[access]\n", f"[access]\npublic_after_days = {days}\n"), encoding="utf-8")


def test_release_opens_after_days(show: ShowFolder) -> None:
    """On the day, by the catalog alone; once; and `publish` leaves it open."""
    with_days(show, 7)
    assert open_due_transcripts(context_of(show, at(show, 6.9))) == ()
    assert not episode(show).transcript_is_public
    assert open_due_transcripts(context_of(show, at(show, 7))) == (SLUG,)
    assert (episode(show).transcript_is_public, len(listed(show)), len(public_files(show))) == (True, 3, 3)
    assert open_due_transcripts(context_of(show, at(show, 7))) == ()
    assert not publish(context_of(show, at(show, 8)), SLUG).changed
    assert episode(show).transcript_is_public


def test_a_back_catalogue_is_opened_by_a_person_only(
    show: ShowFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More transcripts than those of a week are opened where the gate is allowed, and else none."""
    monkeypatch.setattr(public_transcripts, "MOST_AT_ONCE", 0)
    with_days(show, 7)
    with pytest.raises(GateClosed, match="1 transcripts would be for everybody"):
        open_due_transcripts(context_of(show, at(show, 7)))
    assert (public_files(show), episode(show).transcript_is_public) == (set(), False)
    assert open_due_transcripts(context_of(show, at(show, 7)), allow=["back-catalogue"]) == (SLUG,)
    assert public_files(show)


def test_a_choice_for_subscribers_is_kept(show: ShowFolder) -> None:
    """`transcript = "subscribers"` stays theirs, whatever show.toml says; nothing is due without a number."""
    assert open_due_transcripts(context_of(show, at(show, 4000))) == ()
    choose(show, "subscribers")
    publish(context_of(show), SLUG)
    with_days(show, 0)
    assert open_due_transcripts(context_of(show, at(show, 4000))) == ()


def test_a_scheduled_episode_is_opened_by_release(published: ShowFolder, tmp_path: Path) -> None:
    """Until its time no file lies under public/; then they are stored before the feed names them."""
    show, now = build_draft(published, tmp_path / "draft"), datetime(2026, 11, 23, 12, tzinfo=UTC)
    choose(show, "public")
    publish(context_of(show, now), SLUG, publish_at=now + LATER)
    assert (public_files(show), episode(show).transcript_is_public) == (set(), False)
    assert release(context_of(show, now + LATER)) == (SLUG,)
    assert set(episode(show).public_transcript_keys) == public_files(show) != set()
    assert len(listed(show)) == 3


def test_unpublished_words_are_taken_back(show: ShowFolder) -> None:
    """An episode that is taken down leaves no public transcript."""
    choose(show, "public")
    publish(context_of(show), SLUG)
    maintain.unpublish(context_of(show), SLUG)
    assert (public_files(show), episode(show).state) == (set(), "unpublished")


def test_rebuild_and_gc_keep_them(show: ShowFolder) -> None:
    """A lost file is made again; the files are no orphans."""
    choose(show, "public")
    publish(context_of(show), SLUG)
    lost = sorted(public_files(show))[0]
    store(show).delete(lost)
    maintain.rebuild(context_of(show))
    assert lost in public_files(show)
    orphans = maintain.remove_orphaned_objects(context_of(show), remove=False)
    assert not {one.key for one in orphans} & public_files(show)


def test_public_words_need_public_audio(show: ShowFolder) -> None:
    """The two together are refused with one line."""
    choose(show, "public")
    edit(show, 'transcript = "public"\n', 'transcript = "public"\naccess = "subscribers"\n')
    with pytest.raises(ConfigError, match="everybody hears"):
        publish(context_of(show), SLUG)


def test_audio_for_subscribers_closes_the_words(show: ShowFolder) -> None:
    """Words that `release` opened are taken back with the audio."""
    with_days(show, 0)
    open_due_transcripts(context_of(show, at(show, 1)))
    edit(show, "season = 1\n", 'access = "subscribers"\nseason = 1\n')
    publish(context_of(show), SLUG, allow=["redownloads"])
    there: Episode = episode(show)
    assert (there.transcript_is_public, public_files(show)) == (False, set())
    assert b"podcast:transcript" not in feed(show)
