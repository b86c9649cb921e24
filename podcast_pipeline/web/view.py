"""What templates show: turns of speech, times, dates, summaries. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

from podcast_pipeline.model import Chapter, Episode, Person, Segment, Transcript, Word
from podcast_pipeline.transcript.text.paragraphs import PAGE, split_paragraphs

TOKEN = re.compile(" ?[^\\s\ufeff]+")  # a script takes \ufeff for a space
LONG_TITLE_CHARACTERS = 80  # three lines; longer ones are set smaller
CHAPTER_SLACK_S = 0.3  # a chapter mark just after a sentence began belongs before it
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True)
class TurnView:
    """What one speaker says until somebody else does, or a chapter begins.

    Attributes:
        heading: the chapter that begins here.
        speaker: a name to show, None where nobody is known.
    """

    start_s: float
    speaker: str | None
    paragraphs: tuple[tuple[Segment, ...], ...]
    heading: Chapter | None = None


@dataclass
class _Open:
    speaker: str | None
    heading: Chapter | None
    segments: list[Segment] = field(default_factory=list)


def speaker_turns(transcript: Transcript, chapters: Iterable[Chapter] = ()) -> tuple[TurnView, ...]:
    """Return the transcript as turns with paragraphs; chapters with a place in the contents are headings."""
    waiting = [chapter for chapter in chapters if chapter.toc]
    found: list[_Open] = []
    for segment in transcript.segments:
        heading = None
        while waiting and waiting[0].start_s <= segment.start_s + CHAPTER_SLACK_S:
            heading = waiting.pop(0)
        speaker = transcript.speaker_name(segment.speaker)
        if not found or heading or found[-1].speaker != speaker:
            found.append(_Open(speaker, heading))
        found[-1].segments.append(segment)
    return tuple(
        TurnView(
            turn.segments[0].start_s,
            turn.speaker,
            tuple(split_paragraphs(turn.segments, PAGE)),
            turn.heading,
        )
        for turn in found
    )


def encode_word_times(turns: Iterable[TurnView]) -> str:
    """Return when words are said, for the script: a group for each sentence in order, joined by commas.

    A group has a number for each word: how long, in centiseconds, until the next begins or the sentence ends.
    The first begins when the sentence's id says. A word that is not what stands between two spaces has its
    length in UTF-16 after a colon. Kept together and as differences they cost a quarter of what they
    cost in each sentence, written out.
    """
    segments = (segment for turn in turns for paragraph in turn.paragraphs for segment in paragraph)
    return ",".join(_times(segment) for segment in segments)


def _times(segment: Segment) -> str:
    words = segment.words
    at = [_centiseconds(word.start_s) for word in words] + [_centiseconds(segment.end_s)]
    lasts = (until - since for since, until in pairwise(at))
    return " ".join(f"{last}{_length(words, n)}" for n, last in enumerate(lasts))


def _length(words: tuple[Word, ...], n: int) -> str:
    """Return a word's length in the sentence, empty where the spaces around it tell."""
    text = words[n].text.lstrip() if n == 0 else words[n].text
    if TOKEN.fullmatch(text) and (n + 1 == len(words) or words[n + 1].text.startswith(" ")):
        return ""
    return f":{len(text.encode('utf-16-le')) // 2}"


def _centiseconds(seconds: float) -> int:
    """Return what `fragment` writes, as a whole number."""
    return round(float(f"{seconds:.2f}") * 100)


def long_duration(seconds: float) -> str:
    """Return `48 min`, `1 h` or `1 h 5 min`, at least one minute."""
    hours, minutes = divmod(max(1, round(seconds / 60)), 60)
    parts = ((hours, "h"), (minutes, "min"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def iso_duration(seconds: float) -> str:
    """Return an ISO 8601 duration of whole seconds."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"PT{hours}H{minute}M{second}S"


def media_fragment(seconds: float) -> str:
    """Return the media fragment of a moment, `t=12.3`; also the id of what is said then."""
    return f"t={seconds:.2f}".rstrip("0").rstrip(".")


def date(instant: datetime, zone: ZoneInfo) -> str:
    """Return `3 March 2026`; the same in every locale."""
    local = instant.astimezone(zone)
    return f"{local.day} {MONTHS[local.month - 1]} {local.year}"


def by_year(episodes: Iterable[Episode], zone: ZoneInfo) -> list[tuple[int, list[Episode]]]:
    """Return episodes, newest first, under their years."""
    groups = groupby(episodes, key=lambda episode: episode.publish_at.astimezone(zone).year)
    return [(year, list(group)) for year, group in groups]


def guests(episode: Episode) -> list[Person]:
    """Return who was asked."""
    return [person for person in episode.persons if person.role == "guest"]
