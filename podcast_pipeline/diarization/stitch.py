"""Overlapping windows, each with local speakers, to the turns of a whole recording. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.diarization.assign import DiarizationResult, DiarizationTurn
from podcast_pipeline.diarization.boundaries import FRAME_S, Levels, extend_turns
from podcast_pipeline.diarization.clustering import Embeddings, centroid, cluster_embeddings

FRAME_MIDDLE_S = 0.031  # a frame of segmentation-3.0 sees 62 ms
CLEAR_S = 1.0  # of clean speech: a voice that helps to find the groups
MOST_VOICES = 2000  # are enough for that: those of an hour
LONGEST_GAP_S = 0.3  # inside a piece: a breath
LONGEST_PAUSE_S = 0.58  # inside a turn; min_duration_off of pyannote's own pipeline, 2.1
PIECE_S = 2.5
OWN_WEIGHT = 0.6  # of a piece's own sound; the rest is that of its local speaker in the whole window
SHORTEST_S = 0.1
ACTIVE = 0.5
SURE_MARGIN = 0.4  # cosine to the own voice minus the next one's: certain beyond doubt

Activity = NDArray[np.bool_]
"""Shape (n_frames, 3): which local speaker is active in which frame."""

Votes = NDArray[np.float64]
"""Shape (n_frames, n_speakers)."""


@dataclass(frozen=True)
class SpeechPiece:
    """Frames first to last of a window in which a local speaker speaks; `clean`: those with nobody else."""

    local: int
    first: int
    last: int
    clean: NDArray[np.bool_]


@dataclass(frozen=True)
class VoiceEmbedding:
    """The embedding of a piece, of length 1, and the seconds behind it in which nobody else spoke."""

    local: int
    first: int
    last: int
    embedding: NDArray[np.float32]
    clean_s: float


@dataclass(frozen=True)
class DiarizationWindow:
    """What was heard in one window; times from the start of the recording."""

    start_s: float
    activity: Activity
    levels: Levels
    voices: tuple[VoiceEmbedding, ...]


@dataclass(frozen=True)
class LabelledVoice:
    """A voice that was given to a speaker."""

    window: int
    voice: VoiceEmbedding
    speaker: int
    certainty: float


def speech_pieces(activity: Activity) -> Iterator[SpeechPiece]:
    """Yield each local speaker's speech in pieces that are long enough to know a voice by.

    A window in which segmentation took two people for one would give one muddled voice; its pieces do not.
    """
    alone = activity.sum(axis=1) == 1
    for local in range(activity.shape[1]):
        for first, last in _even(_runs(activity[:, local], LONGEST_GAP_S)):
            clean = np.zeros(len(activity), np.bool_)
            clean[first:last] = activity[first:last, local] & alone[first:last]
            yield SpeechPiece(local, first, last, clean)


def _even(runs: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Cut long runs into equal parts."""
    for first, last in runs:
        parts = max(1, round((last - first) * FRAME_S / PIECE_S))
        edges = np.linspace(first, last, parts + 1).astype(int).tolist()
        yield from pairwise(edges)


def stitch(windows: Sequence[DiarizationWindow], *, count: int | None) -> DiarizationResult:
    """Return the turns of all windows and each speaker's voice.

    Args:
        windows: in order.
        count: how many people speak, None to find out.
    """
    voices = [(number, voice) for number, window in enumerate(windows) for voice in window.voices]
    if not voices:
        return DiarizationResult()
    centres = _centres(voices, count)
    known = _recognised(voices, centres)
    known += _supposed(windows, known)
    found = _turns(*_votes(windows, known, len(centres)))
    turns = extend_turns(sorted(found, key=lambda turn: (turn.start_s, turn.speaker)), _levels(windows))
    named = {f"{number}": tuple(round(float(x), 5) for x in row) for number, row in enumerate(centres)}
    spoken = {turn.speaker for turn in turns}
    return DiarizationResult(
        turns=turns, voices={name: voice for name, voice in named.items() if name in spoken}
    )


