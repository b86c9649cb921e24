"""Whisper's encoder as an OpenVINO graph, built from the CTranslate2 file: no torch, no conversion step.

The same encoder takes CTranslate2 several times as long on a processor (docs/performance.md).
"""

from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as op

from podcast_pipeline.transcribers.model_file import HEAD_WIDTH, Variables, layers

MEL_FRAMES = 3000  # 30 s
EPSILON = 1e-5


def compiled(variables: Variables, *, streams: int, cache: Path) -> ov.CompiledModel:
    """Return the encoder for this processor: float32, shape (1, n_mels, 3000) to (1, 1500, width).

    Args:
        streams: how many threads may run it at once, each on a core of its own.
        cache: folder for the compiled model, kept between runs.
    """
    settings = {
        "INFERENCE_PRECISION_HINT": precision(),
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": streams,
        "CACHE_DIR": str(cache),
    }
    return ov.Core().compile_model(_Builder(variables).model(), "CPU", settings)


def precision() -> str:
    """Return "bf16" where the processor calculates with it, else "f32"."""
    return "bf16" if "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


class _Builder:
    """Puts the graph together; `name` is always the prefix of a part's variables."""

    def __init__(self, variables: Variables) -> None:
        self._variables = variables

    def model(self) -> ov.Model:
        n_mels = self._variables["encoder/conv1/weight"].shape[1]
        mel = op.parameter([1, n_mels, MEL_FRAMES], np.float32, name="mel")
        x = op.gelu(self._convolution(mel, "encoder/conv1", stride=1), "ERF")
        x = op.gelu(self._convolution(x, "encoder/conv2", stride=2), "ERF")
        x = op.transpose(x, _integers(0, 2, 1))
        x = op.add(x, self._value("encoder/position_encodings/encodings"))
        for layer in range(layers(self._variables, "encoder")):
            x = op.add(x, self._attention(x, f"encoder/layer_{layer}/self_attention"))
            x = op.add(x, self._perceptron(x, f"encoder/layer_{layer}/ffn"))
        return ov.Model([self._normal(x, "encoder/layer_norm")], [mel], "encoder")

    def _attention(self, x: ov.Node, name: str) -> ov.Node:
        fused = self._linear(self._normal(x, f"{name}/layer_norm"), f"{name}/linear_0")
        heads = self._variables["encoder/layer_norm/gamma"].shape[0] // HEAD_WIDTH
        split = op.reshape(fused, _integers(0, 0, 3, heads, HEAD_WIDTH), special_zero=True)
        parts = op.split(op.transpose(split, _integers(2, 0, 3, 1, 4)), _integer(0), 3)
        query, key, value = (op.squeeze(part, _integers(0)) for part in parts.outputs())
        mixed = op.scaled_dot_product_attention(query, key, value)
        joined = op.reshape(
            op.transpose(mixed, _integers(0, 2, 1, 3)), _integers(0, 0, -1), special_zero=True
        )
        return self._linear(joined, f"{name}/linear_1")

    def _perceptron(self, x: ov.Node, name: str) -> ov.Node:
        hidden = op.gelu(self._linear(self._normal(x, f"{name}/layer_norm"), f"{name}/linear_0"), "ERF")
        return self._linear(hidden, f"{name}/linear_1")

    def _convolution(self, x: ov.Node, name: str, *, stride: int) -> ov.Node:
        filtered = op.convolution(x, self._value(f"{name}/weight"), [stride], [1], [1], [1])
        return op.add(filtered, op.unsqueeze(self._value(f"{name}/bias"), _integer(1)))

    def _linear(self, x: ov.Node, name: str) -> ov.Node:
        product = op.matmul(x, self._value(f"{name}/weight"), transpose_a=False, transpose_b=True)
        return op.add(product, self._value(f"{name}/bias"))

    def _normal(self, x: ov.Node, name: str) -> ov.Node:
        scaled = op.mvn(x, _integers(-1), normalize_variance=True, eps=EPSILON, eps_mode="INSIDE_SQRT")
        return op.add(op.multiply(scaled, self._value(f"{name}/gamma")), self._value(f"{name}/beta"))

    def _value(self, name: str) -> ov.Node:
        return op.constant(self._variables[name].astype(np.float32))


def _integers(*numbers: int) -> ov.Node:
    return op.constant(np.array(numbers, np.int64))


def _integer(number: int) -> ov.Node:
    return op.constant(np.array(number, np.int64))
