"""Lines of a Word document (.docx): paragraphs and tables in order, as they are with all changes accepted.

python-docx leaves out what a reviewer has inserted and what stands in a content control, so the runs are
collected here from its elements.

Source: ECMA-376, part 1, section 17; python-docx issue #340.
"""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from zipfile import BadZipFile, ZipFile

from docx import Document
from docx.exceptions import PythonDocxError
from docx.opc.exceptions import OpcError
from docx.oxml.exceptions import XmlchemyError
from docx.oxml.ns import qn
from docx.text.font import Font

from podcast_pipeline.errors import CaptionError
from podcast_pipeline.transcript.documents import word_styles
from podcast_pipeline.transcript.typed.columns import table_lines
from podcast_pipeline.transcript.typed.lines import TypedLine, mark_page_headers

UNPACKED_BYTES = 20 * 1024**2
MOST_PARTS = 2000
MOST_STYLES = 20  # that one is based on
OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # the container of .doc, and of a .docx with a password
STRICT = b"http://purl.oclc.org/ooxml/"  # in the relationships of a "Strict Open XML Document"
IS_ENCRYPTED = 0x1  # of a ZIP entry's flags
CONTENT_TYPES = "[Content_Types].xml"
MACRO_TYPES = (b"macroEnabled", b"ms-office.vbaProject")
DAMAGED = (
    OpcError, PythonDocxError, XmlchemyError, BadZipFile, zlib.error, EOFError, OSError, RuntimeError,
    NotImplementedError, SyntaxError, LookupError, ValueError, AttributeError, TypeError,
)  # fmt: skip
"""What python-docx, lxml (its XMLSyntaxError is a SyntaxError) and zipfile raise for a file that is none."""

HEADING_STYLES = ("heading", "title", "subtitle", "toc ", "caption", "header", "footer")
AROUND_BLOCKS = tuple(map(qn, ("w:sdt", "w:sdtContent", "w:ins", "w:moveTo", "w:customXml", "w:smartTag")))
AROUND_RUNS = (*AROUND_BLOCKS, *map(qn, ("w:hyperlink", "w:fldSimple", "w:dir", "w:bdo")))
SIGNS = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}

Element = Any  # an lxml element; python-docx types its own part of them only


def document_lines(data: bytes, name: str) -> list[TypedLine]:
    """Return the lines of a Word document. Headers, footers, notes and comments are not in its text.

    Args:
        name: of the file, for a message.

    Raises:
        CaptionError: it is no such document, is too large unpacked, or has macros; nothing was unpacked.
    """
    _check(data, name)
    _check_is_transitional(data, name)
    try:
        document = Document(BytesIO(data))
        return mark_page_headers(list(_lines(document.element.body, _Styles.of(document))))
    except DAMAGED as error:
        raise CaptionError(
            name, "is no Word document, or is damaged; open it in Word and save it as .docx"
        ) from error


