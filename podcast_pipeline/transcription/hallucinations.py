"""Detect hallucinations: loops, words over silence, impossible speed, Whisper's phantom phrases. Pure.

The measures are independent of Whisper's own confidence: voice activity detection, the speaking rate, and its
known habits (whisper #679, faster-whisper #843).
"""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from podcast_pipeline.model import Word
from podcast_pipeline.transcription.windows import (
    FRAMES_PER_S,
    SILENCE_THRESHOLD,
    SPEECH_THRESHOLD,
    SpeechWindow,
    find_pauses,
)

LOOP_REPEATS = {1: 6, 2: 4, 3: 4, 4: 3, 5: 3, 6: 3, 7: 3, 8: 3}
"""Words in a phrase -> repetitions in a row that make a loop; people repeat less often."""
SLACK_S = 0.25  # accuracy of an engine's word times
FASTEST_LETTERS_PER_S = 45.0  # an auctioneer reaches 25
FASTEST_OVER = 6  # words over which the speed is measured
ECHO_WORDS = 4  # in a row from the prompt, and no others
WEAK_SPEECH = 0.6  # least share of frames with speech of a phantom phrase that was really spoken
LONGEST_WORD_S = 2.0  # a longer word was stretched over speech that the engine left out
CLEAR_VOICE_S = 1.0  # of speech in a window; the attack of a note is shorter
GUESSED = 0.1  # confidence below which a word is a guess
MISSED_S = 0.6  # of speech without a word that is reported; a sigh is shorter
DOUBTFUL_CONFIDENCE = 0.0  # the confidence of a word that stays doubtful
PHANTOM_PHRASES = frozenset(
    {
        "thank you",
        "thank you very much",
        "thank you for watching",
        "thanks for watching",
        "thank you so much for watching",
        "please subscribe",
        "please subscribe to my channel",
        "like and subscribe",
        "see you in the next video",
        "see you next time",
        "subtitles by the amara org community",
        "transcription by castingwords",
        "you",
        "bye",
        "bye bye",
        "the end",
        "untertitel der amara org community",
        "untertitel im auftrag des zdf für funk 2017",
        "vielen dank",
        "sous titres réalisés par la communauté d amara org",
        "sous titrage société radio canada",
        "merci d avoir regardé cette vidéo",
        "legendas pela comunidade amara org",
        "obrigado por assistir",
        "subtítulos realizados por la comunidad de amara org",
        "gracias por ver el video",
        "sottotitoli creati dalla comunità amara org",
        "ご視聴ありがとうございました",
        "시청해주셔서 감사합니다",
    }
)


def find_hallucinations(words: Sequence[Word], window: SpeechWindow, *, prompt: str = "") -> dict[int, str]:
    """Return the places in `words` that are probably hallucinated -> the reason.

    The reasons are those of `Segment.doubts`: "loop", "speed", "silence", "phantom", "prompt".

    Args:
        words: the window's, in recording times.
    """
    texts = [_normalized(word.text) for word in words]
    found = {
        "prompt": range(len(words)) if _is_echo(texts, prompt) else (),
        "phantom": range(len(words)) if _is_phantom(texts, words, window) else (),
        "speed": _too_fast(words),
        "silence": _over_silence(words, window),
        "loop": _loops(texts),
    }
    return {place: reason for reason, places in found.items() for place in places}


def with_doubtful_confidence(words: Sequence[Word], doubtful: Container[int]) -> tuple[Word, ...]:
    """Return the words; the doubtful ones are kept, with DOUBTFUL_CONFIDENCE."""
    return tuple(
        word.model_copy(update={"confidence": DOUBTFUL_CONFIDENCE}) if place in doubtful else word
        for place, word in enumerate(words)
    )


def is_noise(words: Sequence[Word], window: SpeechWindow) -> bool:
    """Tell whether a window has no speech after all: a moment of voice activity, and only guessed words."""
    speech_s = float((window.speech >= SPEECH_THRESHOLD).sum() / FRAMES_PER_S)
    return speech_s < CLEAR_VOICE_S and all(word.confidence < GUESSED for word in words)


def is_fuller(found: Sequence[Word], replaced: Sequence[Word]) -> bool:
    """Tell whether a second pass has more words than those in their place, and more letters and digits.

    "18.67" are two words of an engine, and no more than "1867".
    """
    letters, before = (
        sum(character.isalnum() for word in words for character in word.text) for words in (found, replaced)
    )
    return len(found) > len(replaced) and letters > before


