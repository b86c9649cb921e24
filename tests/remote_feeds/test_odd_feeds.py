"""Feeds as old hosts write them: odd dates, equal dates, encodings, and XML that is none."""

import json
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

from podcast_pipeline import open_show
from podcast_pipeline.pipeline.maintain import rebuild
from podcast_pipeline.remote_feeds.importer import ImportResult
from tests.support.http_servers import ServedFile, running_host
from tests.support.imported_show import catalog, import_show
from tests.support.show import ShowFolder

FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">
<channel><title>Küstenfunk</title><link>https://kueste.example/</link>
<description>Gespräche</description><language>de</language>
<itunes:author>Küste</itunes:author><itunes:category text="Arts"/>
<itunes:explicit>false</itunes:explicit>
{}</channel></rss>
"""
ITEM = """<item><title>Teil {0}</title><description>Notizen</description>
<guid isPermaLink="false">g-{0}</guid>{1}
<enclosure url="https://kueste.example/{0}.mp3" length="18407" type="audio/mpeg"/></item>
"""


def feed_of(*dates: str) -> str:
    """Return a feed of items with these dates, of which an empty one is missing."""
    written = (f"<pubDate>{date}</pubDate>" if date else "" for date in dates)
    return FEED.format("".join(ITEM.format(number, date) for number, date in enumerate(written, start=1)))


def import_text(show: ShowFolder, feed: str | bytes, *, undated_at: datetime | None = None) -> ImportResult:
    """Import a feed from a file, with its audio left where it is."""
    path = show.folder.parent / "old.xml"
    path.write_bytes(feed if isinstance(feed, bytes) else feed.encode())
    return import_show(show, str(path), keep_audio=True, undated_at=undated_at)


def remarks(result: ImportResult) -> list[tuple[str, str]]:
    return [(remark.title, remark.about) for remark in result.remarks if remark.title]


def instants(show: ShowFolder) -> dict[str, str]:
    return {e.title: f"{e.publish_at:%Y-%m-%dT%H:%M:%S}" for e in catalog(show).episodes}


def test_dates_come_as_apps_read_them(empty_show: ShowFolder) -> None:
    """The instant of a zone's name is the episode's; what was assumed is in the report (c08)."""
    dates = ("Tue, 03 Mar 2026 06:00:00 CET", "2026-03-02T06:00:00+01:00", "Sun, 01 Mar 2026 06:00:00 CST")
    result = import_text(empty_show, feed_of(*dates, "Sat, 28 Feb 2026"))
    assert instants(empty_show) == {
        "Teil 1": "2026-03-03T05:00:00",
        "Teil 2": "2026-03-02T05:00:00",
        "Teil 3": "2026-03-01T12:00:00",
        "Teil 4": "2026-02-28T00:00:00",
    }
    assert [(title, about.partition(",")[0]) for title, about in remarks(result)] == [
        ("Teil 3", "its date says CST"),
        ("Teil 4", "its date states no time and no time zone; midnight UTC is taken"),
    ]


def test_feed_diff_names_doubtful_dates(empty_show: ShowFolder) -> None:
    """Both feeds are read alike, so only a remark can say that the old one has two meanings."""
    feed = feed_of("Tue, 03 Mar 2026 06:00:00 IST", "Mon, 02 Mar 2026 06:00:00 MEZ")
    import_text(empty_show, feed)
    old = str(empty_show.folder.parent / "old.xml")
    done = empty_show.run("feed", "diff", old)
    *changes, doubt = done.stdout.splitlines()
    assert (done.returncode, len(changes)) == (0, 1)  # the sample artwork
    assert doubt.startswith("1 episode: its date says IST, which is read as +05:30, India's; Ireland")
    document = json.loads(empty_show.run("--json", "feed", "diff", old).stdout)
    assert [doubt["title"] for doubt in document["dates"]] == ["Teil 1"]


def test_an_item_without_a_date_is_dated_beside_its_neighbour(empty_show: ShowFolder) -> None:
    """Not on 31 December 1969; the report says which date it has."""
    result = import_text(empty_show, feed_of("", "Tue, 03 Mar 2026 06:00:00 GMT", "soon"))
    assert instants(empty_show) == {
        "Teil 1": "2026-03-03T06:00:01",
        "Teil 2": "2026-03-03T06:00:00",
        "Teil 3": "2026-03-03T05:59:59",
    }
    assert remarks(result)[1] == (
        "Teil 3",
        "has no date that can be read; it is dated 2026-03-03 05:59:59 UTC, beside its neighbour",
    )


def test_a_feed_without_any_date_asks_for_one(empty_show: ShowFolder) -> None:
    """Nothing is invented and nothing written: exit code 3 and the option; with it all items come."""
    (empty_show.folder.parent / "old.xml").write_text(feed_of("", ""))
    command = ("feed", "import", "--keep-audio", str(empty_show.folder.parent / "old.xml"))
    done = empty_show.run(*command)
    assert done.returncode == 3
    assert "2 episodes: has no date that can be read, as no item has; left out, pass --undated" in done.stdout
    assert not empty_show.bucket.exists()
    wrong = empty_show.run(*command, "--undated", "yesterday")
    assert "--undated yesterday: is not a time; write it like 2026-12-01T06:00" in wrong.stderr
    assert empty_show.run(*command, "--undated", "2014-03-02T06:00+01:00").returncode == 0
    assert instants(empty_show) == {"Teil 1": "2014-03-02T05:00:00", "Teil 2": "2014-03-02T04:59:59"}


def test_equal_dates_keep_the_order_of_the_feed(empty_show: ShowFolder) -> None:
    """A series that came out at once is listed as the old feed lists it, also after a rebuild (c11)."""
    feed = feed_of(*["Tue, 03 Mar 2026 06:00:00 GMT"] * 8)
    import_text(empty_show, feed)
    titles = [f"Teil {number}" for number in range(1, 9)]
    for _ in range(2):
        rebuild(open_show(empty_show.folder), allow=["placeholders"])  # the feed has no picture
        body = (empty_show.bucket / "public" / "feed.xml").read_bytes()
        items = ElementTree.fromstring(body)[0].findall("item")  # noqa: S314 (our own)
        assert [item.findtext("title") for item in items] == titles
    assert [e.title for e in catalog(empty_show).published()] == titles
    old = empty_show.folder.parent / "old.xml"
    assert "order" not in empty_show.run("feed", "diff", str(old)).stdout


def test_another_order_of_equal_dates_is_a_visible_change(empty_show: ShowFolder, tmp_path: Path) -> None:
    """`feed diff` names it, because apps list equal dates as the feed does."""
    import_text(empty_show, feed_of(*["Tue, 03 Mar 2026 06:00:00 GMT"] * 3))
    items = [ITEM.format(n, "<pubDate>Tue, 03 Mar 2026 06:00:00 GMT</pubDate>") for n in (2, 1, 3)]
    (tmp_path / "other.xml").write_text(FEED.format("".join(items)))
    done = empty_show.run("feed", "diff", str(tmp_path / "other.xml"))
    about = "order of equal dates was “Teil 2, Teil 1, Teil 3” and is “Teil 1, Teil 2, Teil 3”"
    assert about in done.stdout


def test_more_of_the_same_date_comes_on_top(empty_show: ShowFolder) -> None:
    """What a second import brings stands where the feed has it, among episodes that are known already."""
    dates = ["Tue, 03 Mar 2026 06:00:00 GMT"] * 4
    whole = feed_of(*dates)
    first, rest = whole.index("<item>"), whole.index("<item><title>Teil 3")
    import_text(empty_show, whole[:first] + whole[rest:])
    import_text(empty_show, whole)
    assert [e.title for e in catalog(empty_show).published()] == [f"Teil {n}" for n in (1, 2, 3, 4)]


def test_an_encoding_of_the_old_host_is_read(empty_show: ShowFolder) -> None:
    """A feed in Windows-1252 comes with its letters; `feed check` still asks for UTF-8 (c09)."""
    feed = (
        feed_of("Tue, 03 Mar 2026 06:00:00 GMT")
        .replace("UTF-8", "ISO-8859-1")
        .replace("Teil 1", "„Flüsse“ €")
    )
    result = import_text(empty_show, feed.encode("cp1252"))
    assert ([e.title for e in catalog(empty_show).episodes], remarks(result)) == (["„Flüsse“ €"], [])
    old = str(empty_show.folder.parent / "old.xml")
    assert "Teil" not in empty_show.run("feed", "diff", old).stdout
    checked = empty_show.run("feed", "check", old)
    assert (checked.returncode, "is encoded in ISO-8859-1; write it in UTF-8" in checked.stdout) == (3, True)


def test_a_charset_of_the_answer_is_read(empty_show: ShowFolder) -> None:
    """RFC 7303: the host's word stands above the declaration, for an import and for a comparison."""
    feed = feed_of("Tue, 03 Mar 2026 06:00:00 GMT").replace("UTF-8", "ISO-8859-1").replace("Küste", "Радио")
    with running_host() as host:
        host.files["/feed.xml"] = ServedFile(feed.encode("koi8-r", "replace"), 'text/xml; charset="KOI8-R"')
        result = import_show(empty_show, f"{host.url}/feed.xml", keep_audio=True)
        assert len(result.added_slugs) == 1
        assert 'author = "Радио"' in (empty_show.folder / "show.toml").read_text(encoding="utf-8")
        done = empty_show.run("feed", "diff", f"{host.url}/feed.xml")
    assert "author" not in done.stdout


