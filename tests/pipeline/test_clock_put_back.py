"""A change is a change for apps that ask with If-Modified-Since, also after the clock was put back."""

from datetime import UTC, datetime
from pathlib import Path

from podcast_pipeline.pipeline.maintain import unpublish
from podcast_pipeline.pipeline.publish import publish
from tests.support.pipeline import catalog, context_of
from tests.support.show import SLUG, ShowFolder, copy_show_folder

LONG_BEFORE = datetime(2020, 1, 1, 12, tzinfo=UTC)


def changed_at(show: ShowFolder) -> datetime:
    """Return the Last-Modified of the show's private feeds."""
    at = catalog(show).content_changed_at()
    assert at is not None
    return at


def test_the_feed_s_date_never_goes_back(published: ShowFolder, tmp_path: Path) -> None:
    """A correction and a tombstone each get a later date than what was there, and no change keeps it."""
    show = copy_show_folder(published, tmp_path / "show")
    first = changed_at(show)
    publish(context_of(show, LONG_BEFORE), SLUG)
    assert changed_at(show) == first
    (show.episode / "notes.md").write_text("Other notes.", encoding="utf-8")
    publish(context_of(show, LONG_BEFORE), SLUG)
    second = changed_at(show)
    unpublish(context_of(show, LONG_BEFORE), SLUG)
    assert first < second < changed_at(show)
