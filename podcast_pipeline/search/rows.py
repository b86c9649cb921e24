"""An episode and its words as rows of the index. Pure.

A row's id is when its episode went out, in seconds, shifted by 20 bits, plus its place in the episode; 0 is
the episode's own row. So the newest come first without sorting, and dates are ranges of ids.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from podcast_pipeline.feed.show_notes import to_plain
from podcast_pipeline.model import Episode, Segment, Transcript
from podcast_pipeline.search.normalize import folded_words, normalize_text, split_words

LAYOUT_VERSION = 2  # another one, and every episode is indexed again
POSITION_BITS = 20
IDS_PER_EPISODE = 1 << POSITION_BITS
PASSAGE_WORDS = 120  # a turn of speech up to about this; enough for two words that belong together to meet
FIELD_SEPARATOR = "§"  # no word, so no phrase reaches over it
SPEAKER_PREFIX, GUEST_PREFIX = "s§", "g§"  # before a name's words: what `speaker:` and `guest:` match
TITLE_PREFIX = "t§"  # before a title's words, so that the full text knows who has a term there


@dataclass(frozen=True)
class PassageRow:
    """What one speaker says without a break, at most about PASSAGE_WORDS.

    Attributes:
        marks: (number of its first word, start in seconds of the media) of every segment.
        body: folded words.
    """

    speaker: str
    text: str
    marks: tuple[tuple[int, float], ...]
    body: str


@dataclass(frozen=True)
class EpisodeRow:
    """An episode as the index keeps it."""

    title: str
    guests: str
    notes: str
    body: str
    passages: tuple[PassageRow, ...]


def first_id(instant: datetime) -> int:
    """Return the lowest id of an episode that goes out at an instant."""
    return int(instant.timestamp()) << POSITION_BITS


def index_digest(episode: Episode) -> str:
    """Return a hash of all that the index takes from an episode; the words are in their document's key."""
    document_key = episode.transcript.document_key if episode.transcript else None
    facts = [
        LAYOUT_VERSION,
        episode.publish_at.isoformat(),
        episode.title,
        episode.notes,
        _guests(episode),
        document_key,
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def to_episode_row(episode: Episode, transcript: Transcript | None) -> EpisodeRow:
    """Return what the index keeps of an episode."""
    title, notes = normalize_text(episode.title), normalize_text(to_plain(episode.notes))
    guests = normalize_text(", ".join(_guests(episode)))
    known_by = _marked(GUEST_PREFIX, guests)
    fields = (
        *folded_words(title),
        FIELD_SEPARATOR,
        *folded_words(guests),
        FIELD_SEPARATOR,
        *folded_words(notes),
    )
    body = (*fields, *known_by, *_marked(TITLE_PREFIX, title))
    found = tuple(to_passage_rows(transcript, also=known_by)) if transcript else ()
    return EpisodeRow(title, guests, notes, " ".join(body), found[: IDS_PER_EPISODE - 1])


def to_passage_rows(transcript: Transcript, *, also: Iterable[str] = ()) -> Iterator[PassageRow]:
    """Yield the transcript in stretches of one speaker.

    Args:
        also: what every body ends with.
    """
    extra = tuple(also)
    said: list[Segment] = []
    count = 0
    for segment in transcript.segments:
        if said and (count >= PASSAGE_WORDS or segment.speaker != said[0].speaker):
            yield _stretch(transcript, said, extra)
            said, count = [], 0
        said.append(segment)
        count += len(segment.words)
    if said:
        yield _stretch(transcript, said, extra)


def marks_to_text(marks: Iterable[tuple[int, float]]) -> str:
    """Return marks as a row keeps them: `0:12.34 14:15.1`."""
    return " ".join(f"{number}:{start_s:.3f}" for number, start_s in marks)


def marks_from_text(text: str) -> tuple[tuple[int, float], ...]:
    """Read what `marks_to_text` wrote."""
    pairs = (mark.split(":") for mark in text.split())
    return tuple((int(number), float(start_s)) for number, start_s in pairs)


def _stretch(transcript: Transcript, said: list[Segment], extra: tuple[str, ...]) -> PassageRow:
    texts, marks, count = [], [], 0
    for segment in said:
        texts.append(normalize_text(segment.text))
        marks.append((count, segment.start_s))
        count += len(split_words(texts[-1])) // 2
    text = " ".join(texts)
    speaker = normalize_text(transcript.speaker_name(said[0].speaker) or "")
    body = " ".join((*folded_words(text), *_marked(SPEAKER_PREFIX, speaker), *extra))
    return PassageRow(speaker, text, tuple(marks), body)


def _marked(mark: str, names: str) -> tuple[str, ...]:
    return tuple(mark + word for word in folded_words(names))


def _guests(episode: Episode) -> list[str]:
    return [person.name for person in episode.persons if person.role == "guest"]
