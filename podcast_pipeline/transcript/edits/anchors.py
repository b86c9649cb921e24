"""Find an edit's place in another transcription by its context; ambiguous or weak matches are reported."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rapidfuzz.distance import Indel, LCSseq

from podcast_pipeline.transcript.edits.record import TextQuote
from podcast_pipeline.transcript.edits.units import Unit, comparison_keys

CONTEXT_SHARE = 0.5  # share of the context that must match
SIDE_UNITS, SIDE_SHARE = 8, 0.75  # share of one side that matches on its own
CLEAR_LEAD = 3  # context words by which the best match must beat the next
TIME_TOLERANCE_S = 5.0  # another engine's times for the same recording differ by less
NOW_S = 0.5  # a match this near to the time wins over equally good ones
LONG_UNITS = 24  # a longer passage is matched by its two ends
END_UNITS = 10
SLACK_UNITS = 8  # units that another transcription may add or drop around a place
RARE = 40  # a word with more occurrences than this is not looked up
ADJACENT_UNITS = 2  # units on each side that decide how certain a match is
REPEAT_UNITS = 24  # distance within which repeated words count as ambiguous
CANDIDATES = 6
VOTES_SHARE = 0.4  # share of the best candidate's votes that another candidate needs

MATCH, MISMATCH, GAP = 2, -1, -1


@dataclass(frozen=True)
class AnchorMatch:
    """A match of a quote: units start to end.

    Attributes:
        adjacent_left, adjacent_right: equal units next to the match, up to ADJACENT_UNITS; the text's begin
            and end count as equal.
        matched_before, matched_after: context units on each side that match.
    """

    start: int
    end: int
    adjacent_left: int
    adjacent_right: int
    matched_before: int
    matched_after: int

    @property
    def support(self) -> int:
        """Number of context units that match."""
        return self.matched_before + self.matched_after


class AnchorIndex:
    """An index of a transcription's units for finding quotes.

    Args:
        recording: hash of the recording; a quote of the same recording must match at its time.
    """

    def __init__(self, units: Sequence[Unit], recording: str | None) -> None:
        self.units = units
        self.keys = [unit.key for unit in units]
        self._recording = recording
        self._hints: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for i in range(len(units)):
            self._hints[(self.keys[i],)].append(i)
            self._hints[tuple(self.keys[i : i + 2])].append(i)

    def find(self, quote: TextQuote) -> list[AnchorMatch]:
        """Return the possible matches of a quote: one if certain, several if ambiguous, none if not found."""
        before, exact, after = (comparison_keys(text) for text in (quote.before, quote.heard, quote.after))
        if len(exact) <= LONG_UNITS:
            return self._best(before, exact, after, quote, quote.start_s)
        starts = self._best(before, [], exact[:END_UNITS], quote, quote.start_s)
        ends = self._best(exact[-END_UNITS:], [], after, quote, quote.end_s)
        if len(starts) != 1 or len(ends) != 1:
            return starts if len(starts) > 1 else ends if starts else []
        first, last = starts[0], ends[0]
        similarity = Indel.normalized_similarity(exact, self.keys[first.end : last.start])
        passage = AnchorMatch(
            start=first.end,
            end=max(first.end, last.start),
            adjacent_left=min(first.adjacent_left, first.adjacent_right) if first.start == first.end else 0,
            adjacent_right=min(last.adjacent_left, last.adjacent_right) if last.start == last.end else 0,
            matched_before=first.support,
            matched_after=last.support,
        )
        return [passage] if similarity >= CONTEXT_SHARE else []

    def ambiguity(self, quote: TextQuote, start: int) -> int:
        """Return how many context words of a quote from this text match at another place of the text, too."""
        before, exact, after = (comparison_keys(text) for text in (quote.before, quote.heard, quote.after))
        sides = [(before, exact, after, start)]
        if len(exact) > LONG_UNITS:
            end = start + len(exact)
            sides = [(before, [], exact[:END_UNITS], start), (exact[-END_UNITS:], [], after, end)]
        others = (
            place.support
            for before, exact, after, at in sides
            for fit in self._fits(before, exact, after)
            if _is_known(fit, before, exact, after)
            for place in (fit, *self._repeats(fit, before, after))
            if abs(place.start - at) > ADJACENT_UNITS
        )
        return max(others, default=0)

    def _best(
        self, before: list[str], exact: list[str], after: list[str], site: TextQuote, at_s: float
    ) -> list[AnchorMatch]:
        fits = self._fits(before, exact, after)
        distinct: list[AnchorMatch] = []
        for place in (fit for fit in fits if _is_known(fit, before, exact, after)):
            near = any(abs(place.start - other.start) <= SLACK_UNITS for other in distinct)
            if not near and self._at_time(place, site, at_s):
                distinct.append(place)
        if not distinct:
            return []
        repeats = [
            repeat
            for repeat in self._repeats(distinct[0], before, after)
            if self._at_time(repeat, site, at_s)
        ]
        likely = [p for p in (*distinct, *repeats) if p.support > distinct[0].support - CLEAR_LEAD]
        if not self._same_recording(site):
            if len(likely) == 1 and 0 < site.rival > likely[0].support - CLEAR_LEAD:
                return []  # the remaining match may be the rival
            return likely if len(likely) > 1 else [*likely, *_split_contexts(fits, likely[0], before, after)]
        at_time = [
            place for place in (*distinct, *repeats) if self._at_time(place, site, at_s, within_s=NOW_S)
        ]
        if len(at_time) == 1 and at_time[0] in likely:
            return at_time
        return likely if not at_time else list(dict.fromkeys((*likely, *at_time)))

    def _fits(self, before: list[str], exact: list[str], after: list[str]) -> list[AnchorMatch]:
        """Return the best alignment at every candidate, best first."""
        found: dict[AnchorMatch, None] = {}
        size = len(before) + len(exact) + len(after)
        for at in self._candidates([*before, *exact, *after]):
            low, high = max(at - SLACK_UNITS, 0), at + size + 2 * SLACK_UNITS
            place = self._align(before, exact, after, low, high)
            known = next((one for one in found if abs(one.start - place.start) <= SLACK_UNITS), None)
            if known:  # look for a second occurrence beside the known one
                sides = (low, known.start), (known.end, high)
                place = self._align(before, exact, after, *max(sides, key=lambda side: side[1] - side[0]))
            found[place] = None
        return sorted(
            found,
            key=lambda place: (-place.support, -(place.adjacent_left + place.adjacent_right), place.start),
        )

    def _repeats(self, place: AnchorMatch, before: list[str], after: list[str]) -> Iterator[AnchorMatch]:
        """Yield matches close by that repeat a match and the units next to it."""
        size, left = place.end - place.start, min(place.adjacent_left, place.start)
        first = place.start - left
        repeated = self.keys[first : place.end + place.adjacent_right]
        for at in range(max(first - REPEAT_UNITS, 0), first + REPEAT_UNITS + 1):
            if at != first and repeated and self.keys[at : at + len(repeated)] == repeated:
                start = at + left
                repeat = replace(place, start=start, end=start + size)
                here, there = (self._context_matches(one, before, after) for one in (place, repeat))
                fewer = [one - other for one, other in zip(here, there, strict=True)]
                yield replace(
                    repeat,
                    matched_before=place.matched_before - fewer[0],
                    matched_after=place.matched_after - fewer[1],
                )

    def _context_matches(self, place: AnchorMatch, before: list[str], after: list[str]) -> tuple[int, int]:
        """Return the length of the longest common subsequence with the context, before and after."""
        lefts = self.keys[max(place.start - len(before) - SLACK_UNITS, 0) : place.start]
        rights = self.keys[place.end : place.end + len(after) + SLACK_UNITS]
        return int(LCSseq.similarity(before, lefts)), int(LCSseq.similarity(after, rights))

    def _at_time(
        self, place: AnchorMatch, site: TextQuote, at_s: float, within_s: float = TIME_TOLERANCE_S
    ) -> bool:
        return not self._same_recording(site) or abs(self.start_time(place.start) - at_s) <= within_s

    def _same_recording(self, site: TextQuote) -> bool:
        return self._recording is not None and site.recording == self._recording

    def start_time(self, index: int) -> float:
        """Return the start of a unit; for an index past the end, the end of the last unit."""
        if index < len(self.units):
            return self.units[index].start_s
        return self.units[-1].end_s if self.units else 0.0

    def _candidates(self, pattern: list[str]) -> list[int]:
        """Return candidate starts of the pattern, most votes first."""
        votes: dict[int, int] = defaultdict(int)
        for offset in range(len(pattern)):
            for hint in ((pattern[offset],), tuple(pattern[offset : offset + 2])):
                at = self._hints.get(hint, ())
                if len(at) <= RARE:
                    for i in at:
                        votes[(i - offset) // SLACK_UNITS] += len(hint)
        pairs = {lane: count + votes.get(lane + 1, 0) for lane, count in votes.items()}
        enough = max(pairs.values(), default=0) * VOTES_SHARE
        lanes: list[int] = []
        for lane in sorted(pairs, key=lambda lane: (-pairs[lane], lane)):
            if pairs[lane] >= enough and all(abs(lane - other) > 1 for other in lanes):
                lanes.append(lane)
        return [lane * SLACK_UNITS for lane in lanes[:CANDIDATES]]

    def _align(
        self, before: list[str], exact: list[str], after: list[str], low: int, high: int
    ) -> AnchorMatch:
        """Return the best match of a quote between two units."""
        pattern = [*before, *exact, *after]
        window = self.keys[low:high]
        where = _local_alignment(pattern, window)
        equal = {p: low + w for p, w in where.items() if pattern[p] == window[w]}
        first_after = len(before) + len(exact)
        lefts = [low + where[p] for p in range(len(before)) if p in where]
        rights = [low + where[p] for p in range(first_after, len(pattern)) if p in where]
        inside = [low + where[p] for p in range(len(before), first_after) if p in where]
        start = lefts[-1] + 1 if lefts else min([*inside, *rights], default=0)
        end = rights[0] if rights else max([*inside, *lefts], default=-1) + 1
        if not before and start <= SLACK_UNITS:
            start = 0  # a quote at the begin of the text
        if not after and end >= len(self.keys) - SLACK_UNITS:
            end = len(self.keys)
        start, end = self._narrow(start, end, exact)
        return AnchorMatch(
            start=start,
            end=end,
            adjacent_left=_equal_units(before[::-1], self.keys[max(start - ADJACENT_UNITS, 0) : start][::-1]),
            adjacent_right=_equal_units(after, self.keys[end : end + ADJACENT_UNITS]),
            matched_before=sum(p < len(before) for p in equal),
            matched_after=sum(p >= first_after for p in equal),
        )

    def _narrow(self, start: int, end: int, exact: list[str]) -> tuple[int, int]:
        """Return the only exact occurrence of the quoted words between two units; else the whole stretch."""
        size = len(exact)
        starts = [i for i in range(start, end - size + 1) if self.keys[i : i + size] == exact] if size else []
        return (starts[0], starts[0] + size) if len(starts) == 1 else (start, max(start, end))


def _is_known(place: AnchorMatch, before: Sequence[str], exact: Sequence[str], after: Sequence[str]) -> bool:
    fits = place.end - place.start <= len(exact) + SLACK_UNITS
    return fits and place.support >= (len(before) + len(after)) * CONTEXT_SHARE


def _split_contexts(
    fits: Sequence[AnchorMatch], best: AnchorMatch, before: Sequence[str], after: Sequence[str]
) -> list[AnchorMatch]:
    """Return matches with more context on one side than the best match: a passage may have been inserted."""
    return [
        place
        for place in fits
        if abs(place.start - best.start) > SLACK_UNITS
        and 2 * place.support > best.support
        and (
            best.matched_before < place.matched_before >= max(SIDE_UNITS, SIDE_SHARE * len(before))
            or best.matched_after < place.matched_after >= max(SIDE_UNITS, SIDE_SHARE * len(after))
        )
    ]


def _equal_units(old: Sequence[str], new: Sequence[str]) -> int:
    """Count the equal units from the first on; a begin or end of the old text must be one of the new text."""
    if len(old) < ADJACENT_UNITS and list(old) == list(new):
        return ADJACENT_UNITS
    equal = [one == other for one, other in zip(old[:ADJACENT_UNITS], new, strict=False)]
    return equal.index(False) if False in equal else len(equal)


def _local_alignment(pattern: Sequence[str], window: Sequence[str]) -> dict[int, int]:
    """Return index in pattern -> index in window of the best alignment.

    Source: Smith and Waterman 1981, with the whole pattern and any part of the window.
    """
    columns = len(window) + 1
    rows = [[0] * columns]
    for p, unit in enumerate(pattern, start=1):
        above, row = rows[-1], [p * GAP] + [0] * (columns - 1)
        for w in range(1, columns):
            score = above[w - 1] + (MATCH if unit == window[w - 1] else MISMATCH)
            row[w] = max(score, above[w] + GAP, row[w - 1] + GAP)
        rows.append(row)
    w = max(range(columns), key=lambda column: rows[-1][column])
    return _trace(rows, pattern, window, w)


def _trace(rows: list[list[int]], pattern: Sequence[str], window: Sequence[str], w: int) -> dict[int, int]:
    where: dict[int, int] = {}
    p = len(pattern)
    while p and w:
        step = MATCH if pattern[p - 1] == window[w - 1] else MISMATCH
        if rows[p][w] == rows[p - 1][w - 1] + step:
            p, w = p - 1, w - 1
            where[p] = w
        elif rows[p][w] == rows[p - 1][w] + GAP:
            p -= 1
        else:
            w -= 1
    return where
