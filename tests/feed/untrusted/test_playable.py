"""Feeds list imported items that have audio, under types of ours, whatever an earlier release took over."""

from xml.etree import ElementTree

import pytest

from podcast_pipeline.feed import conformance
from podcast_pipeline.feed.rss import PrivateAudience, PublicAudience, render_feed
from podcast_pipeline.feed.untrusted.playable import left_out
from podcast_pipeline.model import Enclosure, FeedElement, ImportedItem, Person
from podcast_pipeline.model.catalog import Catalog
from tests.support.golden import ordinary_catalog

KEY = "public/audio/imported.36572f988b560484.mp3"


def catalog_with(enclosure: Enclosure, **changes: object) -> Catalog:
    """Return the sample catalog with its newest public episode imported with this enclosure."""
    catalog = ordinary_catalog()
    episode = next(e for e in catalog.published() if e.access == "public")
    original = ImportedItem(description="Old words.")
    return catalog.with_episode(
        episode.model_copy(update={"enclosure": enclosure, "original": original, **changes})
    )


def stored(mime: str) -> Enclosure:
    return Enclosure(key=KEY, size_bytes=100, type=mime, duration_s=3, sha256="0" * 64)


def remote(url: str, mime: str = "audio/mpeg") -> Enclosure:
    return Enclosure(external_url=url, size_bytes=100, type=mime, duration_s=3)


def count(catalog: Catalog, audience: PublicAudience | PrivateAudience) -> int:
    return len(ElementTree.fromstring(render_feed(catalog, audience))[0].findall("item"))  # noqa: S314


@pytest.mark.parametrize(
    "enclosure",
    [
        stored("text/html"),
        stored("image/jpeg"),
        stored("image/svg+xml"),
        stored("application/json"),
        remote("http://h.example/page?x", "text/html"),
        remote("javascript:alert(1)"),
        remote("file:///etc/passwd"),
    ],
    ids=lambda e: f"{e.type} {e.external_url or ''}",
)
def test_an_item_without_audio_is_in_no_feed(enclosure: Enclosure) -> None:
    """A page or a picture that an earlier release stored as audio is in no feed, and one line names it."""
    good, bad = ordinary_catalog(), catalog_with(enclosure)
    for audience in (PublicAudience(), PrivateAudience()):
        assert count(bad, audience) == count(good, audience) - 1
        assert not [f for f in conformance.check_feed(render_feed(bad, audience)) if f.severity == "error"]
    slug = next(e.slug for e in bad.published() if e.original)
    (line,) = left_out(bad)
    assert line.startswith(f"{slug}: is left out of the feeds, its audio ")


@pytest.mark.parametrize(
    ("enclosure", "address", "mime"),
    [
        (remote("http://h.example/nicht da ü.mp3"), "http://h.example/nicht%20da%20%C3%BC.mp3", "audio/mpeg"),
        (remote("http://h.example/a.mp3", "text/html"), "http://h.example/a.mp3", "audio/mpeg"),
        (remote("http://h.example/a", "application/octet-stream"), "http://h.example/a", "audio/mpeg"),
        (remote("http://h.example/a", "audio/\x9b31mmpeg"), "http://h.example/a", "audio/mpeg"),
        (remote("http://h.example/a.m4a", "audio/x-m4a"), "http://h.example/a.m4a", "audio/x-m4a"),
        (stored("audio/mp3"), None, "audio/mpeg"),
    ],
)
def test_what_can_be_mended_is(enclosure: Enclosure, address: str | None, mime: str) -> None:
    """Addresses are encoded and types are of our table, also for items of an earlier release."""
    feed = render_feed(catalog_with(enclosure), PublicAudience())
    items = ElementTree.fromstring(feed)[0].findall("item")  # noqa: S314
    (found,) = [e for item in items if (e := item.find("enclosure")) is not None and e.get("length") == "100"]
    assert found.get("type") == mime
    assert address is None or found.get("url") == address
    assert not [f for f in conformance.check_feed(feed) if f.severity == "error"]
    assert left_out(catalog_with(enclosure)) == ()


def test_no_address_that_runs_is_in_a_feed() -> None:
    """Link, permalink, persons, tags, pictures, chapters and notes of an earlier release's catalog."""
    script = "javascript:alert(1)"
    tags = (
        FeedElement(name="podcast:contentLink", text="x", attributes={"href": script}),
        FeedElement(name="podcast:person", text="Eve", attributes={"href": script, "img": script}),
    )
    original = ImportedItem(
        link=script,
        description=f'<a href="{script}">x</a>',
        content=f"<a href='{script}'>x</a><script>alert(2)</script>",
        image_url=script,
        chapters_url=script,
        tags=tags,
    )
    persons = (Person.model_construct(name="Bo", role="guest", url=script, image_url=script),)
    catalog = catalog_with(
        stored("audio/mpeg"), original=original, persons=persons, guid=script, guid_is_permalink=True
    )
    for audience in (PublicAudience(), PrivateAudience()):
        feed = render_feed(catalog, audience).decode()
        assert feed.count("javascript:") == 1
        assert f'<guid isPermaLink="false">{script}</guid>' in feed  # a guid never changes; it is text
        assert "<script" not in feed
