"""An episode and its transcript as rows of the index. Pure.

A row's id is the episode's publication time in seconds, shifted by 20 bits, plus the position in the episode;
position 0 is the episode's own row. So rows sort by date, and dates are ranges of ids.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from podcast_pipeline.feed.show_notes import to_plain
from podcast_pipeline.model import Episode, Segment, Transcript
from podcast_pipeline.search.normalize import folded_words, normalize_text, split_words
from podcast_pipeline.search.stems import stem_language, stem_tokens

LAYOUT_VERSION = 4  # a change indexes every episode again
POSITION_BITS = 20
IDS_PER_EPISODE = 1 << POSITION_BITS
PASSAGE_WORDS = 120  # about the longest passage; enough for two related words to be in the same one
FIELD_SEPARATOR = "§"  # no word, so no phrase crosses it
SPEAKER_PREFIX, GUEST_PREFIX = "s§", "g§"  # before the words of a name, for `speaker:` and `guest:`
TITLE_PREFIX, TOPIC_PREFIX = "t§", "k§"  # before the words of a title, of a topic, for matches there alone
PUBLIC_PREFIX = "p§"  # before the words of a transcript that everybody may read, for who may read no other


@dataclass(frozen=True)
class PassageRow:
    """A passage: the words of one speaker without a break, at most about PASSAGE_WORDS.

    Attributes:
        marks: (position of the first word, start in seconds of the media) of every segment.
        body: folded words.
    """

    speaker: str
    text: str
    marks: tuple[tuple[int, float], ...]
    body: str


@dataclass(frozen=True)
class EpisodeRow:
    """The row of an episode, and its passages.

    Attributes:
        teaser: the transcript's first words, which everybody may read.
        languages: in which words have stems; after PUBLIC_PREFIX, in which words for everybody do.
        body: folded words of title, guests, notes, topics and teaser, FIELD_SEPARATOR between them, and what
            else finds them: words of names, titles and topics with their prefixes, and stems.
    """

    title: str
    guests: str
    notes: str
    topics: str
    teaser: str
    languages: tuple[str, ...]
    body: str
    passages: tuple[PassageRow, ...]


def first_id(instant: datetime) -> int:
    """Return the lowest id of an episode published at an instant."""
    return int(instant.timestamp()) << POSITION_BITS


def index_digest(episode: Episode) -> str:
    """Return a hash of an episode's indexed content; the document's key stands for the transcript."""
    document_key = episode.transcript.document_key if episode.transcript else None
    content = [
        LAYOUT_VERSION,
        episode.publish_at.isoformat(),
        episode.title,
        episode.notes,
        _guests(episode),
        episode.topics,
        episode.teaser,
        document_key,
        *(["public"] if episode.transcript_is_public else []),
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def to_episode_row(episode: Episode, transcript: Transcript | None) -> EpisodeRow:
    """Return the rows of an episode."""
    title, notes = normalize_text(episode.title), normalize_text(_on_one_line(to_plain(episode.notes)))
    guests, topics = (normalize_text(", ".join(names)) for names in (_guests(episode), episode.topics))
    teaser = normalize_text(episode.teaser)
    guest_words = _prefixed(GUEST_PREFIX, guests)
    language = stem_language(episode.language)
    title_stems = stem_tokens(_words(title), language)
    body = (
        *f" {FIELD_SEPARATOR} ".join(
            " ".join(folded_words(text)) for text in (title, guests, notes, topics, teaser)
        ).split(),
        *guest_words,
        *_prefixed(TITLE_PREFIX, title),
        *_prefixed(TOPIC_PREFIX, topics),
        *(TITLE_PREFIX + stem for stem in title_stems),
        *stem_tokens((word for text in (title, notes, topics, teaser) for word in _words(text)), language),
    )
    passages: tuple[PassageRow, ...] = ()
    if transcript:
        is_public = episode.transcript_is_public
        passages = tuple(to_passage_rows(transcript, also=guest_words, is_public=is_public))
    return EpisodeRow(
        title=title,
        guests=guests,
        notes=notes,
        topics=topics,
        teaser=teaser,
        languages=_languages(episode, transcript),
        body=" ".join(body),
        passages=passages[: IDS_PER_EPISODE - 1],
    )


def to_passage_rows(
    transcript: Transcript, *, also: Iterable[str] = (), is_public: bool = False
) -> Iterator[PassageRow]:
    """Yield the transcript in passages of one speaker.

    Args:
        also: words to append to every body.
        is_public: whether everybody may find the words.
    """
    extra = tuple(also)
    segments: list[Segment] = []
    count = 0
    for segment in transcript.segments:
        if segments and (count >= PASSAGE_WORDS or segment.speaker != segments[0].speaker):
            yield _passage_row(transcript, segments, extra, is_public=is_public)
            segments, count = [], 0
        segments.append(segment)
        count += len(segment.words)
    if segments:
        yield _passage_row(transcript, segments, extra, is_public=is_public)


def marks_to_text(marks: Iterable[tuple[int, float]]) -> str:
    """Return marks as the text of a column: `0:12.340 14:15.100`."""
    return " ".join(f"{number}:{start_s:.3f}" for number, start_s in marks)


def marks_from_text(text: str) -> tuple[tuple[int, float], ...]:
    """Return the marks in a text of `marks_to_text`."""
    pairs = (mark.split(":") for mark in text.split())
    return tuple((int(number), float(start_s)) for number, start_s in pairs)


def _passage_row(
    transcript: Transcript, segments: list[Segment], extra: tuple[str, ...], *, is_public: bool
) -> PassageRow:
    texts, marks, stems, count = [], [], dict[str, None](), 0
    for segment in segments:
        texts.append(normalize_text(segment.text))
        marks.append((count, segment.start_s))
        words = _words(texts[-1])
        stems |= dict.fromkeys(stem_tokens(words, stem_language(segment.language or transcript.language)))
        count += len(words)
    text = " ".join(texts)
    speaker = normalize_text(transcript.speaker_name(segments[0].speaker) or "")
    found_by = (*folded_words(text), *stems)
    for_all = tuple(PUBLIC_PREFIX + word for word in found_by) if is_public else ()
    body = " ".join((*found_by, *_prefixed(SPEAKER_PREFIX, speaker), *extra, *for_all))
    return PassageRow(speaker, text, tuple(marks), body)


def _on_one_line(text: str) -> str:
    """Return lines as one, with a point in the middle after each that ends without a mark."""
    lines = text.splitlines()
    return " ".join(
        f"{line} ·" if number < len(lines) and line[-1:].isalnum() else line
        for number, line in enumerate(lines, start=1)
    )


def _prefixed(prefix: str, text: str) -> tuple[str, ...]:
    return tuple(prefix + word for word in folded_words(text))


def _words(text: str) -> list[str]:
    """Return the words of normalized text as written."""
    return split_words(text)[1::2]


def _guests(episode: Episode) -> list[str]:
    return [person.name for person in episode.persons if person.role == "guest"]


def _languages(episode: Episode, transcript: Transcript | None) -> tuple[str, ...]:
    """Return the languages of an episode's texts that have a stemmer, in order of their names.

    Those of what everybody may read are there once more, with PUBLIC_PREFIX: a language that is spoken in
    another transcript changes nothing of what a stranger finds.
    """
    own, spoken = {episode.language}, set[str]()
    if transcript:
        spoken = {transcript.language, *(s.language for s in transcript.segments if s.language)}
    everybodys = own | spoken if episode.transcript_is_public else own
    return (*_stemmed(own | spoken), *(PUBLIC_PREFIX + language for language in _stemmed(everybodys)))


def _stemmed(tags: Iterable[str]) -> list[str]:
    return sorted({language for language in map(stem_language, tags) if language})
