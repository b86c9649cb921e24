"""Merge the changes of two people in one transcript: both began with the same base. Pure.

A stretch that one side changed is taken from that side. What both changed in the same way is taken once, and
what both changed differently is a conflict. Speakers are merged by id: the name of each, and who says a word.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from podcast_pipeline.model import Speaker, Transcript
from podcast_pipeline.transcript.edits.pieces import EditedUnit, build_segments, keep_unit, replacement_units
from podcast_pipeline.transcript.edits.sequence_diff import (
    DiffHunk,
    diff_hunks,
    matching_indices,
    merge_adjacent,
)
from podcast_pipeline.transcript.edits.units import (
    Unit,
    equal_ignoring_typography,
    has_space,
    join_units,
    units_of,
)

ONE_SIDE = "\0"  # the speaker of a base that is not known


@dataclass(frozen=True)
class WordConflict:
    """A place that both sides changed differently.

    Attributes:
        at_s: where it is in our transcript.
        ours, theirs: the words, or the speaker's label; empty for a deletion.
        speaker: whether it is about who says the words.
    """

    at_s: float
    ours: str
    theirs: str
    speaker: bool = False


@dataclass(frozen=True)
class ThreeWayMerge:
    """The merge of two people's changes.

    Attributes:
        ours: the changes of both, with ours where they conflict.
        theirs: the changes of both, with theirs where they conflict.
    """

    ours: Transcript
    theirs: Transcript
    conflicts: tuple[WordConflict, ...]


def merge_transcripts(base: Transcript | None, ours: Transcript, theirs: Transcript) -> ThreeWayMerge:
    """Merge two edited transcripts of one recording, in the same times.

    Args:
        base: the transcript that both began with; None where that is not known: every difference is then
            a conflict.
    """
    return _Merge.of(base, ours, theirs).result()


@dataclass(frozen=True)
class _Side:
    """One side's transcript, compared with the base.

    Attributes:
        hunks: the stretches that this side changed.
        positions: index of an unchanged base unit -> index of this side's unit.
        speakers: of this side's units, by the base's ids.
        names: the base's speaker id -> name.
        labels: the base's speaker id -> label in this transcript.
    """

    units: tuple[Unit, ...]
    hunks: tuple[DiffHunk, ...]
    positions: Mapping[int, int]
    speakers: tuple[str | None, ...]
    names: Mapping[str, str | None]
    labels: Mapping[str | None, str]

    @classmethod
    def of(cls, base: Sequence[Unit], transcript: Transcript, *, same_ids: bool) -> "_Side":
        units = units_of(transcript)
        matches = matching_indices([unit.key for unit in base], [unit.key for unit in units])
        respelled = [
            DiffHunk(i, i + 1, j, j + 1)
            for i, j in matches
            if not equal_ignoring_typography(base[i].text, units[j].text)
        ]
        stretches = merge_adjacent([*respelled, *diff_hunks(matches, len(base), len(units))])
        hunks = tuple(hunk for stretch in stretches for hunk in _word_by_word(stretch))
        ids = {} if same_ids else _matching_ids(base, units, matches)
        taken = {unit.speaker for unit in base} if ids else set()
        own = {
            speaker.id: ids.get(speaker.id) or (f"{speaker.id}+" if speaker.id in taken else speaker.id)
            for speaker in transcript.speakers
        }
        return cls(
            units,
            hunks,
            dict(_positions(hunks, len(base))),
            tuple(own.get(unit.speaker or "", unit.speaker) for unit in units),
            {own[speaker.id]: speaker.name for speaker in transcript.speakers},
            {own[speaker.id]: transcript.speaker_name(speaker.id) or "" for speaker in transcript.speakers},
        )

    def span(self, cluster: "_Cluster") -> tuple[int, int]:
        """Return this side's units of a stretch of the base: first, after the last."""
        hunks = [hunk for hunk in self.hunks if cluster.has(hunk)]
        if hunks:
            return (
                hunks[0].j1 - (hunks[0].i1 - cluster.start),
                hunks[-1].j2 + (cluster.end - hunks[-1].i2),
            )
        if cluster.start < cluster.end:
            return self.positions[cluster.start], self.positions[cluster.end - 1] + 1
        at = self.positions.get(cluster.start, len(self.units))
        return at, at

    def spoken(self) -> frozenset[str | None]:
        """Return the ids of the speakers who say a word."""
        return frozenset(self.speakers)


