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
    """A written word, or several that stay together on one line.

    Attributes:
        text: without spaces around; never empty.
        space_before: whether a space precedes the word within a line.
        language: where it is not the transcript's.
    """

    text: str
    start_s: float
    end_s: float
    space_before: bool = True
    language: str | None = None


@dataclass(frozen=True)
class Sentence:
    """A sentence of one speaker, in one language."""

    words: tuple[WrittenWord, ...]

    @property
    def language(self) -> str | None:
        """The language of the words, where it is not the transcript's."""
        return self.words[0].language

    @property
    def start_s(self) -> float:
        """Start of the first word."""
        return self.words[0].start_s

    @property
    def end_s(self) -> float:
        """End of the last word."""
        return self.words[-1].end_s

    @property
    def text(self) -> str:
        """The sentence as written."""
        return join_words(self.words)


@dataclass(frozen=True)
class TranscriptTurn:
    """The sentences of one speaker until the next speaker; `speaker` is the display name."""

    speaker: str | None
    sentences: tuple[Sentence, ...]
    language: str = ""

    def paragraphs(self) -> Iterator[tuple[Sentence, ...]]:
        """Yield the sentences in the paragraphs of the HTML and plain text transcript."""
        return split_paragraphs(self.sentences, CAPTIONS, language=self.language)


def transcript_turns(transcript: Transcript) -> tuple[TranscriptTurn, ...]:
    """Return the transcript as turns of sentences, in order; empty without words."""
    turns: list[tuple[str | None, list[WrittenWord]]] = []
    for segment in transcript.segments:
        name = collapse_whitespace(transcript.speaker_name(segment.speaker) or "") or None
        new = written_words(segment)
        if not new:
            continue
        if turns and turns[-1][0] == name:
            turns[-1][1].extend(_join_to(turns[-1][1][-1], new))
        else:
            turns.append((name, new))
    language = transcript.language
    return tuple(TranscriptTurn(name, tuple(_sentences(words, language)), language) for name, words in turns)


def written_words(segment: Segment) -> list[WrittenWord]:
    """Return the written words of a segment; the engine's words are joined where no space is between them.

    In a script without spaces a line may break between any two of the engine's words, but not before
    closing punctuation or after opening punctuation.
    """
    found: list[WrittenWord] = []
    for part in (part for word in segment.words for part in _parts(word, segment.language)):
        if found and not part.space_before and not _may_break(found[-1].text, part.text):
            found[-1] = replace(found[-1], text=found[-1].text + part.text, end_s=part.end_s)
        else:
            found.append(part)
    return found


def join_words(words: Iterable[WrittenWord]) -> str:
    """Return words as running text, without a space at either end."""
    return "".join(f" {part.text}" if part.space_before else part.text for part in words).strip()


def collapse_whitespace(text: str) -> str:
    """Return text on one line: control characters become spaces, and runs of spaces one space."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _parts(word: Word, language: str | None) -> Iterator[WrittenWord]:
    """Yield the parts of an engine's word between its spaces, each with an equal share of the time."""
    texts = collapse_whitespace(word.text).split()
    step = (word.end_s - word.start_s) / max(len(texts), 1)
    for number, text in enumerate(texts):
        start = word.start_s + number * step
        space_before = number > 0 or word.text[0].isspace()
        yield WrittenWord(text, start, start + step, space_before=space_before, language=language)


def _may_break(before: str, after: str) -> bool:
    if _NO_LINE_END.match(before[-1]) or _NO_LINE_START.match(after[0]):
        return False
    return is_spaceless(before[-1]) or is_spaceless(after)


def _join_to(last: WrittenWord, new: list[WrittenWord]) -> list[WrittenWord]:
    """Return a segment's words as they follow a word: after a space, unless the script has none."""
    space = new[0].space_before or not (has_spaceless(last.text) and has_spaceless(new[0].text))
    return [replace(new[0], space_before=space), *new[1:]]


def _sentences(words: list[WrittenWord], language: str) -> Iterator[Sentence]:
    begin = 0
    for number, (word, following) in enumerate(pairwise(words), start=1):
        pause_s, own = following.start_s - word.end_s, word.language or language
        if word.language != following.language or ends_sentence(
            word.text, following.text, pause_s=pause_s, language=own
        ):
            yield Sentence(tuple(words[begin:number]))
            begin = number
    yield Sentence(tuple(words[begin:]))
