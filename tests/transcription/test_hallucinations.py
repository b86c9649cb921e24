"""Hallucinations are found; spoken words are not doubted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.model import Word
from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ
from podcast_pipeline.transcription.hallucinations import (
    DOUBTFUL_CONFIDENCE,
    find_hallucinations,
    find_missed_speech,
    is_fuller,
    is_noise,
    split_in_pause,
    with_doubtful_confidence,
)
from podcast_pipeline.transcription.vad import FRAME_SAMPLES
from podcast_pipeline.transcription.windows import FRAMES_PER_S, SpeechWindow


def window(seconds: float, *, speech: float = 1.0, start_s: float = 0.0) -> SpeechWindow:
    frames = int(seconds * FRAMES_PER_S)
    samples = np.zeros(frames * FRAME_SAMPLES, np.float32)
    return SpeechWindow(int(start_s * SAMPLE_RATE_HZ), samples, np.full(frames, speech, np.float32))


def words_of(text: str, *, every_s: float = 0.4, from_s: float = 0.0) -> list[Word]:
    return [
        Word(text=f" {word}", start_s=from_s + i * every_s, end_s=from_s + i * every_s + every_s * 0.8)
        for i, word in enumerate(text.split())
    ]


@pytest.mark.parametrize(
    "text",
    [
        "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age",
        "No, no, no, no. I said no.",
        "Location, location, location.",
        "very very very good and very very very bad",
        "Thank you for watching the polls with us tonight.",
    ],
)
def test_rhetoric_is_not_doubted(text: str) -> None:
    """Rhetoric and emphasis are no loops."""
    assert not find_hallucinations(words_of(text), window(30))


@pytest.mark.parametrize(
    ("text", "doubted"),
    [
        ("well uma uma uma uma uma uma uma uma", 8),
        ("so I think I think I think I think I think it is", 10),
        ("we are going to the house we are going to the house we are going to the house", 18),
    ],
)
def test_a_loop_is_doubted(text: str, doubted: int) -> None:
    """A phrase that is repeated many times is found, and no other word."""
    assert len(find_hallucinations(words_of(text), window(30))) == doubted


def test_words_over_silence_are_doubted() -> None:
    """Words without voice activity are found."""
    speech = np.concatenate([np.ones(100), np.zeros(200)]).astype(np.float32)
    half_silent = SpeechWindow(0, np.zeros(300 * FRAME_SAMPLES, np.float32), speech)
    words = [*words_of("somebody speaks here"), *words_of("nobody speaks here", from_s=6)]
    assert find_hallucinations(words, half_silent) == dict.fromkeys((3, 4, 5), "silence")


def test_times_are_those_of_the_recording() -> None:
    """The same window an hour later gives the same answer."""
    assert not find_hallucinations(words_of("somebody speaks here", from_s=3600), window(5, start_s=3600))


def test_impossible_speed_is_doubted() -> None:
    """Eight long words within half a second."""
    words = words_of(
        "constitutional responsibilities notwithstanding administrative considerations", every_s=0.05
    )
    assert len(find_hallucinations([*words, *words_of("and more")], window(10))) >= 5


def test_fast_speech_is_not_doubted() -> None:
    """Six words in a second are fast, and possible."""
    assert not find_hallucinations(
        words_of("they said that we could never do this in one day", every_s=0.16), window(10)
    )


@pytest.mark.parametrize("text", ["Thanks for watching!", "Sous-titrage Société Radio-Canada", "you"])
def test_phantoms_need_a_voice(text: str) -> None:
    """Whisper's phantom phrases are doubted unless somebody clearly speaks."""
    assert len(find_hallucinations(words_of(text), window(3, speech=0.4))) == len(text.split())
    assert not find_hallucinations(words_of(text), window(3))


def test_an_echo_of_the_prompt_is_doubted() -> None:
    """A window with no words but those of the prompt."""
    prompt = "With Ann Wu, Sam Lee and Zoë Ortiz."
    assert find_hallucinations(words_of("Ann Wu, Sam Lee and"), window(5), prompt=prompt)
    assert not find_hallucinations(words_of("Ann Wu came and said hello"), window(5), prompt=prompt)


def test_doubtful_words_are_marked_not_hidden() -> None:
    """Doubtful words stay, with a confidence of 0."""
    words = words_of("one two three")
    assert [w.text for w in with_doubtful_confidence(words, frozenset({1}))] == [" one", " two", " three"]
    assert [w.confidence for w in with_doubtful_confidence(words, frozenset({1}))] == [
        1,
        DOUBTFUL_CONFIDENCE,
        1,
    ]


