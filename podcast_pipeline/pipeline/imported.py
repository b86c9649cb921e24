"""Merge an imported episode with its folder: unchanged fields stay as the old feed had them. Pure.

The old feed's item has elements that a folder cannot express. An element is repeated unchanged until the
producer sets the field that replaces it.
"""

from collections.abc import Iterable

from podcast_pipeline.model import (
    Enclosure,
    Episode,
    EpisodeDraft,
    FeedElement,
    ImportedItem,
    Person,
    Transcript,
)

REPLACED = {
    "title": ("itunes:title",),
    "notes": ("itunes:summary", "itunes:subtitle"),
    "season": ("podcast:season",),
    "number": ("podcast:episode",),
    "soundbites": ("podcast:soundbite",),
}
"""A field of the folder -> the old feed's elements that it replaces."""

PERSON = "podcast:person"
ROUNDING_S = 1.0


def merge_imported(draft: EpisodeDraft, known: Episode | None) -> EpisodeDraft:
    """Return the folder's draft with the imported audio, hosts and facts about guests."""
    if known is None or known.original is None:
        return draft
    changes: dict[str, object] = {"persons": _persons(draft, known)}
    if draft.source_sha256 is None:
        changes["source_sha256"] = known.source_sha256
    return draft.model_copy(update=changes)


def preserved_fields(draft: EpisodeDraft, known: Episode | None) -> dict[str, object]:
    """Return the fields of an imported episode that no folder has; none for an episode of our own.

    Args:
        draft: from `merge_imported`.
    """
    if known is None or known.original is None:
        return {}
    return {
        "guid_is_permalink": known.guid_is_permalink,
        "artwork_key": known.artwork_key,
        "original": _original(draft, known, known.original),
    }


def keeps_imported_chapters(draft: EpisodeDraft, known: Episode | None) -> bool:
    """Tell whether an imported episode keeps the chapters file of the old feed."""
    fields = ("chapters", "access", "source_sha256")
    return (
        known is not None
        and known.original is not None
        and all(getattr(draft, name) == getattr(known, name) for name in fields)
    )


def with_measured_duration(enclosure: Enclosure, transcript: Transcript) -> Enclosure:
    """Replace the feed's duration by the decoded one if they differ by more than 1 s."""
    if abs(enclosure.duration_s - transcript.duration_s) <= ROUNDING_S:
        return enclosure
    return enclosure.model_copy(update={"duration_s": transcript.duration_s})


def _original(draft: EpisodeDraft, known: Episode, original: ImportedItem) -> ImportedItem:
    changed = {name for name in (*REPLACED, "chapters") if getattr(draft, name) != getattr(known, name)}
    replaced = {tag for name in changed for tag in REPLACED.get(name, ())}
    tags = _with_guests((tag for tag in original.tags if tag.name not in replaced), draft, known)
    changes: dict[str, object] = {"tags": tags}
    if "notes" in changed:
        changes |= {"description": "", "content": ""}
    if "chapters" in changed:
        changes["chapters_url"] = None
    return original.model_copy(update=changes)


def _with_guests(tags: Iterable[FeedElement], draft: EpisodeDraft, known: Episode) -> tuple[FeedElement, ...]:
    """Return the elements with the folder's guests; other persons stay unchanged."""
    guests, old = ({p.name: p for p in e.persons if p.role == "guest"} for e in (draft, known))
    same = {name for name, guest in guests.items() if old.get(name) == guest}
    kept = tuple(tag for tag in tags if tag.name != PERSON or (tag.text or "") not in old.keys() - same)
    if not any(tag.name == PERSON for tag in kept):
        return kept  # the feed then lists persons as for our own episodes
    return kept + tuple(_guest_element(guest) for name, guest in guests.items() if name not in same)


def _guest_element(guest: Person) -> FeedElement:
    attributes = {"role": "guest", "href": guest.url, "img": guest.image_url}
    kept = {name: value for name, value in attributes.items() if value}
    return FeedElement(name=PERSON, text=guest.name, attributes=kept)


def _has_link(person: Person) -> bool:
    return bool(person.url or person.image_url)


def _persons(draft: EpisodeDraft, known: Episode) -> tuple[Person, ...]:
    """Return the imported persons where the folder names the same guests, and no hosts or the same."""
    old, new = _by_role(known.persons), _by_role(draft.persons)
    roles = [role for role in old if role == "guest" or new[role]]  # a folder without hosts leaves them
    linked = any(map(_has_link, draft.persons))
    if not linked and all([p.name for p in new[role]] == [p.name for p in old[role]] for role in roles):
        return known.persons
    by_name = {(person.role, person.name): person for person in known.persons}
    hosts, guests = new["host"] or old["host"], new["guest"]
    return tuple(_newer(person, by_name.get((person.role, person.name))) for person in (*hosts, *guests))


def _newer(person: Person, imported: Person | None) -> Person:
    """Return the imported person where the folder has the name only."""
    return person if imported is None or _has_link(person) else imported


def _by_role(persons: Iterable[Person]) -> dict[str, list[Person]]:
    found: dict[str, list[Person]] = {"host": [], "guest": []}
    for person in persons:
        found[person.role].append(person)
    return found
