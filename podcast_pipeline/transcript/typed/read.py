"""Read a typed transcript of any of the formats from the bytes of its file."""

from collections.abc import Callable, Collection, Mapping
from pathlib import PurePath

from podcast_pipeline.errors import CaptionError
from podcast_pipeline.transcript.typed.html_page import page_lines
from podcast_pipeline.transcript.typed.lines import TypedLine
from podcast_pipeline.transcript.typed.plain_text import markdown_lines, text_lines
from podcast_pipeline.transcript.typed.podcast_json import json_lines
from podcast_pipeline.transcript.typed.subtitles import subtitle_lines
from podcast_pipeline.transcript.typed.turns import TypedTranscript, turns_of
from podcast_pipeline.transcript.typed.word_document import document_lines

WORD = ".docx"
TEXTS: Mapping[str, Callable[[str, str], list[TypedLine]]] = {
    ".txt": lambda text, _: text_lines(text),
    ".md": lambda text, _: markdown_lines(text),
    ".srt": subtitle_lines,
    ".vtt": subtitle_lines,
    ".html": lambda text, _: page_lines(text),
    ".json": json_lines,
}
"""Ending -> the reader of its text."""

OTHER_ENDINGS = {
    ".doc": "is an old Word file; save it as .docx",
    ".docm": "may have macros; save it as .docx, which has none",
    ".dotx": "is a Word template; save it as .docx",
    ".odt": "is an OpenDocument text; save it as .docx",
    ".pages": "is a Pages document; export it as .docx",
    ".pdf": "is a PDF, which has no paragraphs; save it as .docx or .txt where it was made",
    ".rtf": "is a Rich Text file; save it as .docx",
}
"""Ending -> what to do with a file that is not read."""

MOST_UNREAD = 1000  # characters for each one that cannot be read

ENDINGS = (WORD, ".txt", ".md", ".srt", ".vtt")  # of files that people type; the others come from feeds


def check_ending(name: str) -> str:
    """Return the ending of a file's name; CaptionError, with what to do, for one that is not read."""
    ending = PurePath(name).suffix.lower()
    if ending == WORD or ending in TEXTS:
        return ending
    other = f"is none of the files that are read; save it as {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
    raise CaptionError(name, OTHER_ENDINGS.get(ending, other))


def read_typed(
    data: bytes, name: str, *, decode: Callable[[bytes], str], people: Collection[str] = ()
) -> TypedTranscript:
    """Return the turns of a typed transcript.

    Args:
        name: of the file: its ending is the format; for messages, which have nothing else of the file.
        decode: decodes a plain text; no byte makes it fail.
        people: see `turns_of`.

    Raises:
        CaptionError: the file is empty, of another kind, damaged, or has no words.
    """
    ending = check_ending(name)
    if not data.strip():
        raise CaptionError(name, "is empty")
    if ending == WORD:
        lines = document_lines(data, name)
    else:
        text = decode(data)
        if "\0" in text:
            raise CaptionError(name, f"is no text, though its name ends in {ending}")
        if (unread := text.count("\ufffd")) > 1 and unread * MOST_UNREAD > len(text):
            raise CaptionError(name, f"has {unread} characters in an unknown encoding; save it as UTF-8")
        lines = TEXTS[ending](text, name)
    typed = turns_of(lines, people)
    if not typed.has_words:
        raise CaptionError(name, "has no words that were said")
    return typed