def test_an_ill_formed_feed_is_mended_and_named(empty_show: ShowFolder) -> None:
    """The report of the import and a warning of `feed diff` have the mends with their lines (c23)."""
    feed = "\n" + feed_of("Tue, 03 Mar 2026 06:00:00 GMT").replace("Notizen", "Wind & Wellen&nbsp;5")
    result = import_text(empty_show, feed)
    assert [remark.about for remark in result.remarks if not remark.title][:3] == [
        "the feed begins with a blank, which is left out (line 1)",
        "the feed has bare &, read as &amp; (line 8)",
        "the feed has names of HTML, such as &nbsp; (line 8)",
    ]
    assert catalog(empty_show).episodes[0].notes == "Wind & Wellen\u00a05"
    done = empty_show.run("feed", "diff", str(empty_show.folder.parent / "old.xml"))
    assert "podcast: the old feed has bare &, read as &amp; (line 8)" in done.stderr


def test_a_date_in_the_future_is_told(empty_show: ShowFolder) -> None:
    """The report says that the episode is scheduled and for when; a far year and an early one are named."""
    dates = ("Tue, 03 Mar 2093 06:00:00 +0100", "Wed, 03 Mar 1926 06:00:00 GMT")
    result = import_text(empty_show, feed_of(*dates))
    future = "is dated in the future, 2093-03-03 05:00 UTC: it is scheduled, and out with `podcast release`"
    assert sorted(remarks(result)) == [
        ("Teil 1", f"{future} after that; look whether the year 2093 is right"),
        ("Teil 2", "its date is in the year 1926; look whether it is right"),
    ]
    checked = empty_show.run("feed", "check", str(empty_show.folder.parent / "old.xml")).stdout
    assert "the pubDate “Tue, 03 Mar 2093 06:00:00 +0100” is in the far future; correct the year" in checked
    assert "the pubDate “Wed, 03 Mar 1926 06:00:00 GMT” is in the year 1926" in checked


