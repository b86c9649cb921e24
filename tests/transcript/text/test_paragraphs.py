"""The end of a paragraph: one rule with three settings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.model import Segment, Transcript, Word
from podcast_pipeline.transcript.markdown import parse_markdown, to_markdown
from podcast_pipeline.transcript.text.paragraphs import (
    CAPTIONS,
    MARKDOWN,
    OVERRUN,
    PAGE,
    ParagraphSettings,
    split_paragraphs,
)
from podcast_pipeline.transcript.text.turns import transcript_turns
from podcast_pipeline.web.view import speaker_turns

SHORT = ParagraphSettings(length_chars=10, pause_s=2.0)
THREE = pytest.mark.parametrize("settings", [CAPTIONS, MARKDOWN, PAGE], ids=["captions", "markdown", "page"])


def segments(*parts: tuple[str, float]) -> tuple[Segment, ...]:
    """Return segments of a second each, from their text and the silence before it in seconds."""
    found, at_s = list[Segment](), 0.0
    for text, pause_s in parts:
        at_s += pause_s
        found.append(Segment(words=(Word(text=f" {text}", start_s=at_s, end_s=at_s + 1),)))
        at_s += 1
    return tuple(found)


def texts(parts: tuple[Segment, ...], settings: ParagraphSettings) -> list[str]:
    """Return the paragraphs as texts."""
    return [" ".join(part.text for part in paragraph) for paragraph in split_paragraphs(parts, settings)]


@pytest.mark.parametrize(
    ("parts", "paragraphs"),
    [
        ([], []),
        ([("One.", 0)], ["One."]),
        ([("One.", 0), ("Two.", 0)], ["One. Two."]),
        ([("One two three.", 0), ("Four.", 0)], ["One two three.", "Four."]),
        ([("One.", 0), ("Two three.", 0), ("Four.", 0)], ["One. Two three.", "Four."]),
        ([("One.", 0), ("Two.", 1.9), ("Three.", 2)], ["One. Two.", "Three."]),
        ([("One two Dr.", 0), ("Wu came.", 0), ("Then", 0)], ["One two Dr. Wu came.", "Then"]),
        ([("one two three", 0), ("four", 0), ("Five.", 0)], ["one two three four Five."]),
        ([("one two three", 0), ("four five", 0), ("Six.", 0)], ["one two three four five", "Six."]),
    ],
)
def test_paragraphs(parts: list[tuple[str, float]], paragraphs: list[str]) -> None:
    """A paragraph ends at a pause, or with its sentence once it is long, or at twice its length."""
    assert texts(segments(*parts), SHORT) == paragraphs


@THREE
@given(
    parts=st.lists(st.tuples(st.sampled_from(["Rain.", "rain", "x" * 150, f"{'x' * 150}."]), st.floats(0, 4)))
)
def test_every_part_once(settings: ParagraphSettings, parts: list[tuple[str, float]]) -> None:
    """Paragraphs have all parts in order, none is empty, and none is endless."""
    spoken = segments(*parts)
    paragraphs = list(split_paragraphs(spoken, settings))
    assert tuple(part for paragraph in paragraphs for part in paragraph) == spoken
    assert all(paragraphs)
    for *most, _ in paragraphs:
        assert sum(len(part.text) for part in most) < OVERRUN * settings.length_chars


@given(st.lists(st.tuples(st.sampled_from([f"{'Rain ' * 20}fell.", "Yes."]), st.sampled_from([0, 1.7, 2.5]))))
def test_captions_markdown_and_page_use_the_rule(parts: list[tuple[str, float]]) -> None:
    """Each of the three is the rule with its own settings, over the same sentences."""
    spoken = segments(("First.", 0), *parts)
    transcript = Transcript(language="en", duration_s=9999, segments=spoken)
    (turn,), (page,) = transcript_turns(transcript), speaker_turns(transcript)
    captions = [" ".join(sentence.text for sentence in paragraph) for paragraph in turn.paragraphs()]
    markdown = parse_markdown(to_markdown(transcript, base="0" * 16, title="t")).turns[0]
    assert captions == texts(spoken, CAPTIONS)
    assert list(markdown.paragraphs) == texts(spoken, MARKDOWN)
    assert list(page.paragraphs) == list(split_paragraphs(spoken, PAGE))
