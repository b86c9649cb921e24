"""A merge in the making: what replaces which units of a new transcription, who says them, what failed."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from podcast_pipeline.model import Speaker, Transcript
from podcast_pipeline.transcript.edits.anchors import Found, Places
from podcast_pipeline.transcript.edits.pieces import Piece, kept, segments, written
from podcast_pipeline.transcript.edits.record import Conflict, Edit, TurnEdit, WordEdit, recording_of
from podcast_pipeline.transcript.edits.sequence_diff import changes, pairs
from podcast_pipeline.transcript.edits.units import Unit, joined, key_of, leading, split, units_of


@dataclass(frozen=True)
class Rewriting:
    """Units start to end, and what a person wrote in their place.

    Attributes:
        side: which neighbour says it where nothing was heard.
        speaker: who says it where it is neither neighbour; None where it is.
    """

    start: int
    end: int
    text: str
    side: str
    speaker: str | None


@dataclass
class Draft:
    """A new transcription while edits are laid on it.

    Attributes:
        agreed: stretches that are by themselves what an edit wants.
        given: (first unit, after the last, speaker) of passages that another speaker says.
    """

    new: Transcript
    units: tuple[Unit, ...]
    places: Places
    speakers: dict[str, Speaker]
    agreed: list[tuple[int, int]] = field(default_factory=list)
    rewritten: list[Rewriting] = field(default_factory=list)
    given: list[tuple[int, int, str]] = field(default_factory=list)
    applied: list[Edit] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)

    @classmethod
    def of(cls, new: Transcript) -> "Draft":
        """Begin with a transcription as it was heard."""
        units = units_of(new)
        return cls(new, units, Places(units, recording_of(new)), {s.id: s for s in new.speakers})

    def refuse(self, edit: Edit, at_s: float, reason: str) -> None:
        """Leave an edit out and say why."""
        self.conflicts.append(Conflict(edit=edit, at_s=at_s, reason=reason))

    def certain(self, edit: WordEdit | TurnEdit, found: Sequence[Found]) -> Found | None:
        """Return the one place an edit has; else refuse it."""
        if len(found) == 1:
            return found[0]
        if found:
            moments = ", ".join(f"{self.places.time(place.start):.0f} s" for place in found)
            self.refuse(edit, self.places.time(found[0].start), f"fits in several places: {moments}")
        else:
            reason = "are said more than once" if edit.site.rival else "are not there any more"
            self.refuse(edit, edit.site.start_s, f"the words around it {reason}")
        return None

    def now(self, start: int, end: int) -> str:
        """Say what the machine hears in a stretch."""
        heard = joined(unit.text for unit in self.units[start:end])
        return f"the machine now hears “{heard}”" if heard else "the machine hears nothing there now"

    def taken(self, place: Found) -> bool:
        """Tell whether an edit that is applied has some of the same words."""
        rewritten = ((one.start, one.end) for one in self.rewritten)
        return any(_overlap(place, start, end) for start, end in (*self.agreed, *rewritten))

    def transcript(self) -> Transcript:
        """Return the transcription with everything in it that was applied."""
        spoken = segments(self._pieces(), self.new)
        return self.new.model_copy(update={"speakers": tuple(self.speakers.values()), "segments": spoken})

    def _pieces(self) -> list[Piece]:
        units = self.units
        speakers: list[str | None] = [unit.speaker for unit in units]
        for start, end, speaker in self.given:
            speakers[start:end] = [speaker] * (end - start)
        pieces: list[Piece] = []
        at = 0
        for one in sorted(self.rewritten, key=lambda one: (one.start, one.end)):
            pieces.extend(kept(units[i], units[i].text, speaker=speakers[i]) for i in range(at, one.start))
            by = one.speaker or _near(speakers, one)
            pieces.extend(replace(piece, speaker=by) for piece in _written(units, one))
            at = one.end
        pieces.extend(kept(units[i], units[i].text, speaker=speakers[i]) for i in range(at, len(units)))
        return pieces


def _overlap(place: Found, start: int, end: int) -> bool:
    """Tell whether two stretches share a unit; two insertions at one point follow each other."""
    if start == end or place.start == place.end:
        return start < place.start < end or place.start < start < place.end
    return start < place.end and place.start < end


def _near(speakers: Sequence[str | None], one: Rewriting) -> str | None:
    """Return who speaks in a stretch; where it is empty, who speaks on that side of it."""
    inside = one.start < one.end or one.start == 0 or one.side == "after"
    at = one.start if inside else one.start - 1
    return speakers[min(at, len(speakers) - 1)] if speakers else None


def _written(units: Sequence[Unit], one: Rewriting) -> list[Piece]:
    """Return what a person wrote there; a word that was heard so keeps its time."""
    texts = split(one.text)
    texts = (leading(texts[0]), *texts[1:]) if texts else ()
    old = [unit.key for unit in units[one.start : one.end]]
    matched = pairs(old, [key_of(text) for text in texts])
    pieces = {j: kept(units[one.start + i], texts[j], speaker=None) for i, j in matched}
    for change in changes(matched, len(old), len(texts)):
        new = written(units, one.start + change.i1, one.start + change.i2, texts[change.j1 : change.j2])
        pieces.update(enumerate(new, change.j1))
    return [pieces[j] for j in range(len(texts))]
