"""Whether what stands in an edit's place is what the person saw there, or another hearing of it. Pure."""

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from podcast_pipeline.transcript.edits.anchors import ADJACENT_UNITS, REPEAT_UNITS, AnchorIndex, AnchorMatch
from podcast_pipeline.transcript.edits.record import TextQuote, WordEdit
from podcast_pipeline.transcript.edits.units import comparison_keys, equal_ignoring_typography, split_units

ALIKE = 0.6  # letters in common by which other words in the same place are another hearing of them
ALIKE_TO_DELETE = 0.8  # deleting needs more: nobody looks at what is gone
MIN_SIMILARITY_TO_REASSIGN = 0.75  # a passage said one and a half times is not the passage
NEAR_UNITS = 4  # a word said again so close by may be the one that is meant


def heard_as_written(anchors: AnchorIndex, match: AnchorMatch, edit: WordEdit) -> bool:
    """Tell whether the machine by now hears the very words that the person wrote."""
    heard = [unit.text for unit in anchors.units[match.start : match.end]]
    wanted = split_units(edit.written)
    return len(wanted) == len(heard) > 0 and all(map(equal_ignoring_typography, wanted, heard))


def still_applies(anchors: AnchorIndex, match: AnchorMatch, edit: WordEdit) -> bool:
    """Tell whether what stands there now may be replaced by what the person wrote."""
    now = anchors.keys[match.start : match.end]
    then, wanted = comparison_keys(edit.site.heard), comparison_keys(edit.written)
    if now and now in (then, wanted) and (match.adjacent_left or match.adjacent_right):
        return bool(match.adjacent_left and match.adjacent_right) or not _echoed(anchors, match, edit.site)
    if not now and not then:
        return bool(match.adjacent_left and match.adjacent_right)
    if min(match.adjacent_left, match.adjacent_right) < ADJACENT_UNITS:
        return False
    if not now:
        return _gone(anchors, match, edit)
    if not wanted:
        return text_similarity(now, then) >= ALIKE_TO_DELETE
    return max(text_similarity(now, then), text_similarity(now, wanted)) >= ALIKE


def insertion_heard_nearby(anchors: AnchorIndex, match: AnchorMatch, edit: WordEdit) -> bool:
    """Tell whether the machine by now hears an insertion by itself, close by but not quite there."""
    wanted, site = comparison_keys(edit.written), edit.site
    if site.heard or len(wanted) < ADJACENT_UNITS:
        return False
    before, after = comparison_keys(site.before)[-REPEAT_UNITS:], comparison_keys(site.after)[:REPEAT_UNITS]
    now = anchors.keys[max(match.start - REPEAT_UNITS, 0) : match.end + REPEAT_UNITS]
    return _holds(now, wanted) and not _holds(before, wanted) and not _holds(after, wanted)


def _holds(keys: Sequence[str], run: Sequence[str]) -> bool:
    return any(list(keys[at : at + len(run)]) == list(run) for at in range(len(keys) - len(run) + 1))


def text_similarity(one: Sequence[str], other: Sequence[str]) -> float:
    """Return the share of letters that two stretches have in common, in order."""
    return Levenshtein.normalized_similarity(" ".join(one), " ".join(other))


def _echoed(places: AnchorIndex, place: AnchorMatch, site: TextQuote) -> bool:
    """Tell whether its words are said twice close by, so that one known neighbour does not tell which."""
    keys, now = places.keys, places.keys[place.start : place.end]
    then = [*comparison_keys(site.before)[-NEAR_UNITS:], *comparison_keys(site.after)[:NEAR_UNITS]]
    around = [
        *keys[max(place.start - NEAR_UNITS, 0) : place.start],
        *keys[place.end : place.end + NEAR_UNITS],
    ]
    return not set(now).isdisjoint([*then, *around])


def _gone(places: AnchorIndex, place: AnchorMatch, edit: WordEdit) -> bool:
    """Tell whether deleted words are gone by themselves, not just said a word earlier or later."""
    then = comparison_keys(edit.site.heard)
    size = len(then) + ADJACENT_UNITS
    near = [*comparison_keys(edit.site.before)[-size:], *comparison_keys(edit.site.after)[:size]]
    keys = places.keys[max(place.start - size, 0) : place.end + size]
    return not edit.written and not any(keys.count(key) > near.count(key) for key in then)