def _centres(voices: Sequence[tuple[int, VoiceEmbedding]], count: int | None) -> Embeddings:
    clear = [(number, voice) for number, voice in voices if voice.clean_s >= CLEAR_S] or list(voices)
    clear = clear[:: -(-len(clear) // MOST_VOICES)]  # every so many: grouping takes their square in memory
    embeddings = np.stack([voice.embedding for _, voice in clear])
    seconds = np.array([voice.clean_s for _, voice in clear])
    labels = cluster_embeddings(embeddings, seconds, count=count)
    return np.stack(
        [centroid(embeddings[labels == k], seconds[labels == k]) for k in range(labels.max() + 1)]
    )


def _recognised(voices: Sequence[tuple[int, VoiceEmbedding]], centres: Embeddings) -> list[LabelledVoice]:
    """Tell each piece by its own sound and by that of all its window's pieces of the same local speaker."""
    together: dict[tuple[int, int], NDArray[np.float32]] = {}
    for number, voice in voices:
        key = (number, voice.local)
        together[key] = together.get(key, np.float32(0)) + voice.embedding * np.float32(voice.clean_s)
    known = []
    for number, voice in voices:
        whole = together[number, voice.local]
        mixed = voice.embedding * OWN_WEIGHT + whole / np.linalg.norm(whole) * (1 - OWN_WEIGHT)
        near = centres @ (mixed / np.linalg.norm(mixed))
        best = int(near.argmax())
        others = np.delete(near, best)
        margin = float(near[best] - others.max()) if others.size else SURE_MARGIN
        known.append(LabelledVoice(number, voice, best, min(max(margin / SURE_MARGIN, 0.0), 1.0)))
    return known


def _supposed(
    windows: Sequence[DiarizationWindow], known: Sequence[LabelledVoice]
) -> Iterator[LabelledVoice]:
    """Yield pieces too short or too overlapped to know a voice by, as the nearest of their local speaker."""
    of_local: dict[tuple[int, int], list[LabelledVoice]] = defaultdict(list)
    for one in known:
        of_local[one.window, one.voice.local].append(one)
    for number, window in enumerate(windows):
        for piece in speech_pieces(window.activity):
            same = of_local.get((number, piece.local), [])
            if not same or any(one.voice.first == piece.first for one in same):
                continue
            near = min(same, key=lambda one: abs(one.voice.first - piece.first))
            voice = replace(near.voice, first=piece.first, last=piece.last)
            yield LabelledVoice(number, voice, near.speaker, certainty=0.0)


def _votes(
    windows: Sequence[DiarizationWindow], known: Sequence[LabelledVoice], speakers: int
) -> tuple[Votes, Votes]:
    """Return how active and how certain each speaker is in each frame, both of shape (n_frames, speakers)."""
    first = [round(window.start_s / FRAME_S) for window in windows]
    frames = max(at + len(window.activity) for at, window in zip(first, windows, strict=True))
    active, certain = np.zeros((frames, speakers)), np.zeros((frames, speakers))
    heard = np.full((frames, 1), 1e-6)
    for at, window in zip(first, windows, strict=True):
        heard[at : at + len(window.activity), 0] += np.hamming(len(window.activity))
    for one in known:
        at, voice = first[one.window], one.voice
        activity = windows[one.window].activity
        vote = (activity[:, voice.local] * np.hamming(len(activity)))[voice.first : voice.last]
        active[at + voice.first : at + voice.last, one.speaker] += vote
        certain[at + voice.first : at + voice.last, one.speaker] += vote * one.certainty
    return active / heard, certain / np.maximum(active, 1e-6)


def _turns(active: Votes, certain: Votes) -> Iterator[DiarizationTurn]:
    for speaker in range(active.shape[1]):
        for first, last in _runs(active[:, speaker] > ACTIVE, LONGEST_PAUSE_S):
            yield DiarizationTurn(
                start_s=first * FRAME_S + FRAME_MIDDLE_S,
                end_s=last * FRAME_S + FRAME_MIDDLE_S,
                speaker=f"{speaker}",
                certainty=round(float(certain[first:last, speaker].mean()), 3),
            )


def _levels(windows: Sequence[DiarizationWindow]) -> Levels:
    first = [round(window.start_s / FRAME_S) for window in windows]
    ends = (at + len(window.levels) for at, window in zip(first, windows, strict=True))
    whole = np.full(max(ends), np.nan, np.float32)
    for at, window in zip(first, windows, strict=True):
        whole[at : at + len(window.levels)] = window.levels
    return whole


def _runs(flags: NDArray[np.bool_], longest_gap_s: float) -> Iterator[tuple[int, int]]:
    """Yield (first, after the last) of runs of True; shorter gaps are filled, short runs left out."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    runs: list[list[int]] = []
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if runs and (first - runs[-1][1]) * FRAME_S < longest_gap_s:
            runs[-1][1] = last
        else:
            runs.append([first, last])
    return ((first, last) for first, last in runs if (last - first) * FRAME_S >= SHORTEST_S)
