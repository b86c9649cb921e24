"""Another recording of the same talk: chapters, soundbites and names that no longer fit."""

import pytest

from podcast_pipeline.model import Chapter, Soundbite
from podcast_pipeline.transcript.new_audio import changed_names, moved_marks
from tests.support.transcripts import WORD_S, spoken

BEGIN = "nobody in the harbour office believed that the ferry would ever sail again after"
MIDDLE = "the inquiry heard from a pilot called Zau al-Makan who kept the log of that"
END = "we end with the bridge and the people who crossed it every single morning"
OLD = spoken((None, BEGIN), (None, MIDDLE), (None, END))
MIDDLE_S = round(0.5 + WORD_S * len(BEGIN.split()), 1)
END_S = round(MIDDLE_S + WORD_S * len(MIDDLE.split()), 1)
CUT = spoken((None, MIDDLE), (None, END))


@pytest.mark.parametrize(
    ("start_s", "expected"),
    [
        (MIDDLE_S, 0.5),
        (END_S, round(END_S - MIDDLE_S + 0.5, 1)),
        (round(END_S + 0.7, 1), round(END_S - MIDDLE_S + 1.2, 1)),
    ],
)
def test_a_chapter_follows_its_words(start_s: float, expected: float) -> None:
    """Where the begin was cut a chapter is told with the time at which its words begin now."""
    (mark,) = moved_marks([Chapter(start_s=start_s, title="The log")], (), OLD, CUT)
    assert (mark.kind, mark.title, mark.start_s) == ("chapter", "The log", start_s)
    assert mark.new_start_s == pytest.approx(expected, abs=0.11)


def test_what_stays_is_not_told() -> None:
    """The same words at the same times, and a chapter at 0, need no word."""
    chapters = [Chapter(start_s=0, title="Hello"), Chapter(start_s=MIDDLE_S, title="The log")]
    bites = [Soundbite(start_s=MIDDLE_S, duration_s=3, title="Zau")]
    assert moved_marks(chapters, bites, OLD, OLD) == ()
    assert moved_marks(chapters[:1], (), OLD, CUT) == ()


def test_a_soundbite_whose_end_was_cut_does_not_fit() -> None:
    """A soundbite fits where both its ends do."""
    shorter = spoken((None, BEGIN), (None, MIDDLE[: MIDDLE.index("who")]), (None, END))
    (bite,) = moved_marks((), [Soundbite(start_s=MIDDLE_S, duration_s=END_S - MIDDLE_S)], OLD, shorter)
    assert bite.kind == "soundbite"
    assert bite.new_start_s == pytest.approx(MIDDLE_S, abs=0.11)


def test_words_that_are_gone_have_no_place() -> None:
    """A chapter of another talk, or far from every common word, has no time to offer."""
    other = spoken((None, "quite different sounds from somewhere else entirely"))
    (mark,) = moved_marks([Chapter(start_s=MIDDLE_S, title="The log")], (), OLD, other)
    assert mark.new_start_s is None


def test_a_name_that_came_out_wrong_is_found() -> None:
    """A name of the old words is told with what stands there now."""
    heard = spoken((None, BEGIN), (None, MIDDLE.replace("Zau al-Makan", "a la maqan")), (None, END))
    (name,) = changed_names(OLD, heard)
    assert (name.old.split()[0], name.new) == ("Zau", "a la maqan")
    assert "called a la maqan who" in name.context
    assert name.start_s == pytest.approx(MIDDLE_S + WORD_S * 7, abs=0.01)


def test_a_name_that_was_cut_or_stayed_is_none() -> None:
    """A name whose sentence is gone, or that is spelled as before, is no change."""
    assert changed_names(OLD, spoken((None, BEGIN), (None, END))) == ()
    assert changed_names(OLD, OLD) == ()
