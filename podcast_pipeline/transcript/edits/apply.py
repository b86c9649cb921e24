"""Edits over a new transcription: a three-way merge that applies, or says why not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.edits.acceptance import ALIKE_TO_GIVE, alike, already, fits, is_there
from podcast_pipeline.transcript.edits.anchors import CLOSE, Found
from podcast_pipeline.transcript.edits.merge_state import Draft, Rewriting
from podcast_pipeline.transcript.edits.record import Conflict, Edit, NameEdit, TurnEdit, WordEdit
from podcast_pipeline.transcript.edits.speaker_match import NO_VOICE, name_voices, who
from podcast_pipeline.transcript.edits.units import keys_of

TURN_UNITS = 3  # a passage whose edge is not clear begins or ends with a turn this near


@dataclass(frozen=True)
class Merged:
    """A transcription with a person's edits in it.

    Attributes:
        applied: the edits that are in it, those that it had by itself included.
        conflicts: the others; each is one of the two.
    """

    transcript: Transcript
    applied: tuple[Edit, ...]
    conflicts: tuple[Conflict, ...]


def apply_edits(edits: Iterable[Edit], new: Transcript) -> Merged:
    """Return a new transcription with the edits of an older one in it.

    An edit is applied where the words around it are found again, once, and what was heard there is what the
    machine heard before, or another hearing of it. It counts as applied where the new words are already what
    the person wrote. Everything else is a conflict with its reason, and changes nothing.
    """
    draft, wanted = Draft.of(new), tuple(edits)
    name_voices(draft, [edit for edit in wanted if isinstance(edit, NameEdit)])
    placed = [(edit, draft.places.find(edit.site)) for edit in wanted if not isinstance(edit, NameEdit)]
    for edit, found in [row for row in placed if not _agrees(draft, *row)]:
        if isinstance(edit, WordEdit):
            _rewrite(draft, edit, found)
        else:
            _give(draft, edit, found)
    order = {id(edit): number for number, edit in enumerate(wanted)}  # a person may do the same thing twice
    applied = sorted(draft.applied, key=lambda edit: order[id(edit)])
    return Merged(draft.transcript(), tuple(applied), tuple(draft.conflicts))


def _agrees(draft: Draft, edit: WordEdit | TurnEdit, found: Sequence[Found]) -> bool:
    """Apply an edit where the machine agrees with it by now, before another one takes the words away."""
    place = found[0] if len(found) == 1 else None
    if not isinstance(edit, WordEdit) or not place or not (place.left or place.right):
        return False
    if not already(draft.places, place, edit) or draft.taken(place):
        return False
    draft.agreed.append((place.start, place.end))
    draft.applied.append(edit)
    return True


def _rewrite(draft: Draft, edit: WordEdit, found: Sequence[Found]) -> None:
    place = draft.certain(edit, found)
    if place is None:
        return
    at_s = draft.places.time(place.start)
    if draft.taken(place):
        draft.refuse(edit, at_s, "another edit is there")
    elif is_there(draft.places, place, edit):
        draft.refuse(edit, at_s, "the machine hears nearby what was written")
    elif not fits(draft.places, place, edit):
        draft.refuse(edit, at_s, draft.now(place.start, place.end))
    elif edit.speaker and (by := who(draft, edit)) is None:
        draft.refuse(edit, at_s, NO_VOICE)
    else:
        stranger = by if edit.speaker else None
        draft.rewritten.append(Rewriting(place.start, place.end, edit.written, edit.side, stranger))
        draft.applied.append(edit)


def _give(draft: Draft, edit: TurnEdit, found: Sequence[Found]) -> None:
    place = draft.certain(edit, found)
    if place is None:
        return
    keys, heard = draft.places.keys, keys_of(edit.site.heard)
    begins = place.left == CLOSE and not _doubled(keys, place.start, heard[:1])
    ends = place.right == CLOSE and not _doubled(keys, place.end, heard[-1:])
    start = place.start if begins else _turn_edge(draft, place.start, edit.begins_turn)
    end = place.end if ends else _turn_edge(draft, place.end, edit.ends_turn)
    if start is None or end is None or start >= end:
        at_s = draft.places.time(place.start)
        draft.refuse(edit, at_s, "where the passage begins or ends is not clear")
    elif alike(keys[start:end], heard) < ALIKE_TO_GIVE:
        draft.refuse(edit, draft.places.time(start), draft.now(start, end))
    elif (by := who(draft, edit)) is None:
        draft.refuse(edit, draft.places.time(start), NO_VOICE)
    else:
        draft.given.append((start, end, by))
        draft.applied.append(edit)


def _doubled(keys: Sequence[str], edge: int, heard: Sequence[str]) -> bool:
    """Tell whether one word stands on both sides of an edge where the passage had another one."""
    return 0 < edge < len(keys) and keys[edge - 1] == keys[edge] != "".join(heard)


def _turn_edge(draft: Draft, near: int, wanted: bool) -> int | None:
    """Return where the voice changes close to a unit, None where it does not, or did not before."""
    units, first = draft.units, max(near - TURN_UNITS, 1)
    edges = [
        i
        for i in range(first, min(near + TURN_UNITS + 1, len(units)))
        if units[i].speaker != units[i - 1].speaker
    ]
    return edges[0] if wanted and len(edges) == 1 else None