def test_after_an_import_the_feed_is_made_by_rebuild(empty_show: ShowFolder) -> None:
    """`feed check` and `feed diff` name `podcast rebuild` where the catalog has episodes and no feed."""
    import_text(empty_show, feed_of("Tue, 03 Mar 2026 06:00:00 GMT"))
    why = "no feed was written yet, but the catalog has episodes; run `podcast rebuild`"
    for command in ("check", "diff"):
        done = empty_show.run("feed", command)
        assert (done.returncode, done.stderr) == (1, f"podcast: public/feed.xml: {why}\n")


def test_a_broken_value_is_told(empty_show: ShowFolder) -> None:
    """A season 0, an episode 1.5, a duration that is none: left out by name; right ones are not."""
    broken = (
        "<itunes:season>0</itunes:season><itunes:episode>1.5</itunes:episode>"
        "<itunes:duration>abc</itunes:duration><itunes:episodeType>Live</itunes:episodeType>"
        "<itunes:explicit>perhaps</itunes:explicit></item>"
    )
    right = (
        "<itunes:season>2</itunes:season><itunes:episode>007</itunes:episode>"
        "<itunes:duration>1:02:03</itunes:duration><itunes:episodeType>Bonus</itunes:episodeType>"
        "<itunes:explicit>clean</itunes:explicit></item>"
    )
    feed = feed_of("Tue, 03 Mar 2026 06:00:00 GMT", "Mon, 02 Mar 2026 06:00:00 GMT")
    first, second, end = feed.split("</item>")
    result = import_text(empty_show, first + broken + second + right + end)
    assert remarks(result) == [
        ("Teil 1", "its itunes:season is left out: “0” is no value of it"),
        ("Teil 1", "its itunes:episode is left out: “1.5” is no value of it"),
        ("Teil 1", "its itunes:duration is left out: “abc” is no value of it"),
        ("Teil 1", "its itunes:episodeType is left out: “Live” is no value of it"),
        ("Teil 1", "its itunes:explicit is left out: “perhaps” is no value of it"),
    ]
    assert [(e.season, e.number, e.type) for e in catalog(empty_show).episodes] == [
        (2, 7, "bonus"),
        (None, None, "full"),
    ]
