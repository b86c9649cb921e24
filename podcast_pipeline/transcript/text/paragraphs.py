"""The end of a paragraph: one rule, with settings for captions, transcript.md and the web page. Pure."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from podcast_pipeline.transcript.text.sentences import PAUSE_S, ends_sentence

OVERRUN = 2
"""At this many times its length a paragraph ends without an end mark, too: some engines write none."""


class TimedText(Protocol):
    """A sentence or a segment: text with its times in seconds."""

    @property
    def start_s(self) -> float:
        """Start of the first word."""

    @property
    def end_s(self) -> float:
        """End of the last word."""

    @property
    def text(self) -> str:
        """The words."""

    @property
    def language(self) -> str | None:
        """The language of the words, where it is not the transcript's."""


Part = TypeVar("Part", bound=TimedText)


@dataclass(frozen=True)
class ParagraphSettings:
    """How long a paragraph is.

    Attributes:
        length_chars: a paragraph this long ends with its sentence.
        pause_s: a silence this long ends a paragraph.
    """

    length_chars: int
    pause_s: float = math.inf


CAPTIONS = ParagraphSettings(length_chars=500, pause_s=PAUSE_S)
"""Of the HTML and plain text transcript."""

MARKDOWN = ParagraphSettings(length_chars=660, pause_s=1.5)
"""Of transcript.md: about 120 English words."""

PAGE = ParagraphSettings(length_chars=420)
"""Of the web page: about 75 English words, a pause for the eye in a long answer."""


def split_paragraphs(
    parts: Iterable[Part], settings: ParagraphSettings, *, language: str = ""
) -> Iterator[tuple[Part, ...]]:
    """Yield sentences or segments of one speaker in paragraphs: every part once, in order, none empty.

    A paragraph is in one language.
    """
    paragraph: list[Part] = []
    for part in parts:
        if paragraph and _ends_paragraph(paragraph, part, settings, language):
            yield tuple(paragraph)
            paragraph = []
        paragraph.append(part)
    if paragraph:
        yield tuple(paragraph)


def _ends_paragraph(
    paragraph: list[Part], following: Part, settings: ParagraphSettings, language: str
) -> bool:
    pause_s = following.start_s - paragraph[-1].end_s
    if pause_s >= settings.pause_s or following.language != paragraph[-1].language:
        return True
    length = sum(len(part.text) for part in paragraph)
    if length < settings.length_chars:
        return False
    return length >= OVERRUN * settings.length_chars or ends_sentence(
        paragraph[-1].text, following.text, pause_s=pause_s, language=following.language or language
    )
