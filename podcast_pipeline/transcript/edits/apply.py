"""Edits over a new transcription: a three-way merge that applies, or says why not."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from rapidfuzz.distance import Levenshtein

from podcast_pipeline.model import Speaker, Transcript
from podcast_pipeline.transcript.edits.alignment import changes, pairs
from podcast_pipeline.transcript.edits.pieces import Piece, kept, segments, written
from podcast_pipeline.transcript.edits.places import CLOSE, Found, Places
from podcast_pipeline.transcript.edits.record import (
    Conflict,
    Edit,
    NameEdit,
    Site,
    TurnEdit,
    WordEdit,
    recording_of,
)
from podcast_pipeline.transcript.edits.units import Unit, joined, key_of, leading, same, split, units_of

ALIKE = 0.6  # letters in common by which other words in the same place are another hearing of them
ALIKE_TO_DELETE = 0.8  # deleting needs more: nobody looks at what is gone
NEAR_UNITS = 4  # a word said again so close by may be the one that is meant
TURN_UNITS = 3  # a passage whose edge is not clear begins or ends with a turn this near
NO_VOICE = "the voice is not one voice any more"
KNOWN_VOICE = 0.3  # of the words of a voice's samples that must be found again
SURE_VOICE = 0.75  # of a voice's samples that must be one voice again


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


@dataclass
class _Draft:
    """The merge in the making: what replaces which units, who says them, what failed.

    Attributes:
        agreed: stretches that are by themselves what an edit wants.
    """

    units: tuple[Unit, ...]
    places: Places
    speakers: dict[str, Speaker]
    agreed: list[tuple[int, int]] = field(default_factory=list)
    rewritten: list[tuple[int, int, WordEdit, str | None]] = field(default_factory=list)
    given: list[tuple[int, int, str]] = field(default_factory=list)
    applied: list[Edit] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)

    def refuse(self, edit: Edit, at_s: float, reason: str) -> None:
        self.conflicts.append(Conflict(edit=edit, at_s=at_s, reason=reason))


def apply_edits(edits: Iterable[Edit], new: Transcript) -> Merged:
    """Return a new transcription with the edits of an older one in it.

    An edit is applied where the words around it are found again, once, and what was heard there is what the
    machine heard before, or another hearing of it. It counts as applied where the new words are already what
    the person wrote. Everything else is a conflict with its reason, and changes nothing.
    """
    units = units_of(new)
    draft = _Draft(units, Places(units, recording_of(new)), {s.id: s for s in new.speakers})
    wanted = tuple(edits)
    found = [[] if isinstance(edit, NameEdit) else draft.places.find(edit.site) for edit in wanted]
    _name_voices(draft, [edit for edit in wanted if isinstance(edit, NameEdit)], new)
    agreed = [isinstance(e, WordEdit) and _agrees(draft, e, f) for e, f in zip(wanted, found, strict=True)]
    for edit, places, holds in zip(wanted, found, agreed, strict=True):
        if isinstance(edit, WordEdit) and not holds:
            _rewrite(draft, edit, places)
        elif isinstance(edit, TurnEdit):
            _give(draft, edit, places)
    spoken = segments(_pieces(draft), new)
    update = {"speakers": tuple(draft.speakers.values()), "segments": spoken}
    order = {id(edit): number for number, edit in enumerate(wanted)}  # a person may do the same thing twice
    applied = sorted(draft.applied, key=lambda edit: order[id(edit)])
    return Merged(new.model_copy(update=update), tuple(applied), tuple(draft.conflicts))


def _place(draft: _Draft, edit: WordEdit | TurnEdit, found: Sequence[Found]) -> Found | None:
    if len(found) == 1:
        return found[0]
    if found:
        moments = ", ".join(f"{draft.places.time(place.start):.0f} s" for place in found)
        draft.refuse(edit, draft.places.time(found[0].start), f"fits in several places: {moments}")
    else:
        reason = "are said more than once" if edit.site.rival else "are not there any more"
        draft.refuse(edit, edit.site.start_s, f"the words around it {reason}")
    return None


def _agrees(draft: _Draft, edit: WordEdit, found: Sequence[Found]) -> bool:
    """Apply an edit where the machine agrees with it by now, before another one takes the words away."""
    place = found[0] if len(found) == 1 else None
    if not place or not (place.left or place.right) or not _already(draft, place, edit):
        return False
    if _taken(draft, place):
        return False
    draft.agreed.append((place.start, place.end))
    draft.applied.append(edit)
    return True


def _rewrite(draft: _Draft, edit: WordEdit, found: Sequence[Found]) -> None:
    place = _place(draft, edit, found)
    if place is None:
        return
    if _taken(draft, place):
        draft.refuse(edit, draft.places.time(place.start), "another edit is there")
    elif not _fits(draft, place, edit):
        draft.refuse(edit, draft.places.time(place.start), _now(draft, place.start, place.end))
    elif edit.speaker and (by := _who(draft, edit)) is None:
        draft.refuse(edit, draft.places.time(place.start), NO_VOICE)
    else:
        draft.rewritten.append((place.start, place.end, edit, by if edit.speaker else None))
        draft.applied.append(edit)


def _now(draft: _Draft, start: int, end: int) -> str:
    now = joined(unit.text for unit in draft.units[start:end])
    return f"the machine now hears “{now}”" if now else "the machine hears nothing there now"


def _taken(draft: _Draft, place: Found) -> bool:
    """Tell whether an edit that is applied has some of the same words."""
    rewritten = ((start, end) for start, end, *_ in draft.rewritten)
    return any(_overlap(place, start, end) for start, end in (*draft.agreed, *rewritten))


def _overlap(place: Found, start: int, end: int) -> bool:
    """Tell whether two stretches share a unit; two insertions at one point follow each other."""
    if start == end or place.start == place.end:
        return start < place.start < end or place.start < start < place.end
    return start < place.end and place.start < end


def _already(draft: _Draft, place: Found, edit: WordEdit) -> bool:
    heard = [unit.text for unit in draft.units[place.start : place.end]]
    wanted = split(edit.written)
    return len(wanted) == len(heard) > 0 and all(map(same, wanted, heard))


def _fits(draft: _Draft, place: Found, edit: WordEdit) -> bool:
    """Tell whether what stands in an edit's place is what the person saw there, or another hearing of it."""
    now = draft.places.keys[place.start : place.end]
    then, wanted = _keys(split(edit.site.heard)), _keys(split(edit.written))
    if now and now in (then, wanted) and (place.left or place.right):
        return bool(place.left and place.right) or not _echoed(draft, place, edit.site)
    if not now and not then:
        return bool(place.left and place.right)
    if min(place.left, place.right) < CLOSE:
        return False
    if not now:
        return _gone(draft, place, edit)
    if not wanted:
        return _alike(now, then) >= ALIKE_TO_DELETE
    return max(_alike(now, then), _alike(now, wanted)) >= ALIKE


