import re
from html import unescape

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from podcast_pipeline.feed.show_notes import (
    ALLOWED_TAGS,
    DESCRIPTION_BYTES,
    PublishedPicture,
    local_pictures,
    relative_links,
    summary,
    to_html,
    to_page_html,
    to_plain,
)
from podcast_pipeline.feed.text import shorten, single_line, xml_safe


def test_markdown_becomes_the_tags_apps_show() -> None:
    """Paragraphs, emphasis, lists and links come through."""
    assert to_html("A **b** *c* [d](https://e.example)\n\n- f") == (
        '<p>A <strong>b</strong> <em>c</em> <a href="https://e.example">d</a></p>\n<ul>\n<li>f</li>\n</ul>'
    )


def test_other_markup_leaves_its_text() -> None:
    """Headings, quotes and line breaks become paragraphs and white space."""
    assert to_html("# H\n\n> q\n\na  \nb") == "<p><strong>H</strong></p>\n<p>q</p>\n<p>a\nb</p>"


def test_imported_html_keeps_its_words_apart() -> None:
    """Notes that are HTML already are cleaned, and no two words grow together."""
    assert to_plain("<div>One</div><p>Two<br>three</p><p>four</p>") == "One\nTwo\nthree\nfour"


def test_scripts_and_their_text_are_dropped() -> None:
    """A script leaves nothing behind, a javascript: link only its text."""
    assert to_html("<script>alert(1)</script><a href='javascript:x'>go</a>") == "<a>go</a>"


def test_end_of_cdata_cannot_be_written() -> None:
    """`]]>` in text or in a link does not end the CDATA section."""
    assert "]]>" not in to_html('a ]]> <a href="https://e.example/]]>">b</a>')


def test_nothing_becomes_nothing() -> None:
    """Empty notes give no HTML and no text."""
    assert to_html(" \n") == to_plain(" \n") == ""


def test_plain_text_has_no_entities() -> None:
    """Plain text is not escaped like HTML."""
    assert to_plain("Q&A: *a* < b") == "Q&A: a < b"


def test_plain_text_is_cut_by_bytes_between_words() -> None:
    """A long text ends with an ellipsis after a whole word and fits in 4,000 bytes."""
    text = to_plain("größer " * 1000)
    assert DESCRIPTION_BYTES - 12 < len(text.encode()) <= DESCRIPTION_BYTES
    assert text.endswith(" größer…")


def test_text_without_spaces_is_cut_between_characters() -> None:
    """A text of one endless word still fits, and no character is cut in two."""
    assert shorten("é" * 20, 10) == "ééé…"


@given(st.text())
def test_lxml_accepts_cleaned_text(text: str) -> None:
    """Lxml accepts any cleaned text, and cleaning is idempotent."""
    etree.Element("a").text = xml_safe(text)
    assert xml_safe(xml_safe(text)) == xml_safe(text)
    assert single_line(text) == single_line(single_line(text))


@given(st.text(alphabet=st.sampled_from("ab <>/&]\"'*_[]()#\n-1.!`\x00\ufffe😀ש" + "pi"), max_size=200))
def test_any_notes_become_a_cdata_section_of_allowed_tags(notes: str) -> None:
    """Hostile notes give well-formed XML, allowed tags only and a short description."""
    html = to_html(notes)
    document = etree.fromstring(f"<a><![CDATA[{html}]]></a>")
    assert (document.text or "") == html
    assert set(re.findall(r"</?([a-zA-Z0-9]+)", html)) <= ALLOWED_TAGS
    assert len(to_plain(notes).encode()) <= DESCRIPTION_BYTES


@given(st.text(alphabet=st.sampled_from("ab <>/&]\"'*_[]()#\n-1.!`:" + "hrefp="), max_size=200))
def test_plain_text_equals_nh3s(text: str) -> None:
    """Removing the tags of clean HTML by pattern gives the same text as nh3."""
    html = to_html(f'{text}\n\n[a](<https://x.example/?a>b"c> "t")\n\n{text}')
    by_nh3 = [line.strip() for line in unescape(nh3.clean(html, tags=set())).splitlines() if line.strip()]
    assert to_plain(f'{text}\n\n[a](<https://x.example/?a>b"c> "t")\n\n{text}') == "\n".join(by_nh3)


def test_wrapped_lines_are_joined() -> None:
    """A wrapped paragraph is one line of plain text."""
    assert to_plain("Two people\nwho know.\n\nNext\nparagraph.") == "Two people who know.\nNext paragraph."
    assert to_html("> *Two*\n> people\n\n- who\n  know\n- more") == (
        "<p><em>Two</em> people</p>\n<ul>\n<li>who know</li>\n<li>more</li>\n</ul>"
    )


