"""Elements and notes of another host's feed without what could run a script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.feed.untrusted.harmless import could_run, harmless_element, harmless_notes
from podcast_pipeline.model import FeedElement

SCRIPTS = [
    '<a href="javascript:alert(6)">x</a>',
    "<a href=java&#x09;script:alert(6)>x</a>",
    '<a href="&#106;avascript&colon;alert(6)">x</a>',
    '<A HREF="JaVaScRiPt:alert(6)">x</A>',
    '<a href="data:text/html;base64,PHNjcmlwdD4=">x</a>',
    '<a href="vbscript:x">x</a>',
    "<img src=x onerror=alert(5)>",
    "<img src='file:///etc/passwd'>",
    "<svg onload=alert(7)></svg>",
    "<svg/onload=alert(7)>",
    "<script>alert(4)</script>",
    "<scr<script>ipt>alert(4)</script>",
    "<iframe src=//evil.example></iframe>",
    '<form action="/account/delete"><button>Win</button></form>',
    "<style>*{display:none}</style>",
    '<p style="background:url(javascript:x)">x</p>',
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<base href="//evil.example/">',
    '<meta http-equiv=refresh content="0;url=javascript:alert(1)">',
    "&lt;script&gt;alert(4)&lt;/script&gt;<script>",
]
TRACES = (
    *("script:", "<script", "onerror", "onload", "<iframe", "<form", "<style", "style=", "data:text"),
    *("<svg", "<math", "<base", "<meta", "file:"),
)
HARMLESS = [
    "",
    "Plain words.",
    '<h2>The ford</h2><p>With <a href="https://n.example/x?location=3&onset=1">a link</a> &amp; more</p>',
    "<p>She said: on Monday = a holiday. Data: 5 of 7, profile: none.</p>",
    "5 < 7 and 9 > 8",
    '<table><tr><td>1</td></tr></table><img src="https://n.example/i.png" alt="form and style">',
]


@pytest.mark.parametrize("notes", HARMLESS)
def test_ordinary_notes_stay_byte_for_byte(notes: str) -> None:
    """Notes without a script are those of the old feed."""
    assert harmless_notes(notes) == notes


@pytest.mark.parametrize("notes", SCRIPTS)
def test_no_script_is_left_in_notes(notes: str) -> None:
    """Scripts, handlers, active elements and their addresses are gone; the words stay."""
    left = harmless_notes(f"<p>Before</p>{notes}<p>After</p>").lower()
    assert "<p>before</p>" in left
    assert not [trace for trace in TRACES if trace in left]


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("podcast:contentLink", "href"),
        ("podcast:funding", "url"),
        ("podcast:socialInteract", "uri"),
        ("podcast:socialInteract", "accountUrl"),
        ("podcast:license", "url"),
        ("podcast:image", "href"),
        ("podcast:images", "srcset"),
        ("podcast:chat", "embedUrl"),
    ],
)
@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "file:///x"]
)
def test_an_element_without_its_address_is_left_out(name: str, attribute: str, address: str) -> None:
    """An element that is nothing but a link is left out with the link; with an http(s) one it stays."""
    right = FeedElement(name=name, text="x", attributes={attribute: "https://n.example/x"})
    assert harmless_element(right) is right
    assert harmless_element(right.model_copy(update={"attributes": {attribute: address}})) is None


@pytest.mark.parametrize("between", [", ", ",", " ,  "])
def test_every_address_of_a_srcset_counts(between: str) -> None:
    """Pictures of several widths stay with http(s) addresses only."""
    for second, stays in (("https://n.example/b.jpg", True), ("javascript:alert(1)", False)):
        images = {"srcset": f"https://n.example/a.jpg 1500w{between}{second} 600w"}
        assert (harmless_element(FeedElement(name="podcast:images", attributes=images)) is not None) is stays


def test_a_person_stays_without_the_address() -> None:
    """A name is credited though its link and picture are none."""
    person = FeedElement(
        name="podcast:person",
        text="Eve",
        attributes={"role": "guest", "href": "javascript:alert(8)", "img": "/eve.png"},
    )
    kept = harmless_element(person, "https://old.example/feed.xml")
    assert kept is not None
    assert (kept.text, kept.attributes) == ("Eve", {"role": "guest", "img": "https://old.example/eve.png"})


def test_a_bad_child_takes_its_element_along() -> None:
    """An alternate enclosure whose source is no address is left out; other schemes for files stay."""

    def alternate(uri: str) -> FeedElement:
        source = FeedElement(name="podcast:source", attributes={"uri": uri})
        kind = {"type": "audio/opus"}
        return FeedElement(name="podcast:alternateEnclosure", attributes=kind, children=(source,))

    assert harmless_element(alternate("javascript:x")) is None
    for good in ("https://n.example/a.opus", "ipfs://bafy", "magnet:?xt=urn:btih:1"):
        assert harmless_element(alternate(good)) == alternate(good)


@pytest.mark.parametrize("text", ["JavaScript: The Parts", "Data: what we know", "File: 7 of 9", "About: us"])
def test_prose_is_no_address(text: str) -> None:
    """A title that begins with such a word and a colon is text, and stays."""
    assert not could_run(text)
    element = FeedElement(name="itunes:title", text=text, attributes={"name": text})
    assert harmless_element(element) is element


@given(st.text(max_size=60))
def test_cleaning_is_finished_at_once(text: str) -> None:
    """Notes that were cleaned once stay as they are."""
    once = harmless_notes(f"<script>{text}")
    assert harmless_notes(once) == once
