"""The layers of Whisper's encoder and decoder as OpenVINO nodes."""

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from podcast_pipeline.transcription.engines.ct2 import HEAD_WIDTH, Variables

ENCODER_FRAMES = 1500  # of the encoder's output: 30 s
EPSILON = 1e-5
SMALLEST = 1e-30
FIRST_LAYER = "encoder/layer_0/"


class LayerBuilder:
    """Builds nodes from a model's variables; `name` is always the prefix of a layer's variables."""

    def __init__(self, variables: Variables) -> None:
        self.variables = variables

    def linear(self, x: ov.Node, name: str) -> ov.Node:
        """Return x times the weights, plus the bias."""
        product = op.matmul(x, self.constant(f"{name}/weight"), transpose_a=False, transpose_b=True)
        return op.add(product, self.constant(f"{name}/bias"))

    def layer_norm(self, x: ov.Node, name: str) -> ov.Node:
        """Return the layer normalisation of x."""
        scaled = op.mvn(x, int_vector(-1), normalize_variance=True, eps=EPSILON, eps_mode="INSIDE_SQRT")
        return op.add(op.multiply(scaled, self.constant(f"{name}/gamma")), self.constant(f"{name}/beta"))

    def feed_forward(self, x: ov.Node, name: str) -> ov.Node:
        """Return the feed-forward part of a layer."""
        hidden = op.gelu(self.linear(self.layer_norm(x, f"{name}/layer_norm"), f"{name}/linear_0"), "ERF")
        return self.linear(hidden, f"{name}/linear_1")

    def split_heads(self, fused: ov.Node, count: int) -> list[ov.Node]:
        """Return (rows, length, count x width) as `count` times (rows, heads, length, HEAD_WIDTH)."""
        width = self.variables["encoder/layer_norm/gamma"].shape[0]
        split = op.reshape(fused, int_vector(0, 0, count, width // HEAD_WIDTH, HEAD_WIDTH), special_zero=True)
        parts = op.split(op.transpose(split, int_vector(2, 0, 3, 1, 4)), int_scalar(0), count)
        return [op.squeeze(part, int_vector(0)) for part in parts.outputs()]

    def merge_heads(self, mixed: ov.Node) -> ov.Node:
        """Return the heads of an attention side by side again."""
        return op.reshape(
            op.transpose(mixed, int_vector(0, 2, 1, 3)), int_vector(0, 0, -1), special_zero=True
        )

    def constant(self, name: str) -> ov.Node:
        """Return a variable as a constant."""
        return float_constant(self.variables[name])


class EightBitLayerBuilder(LayerBuilder):
    """Builds linear layers with weights and products in 8 bits; all else is as in `LayerBuilder`.

    The encoder's first layer is as there, too: a few of its numbers are far above the others, and in 8 bits
    it alone would be as far off as all later layers together (docs/decisions.md).
    """

    def linear(self, x: ov.Node, name: str) -> ov.Node:
        """Return x times the weights, plus the bias."""
        if name.startswith(FIRST_LAYER):
            return super().linear(x, name)
        product, scale = eight_bit_product(x, self.variables[f"{name}/weight"])
        return op.add(op.multiply(product, scale), self.constant(f"{name}/bias"))


def eight_bit_product(x: ov.Node, weights: NDArray[np.generic]) -> tuple[ov.Node, ov.Node]:
    """Return x times the weights in 8 bits, and the factor of each row of the product.

    Each row of x and of the weights has its own quantization step. OpenVINO uses its 8-bit product if x goes
    through a FakeQuantize.
    """
    numbers = weights.astype(np.float32)
    steps = np.maximum(np.abs(numbers).max(1, keepdims=True) / 127, SMALLEST)
    quantized_weights = op.constant(np.round(numbers / steps).astype(np.int8))
    low, high = float_constant(np.array(-1)), float_constant(np.array(127 / 128))
    top = op.reduce_max(op.abs(x), int_vector(-1), keep_dims=True)
    quantized_x = op.fake_quantize(op.divide(x, top), low, high, low, high, 256)
    dequantized_weights = op.multiply(op.convert(quantized_weights, np.float32), float_constant(steps))
    return op.matmul(quantized_x, dequantized_weights, transpose_a=False, transpose_b=True), top


def float_constant(numbers: NDArray[np.generic]) -> ov.Node:
    """Return a float32 constant."""
    return op.constant(numbers.astype(np.float32))


def int_vector(*numbers: int) -> ov.Node:
    """Return a list of integers, shape (n,)."""
    return op.constant(np.array(numbers, np.int64))


def int_scalar(number: int) -> ov.Node:
    """Return one integer, shape ()."""
    return op.constant(np.array(number, np.int64))
