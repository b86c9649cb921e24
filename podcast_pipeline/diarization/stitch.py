"""Stitch overlapping windows, each with local speakers, to the turns of a whole recording. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.diarization.assign import DiarizationResult, DiarizationTurn
from podcast_pipeline.diarization.boundaries import FRAME_S, Levels, extend_turns
from podcast_pipeline.diarization.clustering import Embeddings, centroid, cluster_embeddings

FRAME_MIDDLE_S = 0.031  # a frame of segmentation-3.0 covers 62 ms
CLEAR_S = 1.0  # least clean speech of a voice that is used for clustering
MOST_VOICES = 2000  # used for clustering: those of an hour
LONGEST_GAP_S = 0.3  # inside a piece: a breath
LONGEST_PAUSE_S = 0.58  # inside a turn; min_duration_off of pyannote's own pipeline, 2.1
PIECE_S = 2.5
OWN_WEIGHT = 0.6  # of a piece's own embedding; the rest is that of its local speaker in the whole window
SHORTEST_S = 0.1
ACTIVE = 0.5
SURE_MARGIN = 0.4  # cosine to the nearest speaker minus that to the next: certainty 1

Activity = NDArray[np.bool_]
"""Shape (n_frames, 3): activity of each local speaker in each frame."""

Votes = NDArray[np.float64]
"""Shape (n_frames, n_speakers)."""


@dataclass(frozen=True)
class SpeechPiece:
    """Frames first to last of a window in which a local speaker speaks; `clean`: those without others."""

    local: int
    first: int
    last: int
    clean: NDArray[np.bool_]


@dataclass(frozen=True)
class VoiceEmbedding:
    """The embedding of a piece, of length 1, and its seconds of speech without other speakers."""

    local: int
    first: int
    last: int
    embedding: NDArray[np.float32]
    clean_s: float


@dataclass(frozen=True)
class DiarizationWindow:
    """The activity and voices of one window; times from the start of the recording."""

    start_s: float
    activity: Activity
    levels: Levels
    voices: tuple[VoiceEmbedding, ...]


@dataclass(frozen=True)
class LabelledVoice:
    """A voice that was assigned to a speaker."""

    window: int
    voice: VoiceEmbedding
    speaker: int
    certainty: float


def speech_pieces(activity: Activity) -> Iterator[SpeechPiece]:
    """Yield each local speaker's speech in pieces that are long enough to identify a voice.

    If segmentation takes two people for one, a whole window gives a mixed voice; its pieces do not.
    """
    alone = activity.sum(axis=1) == 1
    for local in range(activity.shape[1]):
        for first, last in _split_evenly(_true_runs(activity[:, local], LONGEST_GAP_S)):
            clean = np.zeros(len(activity), np.bool_)
            clean[first:last] = activity[first:last, local] & alone[first:last]
            yield SpeechPiece(local, first, last, clean)


def _split_evenly(runs: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Cut long runs into equal parts."""
    for first, last in runs:
        parts = max(1, round((last - first) * FRAME_S / PIECE_S))
        edges = np.linspace(first, last, parts + 1).astype(int).tolist()
        yield from pairwise(edges)


def stitch(windows: Sequence[DiarizationWindow], *, count: int | None) -> DiarizationResult:
    """Return the turns of all windows and the voice of each speaker.

    Args:
        windows: in order.
        count: number of people who speak, None to detect it.
    """
    voices = [(number, voice) for number, window in enumerate(windows) for voice in window.voices]
    if not voices:
        return DiarizationResult()
    centroids = _speaker_centroids(windows, voices, count)
    labelled = _label_voices(voices, centroids)
    labelled += _label_short_pieces(windows, labelled)
    core_turns = _turns(*_votes(windows, labelled, len(centroids)))
    turns = extend_turns(sorted(core_turns, key=lambda turn: (turn.start_s, turn.speaker)), _levels(windows))
    embeddings = {f"{number}": tuple(round(float(x), 5) for x in row) for number, row in enumerate(centroids)}
    active_speakers = {turn.speaker for turn in turns}
    return DiarizationResult(
        turns=turns, voices={name: voice for name, voice in embeddings.items() if name in active_speakers}
    )


