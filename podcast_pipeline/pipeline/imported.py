"""An imported episode and what its folder says by now: what nobody changed stays as it came. Pure.

The old feed said more of an item than a folder can. An element is repeated as it stood until the producer
says something else in its place.
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
"""What a folder can say -> the kept elements that say it too, as the old feed did."""

PERSON = "podcast:person"
ROUNDING_S = 1.0


def merge_imported(draft: EpisodeDraft, known: Episode | None) -> EpisodeDraft:
    """Return what a folder says with what it cannot say as it came: the audio, the hosts, who guests are."""
    if known is None or known.original is None:
        return draft
    changes: dict[str, object] = {"persons": _persons(draft, known)}
    if draft.source_sha256 is None:
        changes["source_sha256"] = known.source_sha256
    return draft.model_copy(update=changes)


def preserved_fields(draft: EpisodeDraft, known: Episode | None) -> dict[str, object]:
    """Return the fields of an episode that no folder has, as they go on; none of an episode of our own.

    Args:
        draft: complete.
    """
    if known is None or known.original is None:
        return {}
    return {
        "guid_is_permalink": known.guid_is_permalink,
        "artwork_key": known.artwork_key,
        "original": _original(draft, known, known.original),
    }


def keeps_imported_chapters(draft: EpisodeDraft, known: Episode | None) -> bool:
    """Say whether an imported episode's chapters file stays the one that came."""
    same = ("chapters", "access", "source_sha256")
    return (
        known is not None
        and known.original is not None
        and all(getattr(draft, name) == getattr(known, name) for name in same)
    )


def with_measured_duration(enclosure: Enclosure, transcript: Transcript) -> Enclosure:
    """Return the same audio with the length that whoever heard it found; old feeds say 0, or are wrong."""
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
    """Return what was said with the guests that the folder names; others stay as they stood."""
    now, before = ({p.name for p in e.persons if p.role == "guest"} for e in (draft, known))
    stay = tuple(tag for tag in tags if tag.name != PERSON or (tag.text or "") not in before - now)
    if not any(tag.name == PERSON for tag in stay):
        return stay  # the feed then says who is there as it does of our own episodes
    new = [p.name for p in draft.persons if p.role == "guest" and p.name in now - before]
    return stay + tuple(FeedElement(name=PERSON, text=name, attributes={"role": "guest"}) for name in new)


def _persons(draft: EpisodeDraft, known: Episode) -> tuple[Person, ...]:
    """Return the persons that came where the folder names the same guests."""
    guests = [person for person in known.persons if person.role == "guest"]
    if [person.name for person in draft.persons] == [guest.name for guest in guests]:
        return known.persons
    came = {guest.name: guest for guest in guests}
    hosts = (person for person in known.persons if person.role == "host")
    return (*hosts, *(came.get(person.name, person) for person in draft.persons))
