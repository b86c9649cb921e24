"""Feeds compared byte for byte; scripts/golden_feeds.py regenerates them."""

import locale
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import feedparser
import pytest

from podcast_pipeline.feed.rss import PublicAudience, render_feed
from tests.support.golden import FEEDS, audiences, ordinary_catalog, rendered_feeds

NOW = rendered_feeds()
BY_NAME = pytest.mark.parametrize("path", NOW, ids=lambda path: path.name)


@BY_NAME
def test_feed_is_the_golden_one(path: Path) -> None:
    """A catalog renders to the bytes of its golden file."""
    assert NOW[path].decode() == path.read_text(encoding="utf-8")


def test_no_golden_feed_is_left_over() -> None:
    """Every golden feed belongs to a catalog."""
    assert set(FEEDS.glob("*.xml")) == set(NOW)


@BY_NAME
def test_feedparser_reads_it_without_complaint(path: Path) -> None:
    """An independent parser finds the feed well-formed and sees all items."""
    parsed = feedparser.parse(NOW[path])
    assert parsed.bozo is False
    assert len(parsed.entries) == NOW[path].count(b"<item>")


@pytest.fixture
def new_york() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "America/New_York"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


@pytest.mark.usefixtures("new_york")
def test_time_zone_does_not_change_the_bytes() -> None:
    """The bytes are the same in the time zone of New York."""
    assert rendered_feeds() == NOW


def test_locale_and_hash_seed_do_not_change_the_bytes() -> None:
    """Another process with another locale and another hash seed renders the same bytes."""
    code = (
        "import locale, sys; from tests.support.golden import *;"
        "locale.setlocale(locale.LC_ALL, '');"
        "sys.stdout.buffer.write(render_feed(ordinary_catalog(), PrivateAudience()))"
    )
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "7"}
    out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert out.stdout == NOW[FEEDS / "ordinary.private.xml"]


def test_locale_is_never_switched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Feedgen's way of writing dates, which switches the locale of the process, is not used."""

    def refuse(*_: object) -> None:
        raise AssertionError("the locale was touched")

    monkeypatch.setattr(locale, "setlocale", refuse)
    assert render_feed(ordinary_catalog(), PublicAudience()) == NOW[FEEDS / "ordinary.public.xml"]


def test_threads_do_not_disturb_each_other() -> None:
    """Forty renders of three audiences in eight threads give three documents."""
    catalog = ordinary_catalog()
    names = list(audiences(catalog).items())
    work = [names[i % 3] for i in range(40)]
    with ThreadPoolExecutor(8) as pool:
        feeds = list(pool.map(lambda job: (job[0], render_feed(catalog, job[1])), work))
    assert {(name, feed) for name, feed in feeds} == {
        (name, NOW[FEEDS / f"ordinary.{name}.xml"]) for name, _ in names
    }
