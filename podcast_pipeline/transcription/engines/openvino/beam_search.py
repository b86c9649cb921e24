"""Beam search over the windows of a batch: whisper/decoding.py, `BeamSearchDecoder`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Hypothesis(NamedTuple):
    """Tokens with the logarithm of each one's probability.

    Attributes:
        total: of the logarithms, the end's too.
        row: of the step in which the last token was taken.
    """

    tokens: tuple[int, ...] = ()
    log_probabilities: tuple[float, ...] = ()
    total: float = 0.0
    row: int = 0

    def then(self, token: int, logarithm: float) -> "Hypothesis":
        """Return the text with one more token."""
        return Hypothesis((*self.tokens, token), (*self.log_probabilities, logarithm), self.total + logarithm)

    def ended(self, logarithm: float, row: int) -> "Hypothesis":
        """Return the text with the probability that it ends here."""
        return self._replace(total=self.total + logarithm, row=row)

    def cut(self, row: int) -> "Hypothesis":
        """Return the text without its last token, which was not taken."""
        return Hypothesis(
            self.tokens[:-1], self.log_probabilities[:-1], self.total - self.log_probabilities[-1], row
        )


class NextTokens(NamedTuple):
    """What may follow in each row, best first; arrays of shape (rows, candidates)."""

    log_probabilities: NDArray[np.float32]
    tokens: NDArray[np.int64]


class Decoder(Protocol):
    """Windows in slots, and what was said in them so far."""

    def begin(self, starts: Sequence[Sequence[int]]) -> NextTokens:
        """Forget everything, take the first tokens of each window, a row each."""

    def step(self, tokens: Sequence[int], sources: Sequence[int], beams: int) -> NextTokens:
        """Take one token for each row, which continues row `sources` of the step before."""

    def swap(self, slot: int, other: int) -> None:
        """Exchange the windows in two slots; rows follow their slots in the next step."""


@dataclass
class WindowBeams:
    """The texts of one window."""

    width: int
    end: int
    window: int
    live: list[Hypothesis] = field(default_factory=lambda: [Hypothesis()])
    sources: list[int] = field(default_factory=list)  # rows of the last step that the live texts continue
    finished: list[Hypothesis] = field(default_factory=list)

    def advance(self, after: NextTokens, first: int, never: frozenset[int] = frozenset()) -> None:
        """Take the best continuations of the live texts, whose rows begin with the first."""
        candidates = sorted(
            (
                (text.total + logarithm, place, token, logarithm)
                for place, text in enumerate(self.live)
                for logarithm, token in self._best(after, first + place, never)
            ),
            key=lambda candidate: -candidate[0],
        )
        live, sources, before = [], [], self.live
        for _, place, token, logarithm in candidates:
            if token == self.end:
                self.finished.append(before[place].ended(logarithm, first + place))
                continue
            live.append(before[place].then(token, logarithm))
            sources.append(first + place)
            if len(live) == self.width:
                break
        self.live, self.sources = live, sources

    def _best(self, after: NextTokens, row: int, never: frozenset[int]) -> list[tuple[float, int]]:
        pairs = zip(after.log_probabilities[row].tolist(), after.tokens[row].tolist(), strict=True)
        return [(logarithm, token) for logarithm, token in pairs if token not in never][: self.width + 1]

    @property
    def complete(self) -> bool:
        """Tell whether as many texts have ended as there are beams."""
        return len(self.finished) >= self.width

    @property
    def best(self) -> Hypothesis:
        """Return the text with the best average; texts that did not end count where none has."""
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
    """Return the best text of each window, and the window that is in each slot afterwards.

    Windows that are complete leave the batch: the last one takes their slot.

    Args:
        longest: tokens of a text.
        end: the token after the last.
        blank: tokens that nothing begins with.
    """
    slots = [WindowBeams(beam_size, end_token, window) for window in range(len(starts))]
    after = decoder.begin(starts)
    for row, slot in enumerate(slots):
        slot.advance(after, row, suppressed_first)
    active = len(slots)
    for _ in range(max_tokens):
        for place in reversed(range(active)):
            if slots[place].complete:
                active -= 1
                decoder.swap(place, active)
                slots[place], slots[active] = slots[active], slots[place]
        if not active:
            break
        going = slots[:active]
        tokens = [text.tokens[-1] for slot in going for text in slot.live]
        sources = [source for slot in going for source in slot.sources]
        after = decoder.step(tokens, sources, beam_size)
        for place, slot in enumerate(going):
            slot.advance(after, place * beam_size)
    texts = {slot.window: slot.best for slot in slots}
    return [texts[window] for window in range(len(starts))], [slot.window for slot in slots]
