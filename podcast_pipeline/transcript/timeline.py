"""Map recording times to media times, once, at publication."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from podcast_pipeline.model import (
    Chapter,
    Cut,
    MediaSpan,
    Segment,
    Soundbite,
    Timeline,
    Transcript,
    Word,
)

OUTRO_S = 0.5
"""An insert this near to the end of the recording counts as an outro: engine, decoder and container disagree
about the last milliseconds, and no word may move behind the outro because of that."""

ROUNDING_S = 0.0005
"""Half the unit in which times are stored."""


@dataclass(frozen=True)
class _UncutSpan:
    """A part of the recording without cuts or inserts inside.

    Attributes:
        shift_s: media time minus recording time.
        closed: whether `end_s` is inside: the span ends at an insert, not at a cut.
    """

    start_s: float
    end_s: float
    shift_s: float
    closed: bool

    def contains(self, moment_s: float) -> bool:
        """Return whether a moment of the recording is in the span."""
        return self.start_s <= moment_s < self.end_s or (self.closed and moment_s == self.end_s)


def map_transcript(
    transcript: Transcript, timeline: Timeline, *, duration_s: float, media_sha256: str
) -> Transcript:
    """Return a transcript in media times.

    A word whose middle was cut is dropped, a word at the edge of a cut is clamped to the edge, and a
    segment without words is dropped. A word that ends where an insert begins stays before the insert, and
    so do all words after an insert at the recording's end. Words that wait for review stay behind.

    Args:
        transcript: in recording times.
        duration_s: of the media.
        media_sha256: of the media, hex.
    """
    ends = (i.at_s for i in timeline.inserts if 0 < i.at_s >= transcript.duration_s - OUTRO_S)
    end_s = min(ends, default=inf)
    spans = tuple(span for span in _spans(timeline) if span.start_s < end_s)
    segments = (_on_media(segment, spans, duration_s) for segment in transcript.segments)
    return transcript.model_copy(
        update={
            "segments": tuple(segment for segment in segments if segment is not None),
            "duration_s": round(duration_s, 3),
            "media_sha256": media_sha256,
            "dropped": (),
        }
    )


def recording_spans(span: MediaSpan, timeline: Timeline) -> tuple[Cut, ...]:
    """Return the seconds of the recording that are heard in a span of the media; none in an intro."""
    found = []
    for part in _spans(timeline):
        start_s = max(span.start_s - part.shift_s, part.start_s)
        end_s = min(span.end_s - part.shift_s, part.end_s)
        if round(end_s, 3) > round(start_s, 3):
            found.append(Cut(start_s=start_s, end_s=end_s))
    return tuple(found)


def map_chapters(chapters: Iterable[Chapter], timeline: Timeline) -> tuple[Chapter, ...]:
    """Return chapters in media times, in order.

    A chapter that begins inside a cut moves to the end of the cut; of several that then begin together
    only the last has audio left and stays. A chapter at 0 stays at 0: the intro is part of it.
    """
    spans = tuple(_spans(timeline))
    moved: dict[float, Chapter] = {}
    for chapter in sorted(chapters, key=lambda chapter: chapter.start_s):
        start_s = 0.0 if chapter.start_s == 0 else _start(chapter.start_s, spans)
        moved[start_s] = chapter.model_copy(update={"start_s": start_s})
    return tuple(moved.values())


def map_soundbites(soundbites: Iterable[Soundbite], timeline: Timeline) -> tuple[Soundbite, ...]:
    """Return soundbites in media times: shortened if a part was cut, dropped if the whole was."""
    spans = tuple(_spans(timeline))
    return tuple(bite for old in soundbites if (bite := _bite(old, spans)).duration_s > 0)


def recording_transcript(transcript: Transcript, timeline: Timeline, *, duration_s: float) -> Transcript:
    """Return a published transcript in recording times, the inverse of `map_transcript`.

    Args:
        transcript: in media times.
        duration_s: of the recording.
    """
    spans = tuple(_spans(timeline))
    segments = (
        segment.model_copy(update={"words": tuple(_word_on_recording(word, spans) for word in segment.words)})
        for segment in transcript.segments
    )
    return transcript.model_copy(
        update={"segments": tuple(segments), "duration_s": duration_s, "media_sha256": None}
    )


def recording_chapters(chapters: Iterable[Chapter], timeline: Timeline) -> tuple[Chapter, ...]:
    """Return published chapters in recording times, the inverse of `map_chapters`."""
    spans = tuple(_spans(timeline))
    return tuple(
        chapter.model_copy(update={"start_s": _recording_time(chapter.start_s, spans)})
        for chapter in chapters
    )


def recording_soundbites(soundbites: Iterable[Soundbite], timeline: Timeline) -> tuple[Soundbite, ...]:
    """Return published soundbites in recording times, the inverse of `map_soundbites`."""
    spans = tuple(_spans(timeline))
    return tuple(_bite_on_recording(bite, spans) for bite in soundbites)


def _bite_on_recording(bite: Soundbite, spans: tuple[_UncutSpan, ...]) -> Soundbite:
    start_s = _recording_time(bite.start_s, spans)
    end_s = _recording_time(bite.start_s + bite.duration_s, spans)
    return bite.model_copy(update={"start_s": start_s, "duration_s": round(end_s - start_s, 3)})


def _word_on_recording(word: Word, spans: tuple[_UncutSpan, ...]) -> Word:
    start_s = _recording_time(word.start_s, spans)
    end_s = round(start_s + word.end_s - word.start_s, 3)
    return word.model_copy(update={"start_s": start_s, "end_s": end_s})


def _recording_time(media_s: float, spans: tuple[_UncutSpan, ...]) -> float:
    """Return the recording time of a media time; inside an insert, of the insert's place."""
    begun = [span for span in spans if span.start_s + span.shift_s <= media_s + ROUNDING_S]
    span = begun[-1] if begun else spans[0]
    return round(min(max(media_s - span.shift_s, span.start_s), span.end_s), 3) + 0.0