def test_halves_are_cut_next_to_the_middle() -> None:
    """Of equally long pauses the one next to the middle is cut; a longer one in the middle half wins."""
    speech = np.ones(400, np.float32)
    speech[110:122] = speech[190:202] = speech[280:292] = 0
    whole = SpeechWindow(0, np.zeros(400 * FRAME_SAMPLES, np.float32), speech)
    assert [len(part.speech) for part in split_in_pause(whole)] == [196, 204]
    speech[280:294] = 0
    assert [len(part.speech) for part in split_in_pause(whole)] == [287, 113]


@given(st.lists(st.booleans(), min_size=8, max_size=400))
def test_halves_are_the_window(flags: list[bool]) -> None:
    """Two halves hold the samples of the window, in place."""
    speech = np.array(flags, np.float32)
    whole = SpeechWindow(16_000, np.arange(len(flags) * FRAME_SAMPLES, dtype=np.float32), speech)
    parts = split_in_pause(whole)
    assert np.array_equal(np.concatenate([part.samples for part in parts]), whole.samples)
    assert [part.first_sample - 16_000 for part in parts] == [int(part.samples[0]) for part in parts]


def test_speech_without_words_at_the_end_is_missed() -> None:
    """If an engine stops in the middle of a window, the missed speech begins after its last word."""
    words = words_of("it stopped here", from_s=5)
    (gap,) = find_missed_speech(words, window(10, start_s=5))
    assert (gap.first_word, gap.next_word) == (3, 3)
    assert words[-1].end_s <= gap.window.start_s <= words[-1].end_s + 0.3
    assert gap.window.end_s == pytest.approx(15, abs=0.05)


def test_missed_speech_begins_in_a_pause() -> None:
    """Missed speech begins in a pause beside the last word, if there is one."""
    speech = np.ones(200, np.float32)
    speech[30:33] = 0
    (gap,) = find_missed_speech(
        words_of("two words", every_s=0.5), SpeechWindow(0, np.zeros(200 * FRAME_SAMPLES, np.float32), speech)
    )
    assert gap.window.first_sample == 32 * FRAME_SAMPLES


def test_speech_without_words_in_between_is_missed() -> None:
    """A second of speech between two words; the words stay."""
    (gap,) = find_missed_speech([*words_of("before"), *words_of("after", from_s=2)], window(2.4))
    assert (gap.first_word, gap.next_word) == (1, 1)
    assert gap.window.start_s < 1 < gap.window.end_s < 2.1


def test_silence_and_fluent_speech_are_not_missed() -> None:
    """Nothing is missing where words follow each other, or nobody speaks between them."""
    assert not list(find_missed_speech(words_of("word " * 20), window(8)))
    assert not list(
        find_missed_speech([*words_of("before"), *words_of("after", from_s=8)], window(8.5, speech=0.1))
    )


def test_a_window_without_words_is_missed_as_a_whole() -> None:
    """All of it is heard again."""
    whole = window(4)
    (gap,) = find_missed_speech([], whole)
    assert len(gap.window.samples) == len(whole.samples)


def test_a_word_of_five_seconds_hides_missed_speech() -> None:
    """The word was stretched over a phrase that was left out, so it is transcribed again with the phrase."""
    stretched = Word(text=" 2", start_s=2.0, end_s=7.0)
    (gap,) = find_missed_speech(
        [*words_of("before it came"), stretched, *words_of("horsemen and more", from_s=7)], window(8.5)
    )
    assert (gap.first_word, gap.next_word) == (3, 4)


def test_a_guess_at_a_moment_of_voice_is_noise() -> None:
    """A word with a confidence of 0.02 over the attack of a note; a short clear one is speech."""
    speech = np.zeros(190, np.float32)
    speech[20:31] = 0.9
    short = SpeechWindow(0, np.zeros(190 * FRAME_SAMPLES, np.float32), speech)
    guessed, clear = (Word(text=" Oh.", start_s=0.6, end_s=0.9, confidence=sure) for sure in (0.02, 0.4))
    assert is_noise([guessed], short)
    assert not is_noise([clear], short)
    assert not is_noise([guessed], window(6))


def test_a_gap_is_filled_with_more_than_was_there() -> None:
    """A number that comes back in two parts is no more than the number."""
    parts = [Word(text=text, start_s=at, end_s=at + 1) for at, text in enumerate([" 18", ".67"])]
    assert not is_fuller(parts, words_of("1867"))
    assert not is_fuller(words_of("one"), words_of("more words"))
    assert is_fuller(words_of("one after another"), words_of("one"))
    assert is_fuller(words_of("uh"), [])
