"""One thread's share of the fast engine: windows in slots, from spectrograms to scores of what was said."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from podcast_pipeline.transcribers.attention import Kept
from podcast_pipeline.transcribers.candidates import best
from podcast_pipeline.transcribers.decoder import NEVER
from podcast_pipeline.transcribers.mel import Mel
from podcast_pipeline.transcribers.model_file import HEAD_WIDTH
from podcast_pipeline.transcribers.search import Next

ALIGNED = 4  # windows whose texts go through the graph at once, as a matter of memory

Floats = NDArray[np.float32]


class Compiled(NamedTuple):
    """The graphs for this processor; see encoder.py and decoder.py."""

    encoder: ov.CompiledModel
    layers: Sequence[ov.CompiledModel]
    last: ov.CompiledModel


class Lane:
    """A `search.Decoder`: room for some windows; one batch after the other, one thread at a time.

    Args:
        asked: (layer, head) of the cross attention that tells when a token was said.
    """

    def __init__(
        self, compiled: Compiled, *, slots: int, heads: int, asked: Sequence[tuple[int, int]]
    ) -> None:
        self._encoder, self._last = (
            graph.create_infer_request() for graph in (compiled.encoder, compiled.last)
        )
        self._heard = [np.zeros(tuple(output.shape)[1:], np.uint16) for output in compiled.encoder.outputs]
        for place, heard in enumerate(self._heard):
            tensor = ov.Tensor(heard[None], ov.Shape((1, *heard.shape)), ov.Type.bf16)
            self._encoder.set_output_tensor(place, tensor)
        self._layers = [graph.create_infer_request() for graph in compiled.layers]
        self._kept = [Kept.room(slots, heads) for _ in compiled.layers]
        self._heads, self._asked = heads, asked
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

    def begin(self, starts: Sequence[Sequence[int]]) -> Next:
        """Forget what was said, take the first tokens of each window."""
        return self._next(*self._begun(starts))

    def scores(self, starts: Sequence[Sequence[int]]) -> Floats:
        """Return the scores of every token after the first ones, shape (windows, vocabulary and padding)."""
        self._next(*self._begun(starts))
        return np.array(self._last.get_output_tensor(0).data)

    def step(self, tokens: Sequence[int], sources: Sequence[int], beams: int) -> Next:
        """Take a token for each row; see `search.Decoder`."""
        rows = np.array(sources)
        self._pads, self._lengths = self._pads[rows], self._lengths[rows] + 1
        self._pads = np.pad(self._pads, ((0, 0), (0, 1)))
        before, found = self._run(
            np.array(tokens)[:, None], self._lengths[:, None] - 1, self._pads[:, None, None], rows, beams
        )
        return self._next(before[:, 0], found[:, 0])

    def swap(self, slot: int, other: int) -> None:
        """Exchange the windows in two slots."""
        self._slots[[slot, other]] = self._slots[[other, slot]]

    def heard(self, texts: Sequence[Sequence[int]], frames: Sequence[int]) -> list[Floats]:
        """Return where each slot's window was heard: scores of shape (asked heads, tokens, frames)."""
        found: list[Floats] = []
        for first in range(0, len(texts), ALIGNED):
            some = slice(first, first + ALIGNED)
            found += self._some_heard(first, texts[some], frames[some])
        return found

    def _some_heard(
        self, first: int, texts: Sequence[Sequence[int]], frames: Sequence[int]
    ) -> Iterator[Floats]:
        longest = max(map(len, texts))
        tokens = np.array([[*text, *[0] * (longest - len(text))] for text in texts])
        rows = np.arange(len(texts))
        slots = self._slots[first : first + len(texts)]
        self._forget()
        layers = self._through(tokens, _positions(tokens), _causal(len(texts), longest), rows, slots)
        queries = [layer.queries for layer in islice(layers, 1 + max(layer for layer, _ in self._asked))]
        for place, (text, count) in enumerate(zip(texts, frames, strict=True)):
            yield np.stack(
                [
                    queries[layer][place, : len(text), head]
                    @ self._kept[layer].head_keys(slots[place], head)[:count].T
                    for layer, head in self._asked
                ]
            )

    def _begun(self, starts: Sequence[Sequence[int]]) -> tuple[Floats, Floats]:
        longest = max(map(len, starts))
        tokens = np.array([[*[0] * (longest - len(start)), *start] for start in starts])
        self._lengths = np.array([len(start) for start in starts])
        unused = longest - self._lengths[:, None]
        self._pads = np.where(np.arange(longest) < unused, np.float32(NEVER), np.float32(0))
        mask = np.minimum(_causal(len(starts), longest), self._pads[:, None, None])
        self._forget()
        positions = np.maximum(_positions(tokens) - unused, 0)
        before, found = self._run(tokens, positions, mask, np.arange(len(starts)), 1)
        return before[:, -1], found[:, -1]

    def _forget(self) -> None:
        for layer in self._layers:
            layer.reset_state()

    def _run(self, tokens: Any, positions: Any, mask: Any, sources: Any, beams: int) -> tuple[Floats, Floats]:
        """Return what comes out of the last layer and what its queries found; both (rows, length, width)."""
        slots = self._slots[: len(tokens) // beams]
        *_, last = self._through(tokens, positions, mask, sources, slots)
        return last.before, last.found

    def _through(
        self, tokens: Any, positions: Any, mask: Any, sources: Any, slots: NDArray[np.int64]
    ) -> Iterator["Passed"]:
        """Yield layer after layer what comes out of it."""
        both = np.array(mask, np.float32, order="C"), np.array(sources, np.int32)
        ins: Any = tuple(np.array(value, np.int64, order="C") for value in (tokens, positions))
        for layer, kept in zip(self._layers, self._kept, strict=True):
            for place, value in enumerate((*both, *ins)):
                layer.set_input_tensor(place, ov.Tensor(value, shared_memory=True))
            layer.infer()
            before, queries = (layer.get_output_tensor(place).data for place in (0, 1))
            queries = queries.reshape(len(slots), -1, self._heads, HEAD_WIDTH)
            found = kept.attend(slots, queries).reshape(before.shape)
            yield Passed(before, queries, found)
            ins = before, found

    def _next(self, before: Floats, found: Floats) -> Next:
        for place, value in enumerate((before, found)):
            self._last.set_input_tensor(place, ov.Tensor(np.ascontiguousarray(value)))
        self._last.infer()
        return best(*(self._last.get_output_tensor(place).data for place in (0, 1)))


class Passed(NamedTuple):
    """What comes out of a layer.

    Attributes:
        before: shape (rows, length, width), what its cross attention is added to.
        queries: shape (windows, queries of a window, heads, HEAD_WIDTH).
        found: as `before`: what the queries found.
    """

    before: Floats
    queries: Floats
    found: Floats


def _positions(tokens: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.broadcast_to(np.arange(tokens.shape[1]), tokens.shape)


def _causal(rows: int, length: int) -> Floats:
    later = np.triu(np.full((length, length), NEVER, np.float32), 1)
    return np.broadcast_to(later, (rows, 1, length, length)).astype(np.float32)
