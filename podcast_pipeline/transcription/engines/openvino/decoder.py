"""Whisper's decoder as OpenVINO graphs, from one cross attention to the next.

They are built from the CTranslate2 file; cross attention itself is ours (attention.py). A row is a beam of a
window; the keys and values of what a row said so far are the state of the graphs.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from podcast_pipeline.transcription.engines.ct2 import HEAD_WIDTH, Variables, count_layers
from podcast_pipeline.transcription.engines.openvino.layers import (
    LayerBuilder,
    float_constant,
    int_scalar,
    int_vector,
)
from podcast_pipeline.transcription.engines.openvino.top_k import SCORE_BLOCK

MASKED_SCORE = -1e9
SMALLEST = 1e-30
EMBEDDINGS, POSITIONS = "decoder/embeddings/weight", "decoder/position_encodings/encodings"


def build_decoder_graphs(variables: Variables, suppressed: Sequence[int]) -> list[ov.Model]:
    """Return the graphs, a layer's each and the last one.

    A layer's inputs: mask (rows, 1, length, all tokens so far), added to the scores of self attention;
    sources (rows,), the row of the step before that each continues; then for the first layer the tokens as
    `embedded`, and for the others what came out of the layer before and what its queries found, all (rows,
    length, width).
    Its outputs: (rows, length, width), and its cross-attention queries, of the same shape.
    See `_last` for the last one.
    """
    parts = LayerBuilder(variables)
    count = count_layers(variables, "decoder")
    return [*(_layer(parts, layer) for layer in range(count)), _last(parts, count, suppressed)]


class TokenEmbedding(NamedTuple):
    """What a token and its position are to the first layer, shapes (tokens, width) and (positions, width)."""

    words: NDArray[np.float32]
    places: NDArray[np.float32]

    def lookup(self, tokens: NDArray[np.int64], positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the first layer's input."""
        return self.words[tokens] + self.places[positions]


def token_embedding(variables: Variables) -> TokenEmbedding:
    """Return a model's embedding."""
    tables = (variables[name].astype(np.float32) for name in (EMBEDDINGS, POSITIONS))
    return TokenEmbedding(*tables)


def _layer(parts: LayerBuilder, layer: int) -> ov.Model:
    width = parts.variables[EMBEDDINGS].shape[1]
    heads = width // HEAD_WIDTH
    mask = op.parameter([-1, 1, -1, -1], np.float32, name="mask")
    sources = op.parameter([-1], np.int32, name="sources")
    if layer:
        inputs, x = _found(parts, layer - 1, [-1, -1, width])
    else:
        x = op.parameter([-1, -1, width], np.float32, name="embedded")
        inputs = [x]
    sinks: list[ov.Node] = []
    name = f"decoder/layer_{layer}/self_attention"
    fused = parts.linear(parts.layer_norm(x, f"{name}/layer_norm"), f"{name}/linear_0")
    query, key, value = parts.split_heads(fused, 3)
    key, value = (
        _remembered(part, x, sources, sinks, heads, f"{name}/{what}")
        for part, what in ((key, "key"), (value, "value"))
    )
    mixed = op.scaled_dot_product_attention(query, key, value, mask)
    x = op.add(x, parts.linear(parts.merge_heads(mixed), f"{name}/linear_1"))
    name = f"decoder/layer_{layer}/attention"
    query = parts.linear(parts.layer_norm(x, f"{name}/layer_norm"), f"{name}/linear_0")
    query = op.multiply(query, float_constant(np.array(HEAD_WIDTH**-0.5)))
    results = [x.output(0), query.output(0)]
    return ov.Model(results, [node.output(0) for node in sinks], [mask, sources, *inputs], f"layer {layer}")


def _last(parts: LayerBuilder, count: int, suppressed: Sequence[int]) -> ov.Model:
    """Return the graph from the last layer, its inputs (rows, width), to what comes next.

    Its outputs: the scores of all tokens (rows, vocabulary and padding), those of the suppressed ones below
    any; and what each row of them is to be multiplied by (rows, 1).
    """
    inputs, x = _found(parts, count - 1, [-1, parts.variables[EMBEDDINGS].shape[1]])
    hidden = parts.layer_norm(x, "decoder/layer_norm")
    embeddings = parts.variables[EMBEDDINGS].astype(np.float32)
    known = len(embeddings)
    padded = np.pad(embeddings, ((0, -known % SCORE_BLOCK), (0, 0)))
    closed = np.zeros((1, len(padded)), np.float32)
    closed[0, [*suppressed, *range(known, len(padded))]] = MASKED_SCORE
    results = _product(hidden, padded, closed)
    return ov.Model([result.output(0) for result in results], inputs, "last")


def _found(parts: LayerBuilder, layer: int, shape: Sequence[int]) -> tuple[list[ov.Node], ov.Node]:
    """Return the rest of a layer, from what its queries found."""
    before, found = (op.parameter(shape, np.float32, name=name) for name in ("before", "found"))
    x = op.add(before, parts.linear(found, f"decoder/layer_{layer}/attention/linear_2"))
    return [before, found], op.add(x, parts.feed_forward(x, f"decoder/layer_{layer}/ffn"))


def _product(x: ov.Node, weights: NDArray[np.float32], bias: NDArray[np.float32]) -> tuple[ov.Node, ov.Node]:
    """Return x times the weights in 8 bits, plus the bias, and what each row is to be multiplied by.

    Each row of both has steps of its own.

    OpenVINO takes its 8-bit product where x goes through a FakeQuantize.

    Args:
        bias: nothing or NEVER.
    """
    steps = np.maximum(np.abs(weights).max(1, keepdims=True) / 127, SMALLEST)
    whole = op.constant(np.round(weights / steps).astype(np.int8))
    low, high = float_constant(np.array(-1)), float_constant(np.array(127 / 128))
    top = op.reduce_max(op.abs(x), int_vector(-1), keep_dims=True)
    small = op.fake_quantize(op.divide(x, top), low, high, low, high, 256)
    widened = op.multiply(op.convert(whole, np.float32), float_constant(steps))
    product = op.matmul(small, widened, transpose_a=False, transpose_b=True)
    return op.add(product, float_constant(bias)), top


def _remembered(
    part: ov.Node, x: ov.Node, sources: ov.Node, sinks: list[ov.Node], heads: int, name: str
) -> ov.Node:
    """Return the keys or values of all tokens so far."""
    rows = op.gather(op.shape_of(x), int_vector(0), int_scalar(0))
    nothing = op.broadcast(
        float_constant(np.array(0)), op.concat([rows, int_vector(heads, 0, HEAD_WIDTH)], 0)
    )
    past = op.read_value(nothing, name, np.float32, ov.PartialShape([-1, heads, -1, HEAD_WIDTH]))
    every = op.concat([op.gather(past, sources, int_scalar(0)), part], 2)
    sinks.append(op.assign(every, name))
    return every