@dataclass(frozen=True)
class _Cluster:
    """Hunks of either side that overlap or touch: base units start to end."""

    start: int
    end: int
    ours: tuple[DiffHunk, ...] = ()
    theirs: tuple[DiffHunk, ...] = ()

    def has(self, hunk: DiffHunk) -> bool:
        """Return whether a hunk is one of these."""
        return any(hunk is one for one in (*self.ours, *self.theirs))

    def meets(self, hunk: DiffHunk) -> bool:
        """Return whether a hunk that begins here or later belongs to this stretch.

        Words replaced one for one may stand side by side; an insertion or a deletion may not, since where
        it is among equal words is arbitrary.
        """
        if hunk.i1 != self.end:
            return hunk.i1 < self.end
        return not all(map(_keeps_length, (hunk, *self.ours, *self.theirs)))


@dataclass
class _Merge:
    """The state of a merge: two texts that differ where there is a conflict."""

    transcript: Transcript
    base: tuple[Unit, ...]
    base_names: Mapping[str, str | None]
    base_known: bool
    ours: _Side
    theirs: _Side
    conflicts: list[WordConflict] = field(default_factory=list)
    pieces: list[tuple[list[EditedUnit], list[EditedUnit]]] = field(default_factory=list)
    last_speakers: tuple[str | None, str | None] | None = None

    @classmethod
    def of(cls, base: Transcript | None, ours: Transcript, theirs: Transcript) -> "_Merge":
        common = base or ours
        units = units_of(common)
        our_side = _Side.of(units, ours, same_ids=True)
        their_side = _Side.of(units, theirs, same_ids=common.receipt == theirs.receipt)
        if base is None:  # each of their changes stands against our words
            kept = tuple(DiffHunk(hunk.i1, hunk.i2, hunk.i1, hunk.i2) for hunk in their_side.hunks)
            our_side = replace(our_side, hunks=kept)
        names = {speaker.id: speaker.name for speaker in common.speakers}
        return cls(ours, units, names, base is not None, our_side, their_side)

    def result(self) -> ThreeWayMerge:
        at = 0
        for cluster in _clusters(self.ours.hunks, self.theirs.hunks):
            self._keep(at, cluster.start)
            self._merge_cluster(cluster)
            at = cluster.end
        self._keep(at, len(self.base))
        ours, theirs = self._speakers()
        return ThreeWayMerge(
            self._text([piece for pieces, _ in self.pieces for piece in pieces], ours),
            self._text([piece for _, pieces in self.pieces for piece in pieces], theirs),
            tuple(sorted(self.conflicts, key=lambda conflict: conflict.at_s)),
        )

    def _text(self, pieces: Sequence[EditedUnit], speakers: tuple[Speaker, ...]) -> Transcript:
        segments = build_segments(pieces, self.transcript)
        return self.transcript.model_copy(update={"speakers": speakers, "segments": segments})

    def _keep(self, start: int, end: int) -> None:
        """Add base units that neither side changed."""
        for b in range(start, end):
            i, j = self.ours.positions[b], self.theirs.positions[b]
            ours, theirs = self._merged_speaker(self._said(b), self.ours.speakers[i], self.theirs.speakers[j])
            unit = self.ours.units[i]
            spaces = [has_space(one.text) for one in (self.base[b], unit, self.theirs.units[j])]
            space = spaces[2] if spaces[0] == spaces[1] else None
            if ours != theirs and self.last_speakers != (ours, theirs):
                self._add_conflict(unit.start_s, self._label(ours), self._label(theirs, self.theirs), True)
            self.last_speakers = (ours, theirs) if ours != theirs else None
            self.pieces.append(
                (
                    [keep_unit(unit, unit.text, speaker=ours).spaced(space)],
                    [keep_unit(unit, unit.text, speaker=theirs).spaced(space)],
                )
            )

    def _merge_cluster(self, cluster: _Cluster) -> None:
        self.last_speakers = None
        ours, theirs = self._our_pieces(cluster), self._their_pieces(cluster)
        if not cluster.theirs and not self._reassigned_in_part(cluster, self.theirs, ours):
            self.pieces.append((ours, ours))
        elif not cluster.ours and not self._reassigned_in_part(cluster, self.ours, theirs):
            self.pieces.append((theirs, theirs))
        elif _same(ours, theirs):
            self.pieces.append((ours, ours))
        else:
            at_s = self._start_time(self.ours.span(cluster)[0])
            if _words(ours) != _words(theirs):
                self._add_conflict(at_s, _words(ours), _words(theirs), False)
            else:
                speakers = self._label(ours[0].speaker), self._label(theirs[0].speaker, self.theirs)
                self._add_conflict(at_s, *speakers, True)
            self.pieces.append((ours, theirs))

    def _our_pieces(self, cluster: _Cluster) -> list[EditedUnit]:
        start, end = self.ours.span(cluster)
        return [
            keep_unit(
                unit, unit.text, speaker=self._speaker_there(cluster, self.ours.speakers[i], self.theirs)
            )
            for i, unit in enumerate(self.ours.units[start:end], start)
        ]

    def _their_pieces(self, cluster: _Cluster) -> list[EditedUnit]:
        first, last = self.theirs.span(cluster)
        texts = tuple(unit.text for unit in self.theirs.units[first:last])
        pieces = replacement_units(self.ours.units, *self.ours.span(cluster), texts)
        return [
            replace(piece, speaker=self._speaker_there(cluster, self.theirs.speakers[j], self.ours))
            for j, piece in enumerate(pieces, first)
        ]

    def _speaker_there(self, cluster: _Cluster, speaker: str | None, other: _Side) -> str | None:
        """Return the speaker of a changed word: another one where the other side reassigned the passage."""
        near = [*range(cluster.start, cluster.end), cluster.start - 1, cluster.end]
        for b in near:
            if b in other.positions and self._said(b) == speaker:
                return other.speakers[other.positions[b]]
        return speaker

    def _reassigned_in_part(self, cluster: _Cluster, other: _Side, written: Sequence[EditedUnit]) -> bool:
        """Return whether the other side gave words to somebody, which the new words cannot show."""
        moved = [
            other.speakers[other.positions[b]] != self._said(b) for b in range(cluster.start, cluster.end)
        ]
        return any(moved) and not (written and all(moved))

    def _said(self, b: int) -> str | None:
        return self.base[b].speaker if self.base_known else ONE_SIDE

    def _merged_speaker(
        self, base: str | None, ours: str | None, theirs: str | None
    ) -> tuple[str | None, str | None]:
        """Return the speaker of an unchanged word: for each side's text, different in a conflict."""
        if ours == theirs:
            return ours, ours
        if theirs == base and not (base in self._renamed_by_them and base not in self.ours.spoken()):
            return ours, ours
        if ours == base and not (base in self._renamed_by_us and base not in self.theirs.spoken()):
            return theirs, theirs
        same = self._label(ours) == self._label(theirs, self.theirs)
        return (ours, ours) if same else (ours, theirs)

    @cached_property
    def _renamed_by_us(self) -> frozenset[str]:
        return self._renamed(self.ours)

    @cached_property
    def _renamed_by_them(self) -> frozenset[str]:
        return self._renamed(self.theirs)

    def _renamed(self, side: _Side) -> frozenset[str]:
        return frozenset(id_ for id_, name in self.base_names.items() if side.names.get(id_, name) != name)

    def _label(self, speaker: str | None, side: _Side | None = None) -> str:
        labels = (side or self.ours).labels
        return labels.get(speaker) or self.theirs.labels.get(speaker) or self.ours.labels.get(speaker, "")

    def _speakers(self) -> tuple[tuple[Speaker, ...], tuple[Speaker, ...]]:
        """Return the speakers of each side's text; the names differ where both renamed one."""
        ours = {speaker.id: speaker for speaker in self.transcript.speakers}
        theirs = dict(ours)
        for id_, name in self.theirs.names.items():
            mine, base = self.ours.names.get(id_), self.base_names.get(id_)
            if id_ not in ours:
                ours[id_] = theirs[id_] = Speaker(id=id_, name=name)
            elif name not in (mine, base) or (name != mine and not self.base_known):
                theirs[id_] = Speaker(id=id_, name=name)
                if mine == base and self.base_known:
                    ours[id_] = theirs[id_]
                else:
                    label = self.theirs.labels.get(id_, "")
                    self._add_conflict(self._first_word(id_), self.ours.labels.get(id_, ""), label, True)
        return tuple(ours.values()), tuple(theirs.values())

    def _first_word(self, speaker: str) -> float:
        spoken = (
            u.start_s for u, by in zip(self.ours.units, self.ours.speakers, strict=True) if by == speaker
        )
        return next(spoken, 0.0)

    def _start_time(self, index: int) -> float:
        units = self.ours.units
        return units[min(index, len(units) - 1)].start_s if units else 0.0

    def _add_conflict(self, at_s: float, ours: str, theirs: str, speaker: bool) -> None:
        known = any(c.speaker and speaker and (c.ours, c.theirs) == (ours, theirs) for c in self.conflicts)
        if not known:
            self.conflicts.append(WordConflict(at_s, ours, theirs, speaker))


