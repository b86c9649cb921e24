"""Paragraphs and runs of a Word document; each property is where the schema wants it. Pure.

python-docx looks a style up for each paragraph, which takes most of the time of a long transcript.

Source: ECMA-376, part 1, sections 17.3.1 and 17.3.2.
"""

from typing import Any

from docx.oxml.ns import qn
from docx.oxml.parser import OxmlElement

from podcast_pipeline.model import ILLEGAL_IN_XML
from podcast_pipeline.transcript.text.direction import is_right_to_left
from podcast_pipeline.transcript.text.turns import collapse_whitespace

Element = Any  # an lxml element; python-docx types its own part of them only

EAST_ASIAN = ("zh", "yue", "ja", "ko")
SPACE = "{http://www.w3.org/XML/1998/namespace}space"


def paragraph(style: str, *, is_rtl: bool = False) -> Element:
    """Return an empty paragraph of a style, by its id."""
    element = OxmlElement("w:p")
    properties = child(element, "w:pPr")
    child(properties, "w:pStyle", style)
    if is_rtl:
        child(properties, "w:bidi")
    return element


def add_run(
    parent: Element, text: str, *, style: str | None = None, is_rtl: bool = False, language: str | None = None
) -> None:
    """Add text, without what XML forbids.

    Args:
        style: id of a character style.
        language: where it is not the document's.
    """
    run = child(parent, "w:r")
    if style or is_rtl or language:
        properties = child(run, "w:rPr")
        if style:
            child(properties, "w:rStyle", style)
        if is_rtl:
            child(properties, "w:rtl")
        if language:
            set_language(child(properties, "w:lang"), language)
    written = child(run, "w:t")
    written.text = ILLEGAL_IN_XML.sub("", text)
    written.set(SPACE, "preserve")


def add_tab(parent: Element) -> None:
    """Add a tab."""
    child(child(parent, "w:r"), "w:tab")


def add_page_number(parent: Element) -> None:
    """Add a field that shows the number of the page."""
    field = child(parent, "w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    add_run(field, "1")


def set_language(element: Element, language: str) -> None:
    """State a language where Word looks for one of its script: bidirectional, East Asian or any other."""
    code = language.lower().partition("-")[0]
    kind = "bidi" if is_right_to_left(language) else "eastAsia" if code in EAST_ASIAN else "val"
    element.set(qn(f"w:{kind}"), language)


def child(parent: Element, tag: str, value: str | None = None) -> Element:
    """Add an element as the last one, with a value if there is one."""
    element = OxmlElement(tag)
    if value is not None:
        element.set(qn("w:val"), value)
    parent.append(element)
    return element


def one_line(text: str) -> str:
    """Return text on one line that XML allows."""
    return ILLEGAL_IN_XML.sub("", collapse_whitespace(text))
