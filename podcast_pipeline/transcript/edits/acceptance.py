"""Decide whether an edit still applies at the place where its context was found. Pure."""

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from podcast_pipeline.transcript.edits.anchors import ADJACENT_UNITS, REPEAT_UNITS, AnchorIndex, AnchorMatch
from podcast_pipeline.transcript.edits.record import TextQuote, WordEdit
from podcast_pipeline.transcript.edits.units import comparison_keys, equal_ignoring_typography, split_units

ALIKE = 0.6  # share of letters in common with the old or the written words
ALIKE_TO_DELETE = 0.8  # a deletion needs more: nobody reviews deleted words
MIN_SIMILARITY_TO_REASSIGN = 0.75  # a passage with a repetition is another passage
NEAR_UNITS = 4  # distance within which a repeated word makes a match ambiguous


def agrees_with_edit(anchors: AnchorIndex, match: AnchorMatch, edit: WordEdit) -> bool:
    """Return whether the new transcription has exactly the words that the person wrote."""
    actual = [unit.text for unit in anchors.units[match.start : match.end]]
    written = split_units(edit.written)
    return len(written) == len(actual) > 0 and all(map(equal_ignoring_typography, written, actual))


def still_applies(anchors: AnchorIndex, match: AnchorMatch, edit: WordEdit) -> bool:
    """Return whether the words there now may be replaced by the words that the person wrote."""
    new = anchors.keys[match.start : match.end]
    old, written = comparison_keys(edit.site.heard), comparison_keys(edit.written)
    if new and new in (old, written) and (match.adjacent_left or match.adjacent_right):
        return bool(match.adjacent_left and match.adjacent_right) or not _is_repeated(
            anchors, match, edit.site
        )
    if not new and not old:
        return bool(match.adjacent_left and match.adjacent_right)
    if min(match.adjacent_left, match.adjacent_right) < ADJACENT_UNITS:
        return False
    if not new:
        return _is_deleted(anchors, match, edit)
    if not written:
        return text_similarity(new, old) >= ALIKE_TO_DELETE
    return max(text_similarity(new, old), text_similarity(new, written)) >= ALIKE


def insertion_is_nearby(anchors: AnchorIndex, match: AnchorMatch, edit: WordEdit) -> bool:
    """Return whether the new transcription has an inserted text by itself, close by but not at the place."""
    written, site = comparison_keys(edit.written), edit.site
    if site.heard or len(written) < ADJACENT_UNITS:
        return False
    before, after = comparison_keys(site.before)[-REPEAT_UNITS:], comparison_keys(site.after)[:REPEAT_UNITS]
    around = anchors.keys[max(match.start - REPEAT_UNITS, 0) : match.end + REPEAT_UNITS]
    return _contains(around, written) and not _contains(before, written) and not _contains(after, written)


def _contains(keys: Sequence[str], run: Sequence[str]) -> bool:
    return any(list(keys[at : at + len(run)]) == list(run) for at in range(len(keys) - len(run) + 1))


def text_similarity(one: Sequence[str], other: Sequence[str]) -> float:
    """Return the normalised Levenshtein similarity of two stretches, 0 to 1."""
    return Levenshtein.normalized_similarity(" ".join(one), " ".join(other))


def _is_repeated(places: AnchorIndex, place: AnchorMatch, site: TextQuote) -> bool:
    """Return whether the words occur twice close by, so that one known neighbour is not enough."""
    keys, new = places.keys, places.keys[place.start : place.end]
    context = [*comparison_keys(site.before)[-NEAR_UNITS:], *comparison_keys(site.after)[:NEAR_UNITS]]
    around = [
        *keys[max(place.start - NEAR_UNITS, 0) : place.start],
        *keys[place.end : place.end + NEAR_UNITS],
    ]
    return not set(new).isdisjoint([*context, *around])


def _is_deleted(places: AnchorIndex, place: AnchorMatch, edit: WordEdit) -> bool:
    """Return whether the new transcription lacks the deleted words, also a word earlier or later."""
    old = comparison_keys(edit.site.heard)
    size = len(old) + ADJACENT_UNITS
    near = [*comparison_keys(edit.site.before)[-size:], *comparison_keys(edit.site.after)[:size]]
    keys = places.keys[max(place.start - size, 0) : place.end + size]
    return not edit.written and not any(keys.count(key) > near.count(key) for key in old)
