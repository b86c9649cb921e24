"""Turns to words: who gets which word, and where somebody should listen."""

from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.diarization.assign import SPEAKER_DOUBT, DiarizationTurn, assign_speakers
from podcast_pipeline.model import Segment, Transcript, Word


def segment(text: str, *, start_s: float = 0.0, each_s: float = 0.4) -> Segment:
    """Return a sentence whose words follow each other without a pause."""
    words = [
        Word(text=f" {word}", start_s=start_s + i * each_s, end_s=start_s + (i + 1) * each_s)
        for i, word in enumerate(text.split())
    ]
    return Segment(words=tuple(words))


def transcript(*segments: Segment) -> Transcript:
    """Return a transcript of sentences."""
    return Transcript(language="en", duration_s=600, segments=segments)


def turn(start_s: float, end_s: float, speaker: str, certainty: float = 1.0) -> DiarizationTurn:
    """Return a turn."""
    return DiarizationTurn(start_s=start_s, end_s=end_s, speaker=speaker, certainty=certainty)


def test_words_go_to_who_has_most_of_their_time() -> None:
    """A word that lies across a change of turns is whole and goes to the longer part."""
    words = transcript(segment("a b c d e f g h", each_s=1.0))
    labelled = assign_speakers(words, [turn(0, 3.7, "x"), turn(3.7, 8, "y")])
    assert [(s.speaker, s.text) for s in labelled.segments] == [("S0", "a b c d"), ("S1", "e f g h")]


def test_speakers_are_numbered_by_first_appearance() -> None:
    """Speaker 1 is who speaks first, whatever the engine calls them; names are nobody's guess."""
    labelled = assign_speakers(
        transcript(segment("one two three"), segment("four five six", start_s=5)),
        [turn(4, 8, "a"), turn(0, 2, "b")],
    )
    assert [speaker.id for speaker in labelled.speakers] == ["S0", "S1"]
    assert [labelled.speaker_name(s.speaker) for s in labelled.segments] == ["Speaker 1", "Speaker 2"]


def test_a_backchannel_does_not_chop_a_sentence() -> None:
    """A "yeah" inside somebody's sentence leaves the sentence whole and marks nothing else."""
    words = transcript(segment("so we went there yeah and then we asked him why"))
    labelled = assign_speakers(words, [turn(0, 1.6, "a"), turn(1.6, 2.0, "b"), turn(2.0, 5, "a")])
    assert [(s.speaker, len(s.words)) for s in labelled.segments] == [("S0", 11)]


def test_an_answer_of_its_own_sentence_stays() -> None:
    """A short answer that is a sentence keeps its speaker, and is marked because it is short."""
    words = transcript(
        segment("did you go there"),
        segment("Yes.", start_s=2.0),
        segment("and then what happened", start_s=3.0),
    )
    labelled = assign_speakers(words, [turn(0, 1.7, "a"), turn(1.9, 2.5, "b"), turn(2.9, 5, "a")])
    assert [s.speaker for s in labelled.segments] == ["S0", "S1", "S0"]
    assert [s.doubts for s in labelled.segments] == [(), (SPEAKER_DOUBT,), ()]


def test_a_late_boundary_takes_no_words_over_the_full_stop() -> None:
    """A turn that begins two words early or late does not take words out of a whole sentence."""
    words = transcript(
        segment("that is what he told me"), segment("and when was that exactly then", start_s=2.6)
    )
    labelled = assign_speakers(words, [turn(0, 3.2, "a"), turn(3.2, 6, "b")])
    assert [(s.speaker, s.text) for s in labelled.segments] == [
        ("S0", "that is what he told me"),
        ("S1", "and when was that exactly then"),
    ]


def test_overlap_and_hesitation_are_marked() -> None:
    """Where two speak at once, and where the engine was not sure, somebody should listen."""
    words = transcript(
        segment("both of us at once here"),
        segment("this one is clear enough", start_s=4),
        segment("who may this be then", start_s=8),
    )
    labelled = assign_speakers(words, [turn(0, 7, "a"), turn(0, 2.4, "b", 0.9), turn(7.9, 11, "b", 0.2)])
    assert [s.doubts for s in labelled.segments] == [(SPEAKER_DOUBT,), (), (SPEAKER_DOUBT,)]


def test_words_outside_every_turn_go_to_the_nearest() -> None:
    """A word that no turn covers has the speaker of the turn next to it."""
    labelled = assign_speakers(
        transcript(segment("a b c d", start_s=10)), [turn(0, 2, "x"), turn(12, 14, "y")]
    )
    assert {s.speaker for s in labelled.segments} == {"S0"}
    assert len(labelled.words) == 4


def test_without_turns_nothing_changes() -> None:
    """A recording whose speakers were not told apart keeps its transcript."""
    words = transcript(segment("as it was"))
    assert assign_speakers(words, []) is words


times = st.floats(0, 60).map(lambda s: round(s, 3))
turns = st.lists(
    st.tuples(times, st.floats(0.05, 20), st.sampled_from("abc"), st.floats(0, 1)).map(
        lambda t: turn(t[0], t[0] + t[1], t[2], t[3])
    ),
    max_size=12,
)
sentences = st.lists(st.tuples(times, st.integers(1, 30)), max_size=6).map(
    lambda rows: transcript(*(segment("w " * count, start_s=start) for start, count in sorted(rows)))
)


@given(sentences, turns)
def test_no_word_is_lost_changed_or_moved(words: Transcript, some: list[DiarizationTurn]) -> None:
    """Whatever the turns, the same words stand in the same order with the same times."""
    labelled = assign_speakers(words, some)
    assert labelled.words == words.words
    assert all(s.speaker in {known.id for known in labelled.speakers} for s in labelled.segments) or not some
