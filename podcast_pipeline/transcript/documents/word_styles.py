"""The styles, the page, its head and foot, and the properties of a Word document. Pure."""

from collections.abc import Iterable
from typing import Any

from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_TAB_ALIGNMENT
from docx.oxml.ns import qn
from docx.oxml.parser import OxmlElement
from docx.shared import Pt, RGBColor

from podcast_pipeline.transcript.documents.title_page import LABELS_LANGUAGE, TitlePage
from podcast_pipeline.transcript.documents.word_elements import (
    add_page_number,
    add_run,
    add_tab,
    one_line,
    paragraph,
    set_language,
)
from podcast_pipeline.transcript.text.direction import begins_right_to_left, is_right_to_left

TITLE, HEADING = "Title", "Heading1"
TITLE_PAGE, SPEAKER, WORDS = "TitlePage", "Speaker", "Words"
LABEL, SPEAKER_NAME, TIME = "Label", "SpeakerName", "Time"
NOT_WORDS = (TITLE, HEADING, TITLE_PAGE)

KEPT = {
    *("Normal", "DefaultParagraphFont", "TableNormal", "NoList"),
    *(TITLE, "TitleChar", HEADING, "Heading1Char", "Header", "HeaderChar", "Footer", "FooterChar"),
}
"""Styles of python-docx's template that are used; its 160 others are most of its size."""

OWN = {
    TITLE_PAGE: ("Title Page", WD_STYLE_TYPE.PARAGRAPH),
    SPEAKER: ("Speaker", WD_STYLE_TYPE.PARAGRAPH),
    WORDS: ("Words", WD_STYLE_TYPE.PARAGRAPH),
    LABEL: ("Label", WD_STYLE_TYPE.CHARACTER),
    SPEAKER_NAME: ("Speaker Name", WD_STYLE_TYPE.CHARACTER),
    TIME: ("Time", WD_STYLE_TYPE.CHARACTER),
}
"""Our own styles by id, by which an import of typed transcripts finds the words."""

SPACE = {TITLE_PAGE: (0, 2), SPEAKER: (12, 2), WORDS: (0, 6)}
"""Points before and after a paragraph of our own styles."""

GREY = RGBColor(0x59, 0x59, 0x59)  # 7 : 1 on white
LONGEST_PROPERTY = 255  # characters


def set_styles(document: Any, language: str) -> None:
    """Keep the styles that are used, add our own and state the document's language."""
    root = document.styles.element
    for element in [*root.style_lst, *root.findall(qn("w:latentStyles"))]:
        if element.get(qn("w:styleId")) not in KEPT:
            root.remove(element)
    set_language(root.find(f".//{qn('w:rPrDefault')}//{qn('w:lang')}"), language)
    styles = {style_id: document.styles.add_style(*named) for style_id, named in OWN.items()}
    for style_id, (before_pt, after_pt) in SPACE.items():
        styles[style_id].paragraph_format.space_before = Pt(before_pt)
        styles[style_id].paragraph_format.space_after = Pt(after_pt)
    styles[SPEAKER].paragraph_format.keep_with_next = True
    for style_id in (LABEL, SPEAKER_NAME):
        styles[style_id].font.bold = styles[style_id].font.cs_bold = True
    styles[TIME].font.size, styles[TIME].font.color.rgb = Pt(9), GREY


def set_page(document: Any, title_page: TitlePage, language: str) -> None:
    """Fill the head, with show and title, and the foot, with address, version and page."""
    section = document.sections[0]
    _replace_content(section.header, _head(title_page, language))
    _replace_content(section.footer, _foot(title_page))
    width = section.page_width - section.left_margin - section.right_margin
    for name in ("Header", "Footer"):
        tabs = document.styles[name].paragraph_format.tab_stops
        tabs.clear_all()
        tabs.add_tab_stop(width, WD_TAB_ALIGNMENT.RIGHT)
    if is_right_to_left(language):
        section._sectPr.find(qn("w:docGrid")).addprevious(OxmlElement("w:bidi"))


def set_properties(document: Any, title_page: TitlePage, language: str) -> None:
    """State what the document is, in its properties; its times are the version's."""
    properties = document.core_properties
    texts = {
        "title": title_page.title,
        "subject": title_page.show,
        "author": ", ".join((*title_page.hosts, *title_page.guests)) or title_page.author,
        "last_modified_by": title_page.author,
        "keywords": ", ".join(title_page.topics),
        "category": "Transcript",
        "comments": title_page.url,
        "identifier": title_page.version_hash,
        "language": language,
        "version": str(title_page.version),
    }
    for name, text in texts.items():
        setattr(properties, name, one_line(text)[:LONGEST_PROPERTY])
    properties.revision = title_page.version
    properties.created = properties.modified = title_page.version_at.replace(tzinfo=None)


def _head(title_page: TitlePage, language: str) -> Any:
    head = paragraph("Header", is_rtl=is_right_to_left(language))
    add_run(head, title_page.show, is_rtl=begins_right_to_left(title_page.show))
    add_tab(head)
    add_run(head, title_page.title, is_rtl=begins_right_to_left(title_page.title))
    return head


def _foot(title_page: TitlePage) -> Any:
    foot = paragraph("Footer")
    version = f"{title_page.url} · version {title_page.version} of {title_page.version_on}"
    add_run(foot, version, language=LABELS_LANGUAGE)
    add_tab(foot)
    add_page_number(foot)
    return foot


def _replace_content(part: Any, *paragraphs: Any) -> None:
    part.is_linked_to_previous = False
    _remove_all(part._element, part._element.p_lst)
    part._element.extend(paragraphs)


def _remove_all(parent: Any, elements: Iterable[Any]) -> None:
    for element in list(elements):
        parent.remove(element)
