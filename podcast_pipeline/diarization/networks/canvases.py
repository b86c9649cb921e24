"""Lay pieces of speech of any length on canvases of one length. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.diarization.fbank import BINS, Features

GAP_FRAMES = 4  # two after the stride of two: what the widest convolution reaches
CONTEXT_FRAMES = 100  # after the stride: the context of CAM++'s masks
FEWEST_FRAMES = 40  # 0.4 s: an embedding of less is unreliable
CANVAS_FRAMES = 1024
MOST_PIECES = -(-CANVAS_FRAMES // (FEWEST_FRAMES + GAP_FRAMES))  # and contexts

Places = dict[int, int]
"""Piece -> its first frame on a canvas, an even number."""


class Canvas(NamedTuple):
    """The input of the graph; its shapes are in `build_voice_graph`.

    Attributes:
        features: of the pieces, zero between them.
        speech, half_speech: one where a piece is, at full and at half rate.
        contexts: weights of the mean over a piece plus that over each of its stretches of CONTEXT_FRAMES.
        context_of: column of `contexts` of each frame.
        means: weights of the mean over each piece.
        piece_of: column of `means` of each frame.
        unbiased: n / (n - 1) of each piece.
    """

    features: NDArray[np.float32]
    speech: NDArray[np.float32]
    half_speech: NDArray[np.float32]
    contexts: NDArray[np.float32]
    context_of: NDArray[np.int32]
    means: NDArray[np.float32]
    piece_of: NDArray[np.int32]
    unbiased: NDArray[np.float32]


def place_pieces(lengths: Sequence[int]) -> list[Places]:
    """Return which pieces go where on as few canvases as first-fit decreasing finds.

    Args:
        lengths: frames of each piece, FEWEST_FRAMES to CANVAS_FRAMES.
    """
    canvases: list[Places] = []
    ends: list[int] = []
    for piece in sorted(range(len(lengths)), key=lambda piece: -lengths[piece]):
        at = next((i for i, end in enumerate(ends) if end + lengths[piece] <= CANVAS_FRAMES), len(ends))
        if at == len(ends):
            canvases.append({})
            ends.append(0)
        canvases[at][piece] = ends[at]
        ends[at] += lengths[piece] + lengths[piece] % 2 + GAP_FRAMES
    return canvases


def lay_pieces(pieces: Sequence[Features], places: Places) -> Canvas:
    """Return the canvas of some of the pieces; columns are in the order of `places`."""
    canvas = _blank()
    context = 0
    for column, (piece, first) in enumerate(places.items()):
        features = pieces[piece]
        canvas.features[0, 0, :, first : first + len(features)] = features.T
        canvas.speech[..., first : first + len(features)] = 1
        start, count = first // 2, (len(features) + 1) // 2
        canvas.half_speech[..., start : start + count] = 1
        canvas.means[start : start + count, column] = 1 / count
        canvas.piece_of[start : start + count] = column
        canvas.unbiased[..., column] = count / (count - 1)
        for at in range(start, start + count, CONTEXT_FRAMES):
            end = min(at + CONTEXT_FRAMES, start + count)
            canvas.contexts[start : start + count, context] = 1 / count
            canvas.contexts[at:end, context] += 1 / (end - at)
            canvas.context_of[at:end] = context
            context += 1
    return canvas


def _blank() -> Canvas:
    half = CANVAS_FRAMES // 2
    return Canvas(
        features=np.zeros((1, 1, BINS, CANVAS_FRAMES), np.float32),
        speech=np.zeros((1, 1, 1, CANVAS_FRAMES), np.float32),
        half_speech=np.zeros((1, 1, half), np.float32),
        contexts=np.zeros((half, MOST_PIECES), np.float32),
        context_of=np.zeros(half, np.int32),
        means=np.zeros((half, MOST_PIECES), np.float32),
        piece_of=np.zeros(half, np.int32),
        unbiased=np.zeros((1, 1, MOST_PIECES), np.float32),
    )
