"""Typed transcripts as Word documents, made by python-docx."""

from collections.abc import Callable
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from docx import Document
from docx.enum.style import WD_STYLE_TYPE

from podcast_pipeline.errors import CaptionError
from podcast_pipeline.transcript.typed.turns import TypedTranscript, turns_of
from podcast_pipeline.transcript.typed.word_document import UNPACKED_BYTES, document_lines
from tests.support.word_files import paragraphs, replaced, saved, table, with_body

FILE = "interview.docx"
SAID = [("Ann Example", "Hello there."), ("Bob", "Hi. And more.")]


def read(data: bytes) -> TypedTranscript:
    return turns_of(document_lines(data, FILE))


def turns(data: bytes) -> list[tuple[str | None, str]]:
    return [(turn.name, " ".join(turn.paragraphs)) for turn in read(data).turns]


def _with_headings() -> Any:
    made = Document()
    made.add_heading("The Hearing", 0)
    made.add_heading("Part one", 2)
    paragraphs("ANN EXAMPLE: Hello there.", document=made)
    made.sections[0].header.paragraphs[0].text = "Confidential draft"
    made.sections[0].footer.paragraphs[0].text = "Page 1"
    paragraphs("BOB: Hi.", [("Part two", True)], "And more.", document=made)
    chapter = made.styles.add_style("Chapter", WD_STYLE_TYPE.PARAGRAPH)
    chapter.base_style = made.styles["Heading 2"]
    made.add_paragraph("Part three", style="Chapter")
    return made


def _with_styled_names() -> Any:
    made, again = Document(), (("Ann Example", "So."), ("Bob", "Yes."))
    for name, words in (*SAID, *again):
        paragraph = made.add_paragraph()
        paragraph.add_run(name, style="Strong")
        paragraph.add_run(f" {words}")
    return made


DOCUMENTS: dict[str, Callable[[], Any]] = {
    "names with a colon": lambda: paragraphs("Ann Example: Hello there.", "Bob: Hi.", "And more."),
    "bold names": lambda: paragraphs(
        [("Ann Example", True), (" Hello there.", False)], [("Bob:", True), (" Hi.", False)], "And more.",
        [("Ann Example", True), (" Yes.", False)],
    ),
    "bold names on lines of their own": lambda: paragraphs(
        [("Ann Example:", True)], "Hello there.", [("Bob:", True)], "Hi.", "And more."
    ),
    "names in a style": _with_styled_names,
    "two columns": lambda: table(("Ann Example", "Hello there."), ("Bob:", "Hi."), ("", "And more.")),
    "a table with heads and times": lambda: table(
        ("Time", "Speaker", "Text"), ("00:00:01", "Ann Example", "Hello there."),
        ("00:00:03", "Bob", "Hi.\nAnd more."),
    ),
    "names after the words": lambda: table(
        ("Hello there.", "Ann Example"), ("Hi.", "Bob"), ("And more.", "Bob"),
        ("So that is what was said here, at length.", "Ann Example"),
    ),
    "names after the words, with heads": lambda: table(
        ("Text", "Speaker"), ("Hello there.", "Ann Example"), ("Hi.", "Bob"), ("And more.", "Bob"),
    ),
    "a table with notes": lambda: table(
        ("No.", "In", "Out", "SPEAKER:", "Dialogue (draft)", "Check", "Notes"),
        ("1", "0:01", "0:03", "Ann Example", "Hello there.", "Yes", "is that her name?"),
        ("2", "0:03", "0:05", "Bob", "Hi.", "", ""), ("3", "0:05", "0:09", "", "And more.", "", "cut this"),
    ),
    "a note in the last column": lambda: table(
        ("Ann Example", "Hello there.", ""), ("Bob", "Hi.", ""), ("Bob", "And more.", "sic"),
    ),
    "short words": lambda: table(("Ann Example", "Hello there."), ("Bob", "Hi. And more."), ("Ann", "")),
    "headings and headers": _with_headings,
}  # fmt: skip
"""Form -> a document."""


@pytest.mark.parametrize("form", DOCUMENTS)
def test_speakers_and_words(form: str) -> None:
    """Each form gives the speakers with their words."""
    found = turns(saved(DOCUMENTS[form]()))
    assert [(name.title() if name else None, text) for name, text in found][:2] == SAID


def test_notes_of_a_table_are_counted() -> None:
    """What stands beside the words in a table is left out and counted."""
    assert read(saved(DOCUMENTS["a table with notes"]())).left_out == {"notes beside the words": 3}


def test_headings_are_counted_and_headers_are_not_read() -> None:
    """Headings, by their style or bold, are no words; page headers are not in the text at all."""
    typed = read(saved(_with_headings()))
    assert typed.left_out == {"headings": 4}
    assert "draft" not in str(typed.turns)


def test_a_document_with_tracked_changes_is_read_as_accepted() -> None:
    """What was inserted is there, also in a control and a link; what was deleted, moved or struck is not."""
    body = (
        "<w:p><w:r><w:t xml:space='preserve'>One </w:t></w:r><w:ins><w:r><w:t>two</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
        "<w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom>"
        "<w:hyperlink><w:r><w:t xml:space='preserve'> three</w:t></w:r></w:hyperlink>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>"
        "<w:r><w:rPr><w:strike/></w:rPr><w:t>struck</w:t></w:r><w:r><w:instrText>PAGE</w:instrText></w:r></w:p>"
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>four</w:t><w:br/><w:t>five</w:t><w:tab/><w:t>six</w:t></w:r></w:p>"
        "</w:sdtContent></w:sdt>"
    )
    assert turns(with_body(body)) == [(None, "One two three four five six")]


