"""A transcript as turns of sentences of written words, in any script. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import regex

from podcast_pipeline.model import Segment, Transcript, Word
from podcast_pipeline.transcript.text.paragraphs import CAPTIONS, split_paragraphs
from podcast_pipeline.transcript.text.scripts import has_spaceless, is_spaceless
from podcast_pipeline.transcript.text.sentences import ends_sentence

_CONTROL = regex.compile(r"\p{Cc}+")
_NO_LINE_START = regex.compile(
    r"[\p{Pe}\p{Pf}\p{M}、。，．：；！？!?.,:;%ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ…‥’”\u200d"
    r"\u0e2f\u0e30\u0e32\u0e33\u0e45\u0e46\u0eaf\u0eb0\u0eb2\u0eb3\u0ec6]"  # Thai and Lao: after their letter
)
_NO_LINE_END = regex.compile(
    r"[\p{Ps}\p{Pi}$€£¥#\u200d"
    r"\u0e40-\u0e44\u0ec0-\u0ec4]"  # Thai and Lao vowels: before their letter
)


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
        """Yield the sentences in the paragraphs of the HTML and plain text transcript."""
        return split_paragraphs(self.sentences, CAPTIONS)


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
    return is_spaceless(before[-1]) or is_spaceless(after)


def _after(last: WrittenWord, new: list[WrittenWord]) -> list[WrittenWord]:
    """Return a segment's pieces as they follow another segment's: with a space, where the script has one."""
    space = new[0].space_before or not (has_spaceless(last.text) and has_spaceless(new[0].text))
    return [replace(new[0], space_before=space), *new[1:]]


def _sentences(said: list[WrittenWord]) -> Iterator[Sentence]:
    begin = 0
    for number, (piece, following) in enumerate(pairwise(said), start=1):
        if ends_sentence(piece.text, following.text, pause_s=following.start_s - piece.end_s):
            yield Sentence(tuple(said[begin:number]))
            begin = number
    yield Sentence(tuple(said[begin:]))
