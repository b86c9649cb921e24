"""The public feed is refused by name for an episode of our own, and never for an imported one."""

import pytest

from podcast_pipeline.errors import FeedError
from podcast_pipeline.model import FeedElement, ImportedItem, Soundbite
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.pipeline.commit import make_feed_renderer
from tests.support.golden import ordinary_catalog


def broken(original: ImportedItem | None) -> tuple[str, Catalog]:
    """Return a catalog whose newest public episode breaks F16, and its slug."""
    catalog = ordinary_catalog()
    episode = next(e for e in catalog.published() if e.access == "public" and e.enclosure.duration_s)
    late = Soundbite(start_s=9_000_000, duration_s=30, title="x")
    changes = {"soundbites": (late,), "original": original}
    return episode.slug, catalog.with_episode(episode.model_copy(update=changes))


def test_an_error_names_the_episode() -> None:
    """The line has the rule, the slug, the fault and the fix."""
    slug, catalog = broken(None)
    with pytest.raises(FeedError, match=f"F16: {slug}: a soundbite beyond the end of the audio; correct"):
        make_feed_renderer((), allow=frozenset())(catalog, None)


def test_an_imported_item_blocks_nothing() -> None:
    """The same fault in an imported item is the old host's: the feed is written, whatever the element."""
    _, catalog = broken(ImportedItem(description="Old words."))
    assert b"<item>" in make_feed_renderer((), allow=frozenset())(catalog, None)
    tag = FeedElement(name="podcast:chapters", attributes={"url": "https://n.example/x", "type": "text/html"})
    _, catalog = broken(ImportedItem(description="Old words.", tags=(tag,)))
    assert b"<item>" in make_feed_renderer((), allow=frozenset())(catalog, None)