def _clusters(ours: Sequence[DiffHunk], theirs: Sequence[DiffHunk]) -> Iterator[_Cluster]:
    marked = [(hunk, True) for hunk in ours] + [(hunk, False) for hunk in theirs]
    cluster: _Cluster | None = None
    for hunk, is_ours in sorted(marked, key=lambda one: (one[0].i1, one[0].i2)):
        if cluster is not None and not cluster.meets(hunk):
            yield cluster
            cluster = None
        cluster = cluster or _Cluster(hunk.i1, hunk.i2)
        cluster = replace(
            cluster,
            end=max(cluster.end, hunk.i2),
            ours=(*cluster.ours, hunk) if is_ours else cluster.ours,
            theirs=cluster.theirs if is_ours else (*cluster.theirs, hunk),
        )
    if cluster is not None:
        yield cluster


def _word_by_word(hunk: DiffHunk) -> Iterator[DiffHunk]:
    """Yield a stretch with as many words as before as one hunk for each word."""
    if not _keeps_length(hunk):
        yield hunk
        return
    yield from (
        DiffHunk(hunk.i1 + n, hunk.i1 + n + 1, hunk.j1 + n, hunk.j1 + n + 1) for n in range(hunk.i2 - hunk.i1)
    )


def _keeps_length(hunk: DiffHunk) -> bool:
    return hunk.i2 - hunk.i1 == hunk.j2 - hunk.j1


