"""Addresses of another host's feed, as RFC 3986 writes them, or none."""

from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.feed.untrusted.addresses import web_address

PAGE = "https://old.example/shows/feed.xml?page=1"


@pytest.mark.parametrize(
    ("written", "encoded"),
    [
        ("http://h.example/not there 2.mp3", "http://h.example/not%20there%202.mp3"),
        (
            "http://h.example/nicht da ü.mp3?q=a b#é",
            "http://h.example/nicht%20da%20%C3%BC.mp3?q=a%20b#%C3%A9",
        ),
        ("https://müller.example/a.mp3", "https://xn--mller-kva.example/a.mp3"),
        ("https://i❤.example/a.mp3", "https://xn--i-7iq.example/a.mp3"),
        ("http://h.example/100%.mp3", "http://h.example/100%25.mp3"),
        ("http://h.example/a%20b.mp3?x=%C3%BC", "http://h.example/a%20b.mp3?x=%C3%BC"),
        ("http://h.example/a[1]|{x}\\y<z>.mp3", "http://h.example/a%5B1%5D%7C%7Bx%7D%5Cy%3Cz%3E.mp3"),
        ("  http://h.example/a\n.mp3\t", "http://h.example/a.mp3"),
        ("http://u:p w@h.example:8080/", "http://u:p%20w@h.example:8080/"),
        ("http://[2001:db8::1]:80/a", "http://[2001:db8::1]:80/a"),
        ("https://op3.dev/e/h.example/a.mp3?b=1&c=d;e", "https://op3.dev/e/h.example/a.mp3?b=1&c=d;e"),
    ],
)
def test_addresses_are_encoded(written: str, encoded: str) -> None:
    """Spaces, letters beyond ASCII and hosts are encoded; what is encoded already stays."""
    assert web_address(written) == encoded
    assert web_address(encoded) == encoded


@pytest.mark.parametrize(
    "written",
    [
        "javascript:alert(1)",
        " java\tscript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "file:///etc/passwd",
        "vbscript:x",
        "ftp://h.example/a",
        "//h.example/a",
        "/a.mp3",
        "a.mp3",
        "",
        "http://",
        "http:///a",
        "http://h example/a",
        "http://h.example:99999/",
        "http://h.example:x/",
        "http://[::1",
        "http:\\\\h.example\\a",
        "http://a\ud800.example/",
    ],
)
def test_anything_else_is_no_address(written: str) -> None:
    """Another scheme, a relative address without a base and a broken one are None."""
    assert web_address(written) is None


@pytest.mark.parametrize(
    ("relative", "whole"),
    [
        ("?page=2", "https://old.example/shows/feed.xml?page=2"),
        ("/dev/zero", "https://old.example/dev/zero"),
        ("../a.mp3", "https://old.example/a.mp3"),
        ("//cdn.example/a b.mp3", "https://cdn.example/a%20b.mp3"),
        ("http://b.example/x", "http://b.example/x"),
        ("file:///etc/passwd", None),
        ("javascript:alert(1)", None),
    ],
)
def test_relative_addresses_are_resolved(relative: str, whole: str | None) -> None:
    """RFC 3986 resolves against the page; a base never makes another scheme an address."""
    assert web_address(relative, PAGE) == whole


@given(st.text(max_size=40), st.sampled_from(["", "http://", "https://h.example/", "http://h/?", "//"]))
def test_an_address_is_one_for_everybody(text: str, before: str) -> None:
    """What is left is http(s), ASCII without a space, the same when encoded again, and httpx reads it."""
    address = web_address(before + text, PAGE)
    if address is not None:
        assert address.isascii()
        assert not set(address) & set(' "<>\\^`{|}')
        assert urlsplit(address).scheme in ("http", "https")
        assert web_address(address) == address
        try:
            assert httpx.URL(address).scheme in ("http", "https")
        except httpx.InvalidURL:
            assert "xn--" in address or len(address) > 100  # a host that no resolver takes either
