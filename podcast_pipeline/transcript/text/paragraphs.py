"""Words as a reader sees them: pieces, sentences and paragraphs, in any script."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import regex

from podcast_pipeline.model import Segment, Transcript, Word

PAUSE_S = 2.0
"""A silence this long ends a sentence and a paragraph, whatever the punctuation says."""

PARAGRAPH_CHARS = 500
"""A paragraph that is this long ends with its sentence."""

SPACELESS = r"\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
"""Scripts written without spaces between words, as the inside of a character class."""

ABBREVIATIONS = frozenset(
    (
        "mr",
        "mrs",
        "ms",
        "mx",
        "dr",
        "prof",
        "st",
        "sr",
        "jr",
        "vs",
        "gen",
        "col",
        "lt",
        "sgt",
        "rev",
        "e.g",
        "i.e",
    )
)
"""What a full stop follows without ending a sentence; compared in lower case."""

_CONTROL = regex.compile(r"\p{Cc}+")
_SPACELESS = regex.compile(f"[{SPACELESS}]")
_NO_LINE_START = regex.compile(
    r"[\p{Pe}\p{Pf}\p{M}、。，．：；！？!?.,:;%ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ…‥’”\u200d"
    r"\u0e2f\u0e30\u0e32\u0e33\u0e45\u0e46\u0eaf\u0eb0\u0eb2\u0eb3\u0ec6]"  # Thai and Lao: after their letter
)
_NO_LINE_END = regex.compile(
    r"[\p{Ps}\p{Pi}$€£¥#\u200d"
    r"\u0e40-\u0e44\u0ec0-\u0ec4]"  # Thai and Lao vowels: before their letter
)
_SENTENCE_END = regex.compile(r"""[.!?…。！？｡؟۔।։]["'’”»)\]」』）】›]*$""")
_INITIALS = regex.compile(r"^\P{L}*(?:\p{Lu}\.)*\p{Lu}$")


@dataclass(frozen=True)
class WrittenWord:
    """A stretch of text that stays on one line where it can: a written word, or several bound together.

    Attributes:
        text: without space around it; never empty.
        space: whether a space stands before it, when it does not begin a line.
    """

    text: str
    start_s: float
    end_s: float
    space_before: bool = True


@dataclass(frozen=True)
class Sentence:
    """A sentence of one speaker."""

    words: tuple[WrittenWord, ...]

    @property
    def start_s(self) -> float:
        """Start of the first piece."""
        return self.words[0].start_s

    @property
    def end_s(self) -> float:
        """End of the last piece."""
        return self.words[-1].end_s

    @property
    def text(self) -> str:
        """The sentence as written."""
        return join_words(self.words)


@dataclass(frozen=True)
class TranscriptTurn:
    """What one speaker says before another does; `speaker` is the name that a reader is shown."""

    speaker: str | None
    sentences: tuple[Sentence, ...]

    def paragraphs(self) -> Iterator[tuple[Sentence, ...]]:
        """Yield the sentences in paragraphs: a long pause or PARAGRAPH_CHARS end one."""
        paragraph: list[Sentence] = []
        for sentence in self.sentences:
            if paragraph and _new_paragraph(paragraph, sentence):
                yield tuple(paragraph)
                paragraph = []
            paragraph.append(sentence)
        yield tuple(paragraph)


def transcript_turns(transcript: Transcript) -> tuple[TranscriptTurn, ...]:
    """Return the transcript as turns of sentences, in order; nothing for one without words."""
    spoken: list[tuple[str | None, list[WrittenWord]]] = []
    for segment in transcript.segments:
        name = collapse_whitespace(transcript.speaker_name(segment.speaker) or "") or None
        new = written_words(segment)
        if not new:
            continue
        if spoken and spoken[-1][0] == name:
            spoken[-1][1].extend(_after(spoken[-1][1][-1], new))
        else:
            spoken.append((name, new))
    return tuple(TranscriptTurn(name, tuple(_sentences(said))) for name, said in spoken)


def written_words(segment: Segment) -> list[WrittenWord]:
    """Return the written words of a segment: what belongs together without a space is one piece.

    A script without spaces may break between any two of the engine's words, but not before closing
    punctuation or after opening punctuation.
    """
    found: list[WrittenWord] = []
    for part in (part for word in segment.words for part in _parts(word)):
        if found and not part.space_before and not _may_break(found[-1].text, part.text):
            found[-1] = replace(found[-1], text=found[-1].text + part.text, end_s=part.end_s)
        else:
            found.append(part)
    return found


def join_words(words: Iterable[WrittenWord]) -> str:
    """Return pieces as running text, without a space at either end."""
    return "".join(f" {part.text}" if part.space_before else part.text for part in words).strip()


def collapse_whitespace(text: str) -> str:
    """Return text on one line: control characters are spaces, and runs of space are one."""
    return " ".join(_CONTROL.sub(" ", text).split())


def is_abbreviation(text: str) -> bool:
    """Whether a full stop at the end of a word shortens it ("Dr.", "J.", "U.S.")."""
    if not text.endswith("."):
        return False
    stem = text.rstrip(".")
    return stem.lower() in ABBREVIATIONS or bool(_INITIALS.match(stem))


def _parts(word: Word) -> Iterator[WrittenWord]:
    """Yield what is between the spaces of an engine's word; its time is shared out evenly."""
    texts = collapse_whitespace(word.text).split()
    step = (word.end_s - word.start_s) / max(len(texts), 1)
    for number, text in enumerate(texts):
        start = word.start_s + number * step
        yield WrittenWord(text, start, start + step, space_before=number > 0 or word.text[0].isspace())


def _may_break(before: str, after: str) -> bool:
    if _NO_LINE_END.match(before[-1]) or _NO_LINE_START.match(after[0]):
        return False
    return bool(_SPACELESS.match(before[-1]) or _SPACELESS.match(after[0]))


def _after(last: WrittenWord, new: list[WrittenWord]) -> list[WrittenWord]:
    """Return a segment's pieces as they follow another segment's: with a space, where the script has one."""
    space = new[0].space_before or not (_SPACELESS.search(last.text) and _SPACELESS.search(new[0].text))
    return [replace(new[0], space_before=space), *new[1:]]


def _sentences(said: list[WrittenWord]) -> Iterator[Sentence]:
    begin = 0
    for number, (piece, following) in enumerate(pairwise(said), start=1):
        if _ends_sentence(piece, following):
            yield Sentence(tuple(said[begin:number]))
            begin = number
    yield Sentence(tuple(said[begin:]))


def _ends_sentence(piece: WrittenWord, following: WrittenWord) -> bool:
    if following.start_s - piece.end_s >= PAUSE_S:
        return True
    if not _SENTENCE_END.search(piece.text) or following.text[0].islower():
        return False
    return not is_abbreviation(piece.text)


def _new_paragraph(paragraph: list[Sentence], following: Sentence) -> bool:
    pause_s = following.start_s - paragraph[-1].end_s
    return pause_s >= PAUSE_S or sum(len(sentence.text) for sentence in paragraph) >= PARAGRAPH_CHARS
