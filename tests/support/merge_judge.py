"""Checks of a merge: every applied edit is in its place, and all other words are those of the transcription.

The true alignment of the two transcriptions is known. Where it is ambiguous (a word that was spoken twice and
recognized once; a word invented at an edge) every alignment is correct that explains the words with the
fewest recognition errors.
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
    """An interview, transcribed twice, and the merge of its edits into the second transcription.

    Attributes:
        names: speaker id in the second transcription -> the speaker's name there without edits.
        renamed: the id of the speaker that the NameEdits rename.
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
        """The units of the second transcription."""
        return units_of(self.second.transcript)

    @cached_property
    def out(self) -> tuple[Unit, ...]:
        """The units of the merged transcript."""
        return units_of(self.merged.transcript)

    def mistakes(self) -> Iterator[str]:
        """Yield each word that is neither an applied edit's nor the second transcription's, as a line."""
        if not self._is_explained():
            text, second_text = self.merged.transcript.text, self.second.transcript.text
            yield f"{text}\n is not\n{second_text}\n with {self._words()}"
        yield from self._wrong_speakers()
        starts = [unit.start_s for unit in self.out]
        yield from (f"{b} s comes after {a} s" for a, b in pairwise(starts) if b < a)

    def _words(self) -> list[tuple[WordEdit, int, int]]:
        """Return the applied word edits with the units that they replace, in text order."""
        placed = [(e, *self._place(e)) for e in self.merged.applied if isinstance(e, WordEdit)]
        return sorted(placed, key=lambda row: row[1:])

    def _place(self, edit: Edit) -> tuple[int, int]:
        starts = {unit.start_s: i for i, unit in enumerate(self.old)}
        at_end = not edit.site.after and not edit.site.heard
        first = len(self.old) if at_end else starts[edit.site.start_s]
        return first, first + len(split_units(edit.site.heard))

    def _is_explained(self) -> bool:
        """Return whether the output is the second transcription with the edits in possible places."""
        out, states = normalized(self.merged.transcript.text), {(0, 0)}
        for edit, start, end in self._words():
            written = normalized(edit.written)
            states = {
                (q, o + len(between) + len(written))
                for h, o in states
                for p in self._edges(start)
                if p >= h and out.startswith((between := self._between(h, p)) + written, o)
                for q in self._edges(end)
                if q >= p
            }
        return any(out[o:] == self._between(h, len(self.new)) for h, o in states)

    def _between(self, h: int, p: int) -> str:
        return normalized("".join(unit.text for unit in self.new[h:p]))

    def _edges(self, i: int) -> set[int]:
        """Return the positions in the second transcription of the point before unit i of the first."""
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
        """The word index of each unit of the first transcription, and one past the last."""
        words = [n for n, word in enumerate(self.base.words) for _ in split_units(word.text)]
        return [*words, len(self.base.words)]

    @cached_property
    def _new_word_of(self) -> list[int]:
        return [n for n, word in enumerate(self.second.transcript.words) for _ in split_units(word.text)]

    @cached_property
    def _best(self) -> NDArray[np.bool_]:
        """The points (before old unit, before new unit) on an alignment with the fewest errors."""
        there, back = self._costs
        total: NDArray[np.bool_] = there + back == there[-1, -1]
        return total

    @cached_property
    def _pairs(self) -> NDArray[np.bool_]:
        """The pairs (old unit, new unit) that such an alignment may match."""
        there, back = self._costs
        total: NDArray[np.bool_] = there[:-1, :-1] + self._substitution_costs + back[1:, 1:] == there[-1, -1]
        return total

    @cached_property
    def _substitution_costs(self) -> Costs:
        """The cost of each substitution of an old unit by a new unit."""
        old, new = ([unit.key for unit in units] for units in (self.old, self.new))
        cost = (np.array(old, object)[:, None] != np.array(new, object)[None, :]).astype(np.int64)
        if self.same_recording:
            a, b = (np.array([unit.start_s for unit in units]) for units in (self.old, self.new))
            cost[np.abs(a[:, None] - b[None, :]) > TIME_TOLERANCE_S] = NEVER
        swap: Costs = cost
        return swap

    @cached_property
    def _costs(self) -> tuple[Costs, Costs]:
        """The fewest errors up to each point, and from each point on."""
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
            if j is None or normalized(unit.text) in written:  # the edit decides the speaker of its words
                continue
            own = names[self.new[j].speaker or ""]
            expected = {
                name
                for i in self._old_of(j)
                for name in _possible_speakers(i, turns, own, names[self.renamed])
            }
            got = self.merged.transcript.speaker_name(unit.speaker)
            if expected and got not in expected:
                yield f"{unit.text} at {unit.start_s} s is attributed to {got}, not to {expected}"

    def _old_of(self, j: int) -> set[int]:
        true = self.second.origins[self._new_word_of[j]]
        known = {i for i, word in enumerate(self._word_of[:-1]) if word == true}
        return known | set(np.flatnonzero(self._pairs[:, j]).tolist())


def normalized(text: str) -> str:
    """Return a text without spaces and without an editor's autocorrections: curly quotes, dashes, NFC."""
    folded = unicodedata.normalize("NFC", text).translate(TYPOGRAPHY_TO_ASCII)
    return "".join(c for c in folded if not c.isspace() and unicodedata.category(c) != "Cf")


def _possible_speakers(
    i: int, turns: Sequence[tuple[int, int, TurnEdit]], own: str, unnamed: str
) -> Iterator[str]:
    """Yield the possible speakers of old unit i; at the edge of a reassigned turn both."""
    is_reassigned = False
    for start, end, edit in turns:
        early = TURN_UNITS + 1 if edit.begins_turn else 0
        late = TURN_UNITS + 1 if edit.ends_turn else 0
        is_reassigned = is_reassigned or start + early <= i < end - late
        if start - early <= i < end + late:
            yield unnamed if edit.voice else edit.speaker
    if not is_reassigned:
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
