"""Merge edits into a new transcription (three-way merge); each edit is applied or reported as a conflict."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.edits.acceptance import (
    MIN_SIMILARITY_TO_REASSIGN,
    agrees_with_edit,
    insertion_is_nearby,
    still_applies,
    text_similarity,
)
from podcast_pipeline.transcript.edits.anchors import ADJACENT_UNITS, AnchorMatch
from podcast_pipeline.transcript.edits.merge_state import MergeState, UnitReplacement
from podcast_pipeline.transcript.edits.record import Edit, EditConflict, NameEdit, TurnEdit, WordEdit
from podcast_pipeline.transcript.edits.speaker_match import AMBIGUOUS_VOICE, apply_name_edits, resolve_speaker
from podcast_pipeline.transcript.edits.units import comparison_keys

TURN_UNITS = 3  # an unclear edge of a passage snaps to a turn's edge within this distance


@dataclass(frozen=True)
class MergeResult:
    """A transcription with a person's edits.

    Attributes:
        applied: edits that are in the transcript, those that the engine agrees with included.
        conflicts: all other edits.
    """

    transcript: Transcript
    applied: tuple[Edit, ...]
    conflicts: tuple[EditConflict, ...]


def apply_edits(edits: Iterable[Edit], transcript: Transcript) -> MergeResult:
    """Merge the edits of an older transcription into a new one.

    An edit is applied if its context has one match and the words there are the old engine's words or similar.
    An edit counts as applied, too, if the new words are those that the person wrote. Every other edit is a
    conflict with its reason, and changes nothing.
    """
    state, all_edits = MergeState.from_transcript(transcript), tuple(edits)
    _merge(state, all_edits)
    order = {id(edit): number for number, edit in enumerate(all_edits)}  # equal edits may occur twice
    applied = sorted(state.applied, key=lambda edit: order[id(edit)])
    return MergeResult(state.merged_transcript(), tuple(applied), tuple(state.conflicts))


def satisfied_edits(edits: Iterable[Edit], transcript: Transcript) -> tuple[Edit, ...]:
    """Return the edits whose change a transcript already has, each looked at by itself."""
    candidates = tuple(edits)
    if not candidates:
        return ()
    indexed = MergeState.from_transcript(transcript)
    return tuple(edit for edit in candidates if _is_satisfied(edit, indexed.fresh()))


def _is_satisfied(edit: Edit, state: MergeState) -> bool:
    _merge(state, (edit,))
    return bool(state.applied) and not state.changes_text and state.merged_transcript() == state.new


def _merge(state: MergeState, all_edits: tuple[Edit, ...]) -> None:
    apply_name_edits(state, [edit for edit in all_edits if isinstance(edit, NameEdit)])
    placed = [(edit, state.anchors.find(edit.site)) for edit in all_edits if not isinstance(edit, NameEdit)]
    for edit, found in [row for row in placed if not _accept_agreement(state, *row)]:
        if isinstance(edit, WordEdit):
            _apply_word_edit(state, edit, found)
        else:
            _apply_turn_edit(state, edit, found)


def _accept_agreement(state: MergeState, edit: WordEdit | TurnEdit, found: Sequence[AnchorMatch]) -> bool:
    """Accept an edit that the new engine agrees with, before another edit changes the words."""
    place = found[0] if len(found) == 1 else None
    if not isinstance(edit, WordEdit) or not place or not (place.adjacent_left or place.adjacent_right):
        return False
    if not agrees_with_edit(state.anchors, place, edit) or state.overlaps_applied(place):
        return False
    state.agreed_spans.append((place.start, place.end))
    state.applied.append(edit)
    return True


def _apply_word_edit(state: MergeState, edit: WordEdit, found: Sequence[AnchorMatch]) -> None:
    place = state.unique_match(edit, found)
    if place is None:
        return
    at_s = state.anchors.start_time(place.start)
    if state.overlaps_applied(place):
        state.add_conflict(edit, at_s, "another edit changes the same words")
    elif insertion_is_nearby(state.anchors, place, edit):
        state.add_conflict(edit, at_s, "the new transcription has the inserted words nearby")
    elif not still_applies(state.anchors, place, edit):
        state.add_conflict(edit, at_s, state.describe_words(place.start, place.end))
    elif edit.speaker and (by := resolve_speaker(state, edit)) is None:
        state.add_conflict(edit, at_s, AMBIGUOUS_VOICE)
    else:
        speaker = by if edit.speaker else None
        spaces = edit.space_before, edit.space_after
        state.replacements.append(
            UnitReplacement(place.start, place.end, edit.written, edit.side, speaker, spaces)
        )
        state.applied.append(edit)


def _apply_turn_edit(state: MergeState, edit: TurnEdit, found: Sequence[AnchorMatch]) -> None:
    place = state.unique_match(edit, found)
    if place is None:
        return
    keys, passage = state.anchors.keys, comparison_keys(edit.site.heard)
    begins = place.adjacent_left == ADJACENT_UNITS and not _doubled(keys, place.start, passage[:1])
    ends = place.adjacent_right == ADJACENT_UNITS and not _doubled(keys, place.end, passage[-1:])
    start = place.start if begins else _turn_edge(state, place.start, edit.begins_turn)
    end = place.end if ends else _turn_edge(state, place.end, edit.ends_turn)
    if start is None or end is None or start >= end:
        at_s = state.anchors.start_time(place.start)
        state.add_conflict(edit, at_s, "begin or end of the passage is unclear")
    elif text_similarity(keys[start:end], passage) < MIN_SIMILARITY_TO_REASSIGN:
        state.add_conflict(edit, state.anchors.start_time(start), state.describe_words(start, end))
    elif (by := resolve_speaker(state, edit)) is None:
        state.add_conflict(edit, state.anchors.start_time(start), AMBIGUOUS_VOICE)
    else:
        state.reassigned.append((start, end, by))
        state.applied.append(edit)


def _doubled(keys: Sequence[str], edge: int, passage: Sequence[str]) -> bool:
    """Return whether an edge has the same word on both sides and the passage had another word there."""
    return 0 < edge < len(keys) and keys[edge - 1] == keys[edge] != "".join(passage)


def _turn_edge(state: MergeState, near: int, had_edge: bool) -> int | None:
    """Return the one speaker change close to a unit, None without one or if the edit had none there."""
    units, first = state.units, max(near - TURN_UNITS, 1)
    edges = [
        i
        for i in range(first, min(near + TURN_UNITS + 1, len(units)))
        if units[i].speaker != units[i - 1].speaker
    ]
    return edges[0] if had_edge and len(edges) == 1 else None
