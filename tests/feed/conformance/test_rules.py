import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podcast_pipeline.feed.conformance import check_feed
from podcast_pipeline.feed.conformance.document import OLD_PODCAST_NAMESPACE
from podcast_pipeline.feed.private import personalize
from podcast_pipeline.feed.tags import podcast_guid
from tests.feed.test_golden import FOLDER
from tests.remote_feeds import test_check

TOKEN = "a" * 16 + "." + "2" * 32
RIGHT = (FOLDER / "right" / "full.xml").read_text(encoding="utf-8")

FILE_RULES = {"T5"}  # of a transcript's text alone: tests/feed/conformance/test_fetched_files.py
NEW = "itunes:new-feed-url"
OTHER_AUDIO = '<enclosure url="https://n.example/b.mp3" length="1" type="audio/mpeg"/>'
OTHER_TRANSCRIPT = '<podcast:transcript url="https://n.example/a" type="vtt"/>'
NEXT = '<atom:link rel="next"'
NOTES = '<![CDATA[<p>Notes with a <a href="https://n.example">link</a>.</p>]]>'
FAULTS = [
    # rule, severity, text of the right feed, its replacement
    ("F1", "error", 'version="2.0"', 'version="0.91"'),
    ("F1", "error", "podcast-1.0.dtd", "Podcast-1.0.DTD"),
    ("F1", "warning", "https://podcastindex.org/namespace/1.0", OLD_PODCAST_NAMESPACE),
    ("F1", "error", "</rss>", ""),
    ("F1", "error", "A show", "A & show"),
    ("F1", "error", "<?xml", "\n<?xml"),
    ("F1", "error", "<rss", "<!DOCTYPE rss>\n<rss"),
    ("F2", "error", "<title>A show</title>", ""),
    ("F2", "error", "<description>What it is about.</description>", ""),
    ("F2", "error", "<link>https://n.example</link>", "<link></link>"),
    ("F2", "error", "<language>en-US</language>", ""),
    ("F2", "error", "en-US", "English"),
    ("F2", "error", 'rel="self" type="application/rss+xml"', 'rel="self" type="text/xml"'),
    ("F2", "error", '<atom:link rel="self"', '<atom:link rel="alternate"'),
    ("F2", "error", '<itunes:category text="News"><itunes:category text="Politics"/></itunes:category>', ""),
    ("F2", "error", 'text="News"', ""),
    ("F2", "warning", 'text="Politics"', 'text="Policies"'),
    ("F2", "warning", 'text="News"', 'text="news"'),
    ("F2", "error", "<itunes:explicit>false", "<itunes:explicit>no"),
    ("F2", "error", "<itunes:explicit>false</itunes:explicit>", ""),
    ("F2", "error", "<itunes:duration>1800", "<itunes:explicit>yes</itunes:explicit><itunes:duration>1800"),
    ("F2", "error", '<itunes:image href="https://n.example/art.jpg"/>', ""),
    ("F3", "warning", "A show", "A show "),
    ("F3", "warning", "A show", "A" * 256),
    ("F3", "warning", "What it is about.", "ö" * 2001),
    ("F3", "warning", ">Bea<", f">{'B' * 129}<"),
    ("F3", "warning", 'name="First"', f'name="{"F" * 129}"'),
    ("F3", "warning", 'display="Two"', f'display="{"T" * 33}"'),
    ("F4", "error", "art.jpg", "art.gif"),
    ("F5", "warning", "<itunes:author>News</itunes:author>", ""),
    ("F5", "warning", "<podcast:locked>yes</podcast:locked>", ""),
    ("F5", "error", "<podcast:locked>yes", "<podcast:locked>true"),
    ("F5", "error", "9b024349-ccf0-5f69-a609-6b82873eab3c", "news-example"),
    ("F6", "error", "FREQ=WEEKLY;BYDAY=TU,FR", "WEEKLY ON TU,FR"),
    ("F6", "error", "BYDAY=TU,FR", "BYDAY=TUE,FRI"),
    ("F7", "warning", "<itunes:author>", f"<{NEW}>https://new.example/feed.xml</{NEW}><itunes:author>"),
    ("F7", "error", "<itunes:author>", f"<{NEW}>/feed.xml</{NEW}><itunes:author>"),
    ("F8", "error", "<title>Older</title>", ""),
    ("F8", "warning", "<title>Older", "<title>Episode 7: Older"),
    ("F8", "warning", "<title>1984", "<title>2"),
    ("F8", "error", '<enclosure url="https://n.example/older.m4a" length="1000" type="audio/x-m4a"/>', ""),
    ("F8", "error", 'length="1000" type="audio/mpeg"', 'length="0" type="audio/mpeg"'),
    ("F8", "error", 'length="1000" type="audio/mpeg"', f'length="{"9" * 5000}" type="audio/mpeg"'),
    ("F8", "error", 'length="1000" type="audio/mpeg"', 'length="30:00" type="audio/mpeg"'),
    ("F8", "error", 'type="audio/mpeg"', 'type="audio/mp3"'),
    ("F8", "error", 'type="audio/mpeg"', ""),
    ("F8", "warning", "one.mp3", "one.wav"),
    ("F8", "warning", "<itunes:duration>1800", f"{OTHER_AUDIO}<itunes:duration>1800"),
    ("F9", "error", 'older.m4a" length="1000" type="audio/x-m4a"', 'one.mp3" length="9" type="audio/mpeg"'),
    ("F10", "error", '<guid isPermaLink="false">one</guid>', ""),
    ("F10", "error", '<guid>https://n.example/older', '<guid isPermaLink="false">one'),
    ("F10", "warning", '<guid isPermaLink="false">', "<guid>"),
    ("F10", "warning", "<guid>https://n.example/older<", "<guid>https://n.example/older.m4a<"),
    ("F11", "error", "<pubDate>Tue, 03 Mar 2026 06:00:00 +0000</pubDate>", ""),
    ("F11", "error", "Tue, 03 Mar 2026 06:00:00 +0000", "2026-03-03T06:00:00Z"),
    ("F11", "warning", "Tue, 03 Mar", "Wed, 03 Mar"),
    ("F11", "warning", "<itunes:duration>1800", "<itunes:duration>30:00"),
    ("F11", "error", "<itunes:duration>1800", "<itunes:duration>half an hour"),
    ("F11", "error", "<itunes:season>1", "<itunes:season>0"),
    ("F11", "error", "<itunes:episode>2", "<itunes:episode>2.5"),
    ("F11", "error", "<podcast:episode display=\"Two\">2.5", "<podcast:episode display=\"Two\">two"),
    ("F11", "error", "<itunes:episodeType>full", "<itunes:episodeType>Full"),
    ("F12", "warning", "<p>Notes", "<h1>x</h1><p>Notes"),
    ("F12", "warning", NOTES, "&lt;p&gt;Notes&lt;/p&gt;"),
    ("F13", "error", 'chapters url="https://n.example', 'chapters url="'),
    ("F13", "error", "one.mp3", "ün.mp3"),
    ("F13", "warning", "one.mp3", "o%20ne.mp3"),
    ("F14", "warning", '<podcast:person role="host">Ann</podcast:person>', ""),
    ("F14", "error", '<podcast:person role="guest">Bea<', '<podcast:person role="guest"><'),
    ("F15", "error", "application/json+chapters", "application/json"),
    ("F16", "error", 'startTime="10"', 'startTime="0:10"'),
    ("F16", "warning", 'duration="30.5"', 'duration="5"'),
    ("F16", "error", 'startTime="10"', 'startTime="1790"'),
    ("F16", "error", '<podcast:source uri="https://n.example/one.opus"/>', ""),
    ("F16", "error", "sha384-AAAA", "AAAA"),
    ("F17", "error", "https://n.example/feed-archive-1.xml", "feed-archive-1.xml"),
    ("F17", "error", "https://n.example/feed-archive-1.xml", "https://n.example/feed.xml"),
    ("F17", "error", NEXT, f'{NEXT} href="http://n.example"/>{NEXT}'),
    ("H7", "error", "<itunes:author>", '<atom:link rel="hub" href="/hub"/><itunes:author>'),
    ("P2", "error", "https://n.example/feed.xml", f"https://n.example/feeds/{TOKEN}/feed.xml"),
    ("T1", "error", 'type="text/vtt"/>', f'type="text/vtt"/>{OTHER_TRANSCRIPT}'),
    ("T1", "error", 'language="en"', 'language="English (US)"'),
    ("T6", "warning", '<podcast:transcript url="https://n.example/one.vtt" type="text/vtt"/>', ""),
]  # fmt: skip


