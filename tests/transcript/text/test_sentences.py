"""The end of a sentence: one rule for every module."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.model import Segment, Transcript, Word
from podcast_pipeline.transcript.names.glossary import capital_follows
from podcast_pipeline.transcript.text.sentences import PAUSE_S, ends_sentence, has_end_mark
from podcast_pipeline.transcript.text.turns import transcript_turns
from podcast_pipeline.transcription.segments import CAPITAL_PAUSE_S, to_segments

WORDS = st.sampled_from(
    (
        *("rain", "Rain", "rain.", "Dr.", "Nr.", "No.", "Mai", "M.", "The", "Der", "XIV."),
        *("etc.", "J.", "U.S.", "e.g.", "4.", "3.5.", "14.", 'stop."'),
        *("why?", "wait...", "wait…", "終。", "终.", "네.", "هل؟", "गया।", "(St.", "他说。」", "so:", "so,"),
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "following"),
    [
        ("rain.", "We"),
        (" rain. ", " We"),
        ("rain.", ""),
        ("it?", "Yes"),
        ("Yes!", "Good"),
        ("Good…", "Then"),
        ("wait...", "What"),
        ('"Stop."', "Then"),
        ("(rain.)", "We"),
        ("«Oui.»", "Elle"),
        ("「終わり。」", "次"),
        ("終わり｡", "次"),
        ("了.", "他"),  # one character, but a word
        ("네.", "그래서"),
        ("هل؟", "نعم"),
        ("ہے۔", "یہ"),
        ("गया।", "वह"),
        ("է։", "Նա"),
        ("14.", "Then"),
        ("3.5.", "Then"),
        ("I...", "Then"),
        ("end of it.", "Then"),
    ],
)
def test_a_sentence_ends(text: str, following: str) -> None:
    """An end mark ends a sentence, with closing quotes and brackets after it, in every script."""
    assert ends_sentence(text, following)


@pytest.mark.parametrize(
    ("text", "following"),
    [
        ("rain", "We"),
        ("rain,", "We"),
        ("said:", "We"),
        ("wait...", "what"),
        ("rain.", "we"),
        ("Dr.", "Wu"),
        ("“Dr.", "Wu"),
        ("(St.", "Giles"),
        ("we met Dr.", "Wu"),
        ("J.", "Austen"),
        ("U.S.", "Senate"),
        ("a.m.", "Monday"),
        ("z.B.", "Wien"),
        ("É.", "Zola"),
        ("4.", "Mai"),
        ("3.5", "Dollars"),
        ('"', "We"),
        ("", "We"),
    ],
)
def test_a_sentence_goes_on(text: str, following: str) -> None:
    """A lower case letter goes on, and so do abbreviations, initials, one digit and a closing quote alone."""
    assert not ends_sentence(text, following)


def test_a_long_silence_ends_a_sentence() -> None:
    """PAUSE_S of silence does without an end mark; less does not."""
    assert ends_sentence("rain", "we", pause_s=PAUSE_S)
    assert not ends_sentence("rain", "we", pause_s=PAUSE_S - 0.01)


@given(
    st.sampled_from(("en", "de", "fr")),
    st.lists(st.tuples(WORDS, st.sampled_from((0.0, 0.5, 1.0, 1.9, 2.0, 3.0))), min_size=1, max_size=12),
)
def test_segments_and_captions_end_sentences_alike(language: str, spoken: list[tuple[str, float]]) -> None:
    """The rule alone parts captions; segments part at a shorter pause before a capital, too."""
    words, at_s = list[Word](), 0.0
    for text, pause_s in spoken:
        words.append(Word(text=f" {text}", start_s=at_s, end_s=at_s + 0.25))
        at_s += 0.25 + pause_s
    pauses = [after.start_s - before.end_s for before, after in pairwise(words)]
    ends = [
        ends_sentence(before.text, after.text, pause_s=pause_s, language=language)
        for (before, after), pause_s in zip(pairwise(words), pauses, strict=True)
    ]
    capitals = [
        pause_s >= CAPITAL_PAUSE_S and after.text.strip()[0].isupper()
        for after, pause_s in zip(words[1:], pauses, strict=True)
    ]
    transcript = Transcript(language=language, duration_s=at_s, segments=(Segment(words=tuple(words)),))
    (turn,) = transcript_turns(transcript)
    assert [len(sentence.words) for sentence in turn.sentences] == lengths(ends)
    segments = [len(segment.words) for segment in to_segments(words, language=language)]
    assert segments == lengths([end or capital for end, capital in zip(ends, capitals, strict=True)])


def lengths(ends: list[bool]) -> list[int]:
    """Return the number of words of each sentence, from whether one ends after each word but the last."""
    counts = [1]
    for end in ends:
        counts = [*counts, 1] if end else [*counts[:-1], counts[-1] + 1]
    return counts


@given(WORDS)
def test_names_are_looked_for_with_the_same_end_marks(text: str) -> None:
    """A capital may follow any end mark and, for names, a colon."""
    assert capital_follows(text) == (has_end_mark(text) or text.endswith(":"))