def _echoed(draft: _Draft, place: Found, site: Site) -> bool:
    """Tell whether its words are said twice close by, so that one known neighbour does not tell which."""
    keys, now = draft.places.keys, draft.places.keys[place.start : place.end]
    before, after = _keys(split(site.before)), _keys(split(site.after))
    then = [*before[-NEAR_UNITS:], *after[:NEAR_UNITS]]
    around = [
        *keys[max(place.start - NEAR_UNITS, 0) : place.start],
        *keys[place.end : place.end + NEAR_UNITS],
    ]
    return not set(now).isdisjoint([*then, *around])


def _gone(draft: _Draft, place: Found, edit: WordEdit) -> bool:
    """Tell whether deleted words are gone by themselves, not just said a word earlier or later."""
    then, size = _keys(split(edit.site.heard)), len(_keys(split(edit.site.heard))) + CLOSE
    near = [*_keys(split(edit.site.before))[-size:], *_keys(split(edit.site.after))[:size]]
    keys = draft.places.keys[max(place.start - size, 0) : place.end + size]
    return not edit.written and not any(keys.count(key) > near.count(key) for key in then)


def _keys(texts: Iterable[str]) -> list[str]:
    return [key_of(text) for text in texts]


def _alike(one: Sequence[str], other: Sequence[str]) -> float:
    return Levenshtein.normalized_similarity(" ".join(one), " ".join(other))


def _give(draft: _Draft, edit: TurnEdit, found: Sequence[Found]) -> None:
    place = _place(draft, edit, found)
    if place is None:
        return
    start = place.start if place.left == CLOSE else _turn_edge(draft, place.start, edit.begins_turn)
    end = place.end if place.right == CLOSE else _turn_edge(draft, place.end, edit.ends_turn)
    if start is None or end is None or start >= end:
        draft.refuse(edit, draft.places.time(place.start), "where the passage begins or ends is not clear")
        return
    if _alike(draft.places.keys[start:end], _keys(split(edit.site.heard))) < ALIKE:
        draft.refuse(edit, draft.places.time(start), _now(draft, start, end))
        return
    by = _who(draft, edit)
    if by is None:
        draft.refuse(edit, draft.places.time(start), NO_VOICE)
        return
    draft.given.append((start, end, by))
    draft.applied.append(edit)


