"""A transcript divided by chapters. Pure."""

from collections.abc import Iterable, Iterator

from podcast_pipeline.model import Chapter, Segment, Transcript

CHAPTER_SLACK_S = 0.3
"""A chapter that starts this soon after a sentence starts goes before that sentence."""


def split_by_chapters(
    transcript: Transcript, chapters: Iterable[Chapter]
) -> Iterator[tuple[Chapter | None, Transcript]]:
    """Yield each chapter with its words; None with those before the first one, where there are any.

    Args:
        chapters: in order, in the transcript's times.
    """
    pending, parts = list(chapters), list[tuple[Chapter | None, list[Segment]]]()
    for segment in transcript.segments:
        begun = None
        while pending and pending[0].start_s <= segment.start_s + CHAPTER_SLACK_S:
            begun = pending.pop(0)
        if begun or not parts:
            parts.append((begun, []))
        parts[-1][1].append(segment)
    for chapter, segments in parts:
        yield chapter, transcript.model_copy(update={"segments": tuple(segments)})
