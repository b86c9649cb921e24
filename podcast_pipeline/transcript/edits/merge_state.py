"""State of a merge: replacements, speakers, applied edits and conflicts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from podcast_pipeline.model import Speaker, Transcript
from podcast_pipeline.transcript.edits.anchors import AnchorIndex, AnchorMatch
from podcast_pipeline.transcript.edits.pieces import EditedUnit, build_segments, keep_unit, replacement_units
from podcast_pipeline.transcript.edits.record import Edit, EditConflict, TurnEdit, WordEdit, recording_hash
from podcast_pipeline.transcript.edits.sequence_diff import diff_hunks, matching_indices
from podcast_pipeline.transcript.edits.units import (
    Unit,
    comparison_key,
    join_units,
    split_units,
    units_of,
    with_leading_space,
)


@dataclass(frozen=True)
class UnitReplacement:
    """The text that replaces units start to end.

    Attributes:
        side: the neighbour whose speaker says an insertion.
        speaker: id of the speaker if it is neither neighbour's; else None.
        spaces: whether a space is before and after the text; None for the usual one.
    """

    start: int
    end: int
    text: str
    side: str
    speaker: str | None
    spaces: tuple[bool | None, bool | None] = (None, None)


@dataclass
class MergeState:
    """A new transcription while edits are merged into it.

    Attributes:
        agreed_spans: (first unit, after the last) of stretches that already have an edit's words.
        reassigned: (first unit, after the last, speaker) of passages given to another speaker.
    """

    new: Transcript
    units: tuple[Unit, ...]
    anchors: AnchorIndex
    speakers: dict[str, Speaker]
    agreed_spans: list[tuple[int, int]] = field(default_factory=list)
    replacements: list[UnitReplacement] = field(default_factory=list)
    reassigned: list[tuple[int, int, str]] = field(default_factory=list)
    applied: list[Edit] = field(default_factory=list)
    conflicts: list[EditConflict] = field(default_factory=list)

    @classmethod
    def from_transcript(cls, new: Transcript) -> "MergeState":
        """Return the state before any edit."""
        units = units_of(new)
        return cls(new, units, AnchorIndex(units, recording_hash(new)), {s.id: s for s in new.speakers})

    def fresh(self) -> "MergeState":
        """Return the state before any edit, with the same index."""
        return MergeState(self.new, self.units, self.anchors, {s.id: s for s in self.new.speakers})

    @property
    def changes_text(self) -> bool:
        """Whether other words or speakers were put in; False leaves it to a comparison of all words."""
        return any(
            [text.strip() for text in split_units(one.text)]
            != [unit.text.strip() for unit in self.units[one.start : one.end]]
            for one in self.replacements
        ) or any(
            unit.speaker != speaker
            for start, end, speaker in self.reassigned
            for unit in self.units[start:end]
        )

    def add_conflict(self, edit: Edit, at_s: float, reason: str) -> None:
        """Record an edit as a conflict."""
        self.conflicts.append(EditConflict(edit=edit, at_s=at_s, reason=reason))

    def unique_match(self, edit: WordEdit | TurnEdit, matches: Sequence[AnchorMatch]) -> AnchorMatch | None:
        """Return the only match of an edit; else record a conflict."""
        if len(matches) == 1:
            return matches[0]
        if matches:
            moments = ", ".join(f"{self.anchors.start_time(place.start):.0f} s" for place in matches)
            self.add_conflict(edit, self.anchors.start_time(matches[0].start), f"several matches: {moments}")
        else:
            reason = "occur more than once" if edit.site.rival else "are no longer there"
            self.add_conflict(edit, edit.site.start_s, f"the words around the edit {reason}")
        return None

    def describe_words(self, start: int, end: int) -> str:
        """Return a conflict's reason: the words of the new transcription in a stretch."""
        words = join_units(unit.text for unit in self.units[start:end])
        return f"the new transcription has “{words}”" if words else "the new transcription has no words there"

    def overlaps_applied(self, match: AnchorMatch) -> bool:
        """Return whether an applied edit has some of the same words."""
        replaced = ((one.start, one.end) for one in self.replacements)
        return any(_overlap(match, start, end) for start, end in (*self.agreed_spans, *replaced))

    def merged_transcript(self) -> Transcript:
        """Return the transcription with all applied edits."""
        segments = build_segments(self._edited_units(), self.new)
        return self.new.model_copy(update={"speakers": tuple(self.speakers.values()), "segments": segments})

    def _edited_units(self) -> list[EditedUnit]:
        units = self.units
        speakers: list[str | None] = [unit.speaker for unit in units]
        for start, end, speaker in self.reassigned:
            speakers[start:end] = [speaker] * (end - start)
        kept = [keep_unit(unit, unit.text, speaker=by) for unit, by in zip(units, speakers, strict=True)]
        for one in self.replacements:
            kept[one.end : one.end + 1] = [unit.spaced(one.spaces[1]) for unit in kept[one.end : one.end + 1]]
        pieces: list[EditedUnit] = []
        at = 0
        for one in sorted(self.replacements, key=lambda one: (one.start, one.end)):
            pieces.extend(kept[at : one.start])
            by = one.speaker or _speaker_at(speakers, one)
            pieces.extend(replace(piece, speaker=by) for piece in _replacement(units, one))
            at = one.end
        pieces.extend(kept[at:])
        return pieces


def _overlap(place: AnchorMatch, start: int, end: int) -> bool:
    """Return whether two stretches share a unit; two insertions at one point do not."""
    if start == end or place.start == place.end:
        return start < place.start < end or place.start < start < place.end
    return start < place.end and place.start < end


def _speaker_at(speakers: Sequence[str | None], one: UnitReplacement) -> str | None:
    """Return the speaker of a stretch; of an empty one, the speaker of the neighbour on its side."""
    inside = one.start < one.end or one.start == 0 or one.side == "after"
    at = one.start if inside else one.start - 1
    return speakers[min(at, len(speakers) - 1)] if speakers else None


def _replacement(units: Sequence[Unit], one: UnitReplacement) -> list[EditedUnit]:
    """Return the units of a replacement; a word that is also in the transcription keeps its time."""
    texts = split_units(one.text)
    texts = (with_leading_space(texts[0]), *texts[1:]) if texts else ()
    old = [unit.key for unit in units[one.start : one.end]]
    matched = matching_indices(old, [comparison_key(text) for text in texts])
    pieces = {j: keep_unit(units[one.start + i], texts[j], speaker=None) for i, j in matched}
    for change in diff_hunks(matched, len(old), len(texts)):
        new = replacement_units(
            units, one.start + change.i1, one.start + change.i2, texts[change.j1 : change.j2]
        )
        pieces.update(enumerate(new, change.j1))
    return [pieces[j].spaced(None if j else one.spaces[0]) for j in range(len(texts))]
