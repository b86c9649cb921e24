"""A transcript as a Word document (.docx): title page, chapters, speakers and times. Pure.

Source: ECMA-376, part 1, section 17.
"""

from docx import Document

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.documents.title_page import LABELS_LANGUAGE, Fact, TitlePage
from podcast_pipeline.transcript.documents.word_elements import Element, add_run, add_tab, paragraph
from podcast_pipeline.transcript.documents.word_file import pack_document
from podcast_pipeline.transcript.documents.word_styles import (
    HEADING,
    LABEL,
    SPEAKER,
    SPEAKER_NAME,
    TIME,
    TITLE,
    TITLE_PAGE,
    WORDS,
    set_page,
    set_properties,
    set_styles,
)
from podcast_pipeline.transcript.text.chapters import split_by_chapters
from podcast_pipeline.transcript.text.clock import format_short_clock
from podcast_pipeline.transcript.text.direction import begins_right_to_left, is_right_to_left
from podcast_pipeline.transcript.text.turns import (
    Sentence,
    TranscriptTurn,
    collapse_whitespace,
    join_words,
    transcript_turns,
)

WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def to_word(transcript: Transcript, title_page: TitlePage) -> bytes:
    """Return a transcript as a Word document; equal values give equal bytes.

    Chapters are headings, each turn has its speaker and its time, and the words are written as in all files.
    """
    document, language = Document(), transcript.language
    set_styles(document, language)
    set_page(document, title_page, language)
    set_properties(document, title_page, language)
    end = document.element.body.sectPr
    for element in (*_title_page(title_page, language), *_words(transcript, title_page)):
        end.addprevious(element)
    return pack_document(document)


def _title_page(title_page: TitlePage, language: str) -> list[Element]:
    return [_line(TITLE, title_page.title, language), *map(_fact, title_page.facts())]


def _fact(fact: Fact) -> Element:
    element = paragraph(TITLE_PAGE)
    add_run(element, f"{fact.label}: ", style=LABEL, language=LABELS_LANGUAGE)
    add_run(element, fact.value, is_rtl=begins_right_to_left(fact.value))
    return element


def _words(transcript: Transcript, title_page: TitlePage) -> list[Element]:
    elements: list[Element] = []
    for chapter, part in split_by_chapters(transcript, title_page.chapters):
        elements += [_line(HEADING, chapter.title, transcript.language)] if chapter else []
        elements += [element for turn in transcript_turns(part) for element in _turn(turn)]
    return elements


def _turn(turn: TranscriptTurn) -> list[Element]:
    head = paragraph(SPEAKER, is_rtl=is_right_to_left(turn.language))
    if turn.speaker:
        add_run(head, turn.speaker, style=SPEAKER_NAME, is_rtl=begins_right_to_left(turn.speaker))
        add_tab(head)
    add_run(head, format_short_clock(turn.sentences[0].start_s), style=TIME)
    return [head, *(_paragraph(sentences, turn.language) for sentences in turn.paragraphs())]


def _paragraph(sentences: tuple[Sentence, ...], document_language: str) -> Element:
    own = sentences[0].language
    is_rtl = is_right_to_left(own or document_language)
    element = paragraph(WORDS, is_rtl=is_rtl)
    text = join_words(word for sentence in sentences for word in sentence.words)
    add_run(element, text, is_rtl=is_rtl, language=own)
    return element


def _line(style: str, text: str, language: str) -> Element:
    element = paragraph(style, is_rtl=is_right_to_left(language))
    add_run(element, collapse_whitespace(text), is_rtl=begins_right_to_left(text))
    return element
