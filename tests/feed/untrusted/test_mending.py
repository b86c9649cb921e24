"""Feeds that are no well-formed XML: what is mended, what is said, and that nothing is lost in silence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podcast_pipeline.errors import FeedError
from podcast_pipeline.feed.app_impact import parse_feed
from podcast_pipeline.feed.untrusted.mending import readable_feed

HEAD = '<?xml version="1.0"?>\n<rss version="2.0">\n<channel><title>Old show</title>\n'
ITEM = '<item><title>T{0}</title>\n<description>{1}</description><enclosure url="http://n.example/{0}.mp3"/></item>\n'
END = "</channel></rss>"


def read(feed: str) -> tuple[list[tuple[str, str, int]], list[str]]:
    """Return title, description and number of enclosures of each item, and the remarks."""
    mended = readable_feed(feed.encode("utf-8", "surrogatepass"))
    document = parse_feed(mended.body)
    items = [
        (
            document.text(item, "title"),
            document.text(item, "description"),
            len(document.all(item, "enclosure")),
        )
        for item in document.items
    ]
    return items, list(mended.remarks)


TEXTS = {
    "bare ampersand": ("Sound & Vision", "Sound & Vision", "has bare &, read as &amp; (line 5)"),
    "HTML entity": (
        "a&nbsp;b &eacute;",
        "a\u00a0b é",
        "has names of HTML, such as &nbsp; (2 times, first in line 5)",
    ),
    "unknown entity": (
        "a &show; b",
        "a &show; b",
        "has unknown names, such as &this;, read as they stand (line 5)",
    ),
    "control character": ("a\x0bb", "ab", "has control characters, which are left out (line 5)"),
    "forbidden reference": (
        "a&#11;b&#0;",
        "ab",
        "has references to characters that XML forbids, which are left out (2 times, first in line 5)",
    ),
    "bare less": ("5 < 6", "5 < 6", "has bare <, read as &lt; (line 5)"),
    "HTML as XML": (
        "a <b>x</b> y",
        "a <b>x</b> y",
        "has HTML that is not escaped in its notes, read as HTML (line 5)",
    ),
    "open HTML": ("a <br> y", "a <br> y", "has HTML that is not escaped in its notes, read as HTML (line 4)"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_mended_and_the_line_named(name: str) -> None:
    """The usual mends give the text that was meant; the other item stays as it is (c23)."""
    written, meant, remark = TEXTS[name]
    items, remarks = read(HEAD + ITEM.format(1, written) + ITEM.format(2, "whole &amp; right") + END)
    assert items == [("T1", meant, 1), ("T2", "whole & right", 1)]
    assert remarks == [remark]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *(("R & D <b>x</b>", "R & D <b>x</b>"), ("R &amp; D <b>x</b>", "R & D <b>x</b>")),
        *(("Elf 5 < 6 and <i>unclosed", "Elf 5 < 6 and <i>unclosed"), ("a ]]&gt; <b>b", "a ]] > <b>b")),
    ],
)
def test_a_title_has_no_entities_and_its_item_its_enclosure(written: str, meant: str) -> None:
    """A title is text: &amp; in one that has tags is &, as in one without."""
    items, _ = read(HEAD + ITEM.replace("T{0}", written).format(1, "a") + ITEM.format(2, "b") + END)
    assert items == [(meant, "a", 1), ("T2", "b", 1)]


@pytest.mark.parametrize("name", ["itunes:title", "itunes:author", "odd"])
def test_an_element_that_is_never_closed_takes_no_enclosure(name: str) -> None:
    """What stands behind it is the item's own: its enclosure, guid and date."""
    broken = f"<{name}>Elf 5 < 6 and <i>unclosed</{name}></link><enclosure"
    items, _ = read(HEAD + ITEM.format(1, "a").replace("<enclosure", broken) + ITEM.format(2, "b") + END)
    assert items == [("T1", "a", 1), ("T2", "b", 1)]


@pytest.mark.parametrize(
    ("begin", "remark"),
    [
        ("\n", "begins with a blank, which is left out (line 1)"),
        ("\ufeff\n \n", "begins with a blank, which is left out (line 1)"),
        ("<b>Warning</b>: x.php", "begins with “<b>Warning</b>: x.php”, which is left out (line 1)"),
    ],
)
def test_what_stands_before_the_declaration_is_left_out(begin: str, remark: str) -> None:
    """A blank line of WordPress, a warning of PHP."""
    items, remarks = read(begin + HEAD + ITEM.format(1, "a") + END)
    assert (len(items), remarks) == (1, [remark])


def test_letters_in_cdata_and_comments_stay() -> None:
    """& and < are letters there; only what stands outside is mended."""
    whole = "<![CDATA[a & b < c &nbsp;]]>"
    items, remarks = read(HEAD + "<!-- a & b < c -->" + ITEM.format(1, whole) + "<x>&</x>" + END)
    assert items == [("T1", "a & b < c &nbsp;", 1)]
    assert remarks == ["has bare &, read as &amp; (line 6)"]


