"""The layers of Whisper's encoder and decoder as OpenVINO nodes."""

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from podcast_pipeline.transcription.engines.ct2 import HEAD_WIDTH, Variables

ENCODER_FRAMES = 1500  # of the encoder's output: 30 s
EPSILON = 1e-5


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


def float_constant(numbers: NDArray[np.generic]) -> ov.Node:
    """Return a float32 constant."""
    return op.constant(numbers.astype(np.float32))


def int_vector(*numbers: int) -> ov.Node:
    """Return a list of integers, shape (n,)."""
    return op.constant(np.array(numbers, np.int64))


def int_scalar(number: int) -> ov.Node:
    """Return one integer, shape ()."""
    return op.constant(np.array(number, np.int64))


def inference_precision() -> str:
    """Return "bf16" if the CPU supports it, else "f32"."""
    return "bf16" if "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
