"""Word documents for tests, made by python-docx."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from docx import Document

Part = tuple[str, bool]
"""Text of a run, and whether it is bold."""


def paragraphs(*lines: Sequence[Part] | str, document: Any = None) -> Any:
    """Return a document with a paragraph for each line: plain text, or runs."""
    made = document or Document()
    for line in lines:
        paragraph = made.add_paragraph()
        for text, is_bold in [(line, False)] if isinstance(line, str) else line:
            paragraph.add_run(text).bold = is_bold or None
    return made


def table(*rows: Sequence[str]) -> Any:
    """Return a document with one table."""
    made = Document()
    cells = made.add_table(len(rows), len(rows[0]))
    for row, texts in zip(cells.rows, rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    return made


def saved(document: Any) -> bytes:
    """Return the bytes of a document."""
    file = BytesIO()
    document.save(file)
    return file.getvalue()


def with_body(xml: str) -> bytes:
    """Return a document whose body is this XML; the prefix w is bound."""
    return replaced(
        "word/document.xml",
        b'<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w='
        b'"http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
        + xml.encode()
        + b"<w:sectPr/></w:body></w:document>",
    )


def replaced(name: str, data: bytes, *, document: bytes | None = None) -> bytes:
    """Return a document, an empty one by default, with one part replaced or added."""
    file = BytesIO()
    with ZipFile(BytesIO(document or saved(Document()))) as old, ZipFile(file, "w", ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename != name:
                new.writestr(entry.filename, old.read(entry))
        new.writestr(name, data)
    return file.getvalue()
