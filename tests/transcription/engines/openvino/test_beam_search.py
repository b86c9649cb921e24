"""Beam search and word alignment, against the plain way to do the same."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.transcription.engines.openvino.beam_search import NextTokens, beam_search
from podcast_pipeline.transcription.engines.openvino.word_times import MEDIAN_WIDTH, dtw_path, median_filter

END, LETTERS = 0, 9
Chain = NDArray[np.float32]


class Markov:
    """A decoder whose next token depends on the last one only; each window has a table of its own."""

    def __init__(self, tables: Sequence[Chain]) -> None:
        self.slots = list(tables)

    def begin(self, starts: Sequence[Sequence[int]]) -> NextTokens:
        """Continue each window's last token."""
        return self._next([(slot, start[-1]) for slot, start in enumerate(starts)])

    def step(self, tokens: Sequence[int], sources: Sequence[int], beams: int) -> NextTokens:
        """Continue each row's token."""
        assert len(tokens) == len(sources)
        return self._next([(row // beams, token) for row, token in enumerate(tokens)])

    def swap(self, slot: int, other: int) -> None:
        """Exchange two tables."""
        self.slots[slot], self.slots[other] = self.slots[other], self.slots[slot]

    def _next(self, rows: Sequence[tuple[int, int]]) -> NextTokens:
        scores = np.stack([self.slots[slot][token] for slot, token in rows])
        order = np.argsort(-scores, axis=1)
        return NextTokens(np.take_along_axis(scores, order, 1), order)


def tables(count: int) -> list[Chain]:
    random = np.random.default_rng(1)
    weights = random.random((count, LETTERS, LETTERS)) ** 3
    return list(np.log(weights / weights.sum(-1, keepdims=True)).astype(np.float32))


def found(chains: Sequence[Chain], beams: int) -> list[tuple[int, ...]]:
    texts, order = beam_search(
        Markov(chains),
        [[1]] * len(chains),
        beam_size=beams,
        max_tokens=20,
        end_token=END,
        suppressed_first=frozenset({END}),
    )
    assert sorted(order) == list(range(len(chains)))
    return [text.tokens for text in texts]


def greedy(chain: Chain) -> tuple[int, ...]:
    tokens = [1 + int(np.argmax(chain[1][1:]))]
    while len(tokens) < 20 and (token := int(np.argmax(chain[tokens[-1]]))) != END:
        tokens.append(token)
    return tuple(tokens)


def test_one_beam_is_greedy() -> None:
    """With one beam every next token is the likeliest."""
    chains = tables(20)
    assert found(chains, 1) == [greedy(chain) for chain in chains]


def test_windows_are_independent() -> None:
    """A window's text is the same alone and among others, which end earlier or later."""
    chains = tables(20)
    for beams in (1, 2, 5):
        assert found(chains, beams) == [found([chain], beams)[0] for chain in chains]


def test_more_beams_find_likelier_texts() -> None:
    """The sum over all windows of the average log probability is higher with five beams than with one."""
    chains = tables(30)

    def average(chain: Chain, text: tuple[int, ...]) -> float:
        steps = zip((1, *text), (*text, END), strict=True)
        return float(sum(chain[a][b] for a, b in steps)) / len(text)

    one, five = (
        sum(average(chain, text) for chain, text in zip(chains, found(chains, beams), strict=True))
        for beams in (1, 5)
    )
    assert five > one


def test_the_sorting_network_gives_the_median() -> None:
    """The median filter agrees with NumPy's median."""
    values = np.random.default_rng(2).random((12, 50)).astype(np.float32)
    padded = np.pad(values, ((0, 0), (3, 3)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, MEDIAN_WIDTH, axis=-1)
    assert np.array_equal(median_filter(values), np.median(windows, axis=-1))
    assert median_filter(values[:, :2]).shape == (12, 2)


def cheapest(costs: NDArray[np.float64]) -> float:
    """Return the cost of the best path, cell by cell."""
    rows, columns = costs.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0
    for i in range(rows):
        for j in range(columns):
            total[i + 1, j + 1] = costs[i, j] + min(total[i, j], total[i, j + 1], total[i + 1, j])
    return float(total[-1, -1])


def test_the_path_is_the_cheapest() -> None:
    """The cost of the path is that of dynamic time warping cell by cell."""
    random = np.random.default_rng(3)
    for rows, columns in ((1, 1), (2, 9), (7, 7), (12, 40)):
        costs = random.normal(size=(rows, columns))
        starts = dtw_path(costs)
        assert starts[0] == 0
        assert (np.diff(starts) >= 0).all()
        walked = costs[-1, starts[-1] :].sum()
        for row, (a, b) in enumerate(pairwise(starts)):
            walked += min(costs[row, a : b + 1].sum(), costs[row, a:b].sum() if b > a else np.inf)
        assert np.isclose(walked, cheapest(costs))
