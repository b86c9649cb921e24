"""Edits over a new transcription: a three-way merge that applies, or says why not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.edits.acceptance import (
    MIN_SIMILARITY_TO_REASSIGN,
    heard_as_written,
    insertion_heard_nearby,
    still_applies,
    text_similarity,
)
from podcast_pipeline.transcript.edits.anchors import ADJACENT_UNITS, AnchorMatch
from podcast_pipeline.transcript.edits.merge_state import MergeState, UnitReplacement
from podcast_pipeline.transcript.edits.record import Edit, EditConflict, NameEdit, TurnEdit, WordEdit
from podcast_pipeline.transcript.edits.speaker_match import AMBIGUOUS_VOICE, apply_name_edits, resolve_speaker
from podcast_pipeline.transcript.edits.units import comparison_keys

TURN_UNITS = 3  # a passage whose edge is not clear begins or ends with a turn this near


@dataclass(frozen=True)
class MergeResult:
    """A transcription with a person's edits in it.

    Attributes:
        applied: the edits that are in it, those that it had by itself included.
        conflicts: the others; each is one of the two.
    """

    transcript: Transcript
    applied: tuple[Edit, ...]
    conflicts: tuple[EditConflict, ...]


def apply_edits(edits: Iterable[Edit], transcript: Transcript) -> MergeResult:
    """Return a new transcription with the edits of an older one in it.

    An edit is applied where the words around it are found again, once, and what was heard there is what the
    machine heard before, or another hearing of it. It counts as applied where the new words are already what
    the person wrote. Everything else is a conflict with its reason, and changes nothing.
    """
    draft, wanted = MergeState.from_transcript(transcript), tuple(edits)
    apply_name_edits(draft, [edit for edit in wanted if isinstance(edit, NameEdit)])
    placed = [(edit, draft.anchors.find(edit.site)) for edit in wanted if not isinstance(edit, NameEdit)]
    for edit, found in [row for row in placed if not _agrees(draft, *row)]:
        if isinstance(edit, WordEdit):
            _rewrite(draft, edit, found)
        else:
            _give(draft, edit, found)
    order = {id(edit): number for number, edit in enumerate(wanted)}  # a person may do the same thing twice
    applied = sorted(draft.applied, key=lambda edit: order[id(edit)])
    return MergeResult(draft.merged_transcript(), tuple(applied), tuple(draft.conflicts))


def _agrees(draft: MergeState, edit: WordEdit | TurnEdit, found: Sequence[AnchorMatch]) -> bool:
    """Apply an edit where the machine agrees with it by now, before another one takes the words away."""
    place = found[0] if len(found) == 1 else None
    if not isinstance(edit, WordEdit) or not place or not (place.adjacent_left or place.adjacent_right):
        return False
    if not heard_as_written(draft.anchors, place, edit) or draft.overlaps_applied(place):
        return False
    draft.already_heard.append((place.start, place.end))
    draft.applied.append(edit)
    return True


def _rewrite(draft: MergeState, edit: WordEdit, found: Sequence[AnchorMatch]) -> None:
    place = draft.unique_match(edit, found)
    if place is None:
        return
    at_s = draft.anchors.start_time(place.start)
    if draft.overlaps_applied(place):
        draft.add_conflict(edit, at_s, "another edit is there")
    elif insertion_heard_nearby(draft.anchors, place, edit):
        draft.add_conflict(edit, at_s, "the machine hears nearby what was written")
    elif not still_applies(draft.anchors, place, edit):
        draft.add_conflict(edit, at_s, draft.describe_heard(place.start, place.end))
    elif edit.speaker and (by := resolve_speaker(draft, edit)) is None:
        draft.add_conflict(edit, at_s, AMBIGUOUS_VOICE)
    else:
        stranger = by if edit.speaker else None
        draft.replacements.append(UnitReplacement(place.start, place.end, edit.written, edit.side, stranger))
        draft.applied.append(edit)


def _give(draft: MergeState, edit: TurnEdit, found: Sequence[AnchorMatch]) -> None:
    place = draft.unique_match(edit, found)
    if place is None:
        return
    keys, heard = draft.anchors.keys, comparison_keys(edit.site.heard)
    begins = place.adjacent_left == ADJACENT_UNITS and not _doubled(keys, place.start, heard[:1])
    ends = place.adjacent_right == ADJACENT_UNITS and not _doubled(keys, place.end, heard[-1:])
    start = place.start if begins else _turn_edge(draft, place.start, edit.begins_turn)
    end = place.end if ends else _turn_edge(draft, place.end, edit.ends_turn)
    if start is None or end is None or start >= end:
        at_s = draft.anchors.start_time(place.start)
        draft.add_conflict(edit, at_s, "where the passage begins or ends is not clear")
    elif text_similarity(keys[start:end], heard) < MIN_SIMILARITY_TO_REASSIGN:
        draft.add_conflict(edit, draft.anchors.start_time(start), draft.describe_heard(start, end))
    elif (by := resolve_speaker(draft, edit)) is None:
        draft.add_conflict(edit, draft.anchors.start_time(start), AMBIGUOUS_VOICE)
    else:
        draft.reassigned.append((start, end, by))
        draft.applied.append(edit)


def _doubled(keys: Sequence[str], edge: int, heard: Sequence[str]) -> bool:
    """Tell whether one word stands on both sides of an edge where the passage had another one."""
    return 0 < edge < len(keys) and keys[edge - 1] == keys[edge] != "".join(heard)


def _turn_edge(draft: MergeState, near: int, wanted: bool) -> int | None:
    """Return where the voice changes close to a unit, None where it does not, or did not before."""
    units, first = draft.units, max(near - TURN_UNITS, 1)
    edges = [
        i
        for i in range(first, min(near + TURN_UNITS + 1, len(units)))
        if units[i].speaker != units[i - 1].speaker
    ]
    return edges[0] if wanted and len(edges) == 1 else None