def _check(data: bytes, name: str) -> None:
    """Refuse, from the list of contents and their types alone, what must not be unpacked."""
    if data.startswith(OLE):
        raise CaptionError(name, "is an old Word file, or has a password; save it as .docx without one")
    try:
        archive = ZipFile(BytesIO(data))
    except (BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise CaptionError(name, "is no Word document; open it in Word and save it as .docx") from error
    parts = archive.infolist()
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > UNPACKED_BYTES:
        size = f"{UNPACKED_BYTES // 1024**2} MB"
        raise CaptionError(name, f"is larger than {size} unpacked; remove its pictures, or save it as .txt")
    if any(part.flag_bits & IS_ENCRYPTED for part in parts):
        raise CaptionError(name, "has a password; save it as .docx without one")
    if _has_macros(archive):
        raise CaptionError(name, "has macros; save it as .docx, which has none")


def _check_is_transitional(data: bytes, name: str) -> None:
    """Refuse the kind of .docx that python-docx does not know; other faults are for it to find."""
    with suppress(*DAMAGED):
        if STRICT in ZipFile(BytesIO(data)).read("_rels/.rels"):
            message = "is a Strict Open XML Document; save it as the other kind, Word Document (.docx)"
            raise CaptionError(name, message)


def _has_macros(archive: ZipFile) -> bool:
    """Return whether a part has the name or the type of macros."""
    if any(name.lower().endswith("vbaproject.bin") for name in archive.namelist()):
        return True
    with suppress(*DAMAGED):
        types = archive.read(CONTENT_TYPES)
        return any(macro in types for macro in MACRO_TYPES)
    return False


@dataclass(frozen=True)
class _Style:
    """A style by itself: its name in small letters, the id of the one that it is based on, its own bold."""

    name: str
    base: str | None
    is_bold: bool


@dataclass(frozen=True)
class _Styles:
    """The ids of a document's styles that matter.

    python-docx looks a style up by reading all of them, and a document may have thousands.

    Attributes:
        are_ours: whether the document is a transcript that this program made.
    """

    headings: frozenset[str]
    bold: frozenset[str]
    are_ours: bool = False

    @classmethod
    def of(cls, document: Any) -> "_Styles":
        styles = {
            element.styleId: _Style(
                (element.name_val or "").lower(), _base(element), bool(Font(element).bold)
            )
            for element in document.styles.element.style_lst
            if element.styleId
        }
        headings = frozenset(style_id for style_id in styles if _is_heading(style_id, styles))
        bold = {style_id for style_id, style in styles.items() if style.is_bold} - headings
        strong = {style_id for style_id, style in styles.items() if style.name == "strong"}
        are_ours = {word_styles.TITLE_PAGE, word_styles.SPEAKER_NAME} <= styles.keys()
        return cls(headings, frozenset(bold | strong), are_ours)


def _base(style: Element) -> str | None:
    return None if style.basedOn is None else style.basedOn.val


def _is_heading(style_id: str | None, styles: Mapping[str, _Style]) -> bool:
    """Return whether a style is one of a heading, or is based on one."""
    for _ in range(MOST_STYLES):
        style = styles.get(style_id or "")
        if style is None:
            return False
        if style.name.startswith(HEADING_STYLES):
            return True
        style_id = style.base
    return False


def _lines(parent: Element, styles: _Styles) -> Iterator[TypedLine]:
    for child in parent.iterchildren():
        if child.tag == qn("w:p"):
            yield from _own_paragraph(child, styles) if styles.are_ours else _paragraph(child, styles)
            yield TypedLine("")
        elif child.tag == qn("w:tbl"):
            yield from _table(child, styles)
        elif child.tag in AROUND_BLOCKS:
            yield from _lines(child, styles)


def _own_paragraph(element: Element, styles: _Styles) -> Iterator[TypedLine]:
    """Yield the lines of a document of ours: a speaker's name is marked, and titles are none of the words."""
    names = (_text(run) for run in element.iter(qn("w:r")) if run.style == word_styles.SPEAKER_NAME)
    if element.style == word_styles.SPEAKER:
        yield TypedLine("", name=_plain("".join(names)) or None)
    elif element.style not in word_styles.NOT_WORDS:
        yield from _paragraph(element, styles)


def _paragraph(element: Element, styles: _Styles) -> Iterator[TypedLine]:
    is_heading = element.style in styles.headings
    text, bold, may_grow = "", "", True
    for piece, is_bold in [*_pieces(element, styles), ("\n", False)]:
        for number, part in enumerate(piece.split("\n")):
            if number:
                yield TypedLine(_plain(text), bold=_plain(bold), is_heading=is_heading)
                text, bold, may_grow = "", "", True
            may_grow = may_grow and (is_bold or not part.strip())
            bold += part if may_grow else ""
            text += part


def _pieces(parent: Element, styles: _Styles) -> Iterator[tuple[str, bool]]:
    """Yield the text of each run that is shown and not struck through, and whether it is bold."""
    for child in parent.iterchildren():
        if child.tag == qn("w:r"):
            font = Font(child)
            if not (font.hidden or font.strike or font.double_strike):
                yield _text(child), child.style in styles.bold if font.bold is None else font.bold
        elif child.tag in AROUND_RUNS:
            yield from _pieces(child, styles)


def _text(run: Element) -> str:
    return "".join(
        child.text or "" if child.tag == qn("w:t") else SIGNS.get(child.tag, "")
        for child in run.iterchildren()
    )


def _table(table: Element, styles: _Styles) -> Iterator[TypedLine]:
    rows = [[list(_lines(cell, styles)) for cell in _within(row, "w:tc")] for row in _within(table, "w:tr")]
    yield from table_lines(rows)


def _within(parent: Element, tag: str) -> Iterator[Element]:
    for child in parent.iterchildren():
        if child.tag == qn(tag):
            yield child
        elif child.tag in AROUND_BLOCKS:
            yield from _within(child, tag)


def _plain(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").split(" ")).strip()
