"""Two readings of a conversation, the mix and the tracks: no word is lost, none is there twice."""

from collections.abc import Sequence
from heapq import merge
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.diarization.crosstalk import FRAME_S, Activity
from podcast_pipeline.diarization.readings import (
    SAME_WORD_S,
    OmittedWord,
    RecognizedWord,
    merge_readings,
    remove_bleed,
)
from podcast_pipeline.model import Word

ANN, BOB = 0, 1
LENGTH_S = 30.0


def active(*stretches: Sequence[tuple[float, float]]) -> Activity:
    """Return who speaks when, from the stretches of each track."""
    own = np.zeros((len(stretches), round(LENGTH_S / FRAME_S)), np.bool_)
    for row, pairs in zip(own, stretches, strict=True):
        for start_s, end_s in pairs:
            row[round(start_s / FRAME_S) : round(end_s / FRAME_S)] = True
    return Activity(own)


def heard(
    text: str, start_s: float, *, track: int | None = None, confidence: float = 0.8
) -> list[RecognizedWord]:
    """Return words of 0.3 s, one after the other; `track` None for the mix."""
    return [
        RecognizedWord(
            Word(
                text=f" {word}",
                start_s=start_s + 0.3 * place,
                end_s=start_s + 0.3 * place + 0.28,
                confidence=confidence,
            ),
            track=track,
        )
        for place, word in enumerate(text.split())
    ]


def text_of(words: Sequence[RecognizedWord]) -> str:
    """Return words as text."""
    return "".join(word.word.text for word in words).strip()


def merged(
    mix: Sequence[RecognizedWord],
    ann: Sequence[RecognizedWord],
    bob: Sequence[RecognizedWord],
    activity: Activity,
) -> tuple[str, str, list[str]]:
    """Return the words of Ann, of Bob, and those that nobody is given."""
    own, bleed = remove_bleed([ann, bob], activity)
    speakers, unplaced = merge_readings(mix, own, activity)
    return text_of(speakers[ANN]), text_of(speakers[BOB]), [one.word.text.strip() for one in bleed + unplaced]


def test_a_word_in_a_pause_of_its_speaker_stays() -> None:
    """A word that the engine timed into its speaker's pause is kept where the other track is silent."""
    activity = active([(0, 2), (4, 6)], [(10, 12)])
    words = [*heard("I heard him", 0.5, track=ANN), *heard("not", 2.8, track=ANN)]
    kept, bleed = remove_bleed([words, heard("and then", 10.5, track=BOB)], activity)
    assert text_of(kept[ANN]) == "I heard him not"
    assert bleed == []


def test_a_word_timed_into_the_turn_of_another_stays_if_that_track_lacks_it() -> None:
    """Where the other track is loud and has no word at that moment, nothing is left out."""
    activity = active([(0, 2)], [(2, 6)])
    words = [*heard("tell thee the", 0.5, track=ANN), *heard("truth", 2.6, track=ANN)]
    kept, bleed = remove_bleed([words, heard("who hath", 4.0, track=BOB)], activity)
    assert (text_of(kept[ANN]), bleed) == ("tell thee the truth", [])


def test_bleed_is_left_out_and_listed() -> None:
    """A word that the other track has at that moment, louder, is dropped, spelled the same or not."""
    activity = active([(0, 2), (4, 6)], [(2, 4)])
    bob = heard("Zarathustra came", 2.6, track=BOB)
    for bleeding in ("Zarathustra", "sorrow", "Zaratustra"):
        (word,) = heard(bleeding, 2.6, track=ANN)
        kept, bleed = remove_bleed([[*heard("we went", 0.5, track=ANN), word], bob], activity)
        assert text_of(kept[ANN]) == "we went"
        assert bleed == [OmittedWord(word.word, ANN, BOB)]


def test_one_word_said_by_two_at_once_is_kept_twice() -> None:
    """Both speakers are active: both said it."""
    activity = active([(0, 4)], [(2, 4)])
    ann, bob = heard("oh yes", 2.4, track=ANN), heard("yes", 2.7, track=BOB)
    assert merged(heard("oh yes", 2.4), ann, bob, activity)[:2] == ("oh yes", "yes")


