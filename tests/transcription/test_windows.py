"""Cutting a stream into windows: properties for any probabilities, and real speech."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.transcription.vad import FRAME_SAMPLES, VoiceActivityDetector
from podcast_pipeline.transcription.windows import (
    FRAMES_PER_S,
    HALF_PAUSE_FRAMES,
    MAX_WINDOW_FRAMES,
    PADDING_FRAMES,
    SPEECH_THRESHOLD,
    Probabilities,
    SpeechWindow,
    cut_windows,
    find_pauses,
    next_window_bounds,
)
from tests.support.sounds import SAMPLE, noise, samples_of, silence

talk = st.tuples(st.floats(0, 1, width=32), st.integers(1, 400))


def spans(speech: Probabilities) -> list[tuple[int, int]]:
    found, first = [], 0
    while span := next_window_bounds(speech[first:], final=True):
        found.append((first + span.start, first + span.end))
        first += span.rest
    return found


@given(st.lists(talk, min_size=1, max_size=20))
def test_windows_hold_all_speech_in_order(runs: list[tuple[float, int]]) -> None:
    """Every frame of speech is in exactly one window; windows are in order and at most 30 s."""
    speech = np.concatenate([np.full(length, value, np.float32) for value, length in runs])
    found = spans(speech)
    assert all(0 < end - start <= MAX_WINDOW_FRAMES for start, end in found)
    assert all(a[1] <= b[0] for a, b in pairwise(found))
    covered = np.zeros(len(speech), bool)
    for start, end in found:
        covered[start:end] = True
    assert covered[speech >= SPEECH_THRESHOLD].all()


def test_a_long_stretch_is_cut_in_its_longest_pause() -> None:
    """Of two pauses after 24 s, the longer one is cut in its middle."""
    speech = np.ones(MAX_WINDOW_FRAMES + 500, np.float32)
    speech[700:750] = speech[780:785] = speech[860:880] = 0
    assert next_window_bounds(speech, final=True) == (0, 870, 870)


def test_a_long_silence_ends_a_window() -> None:
    """After ten seconds of silence a new window begins; the silence is in neither."""
    speech = np.concatenate([np.ones(100), np.zeros(320), np.ones(100)]).astype(np.float32)
    assert spans(speech) == [(0, 100 + PADDING_FRAMES), (420 - PADDING_FRAMES, 520)]


def test_windows_do_not_depend_on_the_blocks() -> None:
    """The same recording in blocks of 1 s or of 8 s gives the same windows."""
    samples = samples_of(SAMPLE)

    def windows(frames: int) -> list[tuple[int, int, tuple[tuple[int, int], ...]]]:
        size = frames * FRAME_SAMPLES
        blocks = (samples[i : i + size] for i in range(0, len(samples), size))
        return [(window.first_sample, len(window.samples), window.skips) for window in cut_windows(blocks)]

    assert windows(31) == windows(250) != []


def test_windows_are_the_recording_without_its_long_pauses() -> None:
    """Each frame of a window is the recording's at its time; the frames left out have no speech."""
    samples = samples_of(SAMPLE)
    speech = VoiceActivityDetector().speech_probabilities(samples)
    windows = list(cut_windows([samples]))
    assert any(window.skips for window in windows)
    for window in windows:
        assert len(window.speech) == -(-len(window.samples) // FRAME_SAMPLES)
        places = [
            round(window.to_recording_s(i / FRAMES_PER_S) * FRAMES_PER_S) for i in range(len(window.speech))
        ]
        assert np.array_equal(window.speech, speech[places])
        for frame, place in enumerate(places):
            heard = window.samples[frame * FRAME_SAMPLES : (frame + 1) * FRAME_SAMPLES]
            first = place * FRAME_SAMPLES
            assert np.array_equal(heard, samples[first : first + len(heard)])
        left_out = set(range(places[0], places[-1])) - set(places)
        assert all(speech[place] < SPEECH_THRESHOLD for place in left_out)
        assert not any(
            end - begin > 2 * HALF_PAUSE_FRAMES
            for begin, end in find_pauses(window.speech[PADDING_FRAMES:-PADDING_FRAMES])
        )


@given(
    st.integers(0, 9),
    st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), max_size=4),
    st.integers(0, 60),
)
def test_a_window_is_cut_and_shortened_in_any_place(
    first: int, pauses: list[tuple[int, int]], at: int
) -> None:
    """Frames keep their place in the recording, whatever is left out or cut before them."""
    speech = np.arange(100, dtype=np.float32)  # a frame's "probability" is its place
    tape = SpeechWindow(first * FRAME_SAMPLES, np.repeat(speech, FRAME_SAMPLES), speech)
    for begin, length in pauses:
        begin = min(begin, len(tape.speech) - 1)
        tape = tape.drop_frames(begin, min(begin + length, len(tape.speech) - 1))
    for part in (tape, *tape.split_at(min(at, len(tape.speech) - 1))):
        for frame, place in enumerate(part.speech):
            assert np.isclose(part.to_recording_s(frame / FRAMES_PER_S), (first + place) / FRAMES_PER_S)
        if len(part.speech):
            assert np.isclose(part.end_s, (first + part.speech[-1] + 1) / FRAMES_PER_S)
            assert part.frames(part.start_s, part.start_s).start == 0


def test_non_speech_has_no_windows() -> None:
    """Silence and noise give no window."""
    assert list(cut_windows([silence(20)])) == list(cut_windows([noise(20)])) == []


def test_voice_activity_detection_finds_speech() -> None:
    """In the sample most frames are speech; in its noise none is."""
    assert (VoiceActivityDetector().speech_probabilities(samples_of(SAMPLE)) >= SPEECH_THRESHOLD).mean() > 0.7
    assert (VoiceActivityDetector().speech_probabilities(noise(20)) >= SPEECH_THRESHOLD).mean() == 0
