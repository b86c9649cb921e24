"""Beam search over the windows of a batch: whisper/decoding.py, `BeamSearchDecoder`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Text(NamedTuple):
    """Tokens with the logarithm of each one's probability."""

    tokens: tuple[int, ...] = ()
    logarithms: tuple[float, ...] = ()
    total: float = 0.0  # of the logarithms, the end's too

    def then(self, token: int, logarithm: float) -> "Text":
        """Return the text with one more token."""
        return Text((*self.tokens, token), (*self.logarithms, logarithm), self.total + logarithm)

    def ended(self, logarithm: float) -> "Text":
        """Return the text with the probability that it ends here."""
        return self._replace(total=self.total + logarithm)


class Next(NamedTuple):
    """What may follow in each row, best first; arrays of shape (rows, candidates)."""

    logarithms: NDArray[np.float32]
    tokens: NDArray[np.int64]


class Decoder(Protocol):
    """Windows in slots, and what was said in them so far."""

    def begin(self, starts: Sequence[Sequence[int]]) -> Next:
        """Forget everything, take the first tokens of each window, a row each."""

    def step(self, tokens: Sequence[int], sources: Sequence[int], beams: int) -> Next:
        """Take one token for each row, which continues row `sources` of the step before."""

    def swap(self, slot: int, other: int) -> None:
        """Exchange the windows in two slots; rows follow their slots in the next step."""


@dataclass
class Beams:
    """The texts of one window."""

    width: int
    end: int
    window: int
    live: list[Text] = field(default_factory=lambda: [Text()])
    sources: list[int] = field(default_factory=list)
    finished: list[Text] = field(default_factory=list)

    def advance(self, after: Next, never: frozenset[int] = frozenset()) -> None:
        """Take the best continuations of the live texts."""
        candidates = sorted(
            (
                (text.total + logarithm, row, token, logarithm)
                for row, text in enumerate(self.live)
                for logarithm, token in self._best(after, row, never)
            ),
            key=lambda candidate: -candidate[0],
        )
        live, sources, before = [], [], self.live
        for _, row, token, logarithm in candidates:
            if token == self.end:
                self.finished.append(before[row].ended(logarithm))
                continue
            live.append(before[row].then(token, logarithm))
            sources.append(row)
            if len(live) == self.width:
                break
        self.live, self.sources = live, sources

    def _best(self, after: Next, row: int, never: frozenset[int]) -> list[tuple[float, int]]:
        pairs = zip(after.logarithms[row].tolist(), after.tokens[row].tolist(), strict=True)
        return [(logarithm, token) for logarithm, token in pairs if token not in never][: self.width + 1]

    @property
    def complete(self) -> bool:
        """Tell whether as many texts have ended as there are beams."""
        return len(self.finished) >= self.width

    @property
    def best(self) -> Text:
        """Return the text with the best average; texts that did not end count where too few have."""
        ended = self.finished or self.live
        return max(ended, key=lambda text: text.total / max(1, len(text.tokens)))


def search(
    decoder: Decoder,
    starts: Sequence[Sequence[int]],
    *,
    beams: int,
    longest: int,
    end: int,
    blank: frozenset[int],
) -> tuple[list[Text], list[int]]:
    """Return the best text of each window, and the window that is in each slot afterwards.

    Windows that are complete leave the batch: the last one takes their slot.

    Args:
        longest: tokens of a text.
        end: the token after the last.
        blank: tokens that nothing begins with.
    """
    slots = [Beams(beams, end, window) for window in range(len(starts))]
    after = decoder.begin(starts)
    for row, slot in enumerate(slots):
        slot.advance(Next(after.logarithms[row : row + 1], after.tokens[row : row + 1]), blank)
    active, width = len(slots), 1
    for _ in range(longest):
        bases = {slot.window: place * width for place, slot in enumerate(slots[:active])}
        for place in reversed(range(active)):
            if slots[place].complete:
                active -= 1
                decoder.swap(place, active)
                slots[place], slots[active] = slots[active], slots[place]
        if not active:
            break
        going, width = slots[:active], beams
        tokens = [text.tokens[-1] for slot in going for text in slot.live]
        sources = [bases[slot.window] + source for slot in going for source in slot.sources]
        after = decoder.step(tokens, sources, beams)
        for place, slot in enumerate(going):
            rows = slice(place * beams, (place + 1) * beams)
            slot.advance(Next(after.logarithms[rows], after.tokens[rows]))
    texts = {slot.window: slot.best for slot in slots}
    return [texts[window] for window in range(len(starts))], [slot.window for slot in slots]
