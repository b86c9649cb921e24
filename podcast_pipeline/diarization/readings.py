"""Merge two readings of one conversation: the engine's words of the mix, and those of every track. Pure.

The mix is read in the context of the whole conversation, a track without the voices of others. Where the two
agree, the track says who spoke. Where they differ, the reading of more confidence is taken; where people talk
over each other, that of the tracks. A word that one reading has and the other lacks stays. A track's word is
left out in one case: it is another speaker's, heard through the microphone.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from heapq import merge
from itertools import groupby
from math import inf
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
        language: of the word, where it is not the reading's.
        mix_place, track_place: of the word in the reading of the mix, and in that of the tracks, while they
            are merged; a word that both have has both.
    """

    word: Word
    doubt: str = ""
    track: int | None = None
    language: str | None = None
    mix_place: int | None = None
    track_place: int | None = None

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
        RecognizedWord(word, segment.doubts[0] if segment.doubts else "", track, segment.language)
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
    """Return the words of each track's speaker, in order, and words of the mix that no track has.

    A speaker's words keep the order that they have in either reading, and their times rise.

    Args:
        mix: words of the mix.
        tracks: words of each track, bleed removed, in the order of its sentences.
    """
    mix = [replace(recognized, mix_place=place) for place, recognized in enumerate(mix)]
    together = [replace(one, track_place=place) for place, one in enumerate(merge(*tracks, key=_start_s))]
    merged: list[list[RecognizedWord]] = [[] for _ in tracks]
    left_out: list[OmittedWord] = []
    for recognized in _merge(mix, together, activity):
        if recognized.track is None:
            left_out.append(OmittedWord(recognized.word, None, None))
        else:
            merged[recognized.track].append(recognized)
    return [_with_rising_times(_in_order(words)) for words in merged], left_out


def _start_s(recognized: RecognizedWord) -> float:
    return recognized.word.start_s


def _in_order(words: Sequence[RecognizedWord]) -> list[RecognizedWord]:
    """Return one speaker's words in the order of both readings; where neither tells, in that of time."""
    theirs = sorted((w for w in words if w.track_place is not None), key=lambda w: w.track_place or 0)
    ours = sorted((w for w in words if w.track_place is None), key=lambda w: w.mix_place or 0)
    ordered: list[RecognizedWord] = []
    between: list[RecognizedWord] = []
    done, last = 0, -1
    for recognized in theirs:
        if recognized.mix_place is not None and recognized.mix_place > last:  # both readings have it
            last = recognized.mix_place
            reached = bisect_left(ours, last, key=lambda w: w.mix_place or 0)
            ordered += [*merge(ours[done:reached], between, key=_start_s), recognized]
            done, between = reached, []
        else:
            between.append(recognized)
    return [*ordered, *merge(ours[done:], between, key=_start_s)]


def _with_rising_times(words: Sequence[RecognizedWord]) -> list[RecognizedWord]:
    """Return one speaker's words, those of the mix timed between their neighbours of the track."""
    fitted: list[RecognizedWord] = []
    for is_of_mix, group in groupby(words, key=lambda w: w.track_place is None):
        run = list(group)
        if is_of_mix:
            following = words[len(fitted) + len(run) :]
            latest_s = following[0].word.start_s if following else inf
            earliest_s = min(fitted[-1].word.end_s, latest_s) if fitted else 0.0
            run = _fit(run, earliest_s, latest_s)
        fitted += run
    return fitted


def _fit(words: Sequence[RecognizedWord], earliest_s: float, latest_s: float) -> list[RecognizedWord]:
    """Return words moved as little as they must be to lie in a stretch, and shortened if it is too short."""
    start_s, length_s = words[0].word.start_s, max(w.word.end_s for w in words) - words[0].word.start_s
    begin_s = max(min(start_s, latest_s - length_s), earliest_s)
    scale = min(1.0, (latest_s - begin_s) / length_s) if length_s else 1.0
    if begin_s == start_s and scale == 1.0:
        return list(words)

    def moved_s(time_s: float) -> float:
        return min(max(round(begin_s + (time_s - start_s) * scale, 3), earliest_s), latest_s)

    moved = [{"start_s": moved_s(w.word.start_s), "end_s": moved_s(w.word.end_s)} for w in words]
    return [replace(w, word=w.word.model_copy(update=times)) for w, times in zip(words, moved, strict=True)]


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
    left = [[one for one in mix[hunk.i1 : hunk.i2] if not spare.has(one)] for hunk in hunks]
    for i, j in matches:
        yield _agreed(mix[i], tracks[j])
    for hunk, ours in zip(hunks, left, strict=True):
        theirs_left = []
        for recognized in tracks[hunk.j1 : hunk.j2]:
            if (twin := spare.twin(recognized)) is None:
                theirs_left.append(recognized)
            else:
                yield _agreed(twin, recognized)
        for ours_there, theirs in _passages(ours, theirs_left):
            if theirs or not _is_overlapped(ours_there, activity):
                yield from _choose(ours_there, theirs, activity)
            else:
                yield from (_in_a_gap(recognized, tracks, activity) for recognized in ours_there)


def _passages(
    mix: Sequence[RecognizedWord], tracks: Sequence[RecognizedWord]
) -> Iterator[tuple[list[RecognizedWord], list[RecognizedWord]]]:
    """Yield the words of both readings in passages: in two moments two things may have been said."""
    passage: list[RecognizedWord] = []
    for recognized in merge(mix, tracks, key=_start_s):
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
    word = theirs.word.model_copy(update={"confidence": confidence})
    return replace(theirs, word=word, mix_place=ours.mix_place)


class _Spare:
    """Words of the tracks that match no word of the mix in order; each is compared with one of them."""

    def __init__(self, words: Sequence[RecognizedWord]) -> None:
        self._words = list(words)
        self._twins: dict[int | None, RecognizedWord] = {}

    def has(self, recognized: RecognizedWord) -> bool:
        """Tell whether a track has this word of the mix, at its time but elsewhere in the order."""
        for other in self._words:
            near = abs(other.word.start_s - recognized.word.start_s) <= SAME_WORD_S
            if near and other.track_place not in self._twins and other.key == recognized.key:
                self._twins[other.track_place] = recognized
                return True
        return False

    def twin(self, recognized: RecognizedWord) -> RecognizedWord | None:
        """Return the word of the mix that a track's word was compared with."""
        return self._twins.get(recognized.track_place)


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
