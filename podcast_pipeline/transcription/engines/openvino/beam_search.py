"""Beam search over the windows of a batch: whisper/decoding.py, `BeamSearchDecoder`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Hypothesis(NamedTuple):
    """Tokens with the log probability of each.

    Attributes:
        total: sum of the log probabilities, including the end token's.
        row: row of the step in which the last token was decoded.
    """

    tokens: tuple[int, ...] = ()
    log_probabilities: tuple[float, ...] = ()
    total: float = 0.0
    row: int = 0

    def then(self, token: int, logarithm: float) -> "Hypothesis":
        """Return the hypothesis with one more token."""
        return Hypothesis((*self.tokens, token), (*self.log_probabilities, logarithm), self.total + logarithm)

    def ended(self, logarithm: float, row: int) -> "Hypothesis":
        """Return the hypothesis with the log probability of the end token added."""
        return self._replace(total=self.total + logarithm, row=row)

    def cut(self, row: int) -> "Hypothesis":
        """Return the hypothesis without its last token, which was not decoded."""
        return Hypothesis(
            self.tokens[:-1], self.log_probabilities[:-1], self.total - self.log_probabilities[-1], row
        )


class NextTokens(NamedTuple):
    """The candidates for the next token of each row, best first; arrays of shape (rows, candidates)."""

    log_probabilities: NDArray[np.float32]
    tokens: NDArray[np.int64]


class Decoder(Protocol):
    """A decoder with windows in slots, and the state of their beams."""

    def begin(self, starts: Sequence[Sequence[int]]) -> NextTokens:
        """Clear the state, decode the first tokens of each window, a row each."""

    def step(self, tokens: Sequence[int], sources: Sequence[int], beams: int) -> NextTokens:
        """Decode one token for each row, which continues row `sources` of the previous step."""

    def swap(self, slot: int, other: int) -> None:
        """Exchange the windows in two slots; rows follow their slots in the next step."""


@dataclass
class WindowBeams:
    """The hypotheses of one window."""

    width: int
    end: int
    window: int
    live: list[Hypothesis] = field(default_factory=lambda: [Hypothesis()])
    sources: list[int] = field(default_factory=list)  # row of the last step for each live hypothesis
    finished: list[Hypothesis] = field(default_factory=list)

    def advance(self, next_tokens: NextTokens, first: int, suppressed: frozenset[int] = frozenset()) -> None:
        """Replace the live hypotheses, whose rows begin at `first`, by their best continuations."""
        candidates = sorted(
            (
                (text.total + logarithm, place, token, logarithm)
                for place, text in enumerate(self.live)
                for logarithm, token in self._best(next_tokens, first + place, suppressed)
            ),
            key=lambda candidate: -candidate[0],
        )
        live, sources, previous = [], [], self.live
        for _, place, token, logarithm in candidates:
            if token == self.end:
                self.finished.append(previous[place].ended(logarithm, first + place))
                continue
            live.append(previous[place].then(token, logarithm))
            sources.append(first + place)
            if len(live) == self.width:
                break
        self.live, self.sources = live, sources

    def _best(self, next_tokens: NextTokens, row: int, suppressed: frozenset[int]) -> list[tuple[float, int]]:
        pairs = zip(
            next_tokens.log_probabilities[row].tolist(), next_tokens.tokens[row].tolist(), strict=True
        )
        return [(logarithm, token) for logarithm, token in pairs if token not in suppressed][: self.width + 1]

    @property
    def complete(self) -> bool:
        """Whether as many hypotheses have ended as there are beams."""
        return len(self.finished) >= self.width

    @property
    def best(self) -> Hypothesis:
        """The hypothesis with the best average log probability, of the ended ones if there are any."""
        ended = self.finished or [text.cut(row) for text, row in zip(self.live, self.sources, strict=True)]
        return max(ended, key=lambda text: text.total / max(1, len(text.tokens)))


def beam_search(
    decoder: Decoder,
    starts: Sequence[Sequence[int]],
    *,
    beam_size: int,
    max_tokens: int,
    end_token: int,
    suppressed_first: frozenset[int],
) -> tuple[list[Hypothesis], list[int]]:
    """Return the best hypothesis of each window, and the window in each slot afterwards.

    Complete windows leave the batch: the last active window is swapped into their slot.

    Args:
        max_tokens: of a hypothesis.
        end_token: ends a hypothesis.
        suppressed_first: tokens that no hypothesis begins with.
    """
    slots = [WindowBeams(beam_size, end_token, window) for window in range(len(starts))]
    next_tokens = decoder.begin(starts)
    for row, slot in enumerate(slots):
        slot.advance(next_tokens, row, suppressed_first)
    active = len(slots)
    for _ in range(max_tokens):
        for place in reversed(range(active)):
            if slots[place].complete:
                active -= 1
                decoder.swap(place, active)
                slots[place], slots[active] = slots[active], slots[place]
        if not active:
            break
        active_slots = slots[:active]
        tokens = [text.tokens[-1] for slot in active_slots for text in slot.live]
        sources = [source for slot in active_slots for source in slot.sources]
        next_tokens = decoder.step(tokens, sources, beam_size)
        for place, slot in enumerate(active_slots):
            slot.advance(next_tokens, place * beam_size)
    best = {slot.window: slot.best for slot in slots}
    return [best[window] for window in range(len(starts))], [slot.window for slot in slots]