def _speaker_centroids(
    windows: Sequence[DiarizationWindow], voices: Sequence[tuple[int, VoiceEmbedding]], count: int | None
) -> Embeddings:
    clean = [(number, voice) for number, voice in voices if voice.clean_s >= CLEAR_S] or list(voices)
    clean = clean[:: -(-len(clean) // MOST_VOICES)]  # memory grows with the square of their number
    embeddings = np.stack([voice.embedding for _, voice in clean])
    seconds = np.array([voice.clean_s for _, voice in clean])
    spans = np.array(
        [windows[number].start_s + np.array([voice.first, voice.last]) * FRAME_S for number, voice in clean]
    )
    labels = cluster_embeddings(embeddings, seconds, spans, count=count)
    return np.stack(
        [centroid(embeddings[labels == k], seconds[labels == k]) for k in range(labels.max() + 1)]
    )


def _label_voices(voices: Sequence[tuple[int, VoiceEmbedding]], centroids: Embeddings) -> list[LabelledVoice]:
    """Label each piece by its own embedding and that of its local speaker in the whole window."""
    by_local: dict[tuple[int, int], NDArray[np.float32]] = {}
    for number, voice in voices:
        key = (number, voice.local)
        by_local[key] = by_local.get(key, np.float32(0)) + voice.embedding * np.float32(voice.clean_s)
    labelled = []
    for number, voice in voices:
        whole = by_local[number, voice.local]
        mixed = voice.embedding * OWN_WEIGHT + whole / np.linalg.norm(whole) * (1 - OWN_WEIGHT)
        similarity = centroids @ (mixed / np.linalg.norm(mixed))
        best = int(similarity.argmax())
        others = np.delete(similarity, best)
        margin = float(similarity[best] - others.max()) if others.size else SURE_MARGIN
        labelled.append(LabelledVoice(number, voice, best, min(max(margin / SURE_MARGIN, 0.0), 1.0)))
    return labelled


def _label_short_pieces(
    windows: Sequence[DiarizationWindow], labelled: Sequence[LabelledVoice]
) -> Iterator[LabelledVoice]:
    """Label pieces without an embedding (too short or overlapped) like the nearest of their local speaker."""
    of_local: dict[tuple[int, int], list[LabelledVoice]] = defaultdict(list)
    for label in labelled:
        of_local[label.window, label.voice.local].append(label)
    for number, window in enumerate(windows):
        for piece in speech_pieces(window.activity):
            labels = of_local.get((number, piece.local), [])
            if not labels or any(label.voice.first == piece.first for label in labels):
                continue
            nearest = min(labels, key=lambda label: abs(label.voice.first - piece.first))
            voice = replace(nearest.voice, first=piece.first, last=piece.last)
            yield LabelledVoice(number, voice, nearest.speaker, certainty=0.0)


def _votes(
    windows: Sequence[DiarizationWindow], labelled: Sequence[LabelledVoice], speakers: int
) -> tuple[Votes, Votes]:
    """Return activity and certainty of each speaker in each frame, both of shape (n_frames, speakers)."""
    first = [round(window.start_s / FRAME_S) for window in windows]
    frames = max(at + len(window.activity) for at, window in zip(first, windows, strict=True))
    active, certain = np.zeros((frames, speakers)), np.zeros((frames, speakers))
    total_weight = np.full((frames, 1), 1e-6)
    for at, window in zip(first, windows, strict=True):
        total_weight[at : at + len(window.activity), 0] += np.hamming(len(window.activity))
    for label in labelled:
        at, voice = first[label.window], label.voice
        activity = windows[label.window].activity
        vote = (activity[:, voice.local] * np.hamming(len(activity)))[voice.first : voice.last]
        active[at + voice.first : at + voice.last, label.speaker] += vote
        certain[at + voice.first : at + voice.last, label.speaker] += vote * label.certainty
    return active / total_weight, certain / np.maximum(active, 1e-6)


def _turns(active: Votes, certain: Votes) -> Iterator[DiarizationTurn]:
    for speaker in range(active.shape[1]):
        for first, last in _true_runs(active[:, speaker] > ACTIVE, LONGEST_PAUSE_S):
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


def _true_runs(flags: NDArray[np.bool_], longest_gap_s: float) -> Iterator[tuple[int, int]]:
    """Yield (first, after the last) of runs of True; shorter gaps are filled, short runs left out."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    runs: list[list[int]] = []
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if runs and (first - runs[-1][1]) * FRAME_S < longest_gap_s:
            runs[-1][1] = last
        else:
            runs.append([first, last])
    return ((first, last) for first, last in runs if (last - first) * FRAME_S >= SHORTEST_S)
