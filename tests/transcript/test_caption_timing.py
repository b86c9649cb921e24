"""The times of cues where several people talk at once: readable, near to the words, in order."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.model import Segment, Speaker, Transcript, Word
from podcast_pipeline.transcript.captions.cues import CueLayout, layout_cues
from podcast_pipeline.transcript.captions.formats import JSON_LAYOUT, SRT_LAYOUT, VTT_LAYOUT
from podcast_pipeline.transcript.captions.timing import (
    MAX_SHIFT_MS,
    SHORTEST_MS,
    Cue,
    time_in_sequence,
    time_side_by_side,
)

PEOPLE = {"a": "Ann", "b": "Bo", "c": "Carla"}
RIVER = (
    "the river rose in the night and took the old bridge with it before anybody was awake"
    " and then it went on down the valley until noon"
)
COUNCIL = "no that is not what happened at all the bridge was closed the day before by the council"


def together(*said: tuple[str, float, str]) -> Transcript:
    """Return a transcript of (speaker, start in s, text), a word every 0.3 s, in order of the starts."""
    segments = tuple(
        Segment(
            speaker=speaker,
            words=tuple(
                Word(text=f" {word}", start_s=at_s + 0.3 * n, end_s=at_s + 0.3 * n + 0.28)
                for n, word in enumerate(text.split())
            ),
        )
        for speaker, at_s, text in sorted(said, key=lambda one: one[1])
    )
    speakers = tuple(Speaker(id=id_, name=name) for id_, name in PEOPLE.items())
    return Transcript(language="en", duration_s=60, speakers=speakers, segments=segments)


def cue(speaker: str, start_s: float, end_s: float, text: str) -> Cue:
    return Cue(start_s, end_s, speaker, begins_turn=True, lines=(text,))


def test_people_who_talk_at_once_have_cues_at_once() -> None:
    """In WebVTT and JSON each person's cue begins with the person's words."""
    transcript = together(("a", 0, RIVER), ("b", 2, COUNCIL))
    for layout in (VTT_LAYOUT, JSON_LAYOUT):
        firsts = {cue.speaker: cue.start_s for cue in reversed(layout_cues(transcript, layout))}
        assert firsts == {"Ann": 0.0, "Bo": 2.0}


def test_words_of_one_moment_stay_in_the_transcripts_order() -> None:
    """Who spoke first in the recording is not first among those who begin at once later."""
    transcript = together(("a", 0, "yes"), ("b", 1, "no"), ("a", 1, "never"))
    for layout in (VTT_LAYOUT, JSON_LAYOUT):
        assert [cue.text for cue in layout_cues(transcript, layout)] == ["yes", "no", "never"]


def test_cards_of_people_who_talk_at_once_take_turns() -> None:
    """SubRip cards share the time, each near to its words, each named, none a flash."""
    cards = layout_cues(together(("a", 0, RIVER), ("b", 2, COUNCIL)), SRT_LAYOUT)
    assert [card.speaker for card in cards] == ["Ann", "Bo", "Ann", "Bo", "Ann"]
    assert all(card.begins_turn for card in cards)
    assert [card.start_s for card in cards] == pytest.approx([0, 2, 3.9, 5.6, 6.9], abs=0.5)
    assert all(card.end_s - card.start_s > 0.95 for card in cards)


def test_interjections_are_shown_when_they_are_said() -> None:
    """A "Yes." in somebody's sentence stays long enough to be read, in every format."""
    said = (("a", 0.0, RIVER), ("b", 2.0, "Yes."), ("c", 2.1, "No."), ("b", 5.0, "Right."))
    for layout in (VTT_LAYOUT, JSON_LAYOUT, SRT_LAYOUT):
        short = {cue.text: cue for cue in layout_cues(together(*said), layout) if len(cue.text) < 8}
        assert list(short) == ["Yes.", "No.", "Right."]
        for text, at_s in (("Yes.", 2.0), ("No.", 2.1), ("Right.", 5.0)):
            assert short[text].start_s == pytest.approx(at_s, abs=MAX_SHIFT_MS / 1000)
            assert short[text].end_s - short[text].start_s >= SHORTEST_MS / 1000


