"""The public fields of an episode in its folder and in the catalog, and their three-way merge. Pure.

Both are compared in recording times, as episode.toml has them.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from podcast_pipeline.files import short_sha256
from podcast_pipeline.model import Chapter, Episode, EpisodeDraft, Person, Soundbite, StoredModel, Timeline
from podcast_pipeline.transcript import timeline as timelines

PLAIN = (
    *("title", "notes", "language", "access", "explicit", "season", "number", "type", "topics"),
    *("transcript", "reviewed_by", "source_sha256"),
)
ATTRIBUTES = {"transcript": "transcript_choice"}
"""Field -> the attribute of a draft, where it has another name."""
RECORDING = "source_sha256"
LATER = {
    "hosts": short_sha256(b"[]"),
    "transcript": short_sha256(b"null"),
    "reviewed_by": short_sha256(b'""'),
}
"""Fields that a base.json of an earlier release does not have, with the digest of the value that they had."""
PERSONS: Mapping[str, Literal["host", "guest"]] = {"hosts": "host", "guests": "guest"}
"""Field -> the role of its persons."""
LONGEST_SHOWN = 70

Fields = Mapping[str, Any]
"""Public field -> its value, as plain JSON."""


@dataclass(frozen=True)
class FieldConflict:
    """A field that both sides changed differently, or a recording that another producer replaced."""

    name: str
    ours: Any
    theirs: Any

    def __str__(self) -> str:
        if self.name == RECORDING:
            return f"the recording is {show_value(self.ours)} here and {show_value(self.theirs)} published"
        ours, theirs = show_difference(self.ours, self.theirs)
        return f"{self.name} is {ours} here and {theirs} published"


@dataclass(frozen=True)
class FieldsMerge:
    """The merge of a folder's fields with the published ones.

    Attributes:
        taken: the fields that others changed, with the published values.
        replaced: the folder's values of these.
        conflicts: the fields that have to be decided by a person.
    """

    taken: Fields
    conflicts: tuple[FieldConflict, ...]
    replaced: Fields = field(default_factory=dict)


def draft_fields(draft: EpisodeDraft, timeline: Timeline) -> Fields:
    """Return the folder's fields; chapters and soundbites as they come back from this timeline."""
    chapters = timelines.map_chapters(draft.chapters, timeline)
    soundbites = timelines.map_soundbites(draft.soundbites, timeline)
    return _fields(draft, chapters, soundbites, timeline)


def published_fields(episode: Episode) -> Fields:
    """Return the fields in the catalog."""
    return _fields(episode, episode.chapters, episode.soundbites, episode.timeline)


def digests(fields: Fields) -> dict[str, str]:
    """Return a digest of each field."""
    return {name: short_sha256(json.dumps(value, sort_keys=True).encode()) for name, value in fields.items()}


def changed_fields(base: Mapping[str, str], fields: Fields) -> frozenset[str]:
    """Return the names of the fields that differ from a base; all where the base has no digest of them."""
    known = {**LATER, **base} if base else {}
    return frozenset(name for name, digest in digests(fields).items() if known.get(name) != digest)


def merge_fields(base: Mapping[str, str] | None, ours: Fields, theirs: Fields) -> FieldsMerge:
    """Merge two states of the fields.

    Args:
        base: digests of the state that both began with; None where it is not known: every difference is
            then a conflict.
    """
    differing = [name for name, value in ours.items() if value != theirs[name]]
    here = changed_fields(base or {}, ours)
    there = changed_fields(base or {}, theirs)
    taken = [name for name in differing if name not in here and name != RECORDING]
    conflicts = [name for name in differing if name in there and name not in taken]
    return FieldsMerge(
        {name: theirs[name] for name in taken},
        tuple(FieldConflict(name, ours[name], theirs[name]) for name in conflicts),
        {name: ours[name] for name in taken},
    )