def test_line_breaks_and_code_lines_stay() -> None:
    """A line break of Markdown and the lines of a code block are kept."""
    assert to_plain("One  \ntwo\\\nthree\n\n```\nfour\nfive\n```") == "One\ntwo\nthree\nfour\nfive"


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("https://müller.example/ü?q=é", "https://xn--mller-kva.example/%C3%BC?q=%C3%A9"),
        ("https://straße.example:8080/", "https://xn--strae-oqa.example:8080/"),
        ("https://news.example/%C3%BC", "https://news.example/%C3%BC"),
        ("https://ü..example/", "https://%C3%BC..example/"),  # not a valid host
    ],
)
def test_links_name_their_host_in_ascii(address: str, written: str) -> None:
    """A host with non-ASCII letters is written in IDNA."""
    assert f'<a href="{written}">' in to_html(f"[a](<{address}>)")


@pytest.mark.parametrize(
    ("notes", "html"),
    [
        (
            "| Who | When |\n|---|---|\n| Ann | *1999* |\n",
            "<p>Who · When</p>\n<p>Ann · <em>1999</em></p>",
        ),
        ("![A map](https://m.example/a.png)", '<p><a href="https://m.example/a.png">A map</a></p>'),
        ("[![A map](a.png)](https://m.example/)", '<p><a href="https://m.example/">A map</a></p>'),
        ('<img src="https://t.example/pixel" alt="">words', "<p>words</p>"),
        ("See https://a.example/b?c=d&e.", '<p>See <a href="https://a.example/b?c=d&amp;e">https://a.example/b?c=d&amp;e</a>.</p>'),
        ("(https://a.example/x)", '<p>(<a href="https://a.example/x">https://a.example/x</a>)</p>'),
        ("https://w.example/A_(b)", '<p><a href="https://w.example/A_(b)">https://w.example/A_(b)</a></p>'),
        ("[https://a.example](https://b.example)", '<p><a href="https://b.example">https://a.example</a></p>'),
        ("[here](page.html) [there](//a.example/b)", '<p><a>here</a> <a href="https://a.example/b">there</a></p>'),
        ("so &lt;https://a.example&gt;", '<p>so &lt;<a href="https://a.example">https://a.example</a>&gt;</p>'),
    ],
)  # fmt: skip
def test_what_a_producer_writes_reaches_the_app(notes: str, html: str) -> None:
    """Tables, images and bare addresses become what apps show; an address without a host is no link."""
    assert to_html(notes) == html


def test_addresses_that_lead_nowhere_are_told() -> None:
    """They name no host; whole addresses, mail and ones without a scheme but with a host are none of them."""
    notes = "[a](example.org/x) [b](/y) [c](#z) [d](https://d.example) [e](mailto:e@e.example) [f](//f.org)"
    assert relative_links(notes) == ("example.org/x", "/y", "#z")


@pytest.mark.parametrize(
    ("notes", "first"),
    [
        ("# Show notes\n\nAnn was there.\n\nMore.", "Ann was there."),
        ("**Show notes**\n\nAnn.", "Ann."),
        ("## Only a heading", "Only a heading"),
        ("", ""),
    ],
)
def test_a_heading_is_no_summary(notes: str, first: str) -> None:
    """The list of episodes shows the first paragraph, not "Show notes"."""
    assert summary(notes) == first


MAP = PublishedPicture("map.png", "https://media.example/art/a.1.png", 60, 40)


def test_pictures_and_quotations_on_a_page() -> None:
    """On a page a published picture appears with its size, a quotation stays, another image is a link."""
    notes = (
        "> No one answered.\n\n![A map](map.png)\n\n![Far](https://else.example/x.png)\n\n![Lost](lost.png)"
    )
    assert to_page_html(notes, (MAP,)) == (
        "<blockquote>\n<p>No one answered.</p>\n</blockquote>\n"
        '<p><img src="https://media.example/art/a.1.png" alt="A map" width="60" height="40" loading="lazy">'
        "</p>\n"
        '<p><a href="https://else.example/x.png">Far</a></p>\n'
        "<p><a>Lost</a></p>"
    )


def test_pictures_in_a_feed() -> None:
    """In a feed, whose notes have no images, a published picture is a link to it."""
    assert to_html("![A map](map.png)", (MAP,)) == (
        '<p><a href="https://media.example/art/a.1.png">A map</a></p>'
    )


@pytest.mark.parametrize(
    "notes",
    [
        '<img src="https://else.example/x.png" alt="">',
        '<img alt="a>b" src="https://else.example/x.png">',
        '<img src="https://else.example/x.png" <b>bold</b>',
        '<img\nsrc=https://else.example/x.png onerror="alert(1)">',
        "![x](//else.example/x.png)",
        '<p><IMG SRC="https://media.example/art/other.png">',
        '<svg><image href="https://else.example/x.png"></svg>',
    ],
)
def test_a_page_loads_no_other_image(notes: str) -> None:
    """Whatever the notes contain, no image comes from elsewhere, and none runs a script."""
    html = to_page_html(notes, (MAP,))
    assert not re.search(r"<img[^>]*\ssrc=", html)
    assert not re.search(r"<[^>]*onerror", html)


def test_local_pictures() -> None:
    """The files beside the notes, each once, as the notes name them."""
    notes = "![a](one.png) ![b](<two words.jpg>) ![c](https://x.example/y.png) ![d](one.png) ![e](//x/y.png)"
    assert local_pictures(notes) == ("one.png", "two%20words.jpg")
