"""One thread's share of the fast engine: windows in slots, from spectrograms to scores of what was said."""

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
    """The graphs for this processor; see encoder.py and decoder.py."""

    encoder: ov.CompiledModel
    embedding: TokenEmbedding
    layers: Sequence[ov.CompiledModel]
    last: ov.CompiledModel


class InferenceWorker:
    """A `search.Decoder`: room for some windows; one batch after the other, one thread at a time.

    Args:
        asked: (layer, head) of the cross attention that tells when a token was said.
    """

    def __init__(
        self, compiled: CompiledGraphs, *, slots: int, heads: int, alignment_heads: Sequence[tuple[int, int]]
    ) -> None:
        self._encoder, self._last = (
            graph.create_infer_request() for graph in (compiled.encoder, compiled.last)
        )
        self._heard = [np.zeros(tuple(output.shape)[1:], np.uint16) for output in compiled.encoder.outputs]
        for place, heard in enumerate(self._heard):
            tensor = ov.Tensor(heard[None], ov.Shape((1, *heard.shape)), ov.Type.bf16)
            self._encoder.set_output_tensor(place, tensor)
        self._embedding = compiled.embedding
        self._layers = [graph.create_infer_request() for graph in compiled.layers]
        self._kept = [CrossAttentionCache.allocate(slots, heads) for _ in compiled.layers]
        self._heads = heads
        self._asked = [
            [head for at, head in alignment_heads if at == layer] for layer in range(len(compiled.layers))
        ]
        self._steps: list[DecodingStep] = []
        self._slots = np.arange(slots)
        self._pads = np.zeros((0, 0), np.float32)
        self._lengths = np.zeros(0, np.int64)

    def encode(self, mels: Iterable[Mel]) -> None:
        """Put windows into the slots from the first on."""
        self._slots = np.arange(len(self._slots))
        for slot, mel in enumerate(mels):
            self._encoder.infer([mel[None]])
            for layer, kept in enumerate(self._kept):
                kept.put(slot, *self._heard[2 * layer : 2 * layer + 2])

    def begin(self, starts: Sequence[Sequence[int]]) -> NextTokens:
        """Forget what was said, take the first tokens of each window."""
        longest = max(map(len, starts))
        tokens = np.array([[*[0] * (longest - len(start)), *start] for start in starts])
        self._lengths = np.array([len(start) for start in starts])
        unused = longest - self._lengths[:, None]
        self._pads = np.where(np.arange(longest) < unused, np.float32(MASKED_SCORE), np.float32(0))
        mask = np.minimum(_causal(len(starts), longest), self._pads[:, None, None])
        positions = np.maximum(_positions(tokens) - unused, 0)
        self._forget()
        return self._run(tokens, positions, mask, np.arange(len(starts)), 1)

    def next_token_scores(self, starts: Sequence[Sequence[int]]) -> Floats:
        """Return the scores of every token after the first ones, shape (windows, vocabulary and padding)."""
        self.begin(starts)
        return np.array(self._last.get_output_tensor(0).data)

    def step(self, tokens: Sequence[int], sources: Sequence[int], beams: int) -> NextTokens:
        """Take a token for each row; see `search.Decoder`."""
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
        """Return where each slot's window was heard: scores of shape (asked heads, tokens, frames).

        The tokens are so many leading ones, the last before the text, and those of the text. The search has
        asked for all of them already.
        """
        found: list[Floats] = []
        for slot, text, count in zip(self._slots[: len(texts)], texts, frames, strict=True):
            asked = zip(self._asked_queries(leading, text), self._asked_keys(slot), strict=True)
            found.append(np.stack([queries @ keys[:count].T for queries, keys in asked]))
        return found

    def log_likelihoods(
        self, place: int, prefix: Sequence[int], endings: Sequence[Sequence[int]]
    ) -> list[float]:
        """Return how likely each ending is after what was said in the window at a place, as a logarithm.

        What the lane was asked before is forgotten.

        Args:
            said: the first tokens of the window, and those of its text before the ending.
        """
        self._forget()
        slots, rows, longest = self._slots[[place]], len(endings), max(map(len, endings))
        *_, last = self._through(
            np.array([prefix]), np.arange(len(prefix))[None], _causal(1, len(prefix)), [0], slots
        )
        first = self._logarithms(last, [(0, -1, ending[0]) for ending in endings])
        tokens = np.array([[*ending, *[0] * (longest - len(ending))] for ending in endings])
        mask = np.pad(_causal(rows, longest), ((0, 0), (0, 0), (0, 0), (len(prefix), 0)))
        *_, last = self._through(tokens, _positions(tokens) + len(prefix), mask, [0] * rows, slots)
        asked = [
            (row, at, token) for row, ending in enumerate(endings) for at, token in enumerate(ending[1:])
        ]
        total = np.bincount([row for row, *_ in asked], self._logarithms(last, asked), rows) + first
        return [float(logarithm) for logarithm in total]

    def _forget(self) -> None:
        self._steps.clear()
        for layer in self._layers:
            layer.reset_state()

    def _logarithms(self, passed: "LayerOutput", asked: Sequence[tuple[int, int, int]]) -> Floats:
        """Return how probable tokens are, each a row, the place in it that it follows, and the token."""
        rows, places, tokens = np.array(asked).T
        self._ask_last(passed.before[rows, places], passed.found[rows, places])
        scores, scales = (self._last.get_output_tensor(place).data for place in (0, 1))
        return log_probabilities(scores, scales, tokens)

    def _asked_keys(self, slot: int) -> Iterator[Floats]:
        for kept, heads in zip(self._kept, self._asked, strict=True):
            yield from (kept.head_keys(slot, head) for head in heads)

    def _asked_queries(self, leading: int, text: Hypothesis) -> Floats:
        """Return what the asked heads looked for, shape (asked heads, tokens, HEAD_WIDTH)."""
        row, taken = text.row, list[Floats]()
        for step in self._steps[len(text.tokens) : 0 : -1]:
            taken.append(step.queries[row])
            row = step.sources[row]
        first = self._steps[0].queries[row, -leading:]
        return np.concatenate([first, *reversed(taken)]).transpose(1, 0, 2)

    def _run(
        self, tokens: Any, positions: Any, mask: Any, sources: NDArray[np.int64], beams: int
    ) -> NextTokens:
        slots = self._slots[: len(tokens) // beams]
        layers = list(self._through(tokens, positions, mask, sources, slots))
        self._steps.append(DecodingStep(sources, np.concatenate([layer.asked for layer in layers], axis=2)))
        return self._next(layers[-1].before[:, -1], layers[-1].found[:, -1])

    def _through(
        self, tokens: Any, positions: Any, mask: Any, sources: Any, slots: NDArray[np.int64]
    ) -> Iterator["LayerOutput"]:
        """Yield layer after layer what comes out of it."""
        both = np.array(mask, np.float32, order="C"), np.array(sources, np.int32)
        ins: tuple[Floats, ...] = (self._embedding.lookup(tokens, positions),)
        for layer, kept, asked in zip(self._layers, self._kept, self._asked, strict=True):
            for place, value in enumerate((*both, *ins)):
                layer.set_input_tensor(place, ov.Tensor(value, shared_memory=True))
            layer.infer()
            before, queries = (layer.get_output_tensor(place).data for place in (0, 1))
            queries = queries.reshape(*queries.shape[:2], self._heads, HEAD_WIDTH)
            together = queries.reshape(len(slots), -1, self._heads, HEAD_WIDTH)
            found = kept.attend(slots, together).reshape(before.shape)
            yield LayerOutput(before, found, queries[:, :, asked])
            ins = before, found

    def _next(self, before: Floats, found: Floats) -> NextTokens:
        self._ask_last(before, found)
        return top_k(*(self._last.get_output_tensor(place).data for place in (0, 1)))

    def _ask_last(self, before: Floats, found: Floats) -> None:
        for place, value in enumerate((before, found)):
            self._last.set_input_tensor(place, ov.Tensor(np.ascontiguousarray(value)))
        self._last.infer()


class LayerOutput(NamedTuple):
    """What comes out of a layer.

    Attributes:
        before: shape (rows, length, width), what its cross attention is added to.
        found: as `before`: what the queries found.
        asked: shape (rows, length, asked heads, HEAD_WIDTH), queries.
    """

    before: Floats
    found: Floats
    asked: Floats


class DecodingStep(NamedTuple):
    """What is kept of a step.

    Attributes:
        sources: shape (rows,), the row of the step before that each continued.
        queries: shape (rows, length, asked heads, HEAD_WIDTH).
    """

    sources: NDArray[np.int64]
    queries: Floats


def _positions(tokens: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.broadcast_to(np.arange(tokens.shape[1]), tokens.shape)


def _causal(rows: int, length: int) -> Floats:
    later = np.triu(np.full((length, length), MASKED_SCORE, np.float32), 1)
    return np.broadcast_to(later, (rows, 1, length, length)).astype(np.float32)
