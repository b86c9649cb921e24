"""Turns to words: every word to the speaker who has most of its time. Pure.

Engines cut turns by sound and hear sentences by sense, and both are a little off. So a change of speaker
inside a sentence counts only when it is long enough to be meant.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from pydantic import Field

from podcast_pipeline.model import FrozenModel, Seconds, Segment, Speaker, Transcript, Word

SPEAKER_DOUBT = "speaker"  # in Segment.doubts
SHORT_S = 0.6  # too little to know a voice by
BACKCHANNEL_S = 1.2  # a "yeah" in the middle of somebody's sentence is not a turn
BACKCHANNEL_WORDS = 3
EDGE_WORDS = 2  # so far off is a boundary between turns
UNCERTAIN = 0.5  # below this certainty somebody should listen
OVERLAPPED = 0.5  # share of a segment's time in which somebody else speaks too
NEAR_S = 0.1  # given to a word without length, on both sides


class DiarizationTurn(FrozenModel):
    """A stretch in which one speaker speaks; turns of two speakers may overlap.

    Attributes:
        certainty: that it is this speaker, 0 to 1.
    """

    start_s: Seconds
    end_s: Seconds
    speaker: str
    certainty: float = 1.0


class DiarizationResult(FrozenModel):
    """What a diarizer heard.

    Attributes:
        turns: in order of their start.
        voices: speaker -> embedding of the voice, of length 1.
    """

    turns: tuple[DiarizationTurn, ...] = ()
    voices: dict[str, tuple[float, ...]] = Field(default_factory=dict)


@dataclass(frozen=True)
class AttributedWord:
    """A word and whose it is."""

    word: Word
    speaker: str
    certainty: float
    overlapped: bool


def assign_speakers(
    transcript: Transcript,
    turns: Sequence[DiarizationTurn],
    *,
    names: Mapping[str, str] | None = None,
    proposals: Mapping[str, str] | None = None,
) -> Transcript:
    """Return the transcript with a speaker for every segment, numbered by first appearance.

    No word is split, changed, lost or moved; a segment is split where the speaker changes in it. Without
    turns it is returned as it is. Segments that were given with hesitation have the doubt "speaker".

    Args:
        names: turns' speaker -> name, where it is certain.
        proposals: turns' speaker -> name that is likely; it becomes a doubt of their first segment.
    """
    if not turns:
        return transcript
    index = TurnIndex(turns)
    segments = [part for segment in transcript.segments for part in _split(segment, index)]
    order = list(dict.fromkeys(segment.speaker for segment in segments if segment.speaker))
    ids = {speaker: f"S{number}" for number, speaker in enumerate(order)}
    return transcript.model_copy(
        update={
            "speakers": tuple(Speaker(id=ids[speaker], name=(names or {}).get(speaker)) for speaker in order),
            "segments": tuple(
                segment.model_copy(update={"speaker": ids[segment.speaker or ""]})
                for segment in _proposed(segments, proposals or {})
            ),
        }
    )


def _proposed(segments: Iterable[Segment], proposals: Mapping[str, str]) -> Iterator[Segment]:
    waiting = dict(proposals)
    for segment in segments:
        name = waiting.pop(segment.speaker or "", None)
        doubts = (*segment.doubts, f"{SPEAKER_DOUBT}: {name}") if name else segment.doubts
        yield segment.model_copy(update={"doubts": doubts})


class TurnIndex:
    """Turns by time, asked with words that come in order or not."""

    def __init__(self, turns: Sequence[DiarizationTurn]) -> None:
        self._turns = sorted(turns, key=lambda turn: turn.start_s)
        self._longest_s = max(turn.end_s - turn.start_s for turn in turns)

    def owner(self, word: Word) -> AttributedWord:
        """Return whose word it is: who has most of its time, else who speaks nearest to it."""
        start_s, end_s = word.start_s, word.end_s
        if end_s - start_s < NEAR_S:
            start_s, end_s = start_s - NEAR_S, end_s + NEAR_S
        shares: dict[str, float] = {}
        certainty: dict[str, float] = {}
        for turn in self._around(start_s, end_s):
            common_s = min(turn.end_s, end_s) - max(turn.start_s, start_s)
            shares[turn.speaker] = shares.get(turn.speaker, 0.0) + common_s
            certainty[turn.speaker] = max(certainty.get(turn.speaker, 0.0), turn.certainty)
        if not shares:
            nearest = min(self._turns, key=lambda turn: _distance_s(turn, start_s, end_s))
            return AttributedWord(word, nearest.speaker, nearest.certainty, overlapped=False)
        best = max(shares, key=lambda speaker: shares[speaker])
        overlapped = sum(shares.values()) > (end_s - start_s) * (1 + OVERLAPPED)
        return AttributedWord(word, best, certainty[best], overlapped)

    def _around(self, start_s: float, end_s: float) -> Iterable[DiarizationTurn]:
        first = bisect_left(self._turns, start_s - self._longest_s, key=lambda turn: turn.start_s)
        for turn in self._turns[first:]:
            if turn.start_s >= end_s:
                return
            if turn.end_s > start_s:
                yield turn


def _distance_s(turn: DiarizationTurn, start_s: float, end_s: float) -> float:
    return max(turn.start_s - end_s, start_s - turn.end_s, 0.0)


def _split(segment: Segment, index: TurnIndex) -> list[Segment]:
    owned = [index.owner(word) for word in segment.words]
    runs = _settled([list(run) for _, run in groupby(owned, key=lambda one: one.speaker)])
    return [_segment(run, speaker, segment) for speaker, run in runs]


def _settled(runs: list[list[AttributedWord]]) -> list[tuple[str, list[AttributedWord]]]:
    """Return (speaker, words) of a sentence without what is too short to be a turn."""
    told = [(run[0].speaker, run) for run in runs]
    while slight := [i for i in range(len(told)) if _slight(told, i)]:
        at = min(slight, key=lambda i: _length(told[i][1]))
        beside = [i for i in (at - 1, at + 1) if 0 <= i < len(told)]
        into = max(beside, key=lambda i: _length(told[i][1]))
        first, last = min(at, into), max(at, into)
        told[first : last + 1] = [(told[into][0], told[first][1] + told[last][1])]
        told = _joined(told)
    return told


def _slight(told: Sequence[tuple[str, list[AttributedWord]]], at: int) -> bool:
    run = told[at][1]
    if len(told) == 1:
        return False
    inside = 0 < at < len(told) - 1
    words = BACKCHANNEL_WORDS if inside else EDGE_WORDS
    return len(run) <= words and _length(run) <= BACKCHANNEL_S


def _joined(told: list[tuple[str, list[AttributedWord]]]) -> list[tuple[str, list[AttributedWord]]]:
    groups = groupby(told, key=lambda part: part[0])
    return [(speaker, [one for _, run in parts for one in run]) for speaker, parts in groups]


def _length(run: Sequence[AttributedWord]) -> float:
    return run[-1].word.end_s - run[0].word.start_s


def _segment(run: Sequence[AttributedWord], speaker: str, segment: Segment) -> Segment:
    doubts = segment.doubts
    if SPEAKER_DOUBT not in doubts and _is_uncertain(run, speaker):
        doubts = (*doubts, SPEAKER_DOUBT)
    return segment.model_copy(
        update={"speaker": speaker, "words": tuple(one.word for one in run), "doubts": doubts}
    )


def _is_uncertain(run: Sequence[AttributedWord], speaker: str) -> bool:
    if _length(run) < SHORT_S:
        return True
    own = [one for one in run if one.speaker == speaker]
    certainty = sum(one.certainty for one in own) / len(run)  # what was absorbed counts as 0
    return certainty < UNCERTAIN or sum(one.overlapped for one in run) > OVERLAPPED * len(run)
