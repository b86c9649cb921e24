"""Whisper's decoder as two OpenVINO graphs, built from the CTranslate2 file.

`body` takes the next tokens of all rows (a row is a beam of a window) and keeps their keys and values as
its state; `head` makes the vocabulary's scores of what comes out. The beams of a window share its
cross-attention keys and values: these are read once a step, in half precision, where most of a decoder's
time goes.
"""

from collections.abc import Collection, Sequence

import numpy as np
import openvino as ov
from openvino import opset13 as op

from podcast_pipeline.transcribers.graph import FRAMES, Parts, floats, integer, integers
from podcast_pipeline.transcribers.model_file import HEAD_WIDTH, Variables, layers

CANDIDATES = 16  # the best next tokens of a row: two for each beam
BLOCK = 64  # the vocabulary is searched by the best of its blocks
NEVER = -1e9
EMBEDDINGS = "decoder/embeddings/weight"


def body(variables: Variables, kept: ov.Type, asked: Collection[int]) -> ov.Model:
    """Return the graph of all layers.

    Its inputs: tokens and positions (rows, length); mask (rows, 1, length, all tokens so far), added to
    the scores of self attention; sources (rows,), the row of the step before that each continues;
    together (1,), how many tokens the rows of a window have in this step; keys and values as they come
    from the encoder, joined over windows.
    Its outputs: (rows, length, width), and for each layer in `asked` its cross-attention queries, of
    shape (windows, heads, together, HEAD_WIDTH).
    """
    parts = Parts(variables)
    width = variables[EMBEDDINGS].shape[1]
    heads = width // HEAD_WIDTH
    tokens = op.parameter([-1, -1], np.int64, name="tokens")
    positions = op.parameter([-1, -1], np.int64, name="positions")
    mask = op.parameter([-1, 1, -1, -1], np.float32, name="mask")
    sources = op.parameter([-1], np.int32, name="sources")
    together = op.parameter([1], np.int64, name="together")
    crossed: list[ov.Node] = []
    sinks: list[ov.Node] = []
    queries: list[ov.Node] = []
    x = op.add(
        op.gather(parts.value(EMBEDDINGS), tokens, integer(0)),
        op.gather(parts.value("decoder/position_encodings/encodings"), positions, integer(0)),
    )
    shape = op.concat([op.shape_of(tokens), integers(width)], 0)
    for layer in range(layers(variables, "decoder")):
        name = f"decoder/layer_{layer}/self_attention"
        fused = parts.linear(parts.normal(x, f"{name}/layer_norm"), f"{name}/linear_0")
        query, key, value = parts.heads(fused, 3)
        key, value = (
            _remembered(part, tokens, sources, sinks, heads, f"{name}/{what}")
            for part, what in ((key, "key"), (value, "value"))
        )
        mixed = op.scaled_dot_product_attention(query, key, value, mask)
        x = op.add(x, parts.linear(parts.joined(mixed), f"{name}/linear_1"))

        name = f"decoder/layer_{layer}/attention"
        key = op.parameter([-1, heads, FRAMES, HEAD_WIDTH], kept)
        value = op.parameter([-1, heads, HEAD_WIDTH, FRAMES], kept)
        crossed += [key, value]
        query = parts.linear(parts.normal(x, f"{name}/layer_norm"), f"{name}/linear_0")
        query = op.multiply(query, floats(np.array(HEAD_WIDTH**-0.5)))
        query = op.reshape(
            query, op.concat([integers(-1), together, integers(heads, HEAD_WIDTH)], 0), special_zero=False
        )
        query = op.transpose(query, integers(0, 2, 1, 3))
        if layer in asked:
            queries.append(query)
        key, value = (op.convert(part, np.float32) for part in (key, value))
        # Keys and values stand left: what stands right is packed anew for every product.
        scores = op.matmul(key, query, transpose_a=False, transpose_b=True)
        weights = op.softmax(op.transpose(scores, integers(0, 1, 3, 2)), -1)
        mixed = op.matmul(value, weights, transpose_a=False, transpose_b=True)
        joined = op.reshape(op.transpose(mixed, integers(0, 3, 1, 2)), shape, special_zero=False)
        x = op.add(x, parts.linear(joined, f"{name}/linear_2"))

        x = op.add(x, parts.perceptron(x, f"decoder/layer_{layer}/ffn"))
    inputs = [tokens, positions, mask, sources, together, *crossed]
    results = [parts.normal(x, "decoder/layer_norm"), *queries]
    return ov.Model([node.output(0) for node in results], [node.output(0) for node in sinks], inputs, "body")


def head(variables: Variables, suppressed: Sequence[int]) -> ov.Model:
    """Return the graph from the body's output, shape (rows, width), to what comes next.

    Its outputs: the scores of all tokens (rows, vocabulary and padding); the logarithm of the sum of their
    exponentials without the suppressed ones (rows, 1); the CANDIDATES best of the others, scores and tokens.
    """
    embeddings = variables[EMBEDDINGS].astype(np.float32)
    known, width = embeddings.shape
    padded = np.pad(embeddings, ((0, -known % BLOCK), (0, 0)))
    closed = np.zeros((1, len(padded)), np.float32)
    closed[0, [*suppressed, *range(known, len(padded))]] = NEVER
    hidden = op.parameter([-1, width], np.float32, name="hidden")
    scores = op.matmul(hidden, floats(padded), transpose_a=False, transpose_b=True)
    allowed = op.add(scores, floats(closed))
    blocks = op.reshape(allowed, integers(0, len(padded) // BLOCK, BLOCK), special_zero=True)
    highest = op.reduce_max(blocks, integers(-1))
    top = op.reduce_max(highest, integers(-1), keep_dims=True)
    total = op.add(
        op.log(op.reduce_sum(op.exp(op.subtract(allowed, top)), integers(-1), keep_dims=True)), top
    )
    places = _best(highest).output(1)
    chosen = op.reshape(
        op.gather(blocks, places, integer(1), batch_dims=1), integers(0, -1), special_zero=True
    )
    best = _best(chosen)
    block = op.gather(places, op.divide(best.output(1), integer(BLOCK)), integer(1), batch_dims=1)
    token = op.add(op.multiply(block, integer(BLOCK)), op.mod(best.output(1), integer(BLOCK)))
    results = [scores.output(0), total.output(0), best.output(0), token.output(0)]
    return ov.Model(results, [hidden], "head")


def _best(scores: ov.Node) -> ov.Node:
    return op.topk(
        scores, integer(CANDIDATES), axis=-1, mode="max", sort="value", index_element_type="i64", stable=True
    )


def _remembered(
    part: ov.Node, tokens: ov.Node, sources: ov.Node, sinks: list[ov.Node], heads: int, name: str
) -> ov.Node:
    """Return the keys or values of all tokens so far."""
    rows = op.gather(op.shape_of(tokens), integers(0), integer(0))
    nothing = op.broadcast(floats(np.array(0)), op.concat([rows, integers(heads, 0, HEAD_WIDTH)], 0))
    past = op.read_value(nothing, name, np.float32, ov.PartialShape([-1, heads, -1, HEAD_WIDTH]))
    every = op.concat([op.gather(past, sources, integer(0)), part], 2)
    sinks.append(op.assign(every, name))
    return every
