import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podcast_pipeline.feed.conformance import check_feed
from podcast_pipeline.feed.private import personalize
from podcast_pipeline.feed.tags import podcast_guid
from tests.support.golden import FEEDS
from tests.support.rule_cases import hosts
from tests.support.rule_cases.documents import (
    FAULTS,
    RIGHT,
    TOKEN,
)

FILE_RULES = {"T5"}  # of a transcript's text alone: tests/feed/conformance/test_fetched_files.py


@pytest.mark.parametrize("name", ["full", "minimal", "private"])
def test_right_feed_has_no_findings(name: str) -> None:
    """Feeds that follow the rules, with all elements and with the fewest, have no findings."""
    assert check_feed((FEEDS / "right" / f"{name}.xml").read_bytes()) == ()


@pytest.mark.parametrize(("rule", "severity", "right", "wrong"), FAULTS)
def test_planted_fault_is_found_and_nothing_else(rule: str, severity: str, right: str, wrong: str) -> None:
    """A feed that breaks one rule gets findings of that rule only, each with a line and a fix."""
    assert right in RIGHT
    findings = check_feed(RIGHT.replace(right, wrong, 1).encode())
    assert {(f.rule, f.severity) for f in findings} == {(rule, severity)}
    assert all(f.line and f.message and f.fix for f in findings)


@pytest.mark.parametrize(
    ("channel", "items", "count"),
    [
        ("true", ("false", "false"), 1),
        ("false", ("true", "true"), 1),
        ("true", ("false", "true"), 0),
        ("true", ("false", ""), 0),
        ("false", ("false", "true"), 0),
        ("true", ("true", "true"), 0),
        ("true", ("", ""), 0),
    ],
)
def test_a_channel_that_no_item_agrees_with_is_found(
    channel: str, items: tuple[str, str], count: int
) -> None:
    """Apps show the item's value: where every item says the opposite, the channel's is shown nowhere."""
    feed = RIGHT.replace("<itunes:explicit>false", f"<itunes:explicit>{channel}", 1)
    head, *rest = feed.split("<item>")
    for value, text in zip(items, rest, strict=True):
        head += "<item>" + (f"<itunes:explicit>{value}</itunes:explicit>" if value else "") + text
    findings = check_feed(head.encode())
    assert [(f.rule, f.severity) for f in findings] == [("F2", "warning")] * count
    assert all("every item says the opposite" in f.message for f in findings)


def test_hub_link_in_a_private_feed_is_found() -> None:
    """The hub would get the private address of the feed."""
    feed = (FEEDS / "right" / "private.xml").read_text(encoding="utf-8")
    hub = '<atom:link rel="hub" href="https://hub.example"/>'
    (finding,) = check_feed(feed.replace("<channel>", f"<channel>{hub}", 1).encode())
    assert (finding.rule, finding.severity, finding.message) == (
        "H7",
        "error",
        "a private feed has a hub link",
    )


def test_every_rule_has_a_planted_fault() -> None:
    """Every rule of the feed, of its files and of its host is tested."""
    names = {"F": 17, "T": 7, "H": 7}
    planted = {row[0] for row in FAULTS} | {rule for rule, *_ in hosts.FAULTS.values()} | FILE_RULES
    assert planted >= {f"{letter}{number}" for letter, last in names.items() for number in range(1, last + 1)}


def test_finding_names_the_line_in_the_source() -> None:
    """The line is where the element ends its opening tag, far down too."""
    padded = RIGHT.replace("<channel>", "\n" * 60_000 + "<channel>").replace("one.mp3", "one.wav")
    line = 1 + padded[: padded.index("<enclosure")].count("\n")
    assert [f.line for f in check_feed(padded.encode())] == [line]


@pytest.mark.parametrize("path", sorted(FEEDS.glob("*.xml")), ids=lambda path: path.name)
def test_own_feeds_are_right(path: Path) -> None:
    """Our feeds break no rule, except that a show may lack artwork, notice audio or any episode."""
    missing = {"the channel has no itunes:image", "an item without an enclosure"}
    if path.name == "empty.lapsed.xml":  # its one item is the notice
        missing.add("itunes:explicit is true, and every item says the opposite")
    excused = (
        missing if path.name.startswith(("empty", "imported")) else {"the transcript is not offered as JSON"}
    )
    feed = personalize(path.read_bytes(), TOKEN, lambda _: TOKEN)
    assert {f.message for f in check_feed(feed)} <= excused


