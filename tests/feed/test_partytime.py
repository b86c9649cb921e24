"""Our feeds as Podcast Index's own parser (npm: podcast-partytime) reads them."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from tests.support.golden import FEEDS
from tests.support.parts import how_to_get
from tests.support.paths import ROOT

INSTALLED = shutil.which("node") and (ROOT / "node_modules" / "podcast-partytime").is_dir()

pytestmark = pytest.mark.skipif(not INSTALLED, reason=how_to_get("podcast-partytime"))


def parsed(name: str) -> Any:
    script = ROOT / "scripts" / "check_partytime.sh"
    out = subprocess.run([str(script), str(FEEDS / name)], capture_output=True, check=True)
    return json.loads(out.stdout)


def test_public_feed_is_understood() -> None:
    """Podcast Index reads guid, lock, owner, persons, chapters and soundbites, and no transcripts."""
    feed = parsed("ordinary.public.xml")
    assert feed["guid"] == "9b024349-ccf0-5f69-a609-6b82873eab3c"
    assert (feed["locked"], feed["podcastBlocked"], feed["itunesBlock"]) == (True, "no", False)
    assert feed["owner"]["email"] == "podcast@news.example"
    assert feed["itunesCategory"] == ["News > Politics", "Society & Culture"]
    water = feed["items"][-1]
    assert [person["role"] for person in water["podcastPeople"]] == ["Host", "Host", "Guest"]
    assert water["podcastChapters"]["type"] == "application/json+chapters"
    assert [bite["startTime"] for bite in water["podcastSoundbites"]] == [73, 200.25]
    assert not any("podcastTranscripts" in item for item in feed["items"])


def test_private_feed_is_understood_and_blocked() -> None:
    """Podcast Index sees that it may not list the feed, and every transcript with its language."""
    feed = parsed("ordinary.private.xml")
    assert (feed["locked"], feed["podcastBlocked"], feed["itunesBlock"]) == (True, "yes", True)
    transcripts = [item.get("podcastTranscripts", []) for item in feed["items"]]
    assert [len(found) for found in transcripts] == [0, 3, 2, 3]
    assert {found["language"] for found in transcripts[2]} == {"es"}
    assert {found["language"] for found in transcripts[3]} == {"en-US"}


@pytest.mark.parametrize("name", ["hostile.private.xml", "imported.public.xml", "ordinary.lapsed.xml"])
def test_every_item_of_other_feeds_is_seen(name: str) -> None:
    """Hostile text, foreign guids and the notice get through; each item has its audio."""
    feed = parsed(name)
    assert len(feed["items"]) == (FEEDS / name).read_bytes().count(b"<enclosure ")
    assert all(item["enclosure"]["length"] for item in feed["items"])
