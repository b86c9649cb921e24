"""Build segmentation-3.0 as OpenVINO graphs: SincNet, four bidirectional LSTMs, two linear layers.

Source: pyannote.audio's PyanNet and SincNet, and ParamSincFB of asteroid-filterbanks (both MIT).
"""

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from podcast_pipeline.diarization.networks.checkpoint import Tensors
from podcast_pipeline.transcription.engines.openvino.layers import float_constant, int_vector

SAMPLE_RATE_HZ = 16_000
WINDOW_SAMPLES = 10 * SAMPLE_RATE_HZ  # the length that the model was trained on
FRAMES = 589  # of the output
STRIDE = 10  # samples from one filtered sample to the next
LOWEST_HZ = NARROWEST_HZ = 50.0  # of a filter
POOL = 3
EPSILON = 1e-5
LEAK = 0.01
LAYERS, HIDDEN = 4, 128
FROM_TORCH = [1, 0, 2, 3]  # torch's gates are input, forget, cell, output; OpenVINO's begin with forget


def build_filter_graph(tensors: Tensors) -> ov.Model:
    """Return SincNet: samples, float32, shape (1, WINDOW_SAMPLES) to features, shape (1, FRAMES, 60)."""
    samples = op.parameter([1, WINDOW_SAMPLES], np.float32, name="samples")
    x = _instance_norm(samples, tensors, "sincnet.wav_norm1d")
    phases = op.reshape(x, int_vector(1, WINDOW_SAMPLES // STRIDE, STRIDE), special_zero=False)
    x = _convolution(op.transpose(phases, int_vector(0, 2, 1)), _by_phase(_sinc_filters(tensors)))
    x = _pooled(op.abs(x), tensors, 0)
    for layer in (1, 2):
        name = f"sincnet.conv1d.{layer}"
        bias = float_constant(tensors[f"{name}.bias"][:, None])
        x = _pooled(op.add(_convolution(x, tensors[f"{name}.weight"]), bias), tensors, layer)
    return ov.Model([op.transpose(x, int_vector(0, 2, 1)).output(0)], [samples], "filters")


def build_activity_graph(tensors: Tensors, batch: int) -> ov.Model:
    """Return what follows SincNet: features, shape (batch, FRAMES, 60) to scores, (batch, FRAMES, 7)."""
    width = tensors["lstm.weight_ih_l0"].shape[1]
    features = op.parameter([batch, FRAMES, width], np.float32, name="features")
    x: ov.Node = features
    for layer in range(LAYERS):
        x = _lstm(x, tensors, layer, batch)
    for name in ("linear.0", "linear.1"):
        x = _leaky_relu(_linear(x, tensors, name))
    return ov.Model([_linear(x, tensors, "classifier").output(0)], [features], "activity")


def _pooled(x: ov.Node, tensors: Tensors, layer: int) -> ov.Node:
    pooled = op.max_pool(x, [POOL], [1], [0], [0], [POOL]).output(0)
    return _leaky_relu(_instance_norm(pooled, tensors, f"sincnet.norm1d.{layer}"))


def _instance_norm(x: ov.Node, tensors: Tensors, name: str) -> ov.Node:
    scaled = op.mvn(x, int_vector(-1), normalize_variance=True, eps=EPSILON, eps_mode="INSIDE_SQRT")
    weight, bias = (float_constant(tensors[f"{name}.{part}"][:, None]) for part in ("weight", "bias"))
    return op.add(op.multiply(scaled, weight), bias)


def _leaky_relu(x: ov.Node) -> ov.Node:
    return op.prelu(x, float_constant(np.array([LEAK])))


def _convolution(x: ov.Node, weights: NDArray[np.float32]) -> ov.Node:
    return op.convolution(x, float_constant(weights), [1], [0], [0], [1])


def _linear(x: ov.Node, tensors: Tensors, name: str) -> ov.Node:
    product = op.matmul(x, float_constant(tensors[f"{name}.weight"]), transpose_a=False, transpose_b=True)
    return op.add(product, float_constant(tensors[f"{name}.bias"]))


def _lstm(x: ov.Node, tensors: Tensors, layer: int, batch: int) -> ov.Node:
    """Return a bidirectional layer's output, shape (batch, FRAMES, 2 x HIDDEN)."""
    directions = (f"l{layer}", f"l{layer}_reverse")
    inputs, recurrent = (
        float_constant(np.stack([_gates(tensors[f"lstm.weight_{kind}_{d}"]) for d in directions]))
        for kind in ("ih", "hh")
    )
    bias = np.stack([_gates(tensors[f"lstm.bias_ih_{d}"] + tensors[f"lstm.bias_hh_{d}"]) for d in directions])
    zeros = float_constant(np.zeros((batch, 2, HIDDEN)))
    lengths = int_vector(*[FRAMES] * batch)
    both = op.lstm_sequence(
        x, zeros, zeros, lengths, inputs, recurrent, float_constant(bias), HIDDEN, "bidirectional"
    )
    side_by_side = op.transpose(both.output(0), int_vector(0, 2, 1, 3))
    return op.reshape(side_by_side, int_vector(batch, FRAMES, 2 * HIDDEN), special_zero=False)


def _gates(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([np.split(rows, 4)[gate] for gate in FROM_TORCH])


def _by_phase(filters: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return filters of one channel as filters of STRIDE channels, every tenth sample each."""
    padded = np.pad(filters, ((0, 0), (0, -filters.shape[1] % STRIDE)))
    return padded.reshape(len(filters), -1, STRIDE).transpose(0, 2, 1)


def _sinc_filters(tensors: Tensors) -> NDArray[np.float32]:
    """Return the band passes, shape (80, 251): the even ones, then the odd ones."""
    low_hz, band_hz, window, times = (
        tensors[f"sincnet.conv1d.0.filterbank.{name}"].astype(np.float64)
        for name in ("low_hz_", "band_hz_", "window_", "n_")
    )
    lowest_hz = LOWEST_HZ + np.abs(low_hz)
    highest_hz = np.clip(lowest_hz + NARROWEST_HZ + np.abs(band_hz), LOWEST_HZ, SAMPLE_RATE_HZ / 2)
    low, high, width_hz = lowest_hz * times, highest_hz * times, highest_hz - lowest_hz
    even = (np.sin(high) - np.sin(low)) / (times / 2) * window
    odd = (np.cos(low) - np.cos(high)) / (times / 2) * window
    filters = np.concatenate(
        [
            np.hstack([even, 2 * width_hz, even[:, ::-1]]) / (2 * width_hz),
            np.hstack([odd, 0 * width_hz, -odd[:, ::-1]]) / (2 * width_hz),
        ]
    )
    return filters.astype(np.float32)