def test_short_turns_one_after_the_other_are_readable() -> None:
    """Turns of a third of a second each have cards that can be read, without an overlap."""
    cards = layout_cues(together(*(("ab"[n % 2], 5 + 0.3 * n, "Yes.") for n in range(3))), SRT_LAYOUT)
    assert all(card.end_s - card.start_s >= SHORTEST_MS / 1000 for card in cards)
    assert all(abs(card.start_s - 5 - 0.3 * n) <= 0.5 for n, card in enumerate(cards))


def test_a_short_word_into_the_begin_of_a_long_card_comes_first() -> None:
    """The long card is not cut to a moment by the short one."""
    made = list(time_in_sequence([cue("a", 3, 6, "x" * 60), cue("b", 3.1, 3.4, "Yes.")], 60))
    assert [one.speaker for one in made] == ["b", "a"]
    assert made[1].end_s - made[1].start_s > 2


def test_one_speaker_keeps_the_times_of_the_words() -> None:
    """Cards that nobody else talks into begin with their words, however fast."""
    cues = [cue("a", n * 0.4, n * 0.4 + 0.4, "y" * 30) for n in range(20)]
    for time in (time_in_sequence, time_side_by_side):
        assert [one.start_s for one in time(cues, 60)] == pytest.approx([one.start_s for one in cues])


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9000), st.integers(0, 4000)), max_size=12),
    st.integers(1, 15),
)
def test_cards_never_overlap_and_none_is_lost(said: list[tuple[str, int, int]], duration_s: int) -> None:
    """Any times give cards in order, within the audio, each speaker's words in their order."""
    cues = [
        cue(who, start / 1000, (start + length) / 1000, f"{n}")
        for n, (who, start, length) in enumerate(sorted(said, key=lambda one: one[1]))
    ]
    cards = list(time_in_sequence(cues, duration_s))
    beside = list(time_side_by_side(cues, duration_s))
    assert all(before.end_s <= after.start_s for before, after in pairwise(cards))
    for made in (cards, beside):
        assert all(0 <= one.start_s < one.end_s <= duration_s for one in made)
        for who in "abc":
            own = [one for one in made if one.speaker == who]
            assert [one.text for one in own] == [one.text for one in cues if one.speaker == who]
            assert all(before.end_s <= after.start_s for before, after in pairwise(own))


@pytest.mark.parametrize("layout", [VTT_LAYOUT, SRT_LAYOUT, JSON_LAYOUT], ids=["vtt", "srt", "json"])
def test_words_written_behind_the_last_one_are_readable(layout: CueLayout) -> None:
    """Words without time in the sound take it from the cues before, and stay inside the audio."""
    said = together(("a", 0, COUNCIL), ("b", 5.5, "thank you."))
    last = 5.503
    written = tuple(Word(text=f" {word}", start_s=last, end_s=last + 0.3) for word in RIVER.split())
    segments = (*said.segments, Segment(speaker="a", words=written))
    cues = layout_cues(said.model_copy(update={"segments": segments, "duration_s": 5.504}), layout)
    assert min(round(1000 * (cue.end_s - cue.start_s)) for cue in cues) >= SHORTEST_MS
    assert max(cue.end_s for cue in cues) <= 5.504


def test_words_written_into_a_short_gap_are_readable() -> None:
    """A cue of 41 ms between two long ones of the same speaker is shown for a second."""
    cues = [cue("a", 0, 6, RIVER[:60]), cue("a", 6.0, 6.041, COUNCIL[:60]), cue("a", 6.041, 12, RIVER[:60])]
    for time in (time_side_by_side, time_in_sequence):
        assert [(c.start_s, c.end_s) for c in time(cues, 12)][1] == (5.041, 6.041)
