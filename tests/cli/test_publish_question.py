"""Before an episode is out: the question at the terminal, and what the edits of a draft have changed."""

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer

from podcast_pipeline import publish
from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.files import sha256_of
from podcast_pipeline.pipeline.commit import PreparedEpisode
from podcast_pipeline.pipeline.publish import prepare
from podcast_pipeline.pipeline.words.review import diff_versions
from tests.support.pipeline import catalog, context_of, edit, episode, objects
from tests.support.show import SLUG, ShowFolder, build_draft, copy_show_folder
from tests.support.terminal import run_on_terminal


@pytest.fixture
def draft(published: ShowFolder, tmp_path: Path) -> ShowFolder:
    """A show whose only episode was never published; its sound is made, its words are heard."""
    return build_draft(published, tmp_path / "draft")


def test_enter_publishes_nothing_where_a_review_found_something(draft: ShowFolder) -> None:
    """The question names the words, for whom, what to listen to; the words stay in the folder."""
    done = run_on_terminal(draft, "publish", SLUG, answer="")
    assert done.returncode == 1
    for words in (
        "words",
        "everybody hears it, subscribers read it",
        "to listen to (",
        f"podcast review {SLUG}",
        "Publish it now? [y/N]",
        "nothing was published",
        f"podcast preview {SLUG}",
    ):
        assert words in done.text, words
    assert objects(draft) == {}
    assert (draft.episode / "transcript.md").is_file()


def test_yes_publishes(draft: ShowFolder) -> None:
    """After a y the episode is out."""
    assert run_on_terminal(draft, "publish", SLUG, answer="y").returncode == 0
    assert episode(draft).state == "published"


def test_what_would_change_nothing_is_not_asked(published: ShowFolder, tmp_path: Path) -> None:
    """An episode that matches its folder has no question; a change has one of its own."""
    show = copy_show_folder(published, tmp_path / "show")
    done = run_on_terminal(show, "publish", SLUG, answer="")
    assert (done.returncode, "nothing to do" in done.text, "?" in done.text) == (0, True, False)
    edit(show, 'title = "', 'title = "New: ')
    asked = run_on_terminal(show, "publish", SLUG, answer="")
    assert (asked.returncode, "Update the published episode? [y/N]" in asked.text) == (1, True)


def test_the_question_comes_after_the_checks_and_before_the_store(draft: ShowFolder) -> None:
    """What would be stored is known and nothing of it is stored when `confirm` is called."""
    seen: list[PreparedEpisode] = []

    def refuse(prepared: PreparedEpisode) -> None:
        seen.append(prepared)
        assert objects(draft) == {}
        raise typer.Abort

    with pytest.raises(typer.Abort):
        publish(context_of(draft), SLUG, confirm=refuse)
    assert len(seen[0].assembled.episode.transcripts) == 1
    assert seen[0].review_items
    assert objects(draft) == {}


def test_the_edits_of_a_draft_can_be_seen(draft: ShowFolder) -> None:
    """A heading without stars, which became spoken text, and a changed word are in `transcript diff`."""
    context = context_of(draft)
    with context.library.open(SLUG) as folder:
        prepare(folder, context)  # writes transcript.md
    path = draft.episode / "transcript.md"
    text = path.read_text(encoding="utf-8")
    found = re.search(r" ([a-z]{6,}) ", text.partition("[00:00:00]")[2])
    assert found is not None
    text = text.replace(found[0], " altered ", 1)
    path.write_text(f"{text.rstrip()}\n\n王毅: said this\n", encoding="utf-8")
    lines = diff_versions(SLUG, context, old=None, new=None)
    assert [line for line in lines if f"[-{found[1]}-]{{+altered+}}" in line]
    assert "王毅: said this" in lines[-1]
    with pytest.raises(EpisodeError, match="omit --from and --to"):
        diff_versions(SLUG, context, old=1, new=None)


def test_two_episodes_on_one_slot_are_told(draft: ShowFolder) -> None:
    """The second one that is scheduled for a time gets a line; both are scheduled."""
    when = datetime.now(UTC).replace(microsecond=0, second=0) + timedelta(days=2)
    publish(context_of(draft), SLUG, publish_at=when)
    second = draft.episode.with_name("second")
    shutil.copytree(draft.episode, second)
    for name in ("published.json", "base.json"):
        (second / name).unlink(missing_ok=True)
    source = next(path for path in second.glob("source.*"))
    text = (second / "episode.toml").read_text(encoding="utf-8")
    text = text.replace(SLUG, "second").replace(
        str(episode(draft).id), "0a1b2c3d-0000-4000-8000-000000000001"
    )
    (second / "episode.toml").write_text(text, encoding="utf-8")
    assert sha256_of(source) in text
    done = draft.run("publish", "second", "--yes", "--at", when.isoformat())
    assert done.returncode == 0, done.stderr
    assert f"{SLUG} is scheduled for" in done.stdout
    assert [e.state for e in catalog(draft).episodes] == ["scheduled", "scheduled"]