def test_a_word_that_one_reading_lacks_stays() -> None:
    """Words of the mix alone, and words of a track alone, are kept, with their speakers."""
    activity = active([(0, 4)], [(4, 9)])
    mix = [*heard("I heard him not and", 0.5), *heard("he is the reciter", 4.5)]
    ann = [*heard("I heard him", 0.5, track=ANN), *heard("and", 1.7, track=ANN)]
    bob = heard("he is the reciter here", 4.5, track=BOB)
    assert merged(mix, ann, bob, activity) == ("I heard him not and", "he is the reciter here", [])


def test_the_more_confident_reading_is_taken() -> None:
    """Where the two differ, confidence decides; of two lengths the longer one needs a little less."""
    activity = active([(0, 8)], [(10, 12)])
    before, after = heard("we saw", 0.5, track=ANN), heard("go", 2.0, track=ANN)
    cases = {
        ("them", 0.9, "him", 0.5): "them",
        ("them", 0.5, "him", 0.9): "him",
        ("him not", 0.75, "hymn", 0.8): "him not",
        ("him not", 0.5, "hymn", 0.8): "hymn",
    }
    for (in_mix, sure, on_track, surer), chosen in cases.items():
        mix = [*heard("we saw", 0.5), *heard(in_mix, 1.1, confidence=sure), *heard("go", 2.0)]
        ann = [*before, *heard(on_track, 1.1, track=ANN, confidence=surer), *after]
        assert merged(mix, ann, [], activity)[0] == f"we saw {chosen} go"


def test_overlapping_speech_is_read_from_the_tracks() -> None:
    """Where two speak at once the mix does not decide; what only the mix has there is listed."""
    activity = active([(0, 4)], [(2, 6)])
    mix = [*heard("we went home", 0.5), *heard("very garbled pocket", 2.3, confidence=1.0)]
    ann = [*heard("we went home", 0.5, track=ANN), *heard("by the river", 2.3, track=ANN)]
    bob = heard("no you did not go", 2.2, track=BOB)
    ann_text, bob_text, _ = merged(mix, ann, bob, activity)
    assert (ann_text, bob_text) == ("we went home by the river", "no you did not go")
    only_mix = [*heard("we went home", 0.5), *heard("no you did pocket not go", 2.2)]
    assert merged(only_mix, heard("we went home", 0.5, track=ANN), bob, activity)[2] == ["pocket"]


def test_a_word_in_another_order_is_not_there_twice() -> None:
    """The mix may write a backchannel in the middle of a sentence, the tracks after it."""
    activity = active([(0, 4)], [(1.6, 2.0)])
    mix = [*heard("we went out", 0.5), *heard("yeah", 1.65), *heard("by the river", 2.0)]
    ann = [*heard("we went out", 0.5, track=ANN), *heard("by the river", 2.0, track=ANN)]
    assert merged(mix, ann, heard("yeah", 1.6, track=BOB), activity) == (
        "we went out by the river",
        "yeah",
        [],
    )


def test_a_word_timed_late_in_one_reading_is_there_once() -> None:
    """The first word after a pause may be 0.8 s late in the mix."""
    activity = active([(0, 6)], [])
    mix = [*heard("his army", 0.5), *heard("yet", 2.9), *heard("there died", 3.2)]
    ann = [
        *heard("his army", 0.5, track=ANN),
        *heard("yet", 2.1, track=ANN),
        *heard("there died", 3.2, track=ANN),
    ]
    assert merged(mix, ann, [], activity)[0] == "his army yet there died"


@given(st.lists(st.tuples(st.sampled_from("abcdefg"), st.booleans(), st.booleans()), max_size=25))
def test_no_word_is_lost(words: list[tuple[str, bool, bool]]) -> None:
    """Whatever either of the readings left out, every word that one of them has is in the result, once."""
    mix = [w for place, (text, kept, _) in enumerate(words) if kept for w in heard(text, 0.5 + place)]
    track = [
        w for place, (text, _, kept) in enumerate(words) if kept for w in heard(text, 0.5 + place, track=ANN)
    ]
    ann, _, listed = merged(mix, track, [], active([(0, LENGTH_S)], []))
    assert ann.split() == [text for text, in_mix, on_track in words if in_mix or on_track]
    assert listed == []


