"""Values for templates: speaker turns, word times, durations, dates. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, pairwise
from string import ascii_lowercase, ascii_uppercase
from zoneinfo import ZoneInfo

from podcast_pipeline.model import Chapter, Episode, Person, Segment, Transcript, Word
from podcast_pipeline.model.transcript import UNNAMED_SPEAKER
from podcast_pipeline.transcript.text.chapters import CHAPTER_SLACK_S
from podcast_pipeline.transcript.text.paragraphs import PAGE, split_paragraphs
from podcast_pipeline.transcript.text.turns import TranscriptTurn, WrittenWord, join_words, transcript_turns

TOKEN = re.compile(" ?[^\\s\ufeff]+")  # JavaScript's \s matches \ufeff, Python's does not
LONG_TITLE_CHARACTERS = 80  # fills three lines; longer titles get a smaller font
UNNAMED = re.compile(UNNAMED_SPEAKER.format(r"\d+"))
LETTERS = ascii_uppercase + ascii_lowercase
WORD_STEP_CS = 2  # centiseconds; the grid on which Whisper has its words
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


@dataclass(frozen=True)
class TeaserTurn:
    """Words of one speaker in a teaser, from start_s to end_s in the media.

    Attributes:
        speaker: the name to show; None for an unknown speaker.
    """

    start_s: float
    end_s: float
    speaker: str | None
    text: str


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


def teaser_turns(transcript: Transcript, teaser: str) -> tuple[TeaserTurn, ...]:
    """Return a teaser by turns; nothing unless its words are exactly the first of the transcript."""
    words = [
        (turn, word) for turn in transcript_turns(transcript) for s in turn.sentences for word in s.words
    ]
    count = next((n for n in range(1, len(words) + 1) if len(_joined(words[:n])) >= len(teaser)), 0)
    if not teaser or _joined(words[:count]) != teaser:
        return ()
    by_turn = groupby(words[:count], key=lambda pair: id(pair[0]))
    turns = [list(pairs) for _, pairs in by_turn]
    return tuple(
        TeaserTurn(pairs[0][1].start_s, pairs[-1][1].end_s, pairs[0][0].speaker, _joined(pairs))
        for pairs in turns
    )


def _joined(words: list[tuple[TranscriptTurn, WrittenWord]]) -> str:
    return join_words(word for _, word in words)


def encode_word_times(turns: Iterable[TurnView]) -> str:
    """Return the word times for reader.js: one group for each sentence, in order, joined by commas.

    A group has for each word the steps of WORD_STEP_CS until the next word starts or the sentence ends: a
    letter of LETTERS, its index, and before it a hyphen for each 52 more. The first word starts at the time
    in the sentence's id, and no time is off by more than half a step. A word that is not delimited by spaces
    is followed by its length in UTF-16 code units, in digits. Differences take a quarter of the bytes of
    absolute times, letters a quarter less than digits, and steps a sixth less than centiseconds.
    """
    segments = (segment for turn in turns for paragraph in turn.paragraphs for segment in paragraph)
    return ",".join(_word_durations(segment) for segment in segments)


def _word_durations(segment: Segment) -> str:
    words = segment.words
    times = [_centiseconds(word.start_s) for word in words] + [_centiseconds(segment.end_s)]
    steps = [round((time - times[0]) / WORD_STEP_CS) for time in times]
    durations = (end - start for start, end in pairwise(steps))
    return "".join(f"{_letter(duration)}{_length(words, n)}" for n, duration in enumerate(durations))


def _letter(duration: int) -> str:
    hyphens, index = divmod(duration, len(LETTERS))
    return "-" * hyphens + LETTERS[index]


def _length(words: tuple[Word, ...], n: int) -> str:
    """Return the word's length in UTF-16, or an empty string if spaces delimit the word."""
    text = words[n].text.lstrip() if n == 0 else words[n].text
    if TOKEN.fullmatch(text) and (n + 1 == len(words) or words[n + 1].text.startswith(" ")):
        return ""
    return str(len(text.encode("utf-16-le")) // 2)


def _centiseconds(seconds: float) -> int:
    """Return the time as `media_fragment` rounds it, in whole centiseconds."""
    return round(float(f"{seconds:.2f}") * 100)


def long_duration(seconds: float) -> str:
    """Return `18 s`, `48 min`, `1 h` or `1 h 5 min`."""
    if round(seconds) < 60:
        return f"{round(seconds)} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    parts = ((hours, "h"), (minutes, "min"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def provenance_line(episode: Episode) -> str:
    """Return who wrote the words down, who read them, and how many were wrong; empty if it is not known.

    `Transcribed by machine, read by Ann; 1.1 % of words wrong (0.5 to 2.0 %).`
    """
    if episode.provenance is None:
        return ""
    made_by, errors = episode.provenance.made_by, episode.provenance.word_errors
    parts = ["Transcribed by machine" if made_by == "machine" else "Transcribed by a person"]
    if episode.reviewed_by:
        parts.append(f", read by {episode.reviewed_by}")
    elif made_by == "machine":
        parts.append(", not checked by a person")
    if errors:
        value, low, high = (f"{100 * share:.1f}" for share in (errors.value, errors.low, errors.high))
        parts.append(f"; {value} % of words wrong ({low} to {high} %)")
    return f"{''.join(parts)}."


def is_unnamed_speaker(label: str | None) -> bool:
    """Whether the label of a speaker is ours, `Speaker 2`, and no name."""
    return UNNAMED.fullmatch(label or "") is not None


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
