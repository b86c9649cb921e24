"""Whether what stands in an edit's place is what the person saw there, or another hearing of it. Pure."""

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from podcast_pipeline.transcript.edits.anchors import CLOSE, ECHO_UNITS, Found, Places
from podcast_pipeline.transcript.edits.record import Site, WordEdit
from podcast_pipeline.transcript.edits.units import keys_of, same, split

ALIKE = 0.6  # letters in common by which other words in the same place are another hearing of them
ALIKE_TO_DELETE = 0.8  # deleting needs more: nobody looks at what is gone
ALIKE_TO_GIVE = 0.75  # a passage said one and a half times is not the passage
NEAR_UNITS = 4  # a word said again so close by may be the one that is meant


def already(places: Places, place: Found, edit: WordEdit) -> bool:
    """Tell whether the machine by now hears the very words that the person wrote."""
    heard = [unit.text for unit in places.units[place.start : place.end]]
    wanted = split(edit.written)
    return len(wanted) == len(heard) > 0 and all(map(same, wanted, heard))


def fits(places: Places, place: Found, edit: WordEdit) -> bool:
    """Tell whether what stands there now may be replaced by what the person wrote."""
    now = places.keys[place.start : place.end]
    then, wanted = keys_of(edit.site.heard), keys_of(edit.written)
    if now and now in (then, wanted) and (place.left or place.right):
        return bool(place.left and place.right) or not _echoed(places, place, edit.site)
    if not now and not then:
        return bool(place.left and place.right)
    if min(place.left, place.right) < CLOSE:
        return False
    if not now:
        return _gone(places, place, edit)
    if not wanted:
        return alike(now, then) >= ALIKE_TO_DELETE
    return max(alike(now, then), alike(now, wanted)) >= ALIKE


def is_there(places: Places, place: Found, edit: WordEdit) -> bool:
    """Tell whether the machine by now hears an insertion by itself, close by but not quite there."""
    wanted, site = keys_of(edit.written), edit.site
    if site.heard or len(wanted) < CLOSE:
        return False
    before, after = keys_of(site.before)[-ECHO_UNITS:], keys_of(site.after)[:ECHO_UNITS]
    now = places.keys[max(place.start - ECHO_UNITS, 0) : place.end + ECHO_UNITS]
    return _holds(now, wanted) and not _holds(before, wanted) and not _holds(after, wanted)


def _holds(keys: Sequence[str], run: Sequence[str]) -> bool:
    return any(list(keys[at : at + len(run)]) == list(run) for at in range(len(keys) - len(run) + 1))


def alike(one: Sequence[str], other: Sequence[str]) -> float:
    """Return the share of letters that two stretches have in common, in order."""
    return Levenshtein.normalized_similarity(" ".join(one), " ".join(other))


def _echoed(places: Places, place: Found, site: Site) -> bool:
    """Tell whether its words are said twice close by, so that one known neighbour does not tell which."""
    keys, now = places.keys, places.keys[place.start : place.end]
    then = [*keys_of(site.before)[-NEAR_UNITS:], *keys_of(site.after)[:NEAR_UNITS]]
    around = [
        *keys[max(place.start - NEAR_UNITS, 0) : place.start],
        *keys[place.end : place.end + NEAR_UNITS],
    ]
    return not set(now).isdisjoint([*then, *around])


def _gone(places: Places, place: Found, edit: WordEdit) -> bool:
    """Tell whether deleted words are gone by themselves, not just said a word earlier or later."""
    then = keys_of(edit.site.heard)
    size = len(then) + CLOSE
    near = [*keys_of(edit.site.before)[-size:], *keys_of(edit.site.after)[:size]]
    keys = places.keys[max(place.start - size, 0) : place.end + size]
    return not edit.written and not any(keys.count(key) > near.count(key) for key in then)