def with_fields(draft: EpisodeDraft, fields: Fields) -> EpisodeDraft:
    """Return a draft with the values of some fields, in recording times."""
    changes = {ATTRIBUTES.get(name, name): fields[name] for name in fields if name not in PERSONS}
    changes["persons"] = tuple(
        p for name, role in PERSONS.items() for p in _persons(draft, role, fields.get(name))
    )
    return EpisodeDraft.model_validate({**dict(draft), **changes})


def _persons(
    draft: EpisodeDraft, role: Literal["host", "guest"], found: list[str | dict[str, str]] | None
) -> Iterator[Person]:
    """Yield the persons of a role: those of the draft, or those that are given; see `_person`."""
    known = [person for person in draft.persons if person.role == role]
    if found is None:
        yield from known
        return
    old = {} if has_recording(draft) else {person.name: person for person in known}
    for entry in found:
        values = {"name": entry} if isinstance(entry, str) else entry
        yield old.get(values["name"]) or Person(role=role, **values)


def show_value(value: Any) -> str:
    """Return a value as a person reads it, on one short line."""
    if value in (None, "", [], ()):
        return "empty"
    if isinstance(value, list):
        value = ", ".join(map(_show_item, value))
    text = " ".join((value if isinstance(value, str) else json.dumps(value)).split())
    return f"“{text}”" if len(text) <= LONGEST_SHOWN else f"“{text[: LONGEST_SHOWN - 1]}…”"


def show_difference(ours: Any, theirs: Any) -> tuple[str, str]:
    """Return two values on short lines; of long texts and lists what differs."""
    if isinstance(ours, str) and isinstance(theirs, str) and max(len(ours), len(theirs)) > LONGEST_SHOWN:
        return _show_lines(ours.splitlines(), theirs.splitlines())
    if isinstance(ours, list) and isinstance(theirs, list):
        return _show_lines(ours, theirs)
    return show_value(ours), show_value(theirs)


def _show_lines(ours: list[Any], theirs: list[Any]) -> tuple[str, str]:
    mine, others = [x for x in ours if x not in theirs], [x for x in theirs if x not in ours]
    return show_value(mine or ours), show_value(others or theirs)


def _show_item(item: Any) -> str:
    if not isinstance(item, Mapping):
        return str(item)
    if "name" in item:
        return " ".join(item.values())
    return f"{item.get('title') or ''} at {item.get('start_s')} s".strip()


def _fields(
    draft: EpisodeDraft, chapters: tuple[Chapter, ...], soundbites: tuple[Soundbite, ...], timeline: Timeline
) -> Fields:
    """Return the fields; chapters and soundbites are in media times of the timeline."""
    plain = {name: getattr(draft, ATTRIBUTES.get(name, name)) for name in PLAIN}
    return {
        **{name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()},
        **{
            name: [_person(p, draft) for p in draft.persons if p.role == role]
            for name, role in PERSONS.items()
        },
        "chapters": [_known(chapter) for chapter in timelines.recording_chapters(chapters, timeline)],
        "soundbites": [_known(bite) for bite in timelines.recording_soundbites(soundbites, timeline)],
    }


def has_recording(draft: EpisodeDraft) -> bool:
    """Whether an episode has a recording of its own; an imported one has none."""
    return draft.source_sha256 is not None


def _person(person: Person, draft: EpisodeDraft) -> str | dict[str, str]:
    """Return a person as episode.toml has it: the name, or a table where there are addresses.

    The addresses of an imported episode are those of its old feed, which its folder does not have.
    """
    links = {"url": person.url, "image_url": person.image_url}
    kept = {name: link for name, link in links.items() if link and has_recording(draft)}
    return {"name": person.name, **kept} if kept else person.name


def _known(part: StoredModel) -> dict[str, Any]:
    """Return a chapter or a soundbite as episode.toml has it: without defaults and unknown fields."""
    return {
        name: getattr(part, name)
        for name, field in type(part).model_fields.items()
        if getattr(part, name) != field.default
    }