def split_in_pause(window: SpeechWindow) -> tuple[SpeechWindow, ...]:
    """Split a window in the longest pause of its middle half; without a pause it stays whole.

    Of equally long pauses the one next to the middle is taken.
    """
    middle, quarter = len(window.speech) // 2, len(window.speech) // 4
    pauses = [
        (end - start, -abs(place - middle), place)
        for start, end in find_pauses(window.speech)
        if abs((place := (start + end) // 2) - middle) <= quarter
    ]
    return window.split_at(max(pauses)[2]) if pauses else (window,)


@dataclass(frozen=True)
class MissedSpeech:
    """Speech for which the engine has no words.

    Attributes:
        first_word: place of the first word to replace, or of the word after the gap.
        next_word: place of the first word after the gap that stays.
        window: the part of the window from the pause before the gap to the pause after it.
    """

    first_word: int
    next_word: int
    window: SpeechWindow


def find_missed_speech(words: Sequence[Word], window: SpeechWindow) -> Iterator[MissedSpeech]:
    """Yield the stretches with speech for which the engine has no words.

    An engine that takes a full stop for the end of the window leaves out the rest; an engine that skips a
    phrase stretches the next word over it.

    Args:
        words: the window's, in recording times.
    """
    covering = [i for i, word in enumerate(words) if word.end_s - word.start_s <= LONGEST_WORD_S]
    for before, after in pairwise([-1, *covering, len(words)]):
        end_s = words[before].end_s + SLACK_S if before >= 0 else window.start_s
        begin_s = words[after].start_s - SLACK_S if after < len(words) else window.end_s
        between = window.frames(end_s, begin_s) if begin_s > end_s else slice(0)
        if (window.speech[between] >= SPEECH_THRESHOLD).sum() >= MISSED_S * FRAMES_PER_S:
            first = _nearest_pause(window, between.start, -1)
            last = _nearest_pause(window, between.stop - 1, 1)
            yield MissedSpeech(before + 1, after, window.split_at(last + 1)[0].split_at(first)[1])


def _nearest_pause(window: SpeechWindow, frame: int, step: int) -> int:
    """Return the nearest frame without speech within the error of word times, else the frame itself."""
    reach = 2 * int(SLACK_S * FRAMES_PER_S)
    places = range(frame, frame + step * reach, step)
    return next(
        (i for i in places if 0 <= i < len(window.speech) and window.speech[i] < SILENCE_THRESHOLD), frame
    )


def _normalized(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _loops(texts: Sequence[str]) -> Iterator[int]:
    for length, repeats in LOOP_REPEATS.items():
        same = [a == b for a, b in zip(texts, texts[length:], strict=False)]
        for run in _true_runs(same):
            if len(run) >= length * (repeats - 1):
                yield from range(run[0], run[-1] + 1 + length)


def _too_fast(words: Sequence[Word]) -> Iterator[int]:
    for first in range(len(words) - FASTEST_OVER + 1):
        run = words[first : first + FASTEST_OVER]
        letters = sum(len(word.text.strip()) for word in run)
        if letters > FASTEST_LETTERS_PER_S * max(run[-1].end_s - run[0].start_s, SLACK_S):
            yield from range(first, first + FASTEST_OVER)


def _over_silence(words: Sequence[Word], window: SpeechWindow) -> Iterator[int]:
    for place, word in enumerate(words):
        frames = window.frames(word.start_s - SLACK_S, word.end_s + SLACK_S)
        if not (window.speech[frames] >= SILENCE_THRESHOLD).any():
            yield place


def _is_phantom(texts: Sequence[str], words: Sequence[Word], window: SpeechWindow) -> bool:
    if " ".join(texts) not in PHANTOM_PHRASES:
        return False
    frames = window.speech[window.frames(words[0].start_s, words[-1].end_s)]
    return not frames.size or float((frames >= SPEECH_THRESHOLD).mean()) < WEAK_SPEECH


def _is_echo(texts: Sequence[str], prompt: str) -> bool:
    return len(texts) >= ECHO_WORDS and " ".join(texts) in _normalized(prompt)


def _true_runs(flags: Iterable[bool]) -> Iterator[list[int]]:
    for flag, places in groupby(enumerate(flags), key=lambda pair: pair[1]):
        if flag:
            yield [place for place, _ in places]
