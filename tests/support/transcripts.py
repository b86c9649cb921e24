"""Transcripts for tests: built from plain sentences, or drawn by hypothesis with difficult text."""

from collections.abc import Mapping
from types import MappingProxyType

from hypothesis import strategies as st

from podcast_pipeline.model import Segment, Speaker, Transcript, Word

WORD_S = 0.3


def spoken(
    *lines: tuple[str | None, str],
    names: Mapping[str, str | None] = MappingProxyType({}),
    language: str = "en",
    spaces: bool = True,
) -> Transcript:
    """Return a transcript of (speaker id, text) lines: a word every 0.3 s, a segment per line.

    Args:
        names: of the speakers, by id.
        spaces: whether words are parted by spaces; else every character is a word.
    """
    segments, at_s = [], 0.5
    for speaker, text in lines:
        words = []
        for part in [f" {word}" for word in text.split()] if spaces else text:
            words.append(Word(text=part, start_s=at_s, end_s=at_s + WORD_S - 0.05))
            at_s += WORD_S
        segments.append(Segment(speaker=speaker, words=tuple(words)))
    speakers = tuple(Speaker(id=id_, name=name) for id_, name in names.items())
    return Transcript(language=language, duration_s=at_s + 1, speakers=speakers, segments=tuple(segments))


NASTY = (
    *(
        "-->",
        "--",
        ">",
        "&amp;",
        "<b>",
        "</v>",
        "a\n\nb",
        "WEBVTT",
        "NOTE",
        "00:01.000",
        "1\n2",
        "\x00",
        "\u2028",
    ),
    *(
        "1,000",
        "3.5",
        "million",
        "5",
        "000",
        "$",
        "Ann",
        "Marie",
        "van",
        "Lee",
        "Dr.",
        "I",
        "Yes.",
        "No?",
        "«",
    ),
    *(
        "👩‍👩‍👧‍👦",
        "🇫🇷",
        "é",
        "e\u0301",
        "שלום,",
        "עולם.",
        "مرحبا",
        "بكم؟",
        "今日は",
        "。",
        "「",
        "世界",
        "สวัสดี",
        "नमस्ते",
    ),
    *(
        "x" * 70,
        "Donaudampfschifffahrtsgesellschaft",
        "https://example.com/" + "long/" * 20,
        "'s",
        "-known",
        "…",
    ),
)
WORDS = st.sampled_from(NASTY) | st.text(
    st.characters(exclude_characters="Ω", exclude_categories=["Cs"]), min_size=1
)
NAMES = (None, "Ω", "Ωmega <b> & > Name", "Ω Ann\nMarie Lee", "Ω" + "x" * 40, "Ω 山田太郎")
"""Every name has an Ω and no colon, and no word has an Ω, so that tests can separate labels from words."""


@st.composite
def transcripts(draw: st.DrawFn, *, long_s: float = 4.0) -> Transcript:
    """Draw a transcript in order of time: odd words, with and without a space before them, odd names."""
    at_ms, segments = 0, []
    for _ in range(draw(st.integers(0, 5))):
        words = []
        for text in draw(st.lists(WORDS, min_size=1, max_size=12)):
            at_ms += draw(st.integers(0, round(long_s * 1000)))
            end_ms = at_ms + draw(st.integers(0, 900))
            space = draw(st.sampled_from(("", " ")))
            words.append(Word(text=space + text, start_s=at_ms / 1000, end_s=end_ms / 1000))
            at_ms = end_ms
        segments.append(Segment(speaker=draw(st.sampled_from("abcdef")), words=tuple(words)))
    speakers = tuple(Speaker(id=id_, name=name) for id_, name in zip("abcdef", NAMES, strict=True))
    duration_s = (at_ms + draw(st.integers(0, 5000))) / 1000 + 1
    return Transcript(language="en", duration_s=duration_s, speakers=speakers, segments=tuple(segments))


def recognized(text: str, *, confidence: float = 0.95, step_s: float = 0.3) -> Transcript:
    """Return a transcript as an engine recognized it; `word|0.3` has a confidence of its own."""
    words = []
    for index, token in enumerate(text.split()):
        word, _, own = token.partition("|")
        start_s = index * step_s
        sure = float(own or confidence)
        words.append(Word(text=f" {word}", start_s=start_s, end_s=start_s + 0.2, confidence=sure))
    return Transcript(language="en", duration_s=9999, segments=(Segment(words=tuple(words)),))