def _real_feeds() -> list[Path]:
    folder = os.environ.get("PODCAST_FEEDS_DIR")
    return sorted(Path(folder).glob("*.xml")) if folder else []


@pytest.mark.skipif(not _real_feeds(), reason="PODCAST_FEEDS_DIR names no folder of real feeds")
def test_real_feeds_are_judged_without_a_crash() -> None:
    """Feeds of other hosts get findings; the one that is not well-formed gets exactly that."""
    findings = {path.stem: check_feed(path.read_bytes()) for path in _real_feeds()}
    assert all(findings.values())
    for found in findings["sentimental-garbage"]:
        assert (found.rule, found.severity, found.line) == ("F1", "error", 2)
        assert "not well-formed" in found.message


LOL = '<!DOCTYPE l [<!ENTITY a "lol">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "prolog",
    [
        LOL + "]>",
        '<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/x.dtd">',
    ],
)
@pytest.mark.parametrize("place", ["<title>&i;&a;</title>", '<title a="&i;&a;"/>', "<title/>"])
def test_entities_are_neither_expanded_nor_fetched(prolog: str, place: str) -> None:
    """An entity bomb, a file or a remote DTD gives one finding, without any text of the file."""
    findings = check_feed(f"{prolog}<rss><channel>{place}</channel></rss>".encode())
    assert [(f.rule, f.severity) for f in findings] == [("F1", "error")]
    assert "lollol" not in findings[0].message
    assert Path("/etc/hostname").read_text().strip() not in findings[0].message


@pytest.mark.parametrize(
    "feed", [b"", b"\x00", b"{}", b"<html/>", b"<rss/>", RIGHT.encode("utf-16"), b"<a>" * 9000]
)
def test_bytes_that_are_no_feed_give_one_finding(feed: bytes) -> None:
    """Empty bytes, noise, a web page and another encoding are not a feed."""
    assert [(f.rule, f.severity) for f in check_feed(feed)] == [("F1", "error")]


def test_other_encoding_is_named() -> None:
    """A feed in Latin-1 is well-formed but is refused."""
    latin = RIGHT.replace("UTF-8", "ISO-8859-1").replace("–", "-").replace("Bea", "Béa").encode("latin-1")
    assert [f.message for f in check_feed(latin)] == ["the feed is encoded in ISO-8859-1"]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_bytes_crash_the_check(data: st.DataObject) -> None:
    """A feed with any stretch of it replaced by anything gives findings, never an exception."""
    feed = RIGHT.encode()
    start = data.draw(st.integers(0, len(feed)))
    end = data.draw(st.integers(start, min(len(feed), start + 60)))
    noise = st.binary(max_size=30) | st.text(max_size=30).map(str.encode)
    values = st.sampled_from(
        [b"9" * 5000, b"http://[", b"-1", b"", b"\xff", b"&#0;", b"Tue, 99 Mar 99999 25:00:00 +9999999"]
    )
    check_feed(feed[:start] + data.draw(noise | values) + feed[end:])


@pytest.mark.parametrize(
    "value",
    [
        "9" * 5000,
        "http://[",
        "-1",
        "",
        "٣",
        "1e400",
        "NaN",
        "Tue, 9999999999999999999 Mar 2026 1:1:1 +99999999",
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        "1800",
        "n.example/one.mp3",
        "Tue, 03 Mar 2026 06:00:00 +0000",
        'startTime="10',
        "https://n.example/feed.xml",
        "n.example/art.jpg",
        "en-US",
        "9b024349-ccf0-5f69-a609-6b82873eab3c",
        "FREQ=WEEKLY",
        "1000",
    ],
)
def test_no_value_crashes_the_check(place: str, value: str) -> None:
    """Absurd numbers, dates and addresses are findings."""
    check_feed(RIGHT.replace(place, value).encode())


@pytest.mark.parametrize(
    ("address", "guid"),
    [
        ("podnews.net/rss", "9b024349-ccf0-5f69-a609-6b82873eab3c"),
        ("mp3s.nashownotes.com/pc20rss.xml", "917393e3-1b1e-5cef-ace4-edaa54e1f810"),
    ],
)
def test_guid_matches_the_namespaces_examples(address: str, guid: str) -> None:
    """Any scheme and trailing slashes give the same guid."""
    assert str(podcast_guid(f"https://{address}")) == guid
    assert str(podcast_guid(f"http://{address}//")) == guid
