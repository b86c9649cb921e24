"""Assign every word to the speaker with most of its time. Pure.

Diarization cuts turns by sound, transcription cuts sentences by sense, and both are a little off. So a change
of speaker inside a sentence counts only if it is long enough to be real.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from pydantic import Field

from podcast_pipeline.model import FrozenModel, Seconds, Segment, Speaker, Transcript, Word

SPEAKER_DOUBT = "speaker"  # in Segment.doubts
SHORT_S = 0.6  # too little speech to identify a voice
BACKCHANNEL_S = 1.2  # a "yeah" in the middle of somebody's sentence is not a turn
BACKCHANNEL_WORDS = 3
EDGE_WORDS = 2  # error of a boundary between turns
UNCERTAIN = 0.5  # certainty below which a person should listen
OVERLAPPED = 0.5  # share of a segment's time with other speakers
NEAR_S = 0.1  # added on both sides of a word without length


class DiarizationTurn(FrozenModel):
    """A stretch in which one speaker speaks; turns of two speakers may overlap.

    Attributes:
        certainty: that the speaker is right, 0 to 1.
    """

    start_s: Seconds
    end_s: Seconds
    speaker: str
    certainty: float = 1.0


class DiarizationResult(FrozenModel):
    """The result of a diarizer.

    Attributes:
        turns: in order of their start.
        voices: speaker -> embedding of the voice, of length 1.
    """

    turns: tuple[DiarizationTurn, ...] = ()
    voices: dict[str, tuple[float, ...]] = Field(default_factory=dict)


@dataclass(frozen=True)
class AttributedWord:
    """A word and its speaker."""

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

    No word is split, changed, lost or moved; a segment is split where the speaker changes. Without turns the
    transcript is unchanged. Segments with an uncertain speaker get the doubt "speaker".

    Args:
        names: turns' speaker -> name, where certain.
        proposals: turns' speaker -> likely name, which becomes a doubt of the speaker's first segment.
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
                for segment in _with_proposals(segments, proposals or {})
            ),
        }
    )


def _with_proposals(segments: Iterable[Segment], proposals: Mapping[str, str]) -> Iterator[Segment]:
    pending = dict(proposals)
    for segment in segments:
        name = pending.pop(segment.speaker or "", None)
        doubts = (*segment.doubts, f"{SPEAKER_DOUBT}: {name}") if name else segment.doubts
        yield segment.model_copy(update={"doubts": doubts})


class TurnIndex:
    """Turns by time, for the lookup of words in any order."""

    def __init__(self, turns: Sequence[DiarizationTurn]) -> None:
        self._turns = sorted(turns, key=lambda turn: turn.start_s)
        self._longest_s = max(turn.end_s - turn.start_s for turn in turns)

    def owner(self, word: Word) -> AttributedWord:
        """Return the word with the speaker who has most of its time, else the nearest speaker."""
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
    runs = _merge_short_runs([list(run) for _, run in groupby(owned, key=lambda one: one.speaker)])
    return [_segment(run, speaker, segment) for speaker, run in runs]


def _merge_short_runs(runs: list[list[AttributedWord]]) -> list[tuple[str, list[AttributedWord]]]:
    """Return (speaker, words) of a sentence, runs that are too short for a turn merged into neighbours."""
    labelled = [(run[0].speaker, run) for run in runs]
    while short := [i for i in range(len(labelled)) if _is_short(labelled, i)]:
        at = min(short, key=lambda i: _length_s(labelled[i][1]))
        neighbours = [i for i in (at - 1, at + 1) if 0 <= i < len(labelled)]
        target = max(neighbours, key=lambda i: _length_s(labelled[i][1]))
        first, last = min(at, target), max(at, target)
        labelled[first : last + 1] = [(labelled[target][0], labelled[first][1] + labelled[last][1])]
        labelled = _join_neighbours(labelled)
    return labelled


def _is_short(runs: Sequence[tuple[str, list[AttributedWord]]], at: int) -> bool:
    run = runs[at][1]
    if len(runs) == 1:
        return False
    inside = 0 < at < len(runs) - 1
    words = BACKCHANNEL_WORDS if inside else EDGE_WORDS
    return len(run) <= words and _length_s(run) <= BACKCHANNEL_S


def _join_neighbours(runs: list[tuple[str, list[AttributedWord]]]) -> list[tuple[str, list[AttributedWord]]]:
    groups = groupby(runs, key=lambda part: part[0])
    return [(speaker, [one for _, run in parts for one in run]) for speaker, parts in groups]


def _length_s(run: Sequence[AttributedWord]) -> float:
    return run[-1].word.end_s - run[0].word.start_s


def _segment(run: Sequence[AttributedWord], speaker: str, segment: Segment) -> Segment:
    doubts = segment.doubts
    if SPEAKER_DOUBT not in doubts and _is_uncertain(run, speaker):
        doubts = (*doubts, SPEAKER_DOUBT)
    return segment.model_copy(
        update={"speaker": speaker, "words": tuple(one.word for one in run), "doubts": doubts}
    )


def _is_uncertain(run: Sequence[AttributedWord], speaker: str) -> bool:
    if _length_s(run) < SHORT_S:
        return True
    own = [one for one in run if one.speaker == speaker]
    certainty = sum(one.certainty for one in own) / len(run)  # merged words of others count as 0
    return certainty < UNCERTAIN or sum(one.overlapped for one in run) > OVERLAPPED * len(run)