def _turn_edge(draft: _Draft, near: int, wanted: bool) -> int | None:
    """Return where the voice changes close to a unit, None where it does not, or did not before."""
    units, first = draft.units, max(near - TURN_UNITS, 1)
    edges = [
        i
        for i in range(first, min(near + TURN_UNITS + 1, len(units)))
        if units[i].speaker != units[i - 1].speaker
    ]
    return edges[0] if wanted and len(edges) == 1 else None


def _who(draft: _Draft, edit: WordEdit | TurnEdit) -> str | None:
    """Return the id of the speaker an edit names, a new one where nobody has the name.

    A speaker without a name is who speaks where that voice spoke, None where that is not one voice.
    """
    if edit.voice:
        return _voice(draft, edit.voice)
    name = edit.speaker or ""
    known = (speaker.id for speaker in draft.speakers.values() if speaker.name == name)
    return next(known, None) or draft.speakers.setdefault(name, Speaker(id=name, name=name)).id


def _name_voices(draft: _Draft, edits: Sequence[NameEdit], new: Transcript) -> None:
    voices = [_voice(draft, edit.samples) for edit in edits]
    twice = {voice for voice in voices if voices.count(voice) > 1}
    for edit, voice in zip(edits, voices, strict=True):
        speaker = draft.speakers.get(voice) if voice else None
        if speaker is None:
            draft.refuse(edit, edit.site.start_s, NO_VOICE)
        elif voice in twice:
            draft.refuse(edit, edit.site.start_s, f"two names for one voice, {new.speaker_name(voice)}")
        elif speaker.name not in (None, edit.name, edit.was):
            draft.refuse(edit, edit.site.start_s, f"the voice is known as {speaker.name}")
        else:
            draft.speakers[speaker.id] = Speaker(id=speaker.id, name=edit.name)
            draft.applied.append(edit)


def _voice(draft: _Draft, samples: Sequence[Site]) -> str | None:
    """Return the id of the voice that speaks where the samples were, None where it is not one."""
    found = [draft.places.find(sample) for sample in samples]
    heard = Counter(
        unit.speaker
        for places in found
        if len(places) == 1
        for unit in draft.units[places[0].start : places[0].end]
    )
    voice, units = heard.most_common(1)[0] if heard else (None, 0)
    wanted = sum(len(split(sample.heard)) for sample in samples)
    enough = units and heard.total() >= KNOWN_VOICE * wanted
    return voice if enough and units >= SURE_VOICE * heard.total() else None


def _pieces(draft: _Draft) -> list[Piece]:
    units = draft.units
    speakers: list[str | None] = [unit.speaker for unit in units]
    for start, end, speaker in draft.given:
        speakers[start:end] = [speaker] * (end - start)
    pieces: list[Piece] = []
    at = 0
    for start, end, edit, stranger in sorted(draft.rewritten, key=lambda change: change[:2]):
        pieces.extend(kept(units[i], units[i].text, speaker=speakers[i]) for i in range(at, start))
        by = stranger or _near(speakers, start, end, edit.side)
        pieces.extend(replace(piece, speaker=by) for piece in _written(units, start, end, edit.written))
        at = end
    pieces.extend(kept(units[i], units[i].text, speaker=speakers[i]) for i in range(at, len(units)))
    return pieces


def _near(speakers: Sequence[str | None], start: int, end: int, side: str) -> str | None:
    """Return who speaks in a stretch; where it is empty, who speaks on that side of it."""
    at = start if start < end or start == 0 or side == "after" else start - 1
    return speakers[min(at, len(speakers) - 1)] if speakers else None


def _written(units: Sequence[Unit], start: int, end: int, text: str) -> list[Piece]:
    """Return what a person wrote there; a word that was heard so keeps its time."""
    texts = split(text)
    texts = (leading(texts[0]), *texts[1:]) if texts else ()
    matched = pairs([unit.key for unit in units[start:end]], _keys(texts))
    pieces = {j: kept(units[start + i], texts[j], speaker=None) for i, j in matched}
    for change in changes(matched, end - start, len(texts)):
        new = written(units, start + change.i1, start + change.i2, texts[change.j1 : change.j2])
        pieces.update(enumerate(new, change.j1))
    return [pieces[j] for j in range(len(texts))]
