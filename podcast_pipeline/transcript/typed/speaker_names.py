"""The names of a typed transcript as those of hosts, guests and voices."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.edits.word_times import align_document
from podcast_pipeline.transcript.markdown import MarkdownTranscript
from podcast_pipeline.transcript.names.matching import letters_of
from podcast_pipeline.transcript.names.word_lists import word_set
from podcast_pipeline.transcript.typed.labels import ROLES, UNNAMED, name_key, plain_name
from podcast_pipeline.transcript.typed.turns import TypedTranscript

TITLES = word_set(
    "dr prof professor mr mrs ms mx miss sir dame lord lady sen senator rep representative gov governor"
    " president minister judge justice rev reverend hon"
    " herr frau hr fr m mme mlle monsieur madame sr sra señor señora don doña sig signor signora dott"
)
"""Words before a name that are no part of it."""
_PLAIN_TITLES = frozenset(map(letters_of, TITLES))


@dataclass(frozen=True)
class KnownPeople:
    """The people of an episode, by name."""

    hosts: tuple[str, ...] = ()
    guests: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names."""
        return (*self.hosts, *self.guests)

    def find(self, label: str) -> str | None:
        """Return the person whom a label means; else None.

        Known are the name and parts of it, without titles and accents; initials; and a role. A label that
        fits two people means neither.
        """
        key, parts = name_key(label), _parts(label)
        exact = [name for name in self.names if name_key(name) == key]
        shorter = [name for name in self.names if parts and set(parts) <= set(_parts(name))]
        initials = [name for name in self.names if len(key) > 1 and _initials(name) == letters_of(key)]
        roles = [
            name
            for role, people in (("host", self.hosts), ("guest", self.guests))
            for name in people
            if key in ROLES[role]
        ]
        found = (one for one in (exact, shorter, initials, roles) if one)
        best = next(found, [])
        return best[0] if len(set(best)) == 1 else None


def typed_document(
    typed: TypedTranscript, transcript: Transcript, people: KnownPeople, *, base: str
) -> MarkdownTranscript:
    """Return a typed transcript as an edited transcript.md of the recognised words.

    A speaker of the file is the voice that says most of his words; the name is that of the host or guest
    whom it means, else as it was typed. Without names in the file the voices stay as they were found.

    Args:
        base: see `MarkdownTranscript`.
    """
    names = _names(typed.names, people)
    voices = _voices(typed, transcript, names)
    headings = {
        label: name or _unnamed(label, voices.get(_identity(label, names)), transcript)
        for label, name in names.items()
    }
    speakers = {voices[name]: name for name in names.values() if name in voices}
    turns = tuple(replace(turn, name=headings[turn.name] if turn.name else None) for turn in typed.turns)
    return MarkdownTranscript(base, speakers, turns)


def _names(labels: Sequence[str], people: KnownPeople) -> dict[str, str | None]:
    """Return label -> name; None where it only numbers a voice.

    "Mr. Baker" and "Mrs. Baker" in one file are two people, whoever of them is known.
    """
    namesakes = Counter(_parts(label) for label in labels if _parts(label) != _all_parts(label))
    return {
        label: (people.find(label) if namesakes[_parts(label)] < 2 else None)
        or (None if UNNAMED.fullmatch(label) else plain_name(label))
        for label in labels
    }


def _identity(label: str, names: Mapping[str, str | None]) -> str:
    return names[label] or label


def _unnamed(label: str, voice: str | None, transcript: Transcript) -> str:
    return transcript.speaker_name(voice) or label


def _voices(
    typed: TypedTranscript, transcript: Transcript, names: Mapping[str, str | None]
) -> dict[str, str]:
    """Return name, or label without one -> id of the voice: one to one, those with most words first."""
    unnamed = MarkdownTranscript("", {}, tuple(replace(turn, name=None) for turn in typed.turns))
    alignment = align_document(unnamed, transcript)
    spoken: Counter[tuple[str, str]] = Counter()
    for i, j in alignment.matches:
        label = typed.turns[alignment.document_units[j].turn_index].name
        voice = alignment.transcript_units[i].speaker
        if label and voice:
            spoken[_identity(label, names), voice] += 1
    voices = {
        speaker.name: speaker.id for speaker in transcript.speakers if speaker.name in set(names.values())
    }
    found = {name: voice for name, voice in voices.items() if name}
    for (identity, voice), _ in sorted(spoken.items(), key=lambda one: (-one[1], one[0])):
        if identity not in found and voice not in found.values():
            found[identity] = voice
    return found


def _all_parts(name: str) -> tuple[str, ...]:
    """Return the parts of a name without case, accents and full stops."""
    return tuple(filter(None, map(letters_of, name.split())))


def _parts(name: str) -> tuple[str, ...]:
    """Return the parts of a name without titles; one that is a title alone has none."""
    parts = _all_parts(name)
    titles = next((i for i, part in enumerate(parts) if part not in _PLAIN_TITLES), len(parts))
    return parts[titles:]


def _initials(name: str) -> str:
    return "".join(part[0] for part in _parts(name))


def people_of(hosts: Sequence[str], guests: Sequence[str]) -> KnownPeople:
    """Return the people of an episode, each name once."""
    return KnownPeople(tuple(dict.fromkeys(hosts)), tuple(dict.fromkeys(guests)))
