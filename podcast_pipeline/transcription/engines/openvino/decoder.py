"""Build Whisper's decoder as OpenVINO graphs, each from one cross attention to the next.

The source is the CTranslate2 file; cross attention itself is in attention.py. A row is a beam of a window;
the self-attention keys and values of a row's tokens are the state of the graphs.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from podcast_pipeline.transcription.engines.ct2 import HEAD_WIDTH, Variables, count_layers
from podcast_pipeline.transcription.engines.openvino.layers import (
    LayerBuilder,
    eight_bit_product,
    float_constant,
    int_scalar,
    int_vector,
)
from podcast_pipeline.transcription.engines.openvino.top_k import SCORE_BLOCK

MASKED_SCORE = -1e9
EMBEDDINGS, POSITIONS = "decoder/embeddings/weight", "decoder/position_encodings/encodings"


def build_decoder_graphs(parts: LayerBuilder, suppressed: Sequence[int]) -> Iterator[ov.Model]:
    """Yield a graph for each layer, and the output graph (see `_output_graph`).

    A layer's inputs: mask (rows, 1, length, all tokens so far), added to the scores of self attention;
    sources (rows,), the row of the previous step that each row continues; then for the first layer the
    embedded tokens, and for the others the residual of the layer before and the output of its cross
    attention, all (rows, length, width).
    A layer's outputs: the residual (rows, length, width), and its cross-attention queries, same shape.
    """
    count = count_layers(parts.variables, "decoder")
    for layer in range(count):
        yield _layer_graph(parts, layer)
    yield _output_graph(parts, count, suppressed)


class TokenEmbedding(NamedTuple):
    """The embeddings of tokens and positions, shapes (tokens, width) and (positions, width)."""

    words: NDArray[np.float32]
    places: NDArray[np.float32]

    def lookup(self, tokens: NDArray[np.int64], positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the first layer's input."""
        return self.words[tokens] + self.places[positions]


def token_embedding(variables: Variables) -> TokenEmbedding:
    """Return a model's embedding."""
    tables = (variables[name].astype(np.float32) for name in (EMBEDDINGS, POSITIONS))
    return TokenEmbedding(*tables)


def _layer_graph(parts: LayerBuilder, layer: int) -> ov.Model:
    width = parts.variables[POSITIONS].shape[1]
    heads = width // HEAD_WIDTH
    mask = op.parameter([-1, 1, -1, -1], np.float32, name="mask")
    sources = op.parameter([-1], np.int32, name="sources")
    if layer:
        inputs, x = _rest_of_layer(parts, layer - 1, [-1, -1, width])
    else:
        x = op.parameter([-1, -1, width], np.float32, name="embedded")
        inputs = [x]
    sinks: list[ov.Node] = []
    name = f"decoder/layer_{layer}/self_attention"
    fused = parts.linear(parts.layer_norm(x, f"{name}/layer_norm"), f"{name}/linear_0")
    query, key, value = parts.split_heads(fused, 3)
    key, value = (
        _with_cached(part, x, sources, sinks, heads, f"{name}/{part_name}")
        for part, part_name in ((key, "key"), (value, "value"))
    )
    mixed = op.scaled_dot_product_attention(query, key, value, mask)
    x = op.add(x, parts.linear(parts.merge_heads(mixed), f"{name}/linear_1"))
    name = f"decoder/layer_{layer}/attention"
    query = parts.linear(parts.layer_norm(x, f"{name}/layer_norm"), f"{name}/linear_0")
    query = op.multiply(query, float_constant(np.array(HEAD_WIDTH**-0.5)))
    results = [x.output(0), query.output(0)]
    return ov.Model(results, [node.output(0) for node in sinks], [mask, sources, *inputs], f"layer {layer}")


def _output_graph(parts: LayerBuilder, count: int, suppressed: Sequence[int]) -> ov.Model:
    """Return the graph from the last layer, inputs (rows, width), to the scores of the next token.

    Its outputs: the scores of all tokens (rows, vocabulary and padding), suppressed ones masked; and the
    factor of each row of scores (rows, 1).
    """
    inputs, x = _rest_of_layer(parts, count - 1, [-1, parts.variables[POSITIONS].shape[1]])
    hidden = parts.layer_norm(x, "decoder/layer_norm")
    embeddings = parts.variables[EMBEDDINGS].astype(np.float32)
    vocabulary = len(embeddings)
    padded = np.pad(embeddings, ((0, -vocabulary % SCORE_BLOCK), (0, 0)))
    suppression_bias = np.zeros((1, len(padded)), np.float32)
    suppression_bias[0, [*suppressed, *range(vocabulary, len(padded))]] = MASKED_SCORE
    product, scale = eight_bit_product(hidden, padded)
    results = op.add(product, float_constant(suppression_bias)), scale
    return ov.Model([result.output(0) for result in results], inputs, "last")


def _rest_of_layer(parts: LayerBuilder, layer: int, shape: Sequence[int]) -> tuple[list[ov.Node], ov.Node]:
    """Return the inputs and output of the rest of a layer, after its cross attention."""
    residual, attended = (op.parameter(shape, np.float32, name=name) for name in ("before", "found"))
    x = op.add(residual, parts.linear(attended, f"decoder/layer_{layer}/attention/linear_2"))
    return [residual, attended], op.add(x, parts.feed_forward(x, f"decoder/layer_{layer}/ffn"))


def _with_cached(
    part: ov.Node, x: ov.Node, sources: ov.Node, sinks: list[ov.Node], heads: int, name: str
) -> ov.Node:
    """Return the cached and the new keys or values: those of all tokens so far."""
    rows = op.gather(op.shape_of(x), int_vector(0), int_scalar(0))
    empty = op.broadcast(float_constant(np.array(0)), op.concat([rows, int_vector(heads, 0, HEAD_WIDTH)], 0))
    past = op.read_value(empty, name, np.float32, ov.PartialShape([-1, heads, -1, HEAD_WIDTH]))
    all_tokens = op.concat([op.gather(past, sources, int_scalar(0)), part], 2)
    sinks.append(op.assign(all_tokens, name))
    return all_tokens
