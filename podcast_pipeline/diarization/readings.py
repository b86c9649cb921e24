"""Merge two readings of one conversation: the engine's words of the mix, and those of every track. Pure.

The mix is read in the context of the whole conversation, a track without the voices of others. Where the two
agree, the track says who spoke. Where they differ, the reading of more confidence is taken; where people talk
over each other, that of the tracks. A word that one reading has and the other lacks stays. A track's word is
left out in one case: it is another speaker's, heard through the microphone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from statistics import fmean

from podcast_pipeline.diarization.crosstalk import Activity
from podcast_pipeline.model import Segment, Word
from podcast_pipeline.transcript.edits.sequence_diff import diff_hunks, matching_indices

NEAR_S = 0.15  # error of word times
SAME_WORD_S = 0.9  # between a word's times in two readings: the first one after a pause may be late
PASSAGE_S = 0.3  # words that differ and are further apart are no readings of one passage
SIMILAR = 0.75  # letters in common, of the longer word
LOUD_SHARE = 0.5  # of a word's time in which another speaker is active, where the word may be that speaker's
LONGER = 0.1  # of confidence, for which the longer reading is taken: a lost word is worse than a wrong one


@dataclass(frozen=True)
class RecognizedWord:
    """A word of one reading.

    Attributes:
        track: number of the track whose speaker said it; None for a word of the mix.
    """

    word: Word
    doubt: str = ""
    track: int | None = None

    @property
    def key(self) -> str:
        """The word as it is compared: its letters and digits, in lower case."""
        letters = "".join(c for c in self.word.text.casefold() if c.isalnum())
        return letters or self.word.text.strip()


@dataclass(frozen=True)
class OmittedWord:
    """A word of one reading that no speaker is given.

    Attributes:
        track: number of the track that has it; None for a word of the mix.
        louder: number of the track whose speaker is louder at that moment; None if none is.
    """

    word: Word
    track: int | None
    louder: int | None


def words_of(segments: Iterable[Segment], track: int | None = None) -> list[RecognizedWord]:
    """Return the words of a reading, each with the doubt of its sentence."""
    return [
        RecognizedWord(word, segment.doubts[0] if segment.doubts else "", track)
        for segment in segments
        for word in segment.words
    ]


def remove_bleed(
    tracks: Sequence[Sequence[RecognizedWord]], activity: Activity
) -> tuple[list[list[RecognizedWord]], list[OmittedWord]]:
    """Return the words of each track without those of other speakers, and the words that were left out.

    A word is another speaker's if that speaker is active at its time and its own is not, and that speaker's
    track has a word there: the same one, or, where the own speaker is not active at all, any.
    """
    kept: list[list[RecognizedWord]] = [[] for _ in tracks]
    bleed: list[OmittedWord] = []
    for track, words in enumerate(tracks):
        for recognized in words:
            other = _louder_speaker(recognized, track, tracks, activity)
            if other is None:
                kept[track].append(recognized)
            else:
                bleed.append(OmittedWord(recognized.word, track, other))
    return kept, bleed


def _louder_speaker(
    recognized: RecognizedWord, track: int, tracks: Sequence[Sequence[RecognizedWord]], activity: Activity
) -> int | None:
    start_s, end_s = recognized.word.start_s, recognized.word.end_s
    own = activity.shares(start_s - NEAR_S, end_s + NEAR_S)[track]
    shares = activity.shares(start_s, end_s)
    if own >= LOUD_SHARE:
        return None
    for other, words in enumerate(tracks):
        if other != track and shares[other] >= LOUD_SHARE:
            there = [w for w in words if _distance_s(recognized.word, w.word) <= NEAR_S]
            if any(own == 0 or _is_similar(recognized, w) for w in there):
                return other
    return None


def _distance_s(a: Word, b: Word) -> float:
    return max(a.start_s - b.end_s, b.start_s - a.end_s, 0.0)


def _is_similar(a: RecognizedWord, b: RecognizedWord) -> bool:
    return a.key == b.key or SequenceMatcher(None, a.key, b.key, autojunk=False).ratio() >= SIMILAR


def merge_readings(
    mix: Sequence[RecognizedWord], tracks: Sequence[Sequence[RecognizedWord]], activity: Activity
) -> tuple[list[list[RecognizedWord]], list[OmittedWord]]:
    """Return the words of each track's speaker, in order of time, and words of the mix that no track has.

    Args:
        mix: words of the mix.
        tracks: words of each track, bleed removed, in the order of its sentences.
    """
    merged: list[list[RecognizedWord]] = [[] for _ in tracks]
    left_out: list[OmittedWord] = []
    for recognized in _merge(mix, _in_order(tracks), activity):
        if recognized.track is None:
            left_out.append(OmittedWord(recognized.word, None, None))
        else:
            merged[recognized.track].append(recognized)
    return [sorted(words, key=lambda h: (h.word.start_s, h.word.end_s)) for words in merged], left_out


def _in_order(tracks: Sequence[Sequence[RecognizedWord]]) -> list[RecognizedWord]:
    return sorted((recognized for words in tracks for recognized in words), key=lambda h: h.word.start_s)


def _merge(
    mix: Sequence[RecognizedWord], tracks: Sequence[RecognizedWord], activity: Activity
) -> Iterator[RecognizedWord]:
    """Yield the chosen words, and, without a track, those of the mix in whose place a track has others."""
    matches = [
        (i, j)
        for i, j in matching_indices([h.key for h in mix], [h.key for h in tracks])
        if abs(mix[i].word.start_s - tracks[j].word.start_s) <= SAME_WORD_S
    ]
    hunks = list(diff_hunks(matches, len(mix), len(tracks)))
    spare = _Spare([h for hunk in hunks for h in tracks[hunk.j1 : hunk.j2]])
    for i, j in matches:
        yield _agreed(mix[i], tracks[j])
    for hunk in hunks:
        ours = [recognized for recognized in mix[hunk.i1 : hunk.i2] if not spare.has(recognized)]
        for ours_there, theirs in _passages(ours, tracks[hunk.j1 : hunk.j2]):
            if theirs or not _is_overlapped(ours_there, activity):
                yield from _choose(ours_there, theirs, activity)
            else:
                yield from (_in_a_gap(recognized, tracks, activity) for recognized in ours_there)


def _passages(
    mix: Sequence[RecognizedWord], tracks: Sequence[RecognizedWord]
) -> Iterator[tuple[list[RecognizedWord], list[RecognizedWord]]]:
    """Yield the words of both readings in passages: in two moments two things may have been said."""
    passage: list[RecognizedWord] = []
    for recognized in sorted([*mix, *tracks], key=lambda h: h.word.start_s):
        if passage and recognized.word.start_s - max(h.word.end_s for h in passage) > PASSAGE_S:
            yield _by_reading(passage)
            passage = []
        passage.append(recognized)
    if passage:
        yield _by_reading(passage)


def _by_reading(words: Sequence[RecognizedWord]) -> tuple[list[RecognizedWord], list[RecognizedWord]]:
    return [h for h in words if h.track is None], [h for h in words if h.track is not None]


def _agreed(ours: RecognizedWord, theirs: RecognizedWord) -> RecognizedWord:
    confidence = max(ours.word.confidence, theirs.word.confidence)
    return replace(theirs, word=theirs.word.model_copy(update={"confidence": confidence}))


class _Spare:
    """Words of the tracks that match no word of the mix in order; each is compared with one of them."""

    def __init__(self, words: Sequence[RecognizedWord]) -> None:
        self._words = list(words)
        self._used: set[int] = set()

    def has(self, recognized: RecognizedWord) -> bool:
        """Tell whether a track has this word of the mix, at its time but elsewhere in the order."""
        for place, other in enumerate(self._words):
            near = abs(other.word.start_s - recognized.word.start_s) <= SAME_WORD_S
            if near and place not in self._used and other.key == recognized.key:
                self._used.add(place)
                return True
        return False


def _choose(
    mix: Sequence[RecognizedWord], tracks: Sequence[RecognizedWord], activity: Activity
) -> Iterator[RecognizedWord]:
    """Yield one of the two readings of a passage that they read differently."""
    if not tracks:
        yield from (replace(recognized, track=_speaker(recognized.word, activity)) for recognized in mix)
    elif not mix or _is_overlapped(mix, activity):
        yield from tracks
    elif len({recognized.track for recognized in tracks}) == 1 and _worth(mix, tracks) > _worth(tracks, mix):
        yield from (replace(recognized, track=tracks[0].track) for recognized in mix)
    else:
        yield from tracks


def _in_a_gap(
    recognized: RecognizedWord, tracks: Sequence[RecognizedWord], activity: Activity
) -> RecognizedWord:
    """Return a word of the mix with its speaker if no track has a word at its time, else unchanged."""
    if any(_distance_s(recognized.word, other.word) <= NEAR_S for other in tracks):
        return recognized
    return replace(recognized, track=_speaker(recognized.word, activity))


def _is_overlapped(mix: Sequence[RecognizedWord], activity: Activity) -> bool:
    if not mix:
        return False
    end_s = max(recognized.word.end_s for recognized in mix)
    return activity.is_overlapped(mix[0].word.start_s - NEAR_S, end_s + NEAR_S)


def _worth(words: Sequence[RecognizedWord], others: Sequence[RecognizedWord]) -> float:
    """Return the mean confidence of a reading, and something for being longer than the other."""
    longer = LONGER if len(words) > len(others) else 0.0
    return fmean(recognized.word.confidence for recognized in words) + longer


def _speaker(word: Word, activity: Activity) -> int:
    """Return the track whose speaker is active most of a word's time, else the nearest."""
    shares = activity.shares(word.start_s, word.end_s)
    return int(shares.argmax()) if shares.max() > 0 else activity.nearest((word.start_s + word.end_s) / 2)
