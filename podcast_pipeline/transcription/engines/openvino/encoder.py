"""Build Whisper's encoder as an OpenVINO graph from the CTranslate2 file: no torch, no conversion step.

The outputs are the cross-attention keys and values of every decoder layer.
"""

import numpy as np
import openvino as ov
from openvino import opset13 as op

from podcast_pipeline.transcription.engines.ct2 import count_layers
from podcast_pipeline.transcription.engines.openvino.layers import LayerBuilder, int_scalar, int_vector

MEL_FRAMES = 3000  # 30 s


def build_encoder_graph(parts: LayerBuilder) -> ov.Model:
    """Return the graph: float32, shape (1, n_mels, 3000) to keys and values, layer after layer.

    Its outputs: for each layer of the decoder keys (1, width, 1500) and values (1, 1500, width).
    """
    variables = parts.variables
    n_mels = variables["encoder/conv1/weight"].shape[1]
    mel = op.parameter([1, n_mels, MEL_FRAMES], np.float32, name="mel")
    x = op.gelu(_convolution(parts, mel, "encoder/conv1", stride=1), "ERF")
    x = op.gelu(_convolution(parts, x, "encoder/conv2", stride=2), "ERF")
    x = op.transpose(x, int_vector(0, 2, 1))
    x = op.add(x, parts.constant("encoder/position_encodings/encodings"))
    for layer in range(count_layers(variables, "encoder")):
        x = op.add(x, _attention(parts, x, f"encoder/layer_{layer}/self_attention"))
        x = op.add(x, parts.feed_forward(x, f"encoder/layer_{layer}/ffn"))
    x = parts.layer_norm(x, "encoder/layer_norm")
    keys_and_values: list[ov.Node] = []
    for layer in range(count_layers(variables, "decoder")):
        fused = parts.linear(x, f"decoder/layer_{layer}/attention/linear_1")
        key, value = op.split(fused, int_scalar(2), 2).outputs()
        keys_and_values += [
            op.convert(part, ov.Type.bf16) for part in (op.transpose(key, int_vector(0, 2, 1)), value)
        ]
    return ov.Model([node.output(0) for node in keys_and_values], [mel], "encoder")


def _attention(parts: LayerBuilder, x: ov.Node, name: str) -> ov.Node:
    fused = parts.linear(parts.layer_norm(x, f"{name}/layer_norm"), f"{name}/linear_0")
    mixed = op.scaled_dot_product_attention(*parts.split_heads(fused, 3))
    return parts.linear(parts.merge_heads(mixed), f"{name}/linear_1")


def _convolution(parts: LayerBuilder, x: ov.Node, name: str, *, stride: int) -> ov.Node:
    filtered = op.convolution(x, parts.constant(f"{name}/weight"), [stride], [1], [1], [1])
    return op.add(filtered, op.unsqueeze(parts.constant(f"{name}/bias"), int_scalar(1)))