def _positions(hunks: Sequence[DiffHunk], base_count: int) -> Iterator[tuple[int, int]]:
    """Yield (base index, this side's index) of the units outside the hunks."""
    i = j = 0
    for hunk in [*hunks, DiffHunk(base_count, base_count, -1, -1)]:
        yield from ((b, j + b - i) for b in range(i, hunk.i1))
        i, j = hunk.i2, hunk.j2


def _matching_ids(
    base: Sequence[Unit], units: Sequence[Unit], matches: Sequence[tuple[int, int]]
) -> dict[str, str]:
    """Return speaker id -> the base's id of the same voice, by who says the words that both have."""
    votes = Counter((units[j].speaker, base[i].speaker) for i, j in matches)
    found: dict[str, str] = {}
    for (own, other), _ in votes.most_common():
        if own and other and own not in found and other not in found.values():
            found[own] = other
    return found


def _same(ours: Sequence[EditedUnit], theirs: Sequence[EditedUnit]) -> bool:
    return len(ours) == len(theirs) and all(
        one.speaker == other.speaker and equal_ignoring_typography(one.text, other.text)
        for one, other in zip(ours, theirs, strict=True)
    )


def _words(pieces: Sequence[EditedUnit]) -> str:
    return join_units(piece.text for piece in pieces)