def test_words_that_the_readings_time_differently_keep_their_order() -> None:
    """A word of the mix goes between the words of the track around it, whatever the clocks of the two say."""
    timed = [
        ("notice", 23.888, 0.997),
        ("the", 24.188, 0.98),
        ("provision", 24.468, 0.9),
        ("and", 24.828, 0.93),
    ]
    track = [("notice", 23.86, 0.974), ("the", 24.52, 0.167), ("vision", 24.84, 0.147), ("and", 24.84, 0.973)]
    mix_words = [w for text, at_s, sure in timed for w in heard(text, at_s, confidence=sure)]
    words = [w for text, at_s, sure in track for w in heard(text, at_s, confidence=sure, track=ANN)]
    (ann,), _ = merge_readings(mix_words, [words], active([(20, 28)]))
    assert text_of(ann) == "notice the provision and"
    assert_times_rise(ann)


def test_the_words_of_the_mix_are_shortened_to_their_gap() -> None:
    """Words that only the mix has, timed into the next word of the track, share the gap before it."""
    mix = heard("we saw them all go", 0.5)
    track = [*heard("we saw", 0.5, track=ANN), *heard("go", 1.3, track=ANN)]
    (ann,), _ = merge_readings(mix, [track], active([(0, 4)]))
    assert text_of(ann) == "we saw them all go"
    assert_times_rise(ann)
    assert (ann[2].word.start_s, ann[3].word.end_s) == (1.08, 1.3)


def assert_times_rise(words: Sequence[RecognizedWord]) -> None:
    """Check that no word begins before the one before it, or ends before it begins."""
    assert all(a.word.start_s <= b.word.start_s for a, b in pairwise(words))
    assert all(one.word.start_s <= one.word.end_s for one in words)


Said = tuple[int, bool, float, float]  # speaker, whether both readings have the word, errors of its two times


def _reading(said: Sequence[Said], speaker: int, *, of_mix: bool, only_mix: bool) -> list[RecognizedWord]:
    """Return a speaker's words in one reading, in order, each at its time with that reading's error."""
    words: list[RecognizedWord] = []
    for place, (who, both, mix_error_s, track_error_s) in enumerate(said):
        if who == speaker and (both or of_mix == only_mix):
            at_s = 1 + 0.25 * place + (mix_error_s if of_mix else track_error_s)
            at_s = max([at_s, *(w.word.start_s for w in words)])
            words += heard(f"w{place}", at_s, track=None if of_mix else speaker)
    return words


@given(
    st.lists(
        st.tuples(
            st.sampled_from([ANN, BOB]),
            st.booleans(),
            st.floats(-SAME_WORD_S / 2, SAME_WORD_S / 2),
            st.floats(-SAME_WORD_S / 2, SAME_WORD_S / 2),
        ),
        max_size=25,
    ),
    st.booleans(),
    st.booleans(),
)
def test_each_speaker_keeps_the_order_of_both_readings(
    said: list[Said], only_mix: bool, overlap: bool
) -> None:
    """With any error of times and two who speak at once: no word is lost, moved, or earlier than the last."""
    mix, tracks = (
        [_reading(said, who, of_mix=of_mix, only_mix=only_mix) for who in (ANN, BOB)]
        for of_mix in (True, False)
    )
    together = list(merge(*mix, key=lambda w: w.word.start_s))
    activity = active([(0, LENGTH_S)], [(0, LENGTH_S)] if overlap else [])
    speakers, unplaced = merge_readings(together, tracks, activity)
    texts = [[w.word.text for w in words] for words in speakers]
    found = sorted([*texts[ANN], *texts[BOB], *(one.word.text for one in unplaced)])
    assert found == sorted({w.word.text for words in [together, *tracks] for w in words})
    for chosen, words, own in zip(texts, speakers, tracks, strict=True):
        assert_times_rise(words)
        for reading in (together, own):
            order = [w.word.text for w in reading]
            places = [order.index(text) for text in chosen if text in order]
            assert places == sorted(places)
