"""The words of an engine get consistent recording times."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ
from podcast_pipeline.transcription.engine import EngineWord, to_recording_times
from podcast_pipeline.transcription.vad import FRAME_SAMPLES
from podcast_pipeline.transcription.windows import FRAMES_PER_S, SpeechWindow

START_S = 64.0
times = st.floats(-1, 12, allow_nan=False)
words = st.builds(EngineWord, st.sampled_from([" a", " b,", " ", ""]), times, times, st.floats(-0.1, 1.1))


def window(*runs: tuple[float, float]) -> SpeechWindow:
    """Return a window of (seconds, probability of speech)."""
    speech = np.concatenate([np.full(round(s * FRAMES_PER_S), p, np.float32) for s, p in runs])
    return SpeechWindow(
        int(START_S * SAMPLE_RATE_HZ), np.zeros(len(speech) * FRAME_SAMPLES, np.float32), speech
    )


@given(st.lists(words, max_size=20))
def test_times_rise_and_stay_in_the_window(engine_words: list[EngineWord]) -> None:
    """For all times that an engine returns, words are in order, inside the window and have text."""
    place = window((4, 1.0), (2, 0.0), (4, 1.0))
    found = to_recording_times(engine_words, place)
    assert [word.text for word in found] == [word.text for word in engine_words if word.text.strip()]
    assert all(place.start_s <= word.start_s <= word.end_s <= place.end_s for word in found)
    assert all(before.end_s <= after.start_s for before, after in pairwise(found))


def test_a_word_does_not_begin_in_the_pause_before_it() -> None:
    """The first word after a pause begins with the speech."""
    (word,) = to_recording_times([EngineWord(" Ann", 0.0, 1.5, 0.9)], window((0.96, 0.0), (2, 1.0)))
    assert (word.start_s, word.end_s) == (START_S + 0.96, START_S + 1.5)


def test_a_word_over_silence_keeps_its_times() -> None:
    """Hallucinations are found later, by their times."""
    (word,) = to_recording_times([EngineWord(" Ann", 0.5, 1.5, 0.9)], window((3, 0.0)))
    assert (word.start_s, word.end_s) == (START_S + 0.5, START_S + 1.5)


def test_a_late_word_begins_with_its_sound() -> None:
    """Speech that runs into a word belongs to it, up to a third of a second, and not to the word before."""
    place = window((0.96, 0.0), (3, 1.0))
    first, second = to_recording_times(
        [EngineWord(" Ann", 1.16, 1.5, 0.9), EngineWord(" Wu", 1.6, 2, 0.9)], place
    )
    assert (first.start_s, second.start_s) == (START_S + 0.96, START_S + 1.5)
    (late,) = to_recording_times([EngineWord(" Ann", 2.0, 2.5, 0.9)], place)
    assert START_S + 1.6 < late.start_s < START_S + 2.0
