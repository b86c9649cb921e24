"""Whether a merge did what it says: every applied edit in its place, all else as it was heard.

The judge knows which word of the second transcription is which of the first. Where nobody could know (a word
said twice, of which one was heard; a word invented at an edge) every reading is right that explains the words
with as few mistakes of the machine as any.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.edits import Edit, MergeResult, NameEdit, TurnEdit, WordEdit
from podcast_pipeline.transcript.edits.anchors import TIME_TOLERANCE_S
from podcast_pipeline.transcript.edits.apply import TURN_UNITS
from podcast_pipeline.transcript.edits.units import TYPOGRAPHY_TO_ASCII, Unit, split_units, units_of
from tests.support.retranscription import Retranscription

NEVER = 1000

Costs = NDArray[np.int64]


@dataclass(frozen=True)
class MergeJudge:
    """One interview, heard twice, and what a merge made of the second hearing.

    Attributes:
        names: id of a voice in the second transcription -> its name there, as long as no edit names it.
        renamed: the id of the voice that NameEdits are about.
    """

    base: Transcript
    second: Retranscription
    merged: MergeResult
    same_recording: bool
    names: Mapping[str, str]
    renamed: str

    @cached_property
    def old(self) -> tuple[Unit, ...]:
        """The units of the first transcription."""
        return units_of(self.base)

    @cached_property
    def new(self) -> tuple[Unit, ...]:
        """The units of the second."""
        return units_of(self.second.transcript)

    @cached_property
    def out(self) -> tuple[Unit, ...]:
        """The units of what the merge made."""
        return units_of(self.merged.transcript)

    def mistakes(self) -> Iterator[str]:
        """Yield what is not as the applied edits want it and the machine heard it."""
        if not self._is_explained():
            text, heard = self.merged.transcript.text, self.second.transcript.text
            yield f"{text}\n is not\n{heard}\n with {self._words()}"
        yield from self._wrong_speakers()
        starts = [unit.start_s for unit in self.out]
        yield from (f"{b} s comes after {a} s" for a, b in pairwise(starts) if b < a)

    def _words(self) -> list[tuple[WordEdit, int, int]]:
        """Return the applied word edits with the units they stand for, in order of the text."""
        placed = [(e, *self._place(e)) for e in self.merged.applied if isinstance(e, WordEdit)]
        return sorted(placed, key=lambda row: row[1:])

    def _place(self, edit: Edit) -> tuple[int, int]:
        starts = {unit.start_s: i for i, unit in enumerate(self.old)}
        at_end = not edit.site.after and not edit.site.heard
        first = len(self.old) if at_end else starts[edit.site.start_s]
        return first, first + len(split_units(edit.site.heard))

    def _is_explained(self) -> bool:
        """Tell whether the output is the second transcription with the edits in possible places."""
        out, states = normalized(self.merged.transcript.text), {(0, 0)}
        for edit, start, end in self._words():
            written = normalized(edit.written)
            states = {
                (q, o + len(said) + len(written))
                for h, o in states
                for p in self._edges(start)
                if p >= h and out.startswith((said := self._between(h, p)) + written, o)
                for q in self._edges(end)
                if q >= p
            }
        return any(out[o:] == self._between(h, len(self.new)) for h, o in states)

    def _between(self, h: int, p: int) -> str:
        return normalized("".join(unit.text for unit in self.new[h:p]))

    def _edges(self, i: int) -> set[int]:
        """Return where the point before unit i of the first transcription is in the second."""
        return set(np.flatnonzero(self._best[i]).tolist()) | set(self._true_edges(i))

    def _true_edges(self, i: int) -> Sequence[int]:
        word = self._word_of[i]
        if i and self._word_of[i - 1] == word:
            return ()
        origins = [self.second.origins[n] for n in self._new_word_of]
        low = max((j + 1 for j, at in enumerate(origins) if at == int(at) and at < word), default=0)
        high = min((j for j, at in enumerate(origins) if at >= word), default=len(origins))
        return range(low, high + 1)

    @cached_property
    def _word_of(self) -> list[int]:
        """The word that each unit of the first transcription is in, and one past the last."""
        words = [n for n, word in enumerate(self.base.words) for _ in split_units(word.text)]
        return [*words, len(self.base.words)]

    @cached_property
    def _new_word_of(self) -> list[int]:
        return [n for n, word in enumerate(self.second.transcript.words) for _ in split_units(word.text)]

    @cached_property
    def _best(self) -> NDArray[np.bool_]:
        """Which points (before old unit, before new unit) a reading with fewest mistakes goes through."""
        there, back = self._costs
        total: NDArray[np.bool_] = there + back == there[-1, -1]
        return total

    @cached_property
    def _pairs(self) -> NDArray[np.bool_]:
        """Which old unit may be which new one in such a reading."""
        there, back = self._costs
        total: NDArray[np.bool_] = there[:-1, :-1] + self._substitution_costs + back[1:, 1:] == there[-1, -1]
        return total

    @cached_property
    def _substitution_costs(self) -> Costs:
        """What it costs to take an old unit for a new one."""
        old, new = ([unit.key for unit in units] for units in (self.old, self.new))
        cost = (np.array(old, object)[:, None] != np.array(new, object)[None, :]).astype(np.int64)
        if self.same_recording:
            a, b = (np.array([unit.start_s for unit in units]) for units in (self.old, self.new))
            cost[np.abs(a[:, None] - b[None, :]) > TIME_TOLERANCE_S] = NEVER
        swap: Costs = cost
        return swap

    @cached_property
    def _costs(self) -> tuple[Costs, Costs]:
        """The fewest mistakes up to each point, and from it on."""
        return _fewest_mistakes(self._substitution_costs), _fewest_mistakes(
            self._substitution_costs[::-1, ::-1]
        )[::-1, ::-1]

    def _wrong_speakers(self) -> Iterator[str]:
        names = {**self.names}
        turns = [(*self._place(e), e) for e in self.merged.applied if isinstance(e, TurnEdit)]
        for edit in self.merged.applied:
            if isinstance(edit, NameEdit) and edit.name:
                names[self.renamed] = edit.name
        place = {(unit.start_s, unit.text): j for j, unit in enumerate(self.new)}
        written = {normalized(text) for edit, *_ in self._words() for text in split_units(edit.written)}
        for unit in self.out:
            j = place.get((unit.start_s, unit.text))
            if j is None or normalized(unit.text) in written:  # who says those is the edit's business
                continue
            own = names[self.new[j].speaker or ""]
            wanted = {
                name
                for i in self._old_of(j)
                for name in _possible_speakers(i, turns, own, names[self.renamed])
            }
            got = self.merged.transcript.speaker_name(unit.speaker)
            if wanted and got not in wanted:
                yield f"{unit.text} at {unit.start_s} s is said by {got}, not by {wanted}"

    def _old_of(self, j: int) -> set[int]:
        true = self.second.origins[self._new_word_of[j]]
        known = {i for i, word in enumerate(self._word_of[:-1]) if word == true}
        return known | set(np.flatnonzero(self._pairs[:, j]).tolist())


def normalized(text: str) -> str:
    """Return a text without spaces and what an editor changes by itself: curly quotes, dashes, NFC."""
    folded = unicodedata.normalize("NFC", text).translate(TYPOGRAPHY_TO_ASCII)
    return "".join(c for c in folded if not c.isspace() and unicodedata.category(c) != "Cf")


def _possible_speakers(
    i: int, turns: Sequence[tuple[int, int, TurnEdit]], own: str, unnamed: str
) -> Iterator[str]:
    """Yield who may say old unit i; at the edge of a turn that was given away, both."""
    given = False
    for start, end, edit in turns:
        early = TURN_UNITS + 1 if edit.begins_turn else 0
        late = TURN_UNITS + 1 if edit.ends_turn else 0
        given = given or start + early <= i < end - late
        if start - early <= i < end + late:
            yield unnamed if edit.voice else edit.speaker
    if not given:
        yield own


def _fewest_mistakes(swap: Costs) -> Costs:
    rows, columns = swap.shape
    fewest = np.empty((rows + 1, columns + 1), np.int64)
    fewest[0] = steps = np.arange(columns + 1)
    for i in range(rows):
        row = fewest[i] + 1
        row[1:] = np.minimum(row[1:], fewest[i, :-1] + swap[i])
        fewest[i + 1] = np.minimum.accumulate(row - steps) + steps
    return fewest
