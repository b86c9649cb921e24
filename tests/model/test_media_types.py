"""The types of the objects that we make public."""

import pytest

from podcast_pipeline.model.media_types import AUDIO_TYPES, is_public_type, media_type

MP3 = "public/audio/a.0123456789abcdef.mp3"


@pytest.mark.parametrize(
    ("key", "content_type", "ours"),
    [
        (MP3, "audio/mpeg", True),
        (MP3, "Audio/MPEG; charset=binary", True),
        (MP3, "text/html", False),
        (MP3, "", False),
        ("public/feed.xml", "application/rss+xml; charset=utf-8", True),
        ("public/feed.xml", "text/xml", False),
        ("public/chapters/a.0.json", "application/json+chapters", True),
        ("public/art/0.jpg", "image/jpeg", True),
        ("public/art/0.jpg", "image/svg+xml", False),
        ("public/art/0.svg", "image/svg+xml", False),
        ("public/page.html", "text/html", False),
        ("public/audio/a.0.pdf", "application/pdf", False),
        ("public/audio/none", "audio/mpeg", False),
    ],
)
def test_types_that_we_make(key: str, content_type: str, ours: bool) -> None:
    """A public object has a type that fits the end of its key."""
    assert is_public_type(key, content_type) is ours


@pytest.mark.parametrize(
    ("name", "stated", "mime"),
    [
        ("http://h/a.mp3", "text/html", "audio/mpeg"),
        ("http://h/a.mp3?x=.m4a", "", "audio/mpeg"),
        ("http://h/a", "audio/mp3", "audio/mpeg"),
        ("http://h/a", "video/quicktime", "video/mp4"),
        ("http://h/a", "audio/ogg", "audio/ogg"),
        ("http://h/a.opus", "audio/ogg", "audio/ogg"),
        ("http://h/a", "", "audio/mpeg"),
        ("http://h/a", "text/html", None),
        ("http://h/cover.jpg", "image/jpeg", None),
        ("http://[", "text/html", None),
    ],
)
def test_a_stated_type_is_made_one_of_ours(name: str, stated: str, mime: str | None) -> None:
    """The name decides, then the type; neither is taken over."""
    assert media_type(name, stated) == mime
    assert mime is None or any(mime in types for types in AUDIO_TYPES.values())
