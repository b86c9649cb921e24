"""Values for templates: speaker turns, word times, durations, dates. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

from podcast_pipeline.model import Chapter, Episode, Person, Segment, Transcript, Word
from podcast_pipeline.transcript.text.paragraphs import PAGE, split_paragraphs

TOKEN = re.compile(" ?[^\\s\ufeff]+")  # JavaScript's \s matches \ufeff, Python's does not
LONG_TITLE_CHARACTERS = 80  # fills three lines; longer titles get a smaller font
CHAPTER_SLACK_S = 0.3  # a chapter that starts this soon after a sentence starts goes before that sentence
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True)
class TurnView:
    """Consecutive segments of one speaker, up to the next speaker or chapter.

    Attributes:
        heading: the chapter that starts with this turn, if any.
        speaker: the name to show; None for an unknown speaker.
    """

    start_s: float
    speaker: str | None
    paragraphs: tuple[tuple[Segment, ...], ...]
    heading: Chapter | None = None


@dataclass
class _OpenTurn:
    speaker: str | None
    heading: Chapter | None
    segments: list[Segment] = field(default_factory=list)


def speaker_turns(transcript: Transcript, chapters: Iterable[Chapter] = ()) -> tuple[TurnView, ...]:
    """Split a transcript into turns of paragraphs; chapters in the table of contents become headings."""
    pending = [chapter for chapter in chapters if chapter.toc]
    turns: list[_OpenTurn] = []
    for segment in transcript.segments:
        heading = None
        while pending and pending[0].start_s <= segment.start_s + CHAPTER_SLACK_S:
            heading = pending.pop(0)
        speaker = transcript.speaker_name(segment.speaker)
        if not turns or heading or turns[-1].speaker != speaker:
            turns.append(_OpenTurn(speaker, heading))
        turns[-1].segments.append(segment)
    return tuple(
        TurnView(
            turn.segments[0].start_s,
            turn.speaker,
            tuple(split_paragraphs(turn.segments, PAGE, language=transcript.language)),
            turn.heading,
        )
        for turn in turns
    )


def encode_word_times(turns: Iterable[TurnView]) -> str:
    """Return the word times for reader.js: one group for each sentence, in order, joined by commas.

    A group has a number for each word: the centiseconds until the next word starts or the sentence ends.
    The first word starts at the time in the sentence's id. A word that is not delimited by spaces is
    followed by a colon and its length in UTF-16 code units. Differences in a single attribute take a
    quarter of the bytes of absolute times in each sentence.
    """
    segments = (segment for turn in turns for paragraph in turn.paragraphs for segment in paragraph)
    return ",".join(_word_durations(segment) for segment in segments)


def _word_durations(segment: Segment) -> str:
    words = segment.words
    starts = [_centiseconds(word.start_s) for word in words] + [_centiseconds(segment.end_s)]
    durations = (end - start for start, end in pairwise(starts))
    return " ".join(f"{duration}{_length(words, n)}" for n, duration in enumerate(durations))


def _length(words: tuple[Word, ...], n: int) -> str:
    """Return a colon and the word's length in UTF-16, or an empty string if spaces delimit the word."""
    text = words[n].text.lstrip() if n == 0 else words[n].text
    if TOKEN.fullmatch(text) and (n + 1 == len(words) or words[n + 1].text.startswith(" ")):
        return ""
    return f":{len(text.encode('utf-16-le')) // 2}"


def _centiseconds(seconds: float) -> int:
    """Return the time as `media_fragment` rounds it, in whole centiseconds."""
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
    """Return the media fragment of a time, `t=12.3`; also the id of the sentence that starts there."""
    return f"t={seconds:.2f}".rstrip("0").rstrip(".")


def date(instant: datetime, zone: ZoneInfo) -> str:
    """Return `3 March 2026`, in English in every locale."""
    local = instant.astimezone(zone)
    return f"{local.day} {MONTHS[local.month - 1]} {local.year}"


def by_year(episodes: Iterable[Episode], zone: ZoneInfo) -> list[tuple[int, list[Episode]]]:
    """Group episodes, sorted newest first, by year."""
    groups = groupby(episodes, key=lambda episode: episode.publish_at.astimezone(zone).year)
    return [(year, list(group)) for year, group in groups]


def guests(episode: Episode) -> list[Person]:
    """Return the persons with the role guest."""
    return [person for person in episode.persons if person.role == "guest"]
