"""One thread's share of the fast engine: windows in slots, from spectrograms to scores of what was said."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from podcast_pipeline.transcribers.decoder import NEVER
from podcast_pipeline.transcribers.graph import FRAMES
from podcast_pipeline.transcribers.mel import Mel
from podcast_pipeline.transcribers.model_file import HEAD_WIDTH
from podcast_pipeline.transcribers.search import Next

STORED = {ov.Type.bf16: np.uint16, ov.Type.f32: np.float32}
"""Number type of keys and values to that of the array they lie in; NumPy has no bf16."""

ALIGNED = 4  # windows whose texts go through the graph at once, as a matter of memory

Floats = NDArray[np.float32]


class Compiled(NamedTuple):
    """The graphs for this processor, and the number type of keys and values."""

    encoder: ov.CompiledModel
    body: ov.CompiledModel
    head: ov.CompiledModel
    kept: ov.Type


class Lane:
    """A `search.Decoder`: room for some windows; one batch after the other, one thread at a time.

    Args:
        asked: (layer, head) of the cross attention that tells when a token was said.
    """

    def __init__(
        self, compiled: Compiled, *, slots: int, heads: int, asked: Sequence[tuple[int, int]]
    ) -> None:
        self._encoder, self._body, self._head = (
            graph.create_infer_request() for graph in (compiled.encoder, compiled.body, compiled.head)
        )
        self._kept, self._asked = compiled.kept, asked
        shapes = ((heads, FRAMES, HEAD_WIDTH), (heads, HEAD_WIDTH, FRAMES))
        count = len(compiled.encoder.outputs)
        self._crossed = [np.empty((slots, *shapes[i % 2]), STORED[self._kept]) for i in range(count)]
        self._pads = np.zeros((0, 0), np.float32)
        self._lengths = np.zeros(0, np.int64)

    def encode(self, mels: Iterable[Mel]) -> None:
        """Put windows into the slots from the first on."""
        for slot, mel in enumerate(mels):
            for place, crossed in enumerate(self._crossed):
                self._encoder.set_output_tensor(place, self._tensor(crossed[slot : slot + 1]))
            self._encoder.infer([mel[None]])

    def begin(self, starts: Sequence[Sequence[int]]) -> Next:
        """Forget what was said, take the first tokens of each window."""
        return self._next(self._begun(starts))

    def scores(self, starts: Sequence[Sequence[int]]) -> Floats:
        """Return the scores of every token after the first ones, shape (windows, vocabulary and padding)."""
        self._next(self._begun(starts))
        return np.array(self._head.get_output_tensor(0).data)

    def step(self, tokens: Sequence[int], sources: Sequence[int], beams: int) -> Next:
        """Take a token for each row; see `search.Decoder`."""
        rows = np.array(sources)
        self._pads, self._lengths = self._pads[rows], self._lengths[rows] + 1
        self._pads = np.pad(self._pads, ((0, 0), (0, 1)))
        hidden = self._run(
            np.array(tokens)[:, None], self._lengths[:, None] - 1, self._pads[:, None, None], rows, beams
        )
        return self._next(hidden[:, 0])

    def swap(self, slot: int, other: int) -> None:
        """Exchange the windows in two slots."""
        if slot != other:
            for crossed in self._crossed:
                crossed[[slot, other]] = crossed[[other, slot]]

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
        self._body.reset_state()
        self._run(tokens, _positions(tokens), _causal(len(texts), longest), rows, longest, first_slot=first)
        layers = sorted({layer for layer, _ in self._asked})
        queries = {layer: self._body.get_output_tensor(1 + i).data for i, layer in enumerate(layers)}
        for place, (text, count) in enumerate(zip(texts, frames, strict=True)):
            yield np.stack(
                [
                    queries[layer][place, head, : len(text)] @ self._key(layer, first + place, head)[:count].T
                    for layer, head in self._asked
                ]
            )

    def _begun(self, starts: Sequence[Sequence[int]]) -> Floats:
        longest = max(map(len, starts))
        tokens = np.array([[*[0] * (longest - len(start)), *start] for start in starts])
        self._lengths = np.array([len(start) for start in starts])
        unused = longest - self._lengths[:, None]
        self._pads = np.where(np.arange(longest) < unused, np.float32(NEVER), np.float32(0))
        mask = np.minimum(_causal(len(starts), longest), self._pads[:, None, None])
        self._body.reset_state()
        positions = np.maximum(_positions(tokens) - unused, 0)
        return self._run(tokens, positions, mask, np.arange(len(starts)), longest)[:, -1]

    def _run(
        self, tokens: Any, positions: Any, mask: Any, sources: Any, together: int, *, first_slot: int = 0
    ) -> Floats:
        windows = tokens.size // together
        values = (
            tokens.astype(np.int64),
            positions.astype(np.int64),
            mask.astype(np.float32),
            sources.astype(np.int32),
            np.array([together], np.int64),
        )
        for place, value in enumerate(values):
            self._body.set_input_tensor(place, ov.Tensor(np.ascontiguousarray(value)))
        for place, crossed in enumerate(self._crossed, len(values)):
            self._body.set_input_tensor(place, self._tensor(crossed[first_slot : first_slot + windows]))
        self._body.infer()
        return np.asarray(self._body.get_output_tensor(0).data, np.float32)

    def _next(self, hidden: Floats) -> Next:
        self._head.set_input_tensor(0, ov.Tensor(np.ascontiguousarray(hidden)))
        self._head.infer()
        total, best, tokens = (self._head.get_output_tensor(place).data for place in (1, 2, 3))
        return Next(best - total, np.array(tokens))

    def _tensor(self, part: NDArray[Any]) -> ov.Tensor:
        return ov.Tensor(part, ov.Shape(part.shape), self._kept)

    def _key(self, layer: int, slot: int, head: int) -> Floats:
        stored = self._crossed[2 * layer][slot, head]
        if self._kept == ov.Type.f32:
            return np.asarray(stored, np.float32)
        widened: Floats = (stored.astype(np.uint32) << 16).view(np.float32)  # bf16 is its upper half
        return widened


def _positions(tokens: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.broadcast_to(np.arange(tokens.shape[1]), tokens.shape)


def _causal(rows: int, length: int) -> Floats:
    later = np.triu(np.full((length, length), NEVER, np.float32), 1)
    return np.broadcast_to(later, (rows, 1, length, length)).astype(np.float32)