def test_thousands_of_styles_are_read_once() -> None:
    """Word has up to 4,091 styles; a heading is found through those that it is based on."""
    ns = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    chain = "".join(
        f'<w:style w:styleId="s{n}"><w:name w:val="s{n}"/><w:basedOn w:val="s{n + 1}"/></w:style>'
        for n in range(20_000)
    )
    heading = '<w:style w:styleId="s20000"><w:name w:val="heading 1"/></w:style>'
    styles = f"<w:styles {ns}>{chain}{heading}</w:styles>"
    body = "".join(
        f"<w:p><w:pPr><w:pStyle w:val='{style}'/></w:pPr><w:r><w:t>Hello {style}.</w:t></w:r></w:p>"
        for style in ("s1", "s19999")
    )
    data = replaced("word/styles.xml", styles.encode(), document=with_body(body))
    assert turns(data) == [(None, "Hello s1.")]


def test_entities_and_links_are_not_followed() -> None:
    """An entity of a file or of a thousand laughs stays unread."""
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd"><!ENTITY b "hahahaha">]>'
        b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r>'
        b"<w:t>One &a; &b;</w:t></w:r></w:p></w:body></w:document>"
    )
    assert turns(replaced("word/document.xml", bomb)) == [(None, "One")]


def _bomb() -> bytes:
    return replaced("word/document.xml", b" " * (UNPACKED_BYTES + 1))


def _understated_bomb() -> bytes:
    """Return a bomb that states a small size in its list of contents and in the entry."""
    data = bytearray(_bomb())
    size = (UNPACKED_BYTES + 1).to_bytes(4, "little")
    while (at := data.find(size)) >= 0:
        data[at : at + 4] = (5).to_bytes(4, "little")
    return bytes(data)


def _named(content_type: str) -> bytes:
    """Return a document that names a type of part in its list of types."""
    with ZipFile(BytesIO(saved(paragraphs("Ann: Hello.")))) as document:
        types = document.read("[Content_Types].xml").decode()
    override = f'<Override PartName="/word/a.bin" ContentType="{content_type}"/></Types>'
    return replaced("[Content_Types].xml", types.replace("</Types>", override).encode())


REFUSED: dict[str, tuple[bytes, str]] = {
    "no archive": (b"plain words", "is no Word document; open it in Word and save it as .docx"),
    "an old file": (
        bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 512,
        "is an old Word file, or has a password; save it as .docx without one",
    ),
    "a bomb": (_bomb(), "is larger than 20 MB unpacked; remove its pictures, or save it as .txt"),
    "a bomb that states a small size": (_understated_bomb(), "is no Word document, or is damaged"),
    "macros": (replaced("word/vbaProject.bin", b"x"), "has macros; save it as .docx, which has none"),
    "the strict kind": (
        replaced("_rels/.rels", b'<x a="http://purl.oclc.org/ooxml/officeDocument/relationships"/>'),
        "is a Strict Open XML Document; save it as the other kind, Word Document (.docx)",
    ),
    "macros of another name": (
        _named("application/vnd.ms-office.vbaProject"),
        "has macros; save it as .docx, which has none",
    ),
    "the type of a file with macros": (
        _named("application/vnd.ms-word.document.macroEnabled.main+xml"),
        "has macros; save it as .docx, which has none",
    ),
    "a value that is none": (
        with_body("<w:p><w:r><w:rPr><w:b w:val='maybe'/></w:rPr><w:t>Hi</w:t></w:r></w:p>"),
        "is no Word document, or is damaged",
    ),
    "no text": (replaced("word/document.xml", b"<x"), "is no Word document, or is damaged"),
    "another root": (replaced("word/document.xml", b"<x/>"), "is no Word document, or is damaged"),
    "no contents": (replaced("[Content_Types].xml", b""), "is no Word document, or is damaged"),
}
"""Case -> a file, and the begin of the one line about it."""


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_is_none_is_one_line(case: str) -> None:
    """The line names the file and says what to do."""
    data, line = REFUSED[case]
    with pytest.raises(CaptionError) as caught:
        read(data)
    assert str(caught.value).startswith(f"{FILE}: {line}")
    assert "\n" not in str(caught.value)


def test_a_bomb_is_refused_before_anything_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of contents alone decides."""
    bomb = _bomb()
    monkeypatch.setattr(ZipFile, "open", lambda *_: pytest.fail("unpacked"))
    with pytest.raises(CaptionError, match="larger than 20 MB"):
        read(bomb)


@pytest.mark.parametrize("share", range(0, 100, 9))
def test_a_file_that_was_cut_is_one_line(share: int) -> None:
    """A part of a document is damaged, wherever it ends."""
    data = saved(paragraphs("Ann: Hello."))
    with pytest.raises(CaptionError, match="Word document"):
        read(data[: len(data) * share // 100])