def _spans(timeline: Timeline) -> Iterator[_UncutSpan]:
    edges = {0.0, inf, *(insert.at_s for insert in timeline.inserts)}
    edges |= {edge for cut in timeline.cuts for edge in (cut.start_s, cut.end_s)}
    for start, end in pairwise(sorted(edges)):
        media = timeline.to_media(start)
        if media is not None:
            yield _UncutSpan(
                start, end, media - start, closed=all(cut.start_s != end for cut in timeline.cuts)
            )


def _on_media(segment: Segment, spans: tuple[_UncutSpan, ...], duration_s: float) -> Segment | None:
    words = tuple(
        new for word in segment.words if (new := _word_on_media(word, spans, duration_s)) is not None
    )
    return segment.model_copy(update={"words": words}) if words else None


def _word_on_media(word: Word, spans: tuple[_UncutSpan, ...], duration_s: float) -> Word | None:
    middle = (word.start_s + word.end_s) / 2
    span = next((span for span in spans if span.contains(min(middle, spans[-1].end_s))), None)
    if span is None:
        return None
    start = min(max(word.start_s, span.start_s), span.end_s) + span.shift_s
    end = min(word.end_s, span.end_s) + span.shift_s
    times = {"start_s": round(min(start, duration_s), 3), "end_s": round(min(end, duration_s), 3)}
    return word.model_copy(update=times)


def _start(moment_s: float, spans: tuple[_UncutSpan, ...]) -> float:
    """Return the media time of a moment of the recording; inside a cut, of the cut's end."""
    span = next(span for span in spans if span.end_s > moment_s)
    return round(max(moment_s, span.start_s) + span.shift_s, 3)


def _end(moment_s: float, spans: tuple[_UncutSpan, ...]) -> float:
    """Return the media time of a moment as an end; inside a cut, of the cut's start."""
    before = [span for span in spans if span.start_s < moment_s]
    return round(min(moment_s, before[-1].end_s) + before[-1].shift_s, 3) if before else 0.0


def _bite(bite: Soundbite, spans: tuple[_UncutSpan, ...]) -> Soundbite:
    start = _start(bite.start_s, spans)
    end = _end(bite.start_s + bite.duration_s, spans)
    return bite.model_copy(update={"start_s": start, "duration_s": round(max(end - start, 0.0), 3)})
