"""Text that nobody said: loops, words over silence, impossible speed, Whisper's phantom phrases. Pure.

What Whisper invents is told from what it heard by measures it does not share: the voice detector's
probabilities, the clock, and its own habits (whisper #679, faster-whisper #843, conformance page §6).
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
"""Words in a phrase -> how often in a row nobody says it."""
SLACK_S = 0.25  # an engine's word times are this exact
FASTEST_LETTERS_PER_S = 45.0  # an auctioneer reaches 25
FASTEST_OVER = 6  # words
ECHO_WORDS = 4  # that many in a row from the prompt, and nothing else
WEAK_SPEECH = 0.6  # share of a phantom phrase's frames that a real one has at least
LONGEST_WORD_S = 2.0  # a longer one was stretched over speech that was left out
CLEAR_VOICE_S = 1.0  # of speech in a window; the attack of a note has less
GUESSED = 0.1  # confidence of a word made up
MISSED_S = 0.6  # of speech without a word; a sigh is shorter
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
    """Return the places in `words` of what was probably not said in this window, and why.

    The reasons are those of `Segment.doubts`: "loop", "speed", "silence", "phantom", "prompt".

    Args:
        words: the window's, in recording times.
    """
    plain = [_plain(word.text) for word in words]
    found = {
        "prompt": range(len(words)) if _is_echo(plain, prompt) else (),
        "phantom": range(len(words)) if _is_phantom(plain, words, window) else (),
        "speed": _rushed(words),
        "silence": _unvoiced(words, window),
        "loop": _loops(plain),
    }
    return {place: reason for reason, places in found.items() for place in places}


def with_doubtful_confidence(words: Sequence[Word], doubtful: Container[int]) -> tuple[Word, ...]:
    """Return the words; what stays doubtful is not hidden but has no confidence."""
    return tuple(
        word.model_copy(update={"confidence": DOUBTFUL_CONFIDENCE}) if place in doubtful else word
        for place, word in enumerate(words)
    )


def is_noise(words: Sequence[Word], window: SpeechWindow) -> bool:
    """Tell whether a window has no speech after all: a moment of voice, and only guessed words."""
    voiced_s = float((window.speech >= SPEECH_THRESHOLD).sum() / FRAMES_PER_S)
    return voiced_s < CLEAR_VOICE_S and all(word.confidence < GUESSED for word in words)


def split_in_pause(window: SpeechWindow) -> tuple[SpeechWindow, ...]:
    """Return a window in two, cut in the longest pause of its middle half; as it is where there is none.

    Of pauses as long as each other it is the one next to the middle.
    """
    middle, quarter = len(window.speech) // 2, len(window.speech) // 4
    found = [
        (end - begin, -abs(place - middle), place)
        for begin, end in find_pauses(window.speech)
        if abs((place := (begin + end) // 2) - middle) <= quarter
    ]
    return window.split_at(max(found)[2]) if found else (window,)


@dataclass(frozen=True)
class MissedSpeech:
    """Speech that no word was heard for.

    Attributes:
        first: place of the first word that does not count, or of the one after the gap.
        rest: place of the first word after the gap that does.
        part: the window from the breath before the gap to the one after it.
    """

    first_word: int
    next_word: int
    window: SpeechWindow


def find_missed_speech(words: Sequence[Word], window: SpeechWindow) -> Iterator[MissedSpeech]:
    """Yield the stretches in which somebody speaks and no word was heard.

    An engine that takes a full stop for the end of the window leaves out all that follows; one that skips a
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
            first, last = _breath(window, between.start, -1), _breath(window, between.stop - 1, 1)
            yield MissedSpeech(before + 1, after, window.split_at(last + 1)[0].split_at(first)[1])


def _breath(window: SpeechWindow, frame: int, step: int) -> int:
    """Return the nearest frame without speech, no further away than a word's time is unsure."""
    reach = 2 * int(SLACK_S * FRAMES_PER_S)
    places = range(frame, frame + step * reach, step)
    return next(
        (i for i in places if 0 <= i < len(window.speech) and window.speech[i] < SILENCE_THRESHOLD), frame
    )


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _loops(plain: Sequence[str]) -> Iterator[int]:
    for length, repeats in LOOP_REPEATS.items():
        same = [a == b for a, b in zip(plain, plain[length:], strict=False)]
        for run in _runs(same):
            if len(run) >= length * (repeats - 1):
                yield from range(run[0], run[-1] + 1 + length)


def _rushed(words: Sequence[Word]) -> Iterator[int]:
    for first in range(len(words) - FASTEST_OVER + 1):
        run = words[first : first + FASTEST_OVER]
        letters = sum(len(word.text.strip()) for word in run)
        if letters > FASTEST_LETTERS_PER_S * max(run[-1].end_s - run[0].start_s, SLACK_S):
            yield from range(first, first + FASTEST_OVER)


def _unvoiced(words: Sequence[Word], window: SpeechWindow) -> Iterator[int]:
    for place, word in enumerate(words):
        frames = window.frames(word.start_s - SLACK_S, word.end_s + SLACK_S)
        if not (window.speech[frames] >= SILENCE_THRESHOLD).any():
            yield place


def _is_phantom(plain: Sequence[str], words: Sequence[Word], window: SpeechWindow) -> bool:
    if " ".join(plain) not in PHANTOM_PHRASES:
        return False
    frames = window.speech[window.frames(words[0].start_s, words[-1].end_s)]
    return not frames.size or float((frames >= SPEECH_THRESHOLD).mean()) < WEAK_SPEECH


def _is_echo(plain: Sequence[str], prompt: str) -> bool:
    return len(plain) >= ECHO_WORDS and " ".join(plain) in _plain(prompt)


def _runs(flags: Iterable[bool]) -> Iterator[list[int]]:
    for flag, places in groupby(enumerate(flags), key=lambda pair: pair[1]):
        if flag:
            yield [place for place, _ in places]
