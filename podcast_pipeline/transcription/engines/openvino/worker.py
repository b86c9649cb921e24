"""A worker of the openvino engine: windows in slots, from spectrograms to the scores of tokens."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from podcast_pipeline.transcription.engines.ct2 import HEAD_WIDTH
from podcast_pipeline.transcription.engines.openvino.attention import CrossAttentionCache
from podcast_pipeline.transcription.engines.openvino.beam_search import Hypothesis, NextTokens
from podcast_pipeline.transcription.engines.openvino.decoder import MASKED_SCORE, TokenEmbedding
from podcast_pipeline.transcription.engines.openvino.kernels import Floats
from podcast_pipeline.transcription.engines.openvino.mel import Mel
from podcast_pipeline.transcription.engines.openvino.top_k import log_probabilities, top_k


class CompiledGraphs(NamedTuple):
    """The graphs compiled for this CPU; see encoder.py and decoder.py."""

    encoder: ov.CompiledModel
    embedding: TokenEmbedding
    layers: Sequence[ov.CompiledModel]
    last: ov.CompiledModel


class InferenceWorker:
    """A `beam_search.Decoder` with slots for a batch of windows; one batch and one thread at a time.

    Args:
        alignment_heads: (layer, head) of the cross attention that follows the audio.
    """

    def __init__(
        self, compiled: CompiledGraphs, *, slots: int, heads: int, alignment_heads: Sequence[tuple[int, int]]
    ) -> None:
        self._encoder, self._last = (
            graph.create_infer_request() for graph in (compiled.encoder, compiled.last)
        )
        self._encoder_outputs = [
            np.zeros(tuple(output.shape)[1:], np.uint16) for output in compiled.encoder.outputs
        ]
        for place, buffer in enumerate(self._encoder_outputs):
            tensor = ov.Tensor(buffer[None], ov.Shape((1, *buffer.shape)), ov.Type.bf16)
            self._encoder.set_output_tensor(place, tensor)
        self._embedding = compiled.embedding
        self._layers = [graph.create_infer_request() for graph in compiled.layers]
        self._caches = [CrossAttentionCache.allocate(slots, heads) for _ in compiled.layers]
        self._heads = heads
        self._alignment_heads = [
            [head for at, head in alignment_heads if at == layer] for layer in range(len(compiled.layers))
        ]
        self._steps: list[DecodingStep] = []
        self._slots = np.arange(slots)
        self._pads = np.zeros((0, 0), np.float32)
        self._lengths = np.zeros(0, np.int64)

    def encode(self, mels: Iterable[Mel]) -> None:
        """Encode windows into the slots, from the first slot on."""
        self._slots = np.arange(len(self._slots))
        for slot, mel in enumerate(mels):
            self._encoder.infer([mel[None]])
            for layer, cache in enumerate(self._caches):
                cache.put(slot, *self._encoder_outputs[2 * layer : 2 * layer + 2])

    def begin(self, starts: Sequence[Sequence[int]]) -> NextTokens:
        """Clear the decoder state and decode the first tokens of each window."""
        longest = max(map(len, starts))
        tokens = np.array([[*[0] * (longest - len(start)), *start] for start in starts])
        self._lengths = np.array([len(start) for start in starts])
        unused = longest - self._lengths[:, None]
        self._pads = np.where(np.arange(longest) < unused, np.float32(MASKED_SCORE), np.float32(0))
        mask = np.minimum(_causal(len(starts), longest), self._pads[:, None, None])
        positions = np.maximum(_positions(tokens) - unused, 0)
        self._reset()
        return self._run(tokens, positions, mask, np.arange(len(starts)), 1)

    def next_token_scores(self, starts: Sequence[Sequence[int]]) -> Floats:
        """Return the scores of every token after `starts`, shape (windows, vocabulary and padding).

        Their softmax is the probability of the tokens.
        """
        self.begin(starts)
        scores, scales = (self._last.get_output_tensor(place).data for place in (0, 1))
        return np.array(scores * scales)

    def step(self, tokens: Sequence[int], sources: Sequence[int], beams: int) -> NextTokens:
        """Decode one token for each row; see `beam_search.Decoder`."""
        rows = np.array(sources)
        self._pads, self._lengths = self._pads[rows], self._lengths[rows] + 1
        self._pads = np.pad(self._pads, ((0, 0), (0, 1)))
        return self._run(
            np.array(tokens)[:, None], self._lengths[:, None] - 1, self._pads[:, None, None], rows, beams
        )

    def swap(self, slot: int, other: int) -> None:
        """Exchange the windows in two slots."""
        self._slots[[slot, other]] = self._slots[[other, slot]]

    def cross_attention_scores(
        self, leading: int, texts: Sequence[Hypothesis], frames: Sequence[int]
    ) -> list[Floats]:
        """Return each slot's cross-attention scores, shape (alignment heads, tokens, frames).

        The tokens are the last `leading` prompt tokens and those of the text. Their queries were recorded
        during the search.
        """
        scores: list[Floats] = []
        for slot, text, count in zip(self._slots[: len(texts)], texts, frames, strict=True):
            pairs = zip(self._alignment_queries(leading, text), self._alignment_keys(slot), strict=True)
            scores.append(np.stack([queries @ keys[:count].T for queries, keys in pairs]))
        return scores

    def log_likelihoods(
        self, place: int, prefix: Sequence[int], endings: Sequence[Sequence[int]]
    ) -> list[float]:
        """Return the log likelihood of each ending after a prefix, in one window. Clears the decoder state.

        Args:
            prefix: the first tokens of the window, and those of its text before the ending.
        """
        self._reset()
        slots, rows, longest = self._slots[[place]], len(endings), max(map(len, endings))
        *_, last = self._run_layers(
            np.array([prefix]), np.arange(len(prefix))[None], _causal(1, len(prefix)), [0], slots
        )
        first = self._log_probabilities(last, [(0, -1, ending[0]) for ending in endings])
        tokens = np.array([[*ending, *[0] * (longest - len(ending))] for ending in endings])
        mask = np.pad(_causal(rows, longest), ((0, 0), (0, 0), (0, 0), (len(prefix), 0)))
        *_, last = self._run_layers(tokens, _positions(tokens) + len(prefix), mask, [0] * rows, slots)
        targets = [
            (row, at, token) for row, ending in enumerate(endings) for at, token in enumerate(ending[1:])
        ]
        total = (
            np.bincount([row for row, *_ in targets], self._log_probabilities(last, targets), rows) + first
        )
        return [float(likelihood) for likelihood in total]

    def _reset(self) -> None:
        self._steps.clear()
        for layer in self._layers:
            layer.reset_state()

    def _log_probabilities(self, output: "LayerOutput", targets: Sequence[tuple[int, int, int]]) -> Floats:
        """Return the log probabilities of `targets`, each (row, place in the row before the token, token)."""
        rows, places, tokens = np.array(targets).T
        self._run_last(output.residual[rows, places], output.attended[rows, places])
        scores, scales = (self._last.get_output_tensor(place).data for place in (0, 1))
        return log_probabilities(scores, scales, tokens)

    def _alignment_keys(self, slot: int) -> Iterator[Floats]:
        for cache, heads in zip(self._caches, self._alignment_heads, strict=True):
            yield from (cache.head_keys(slot, head) for head in heads)

    def _alignment_queries(self, leading: int, text: Hypothesis) -> Floats:
        """Return the queries of the alignment heads, shape (alignment heads, tokens, HEAD_WIDTH)."""
        row, reversed_queries = text.row, list[Floats]()
        for step in self._steps[len(text.tokens) : 0 : -1]:
            reversed_queries.append(step.queries[row])
            row = step.sources[row]
        first = self._steps[0].queries[row, -leading:]
        return np.concatenate([first, *reversed(reversed_queries)]).transpose(1, 0, 2)

    def _run(
        self, tokens: Any, positions: Any, mask: Any, sources: NDArray[np.int64], beams: int
    ) -> NextTokens:
        slots = self._slots[: len(tokens) // beams]
        layers = list(self._run_layers(tokens, positions, mask, sources, slots))
        self._steps.append(
            DecodingStep(sources, np.concatenate([layer.alignment_queries for layer in layers], axis=2))
        )
        return self._next_tokens(layers[-1].residual[:, -1], layers[-1].attended[:, -1])

    def _run_layers(
        self, tokens: Any, positions: Any, mask: Any, sources: Any, slots: NDArray[np.int64]
    ) -> Iterator["LayerOutput"]:
        """Yield the output of each layer, in order."""
        shared_inputs = np.array(mask, np.float32, order="C"), np.array(sources, np.int32)
        inputs: tuple[Floats, ...] = (self._embedding.lookup(tokens, positions),)
        for layer, cache, alignment_heads in zip(
            self._layers, self._caches, self._alignment_heads, strict=True
        ):
            for place, value in enumerate((*shared_inputs, *inputs)):
                layer.set_input_tensor(place, ov.Tensor(value, shared_memory=True))
            layer.infer()
            residual, queries = (layer.get_output_tensor(place).data for place in (0, 1))
            queries = queries.reshape(*queries.shape[:2], self._heads, HEAD_WIDTH)
            by_window = queries.reshape(len(slots), -1, self._heads, HEAD_WIDTH)
            attended = cache.attend(slots, by_window).reshape(residual.shape)
            yield LayerOutput(residual, attended, queries[:, :, alignment_heads])
            inputs = residual, attended

    def _next_tokens(self, residual: Floats, attended: Floats) -> NextTokens:
        self._run_last(residual, attended)
        return top_k(*(self._last.get_output_tensor(place).data for place in (0, 1)))

    def _run_last(self, residual: Floats, attended: Floats) -> None:
        for place, value in enumerate((residual, attended)):
            self._last.set_input_tensor(place, ov.Tensor(np.ascontiguousarray(value)))
        self._last.infer()


class LayerOutput(NamedTuple):
    """The output of a decoder layer.

    Attributes:
        residual: shape (rows, length, width), the stream that cross attention is added to.
        attended: the output of cross attention, same shape.
        alignment_queries: shape (rows, length, alignment heads, HEAD_WIDTH).
    """

    residual: Floats
    attended: Floats
    alignment_queries: Floats


class DecodingStep(NamedTuple):
    """The record of a step, for alignment.

    Attributes:
        sources: shape (rows,), the row of the previous step that each row continued.
        queries: shape (rows, length, alignment heads, HEAD_WIDTH).
    """

    sources: NDArray[np.int64]
    queries: Floats


def _positions(tokens: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.broadcast_to(np.arange(tokens.shape[1]), tokens.shape)


def _causal(rows: int, length: int) -> Floats:
    later = np.triu(np.full((length, length), MASKED_SCORE, np.float32), 1)
    return np.broadcast_to(later, (rows, 1, length, length)).astype(np.float32)
