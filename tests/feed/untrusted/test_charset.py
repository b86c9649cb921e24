"""The encodings of foreign feeds; every right text is written out here."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podcast_pipeline.feed.untrusted.charset import decode_feed

DECLARED = '<?xml version="1.0" encoding="{}"?><rss><language>{}</language>{}</rss>'
TEXTS = {
    ("ISO-8859-1", "latin-1"): "Küste – nicht".replace("–", "-"),
    ("iso-8859-1", "cp1252"): "„Flüsse“ – 20 €",
    ("ISO-8859-15", "iso8859-15"): "20 € für Œuvres",
    ("windows-1252", "cp1252"): "„Flüsse“ – 20 €",
    ("Shift_JIS", "cp932"): "海岸ラジオ①",
    ("EUC-JP", "euc-jp"): "海岸ラジオ",
    ("ISO-2022-JP", "iso2022_jp"): "海岸ラジオ",
    ("GB18030", "gb18030"): "海岸广播𠀀",
    ("gb2312", "gbk"): "海岸广播鎔",
    ("Big5", "big5"): "海岸廣播",
    ("EUC-KR", "cp949"): "해안 라디오 똠",
    ("KOI8-R", "koi8-r"): "Береговое радио",
    ("windows-1251", "cp1251"): "Береговое радио",
    ("ISO-8859-2", "iso8859-2"): "Żółta łódź",
    ("macintosh", "mac-roman"): "Küste “so”",
    ("utf-8", "utf-8"): "Küste 海岸 🎙",
}


@pytest.mark.parametrize(("declared", "written"), TEXTS)
@pytest.mark.parametrize("place", ["declaration", "HTTP"])
def test_what_is_said_is_read(declared: str, written: str, place: str) -> None:
    """An encoding of the declaration, or of the HTTP answer, in the meaning that browsers give it (c09)."""
    text = TEXTS[declared, written]
    feed = DECLARED.format(declared, "xx", text) if place == "declaration" else f"<rss>{text}</rss>"
    decoded = decode_feed(feed.encode(written), http_charset=declared if place == "HTTP" else "")
    assert text in decoded.text
    assert (decoded.remarks, "encoding" in decoded.text) == ((), False)


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("declared", ["UTF-16", "ISO-8859-1"])
def test_wide_text_is_known_by_its_bytes(codec: str, declared: str) -> None:
    """A byte order mark, or zeros between the letters, stand above what is said."""
    feed = DECLARED.format(declared, "de", "Küste 海岸")
    decoded = decode_feed(feed.encode(codec), http_charset="ISO-8859-1")
    assert decoded.text == DECLARED.format("", "de", "Küste 海岸").replace(' encoding=""', "")
    assert decoded.remarks == ()


def test_the_answer_stands_above_the_declaration() -> None:
    """RFC 7303: the charset of the HTTP answer is believed before the XML declaration."""
    feed = DECLARED.format("ISO-8859-1", "ru", "радио").encode("koi8-r")
    assert "радио" in decode_feed(feed, http_charset="koi8-r").text


def test_utf_8_is_utf_8_whatever_is_said() -> None:
    """A host that declares Latin-1 and writes UTF-8 is read right, and that is said."""
    feed = DECLARED.format("ISO-8859-1", "de", "Küste").encode()
    decoded = decode_feed(feed, http_charset="windows-1251")
    assert "Küste" in decoded.text
    assert decoded.remarks == ("is said to be windows-1251, but is UTF-8, as which it is read",)


@pytest.mark.parametrize(
    ("language", "codec", "text", "shown"),
    [
        ("de", "cp1252", "„Küste“ 20 €", "Windows-1252"),
        ("ru-RU", "cp1251", "радио", "Windows-1251"),
        ("ja", "cp932", "ラジオ", "Shift_JIS"),
        ("el", "cp1253", "Ράδιο", "Windows-1253"),
    ],
)
def test_a_wrong_declaration_is_read_as_its_language_writes(
    language: str, codec: str, text: str, shown: str
) -> None:
    """Said to be UTF-8 and none: what programs of that language wrote before, with the line."""
    feed = DECLARED.format("UTF-8", language, f"\n{text}").encode(codec)
    decoded = decode_feed(feed)
    assert text in decoded.text
    (remark,) = decoded.remarks
    assert remark.endswith(f"first in line 2; they are read as {shown}")


def test_one_wrong_byte_spoils_no_other() -> None:
    """A line that was pasted into UTF-8 from elsewhere is mended, and the rest stays UTF-8."""
    feed = DECLARED.format("UTF-8", "de", "Küste 海岸 ").encode() + "Tür".encode("cp1252")
    assert decode_feed(feed).text.endswith("Küste 海岸 </rss>Tür")


@pytest.mark.parametrize("name", ["rot13", "zlib", "idna", "unicode_escape", "no-such", "x" * 40, "\x00"])
def test_what_is_no_encoding_of_text_is_not_tried(name: str) -> None:
    """Python knows encodings that are none; such a feed is UTF-8 or mended."""
    assert "Küste" in decode_feed(DECLARED.format(name, "de", "Küste").encode(), http_charset=name).text


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(["", "utf-16", "shift_jis", "cp1252", "utf-7", "big5"]))
def test_no_bytes_make_it_fail(body: bytes, charset: str) -> None:
    """Whatever comes is text that can be written as UTF-8."""
    decode_feed(body, http_charset=charset).text.encode("utf-8", "strict")
