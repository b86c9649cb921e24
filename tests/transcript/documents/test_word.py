"""A transcript as a Word document, as python-docx and the schema read it."""

import io
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import pytest
from docx import Document
from docx.oxml.ns import qn
from hypothesis import given, settings

from podcast_pipeline.model import ILLEGAL_IN_XML, Chapter, Transcript
from podcast_pipeline.transcript.documents.title_page import TitlePage
from podcast_pipeline.transcript.documents.word import to_word
from podcast_pipeline.transcript.text.turns import collapse_whitespace
from tests.support.title_pages import TITLE_PAGE
from tests.support.transcripts import spoken, transcripts

TALK = spoken(
    ("a", "Good evening."),
    ("a", "Two memos were read."),
    ("b", "The gauge moved."),
    names={"a": "Robin Ashdown", "b": None},
)
ORDER = {
    "pPr": (
        "pStyle",
        "keepNext",
        "pBdr",
        "tabs",
        "bidi",
        "spacing",
        "ind",
        "contextualSpacing",
        "outlineLvl",
    ),
    "rPr": ("rStyle", "rFonts", "b", "bCs", "color", "spacing", "kern", "sz", "szCs", "rtl", "lang"),
    "sectPr": ("headerReference", "footerReference", "pgSz", "pgMar", "cols", "bidi", "docGrid"),
}
"""The properties that we write, in the order of the schema. Source: ECMA-376, part 1, annex A.1."""


def opened(transcript: Transcript, title_page: TitlePage = TITLE_PAGE) -> Any:
    """Return a document of ours as python-docx reads it."""
    return Document(io.BytesIO(to_word(transcript, title_page)))


def shown(document: Any) -> list[tuple[str, str]]:
    """Return (style, text) of each paragraph below the title page."""
    found = [(paragraph.style.name, paragraph.text) for paragraph in document.paragraphs]
    return [pair for pair in found if pair[0] not in ("Title", "Title Page")]


def test_the_words_with_chapters_speakers_and_times() -> None:
    """A chapter is a heading before its sentence; each turn has its name, if there is one, and its time."""
    assert shown(opened(TALK)) == [
        ("Heading 1", "Two memos"),
        ("Speaker", "Robin Ashdown\t0:00"),
        ("Words", "Good evening. Two memos were read."),
        ("Heading 1", "The <gauge>"),
        ("Speaker", "Speaker 2\t0:02"),
        ("Words", "The gauge moved."),
    ]


def test_words_before_the_first_chapter() -> None:
    """They stand below the title page, without a heading."""
    document = opened(TALK, replace(TITLE_PAGE, chapters=(Chapter(start_s=2, title="Late"),)))
    assert [text for style, text in shown(document) if style in ("Heading 1", "Words")] == [
        "Good evening. Two memos were read.",
        "Late",
        "The gauge moved.",
    ]


def test_the_document_says_what_it_is() -> None:
    """Title page, head and foot, and the properties that Word and search programs list."""
    document = opened(TALK)
    assert [p.text for p in document.paragraphs if p.style.name in ("Title", "Title Page")] == [
        "The water <was> always & coming",
        "Show: Harrow Street",
        "Date: 2026-03-09",
        "Hosts: Robin Ashdown, ليلى",
        "Guest: Ines Marchetti",
        "Page: https://harrow.example/episodes/the-water",
        "Version: 2 of 2026-03-11 (0123456789abcdef)",
        "Corrected on 2026-03-11: We misspelled Ines Marchetti’s name.",
    ]
    (section,) = document.sections
    assert section.header.paragraphs[0].text == "Harrow Street\tThe water <was> always & coming"
    assert section.footer.paragraphs[0].text.startswith(f"{TITLE_PAGE.url} · version 2 of 2026-03-11")
    properties = document.core_properties
    assert (properties.title, properties.subject) == (TITLE_PAGE.title, "Harrow Street")
    assert properties.author == "Robin Ashdown, ليلى, Ines Marchetti"
    assert (properties.language, properties.keywords) == ("en", "Water, Courts")
    assert properties.modified == properties.created == datetime(2026, 3, 10, 23, 30, tzinfo=UTC)