@pytest.mark.parametrize("name", ["full", "minimal", "private"])
def test_right_feed_has_no_findings(name: str) -> None:
    """Feeds that follow the rules, with all elements and with the fewest, have no findings."""
    assert check_feed((FOLDER / "right" / f"{name}.xml").read_bytes()) == ()


@pytest.mark.parametrize(("rule", "severity", "right", "wrong"), FAULTS)
def test_planted_fault_is_found_and_nothing_else(rule: str, severity: str, right: str, wrong: str) -> None:
    """A feed that breaks one rule gets findings of that rule only, each with a line and a fix."""
    assert right in RIGHT
    findings = check_feed(RIGHT.replace(right, wrong, 1).encode())
    assert {(f.rule, f.severity) for f in findings} == {(rule, severity)}
    assert all(f.line and f.message and f.fix for f in findings)


def test_hub_link_in_a_private_feed_is_found() -> None:
    """The hub would get the private address of the feed."""
    feed = (FOLDER / "right" / "private.xml").read_text(encoding="utf-8")
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
    planted = {row[0] for row in FAULTS} | {rule for rule, *_ in test_check.FAULTS.values()} | FILE_RULES
    assert planted >= {f"{letter}{number}" for letter, last in names.items() for number in range(1, last + 1)}


def test_finding_names_the_line_in_the_source() -> None:
    """The line is where the element ends its opening tag, far down too."""
    padded = RIGHT.replace("<channel>", "\n" * 60_000 + "<channel>").replace("one.mp3", "one.wav")
    line = 1 + padded[: padded.index("<enclosure")].count("\n")
    assert [f.line for f in check_feed(padded.encode())] == [line]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.xml")), ids=lambda path: path.name)
def test_own_feeds_are_right(path: Path) -> None:
    """Our feeds break no rule, except that a show may lack artwork or notice audio."""
    missing = {"the channel has no itunes:image", "an item without an enclosure"}
    excused = (
        missing if path.name.startswith(("empty", "imported")) else {"the transcript is not offered as JSON"}
    )
    feed = personalize(path.read_bytes(), TOKEN)
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