def test_a_well_formed_feed_stays_as_it_is() -> None:
    """No byte is changed, and nothing is said."""
    feed = (HEAD + ITEM.format(1, "a &amp; b") + END).encode()
    assert readable_feed(feed).body == feed
    assert readable_feed(feed).remarks == ()


def test_namespaces_that_are_missing_are_declared() -> None:
    """The usual ones have their URI, an unknown one any."""
    feed = HEAD + "<itunes:author>Ann</itunes:author><odd:x/>" + ITEM.format(1, "a") + END
    mended = readable_feed(feed.encode())
    document = parse_feed(mended.body)
    assert document.text(document.channel, "itunes:author") == "Ann"
    assert mended.remarks == ("does not declare the namespaces of itunes, odd (line 2)",)


@pytest.mark.parametrize("kept", [20, 45, 70])
def test_a_feed_that_breaks_off_loses_its_last_item_by_name(kept: int) -> None:
    """Half an item is no item; whole ones before it come, and the report says what is missing."""
    items, remarks = read(HEAD + ITEM.format(1, "a") + ITEM.format(2, "b")[:kept])
    assert items == [("T1", "a", 1)]
    assert remarks[0].startswith("breaks off at its end; what followed is missing")
    assert remarks[1].startswith("has a last item that is not whole, “T2”, which is left out (line 6)")


def test_a_feed_that_breaks_off_in_cdata() -> None:
    """What looks like tags in the open CDATA is none."""
    items, remarks = read(
        HEAD + ITEM.format(1, "a") + "<item><title>T2</title><description><![CDATA[ <item> </item>"
    )
    assert (items, len(remarks)) == ([("T1", "a", 1)], 2)


def test_a_broken_item_spoils_no_other() -> None:
    """An attribute without quotes, a tag that is not closed: read as far as possible, by name and line."""
    bad = '<item><title>Bad</title><enclosure url=x length="5"/><link>'
    items, remarks = read(HEAD + ITEM.format(1, "a") + bad + "</item>\n" + ITEM.format(3, "c") + END)
    assert [title for title, *_ in items] == ["T1", "Bad", "T3"]
    assert remarks == ["is not well-formed in the item “Bad”, read as far as possible (line 6)"]


def test_a_plain_doctype_is_left_out_and_one_with_entities_refused() -> None:
    """RSS 0.91 had one; what declares entities is a bomb or nothing that a feed needs."""
    plain = HEAD.replace("<rss", '<!DOCTYPE rss PUBLIC "-//N//DTD" "http://n.example/rss.dtd">\n<rss')
    items, remarks = read(plain + ITEM.format(1, "a") + END)
    assert (len(items), remarks) == (1, ["has a DOCTYPE, which is left out (line 2)"])
    bomb = HEAD.replace("<rss", "<!DOCTYPE rss [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>\n<rss")
    headless = bomb.partition("\n")[2]
    behind = bomb.replace("<!DOC", "<!-- <rss> --><!DOC")
    for begin in (bomb, headless, behind, "x" + bomb, bomb.replace("DOCTYPE", "doctype")):
        for text in ("&a;", "&a; & b", "a <br> b", "<i>open"):
            with pytest.raises(FeedError, match="F1: the feed has a DOCTYPE; remove it"):
                read(begin + ITEM.format(1, text) + END)
    told = HEAD.replace("<rss", "<!-- <!DOCTYPE rss [ -->\n<rss") + ITEM.format(1, "a & b") + END
    assert len(read(told)[0]) == 1


@pytest.mark.parametrize("feed", ["", "plain text", "<html><br></html>", "{}", "<rss><channel", "\0\0"])
def test_what_no_mend_helps_is_refused(feed: str) -> None:
    """It comes back as it was, and the error names the place."""
    with pytest.raises(FeedError, match="F1"):
        read(feed)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_stretch_of_anything_loses_an_item_in_silence(data: st.DataObject) -> None:
    """With any stretch of a feed replaced, all items are there, or a remark says more than nothing."""
    feed = HEAD + ITEM.format(1, "a &amp; b") + ITEM.format(2, "c") + ITEM.format(3, "d") + END
    start = data.draw(st.integers(HEAD.index("<rss") + 30, len(feed) - 20))
    noise = st.text(max_size=8) | st.sampled_from(
        ["<item>", "</item>", "<![CDATA[", "&x;", "<", "]]>", "<!--"]
    )
    changed = feed[:start] + data.draw(noise) + feed[start + data.draw(st.integers(0, 9)) :]
    try:
        items, remarks = read(changed)
    except FeedError:
        return
    assert len(items) >= 3 or remarks or changed.count("<item>") < 3 or "<!--" in changed