def test_the_same_words_are_the_same_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the file is of a clock, a compressor or another program; the list of types is first."""
    before = to_word(TALK, TITLE_PAGE)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    assert to_word(TALK, TITLE_PAGE) == before
    entries = ZipFile(io.BytesIO(before)).infolist()
    names = [entry.filename for entry in entries]
    assert names == ["[Content_Types].xml", *sorted(names[1:])]
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {(entry.compress_type, entry.create_system) for entry in entries} == {(ZIP_STORED, 0)}
    assert not {"docProps/app.xml", "docProps/thumbnail.jpeg"} & set(names)


def test_a_language_from_right_to_left() -> None:
    """Paragraphs, runs and pages of Arabic turn; a Latin name and the labels do not."""
    talk = spoken(("a", "مرحبا بكم"), ("b", "نعم"), names={"a": "ليلى", "b": "Bo"}, language="ar")
    document = opened(talk)
    by_text = {p.text: p._p for p in document.paragraphs}
    turns = {"مرحبا بكم": True, "ليلى\t0:00": True, "Bo\t0:01": False}
    for text, is_rtl in turns.items():
        assert by_text[text].pPr.find(qn("w:bidi")) is not None
        assert (by_text[text].find(f".//{qn('w:rtl')}") is not None) == is_rtl
    assert by_text["Show: Harrow Street"].pPr.find(qn("w:bidi")) is None
    assert document.sections[0]._sectPr.find(qn("w:bidi")) is not None
    (default,) = document.styles.element.xpath("w:docDefaults//w:lang")
    assert default.get(qn("w:bidi")) == "ar"


def test_words_in_another_language_say_so() -> None:
    """A paragraph in French, Hebrew or Japanese has its language where Word looks for it."""
    segments = [
        segment.model_copy(update={"language": language})
        for segment, language in zip(TALK.segments, ("fr", "he", "ja"), strict=True)
    ]
    document = opened(TALK.model_copy(update={"segments": tuple(segments)}))
    words = [p._p for p in document.paragraphs if p.style.name == "Words"]
    languages = [paragraph.find(f".//{qn('w:lang')}").attrib for paragraph in words]
    assert languages == [{qn("w:val"): "fr"}, {qn("w:bidi"): "he"}, {qn("w:eastAsia"): "ja"}]


@settings(max_examples=8, deadline=None)
@given(transcript=transcripts())
def test_any_text_gives_a_document_in_the_order_of_the_schema(transcript: Transcript) -> None:
    """Characters that XML forbids are left out, and every property stands where the schema wants it."""
    chapters = (Chapter(start_s=0, title="\x07 & ]]>"),)
    document = opened(transcript, replace(TITLE_PAGE, title="\x00\ufffe<b>\ud800", chapters=chapters))
    roots = [document.element, document.styles.element, document.sections[0].footer._element]
    for name, order in ORDER.items():
        for properties in (found for root in roots for found in root.iter(qn(f"w:{name}"))):
            names = (child.tag.rpartition("}")[2] for child in properties)
            places = [order.index(each) for each in names if each in order]
            assert places == sorted(places)
    written = "".join(text for style, text in shown(document) if style == "Words")
    said = ILLEGAL_IN_XML.sub("", collapse_whitespace(transcript.text))
    assert "".join(written.split()) == "".join(said.split())


def test_a_long_file_grows_with_its_words() -> None:
    """Turns cost little more than their words, and the styles that nobody uses are left out."""
    talk = TALK.model_copy(update={"segments": TALK.segments * 200})
    assert len(to_word(TALK, TITLE_PAGE)) < 50_000
    assert len(to_word(talk, TITLE_PAGE)) < 300_000
