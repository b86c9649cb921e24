"""Finding a place again in another transcription, by the words around it; nowhere rather than somewhere."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rapidfuzz.distance import Indel, LCSseq

from podcast_pipeline.transcript.edits.record import TextQuote
from podcast_pipeline.transcript.edits.units import Unit, comparison_keys

CONTEXT_SHARE = 0.5  # of the words around a place that must be there again
SIDE_UNITS, SIDE_SHARE = 8, 0.75  # of the words on one side by which that side alone is known
CLEAR_LEAD = 3  # words of context by which the best place must beat the next
TIME_TOLERANCE_S = 5.0  # another engine's times for the same recording differ by less
NOW_S = 0.5  # of places that fit equally well, the one so near to the time is meant
LONG_UNITS = 24  # a longer passage is found by its two ends
END_UNITS = 10
SLACK_UNITS = 8  # what another transcription may add or drop around a place
RARE = 40  # a word with more places than this is no hint where to look
ADJACENT_UNITS = 2  # units on either side that say how sure a place is
REPEAT_UNITS = 24  # so near are words said again that one look at the text does not tell apart
CANDIDATES = 6
VOTES_SHARE = 0.4  # of the best candidate's words in line, to be looked at too

MATCH, MISMATCH, GAP = 2, -1, -1


@dataclass(frozen=True)
class AnchorMatch:
    """Where a place is: units start to end.

    Attributes:
        left, right: units next to it that are the same as they were, up to CLOSE; the text's edge is one.
        before, after: units on each side that are there again.
    """

    start: int
    end: int
    adjacent_left: int
    adjacent_right: int
    matched_before: int
    matched_after: int

    @property
    def support(self) -> int:
        """Units around it that are there again."""
        return self.matched_before + self.matched_after


class AnchorIndex:
    """A transcription in which places are looked up.

    Args:
        recording: which recording it is of; a place in the same one must be at the same time.
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
        """Return where a place can be; one entry when it is certain, none when it is nowhere."""
        before, heard, after = (comparison_keys(text) for text in (quote.before, quote.heard, quote.after))
        if len(heard) <= LONG_UNITS:
            return self._best(before, heard, after, quote, quote.start_s)
        starts = self._best(before, [], heard[:END_UNITS], quote, quote.start_s)
        ends = self._best(heard[-END_UNITS:], [], after, quote, quote.end_s)
        if len(starts) != 1 or len(ends) != 1:
            return starts if len(starts) > 1 else ends if starts else []
        first, last = starts[0], ends[0]
        alike = Indel.normalized_similarity(heard, self.keys[first.end : last.start])
        both = AnchorMatch(
            start=first.end,
            end=max(first.end, last.start),
            adjacent_left=min(first.adjacent_left, first.adjacent_right) if first.start == first.end else 0,
            adjacent_right=min(last.adjacent_left, last.adjacent_right) if last.start == last.end else 0,
            matched_before=first.support,
            matched_after=last.support,
        )
        return [both] if alike >= CONTEXT_SHARE else []

    def ambiguity(self, quote: TextQuote, start: int) -> int:
        """Return how many words around a place of this very text are around another one in it, too."""
        before, heard, after = (comparison_keys(text) for text in (quote.before, quote.heard, quote.after))
        sides = [(before, heard, after, start)]
        if len(heard) > LONG_UNITS:
            end = start + len(heard)
            sides = [(before, [], heard[:END_UNITS], start), (heard[-END_UNITS:], [], after, end)]
        others = (
            place.support
            for before, heard, after, at in sides
            for fit in self._fits(before, heard, after)
            if _is_known(fit, before, heard, after)
            for place in (fit, *self._echoes(fit, before, after))
            if abs(place.start - at) > ADJACENT_UNITS
        )
        return max(others, default=0)

    def _best(
        self, before: list[str], heard: list[str], after: list[str], site: TextQuote, at_s: float
    ) -> list[AnchorMatch]:
        fits = self._fits(before, heard, after)
        apart: list[AnchorMatch] = []
        for place in (fit for fit in fits if _is_known(fit, before, heard, after)):
            near = any(abs(place.start - other.start) <= SLACK_UNITS for other in apart)
            if not near and self._now(place, site, at_s):
                apart.append(place)
        if not apart:
            return []
        echoes = [echo for echo in self._echoes(apart[0], before, after) if self._now(echo, site, at_s)]
        sure = [p for p in (*apart, *echoes) if p.support > apart[0].support - CLEAR_LEAD]
        if not self._same_recording(site):
            if len(sure) == 1 and 0 < site.rival > sure[0].support - CLEAR_LEAD:
                return []  # the only one left may be the other one
            return sure if len(sure) > 1 else [*sure, *_torn(fits, sure[0], before, after)]
        then = [place for place in (*apart, *echoes) if self._now(place, site, at_s, within_s=NOW_S)]
        if len(then) == 1 and then[0] in sure:
            return then
        return sure if not then else list(dict.fromkeys((*sure, *then)))

    def _fits(self, before: list[str], heard: list[str], after: list[str]) -> list[AnchorMatch]:
        """Return every place with some of the words around it, best first."""
        found: dict[AnchorMatch, None] = {}
        size = len(before) + len(heard) + len(after)
        for at in self._candidates([*before, *heard, *after]):
            low, high = max(at - SLACK_UNITS, 0), at + size + 2 * SLACK_UNITS
            place = self._fit(before, heard, after, low, high)
            known = next((one for one in found if abs(one.start - place.start) <= SLACK_UNITS), None)
            if known:  # the same words stand beside it, too
                sides = (low, known.start), (known.end, high)
                place = self._fit(before, heard, after, *max(sides, key=lambda side: side[1] - side[0]))
            found[place] = None
        return sorted(
            found,
            key=lambda place: (-place.support, -(place.adjacent_left + place.adjacent_right), place.start),
        )

    def _echoes(self, place: AnchorMatch, before: list[str], after: list[str]) -> Iterator[AnchorMatch]:
        """Yield where a place and the words next to it are said again close by."""
        size, left = place.end - place.start, min(place.adjacent_left, place.start)
        first = place.start - left
        said = self.keys[first : place.end + place.adjacent_right]
        for at in range(max(first - REPEAT_UNITS, 0), first + REPEAT_UNITS + 1):
            if at != first and said and self.keys[at : at + len(said)] == said:
                start = at + left
                echo = replace(place, start=start, end=start + size)
                here, there = (self._around(one, before, after) for one in (place, echo))
                less = [one - other for one, other in zip(here, there, strict=True)]
                yield replace(
                    echo,
                    matched_before=place.matched_before - less[0],
                    matched_after=place.matched_after - less[1],
                )

    def _around(self, place: AnchorMatch, before: list[str], after: list[str]) -> tuple[int, int]:
        """Count the words on each side of a place that are there in their order."""
        lefts = self.keys[max(place.start - len(before) - SLACK_UNITS, 0) : place.start]
        rights = self.keys[place.end : place.end + len(after) + SLACK_UNITS]
        return int(LCSseq.similarity(before, lefts)), int(LCSseq.similarity(after, rights))

    def _now(
        self, place: AnchorMatch, site: TextQuote, at_s: float, within_s: float = TIME_TOLERANCE_S
    ) -> bool:
        return not self._same_recording(site) or abs(self.start_time(place.start) - at_s) <= within_s

    def _same_recording(self, site: TextQuote) -> bool:
        return self._recording is not None and site.recording == self._recording

    def start_time(self, index: int) -> float:
        """Return when a unit begins; the end of the last one after it."""
        if index < len(self.units):
            return self.units[index].start_s
        return self.units[-1].end_s if self.units else 0.0

    def _candidates(self, pattern: list[str]) -> list[int]:
        """Return where the pattern may begin, those with most words in line first."""
        votes: dict[int, int] = defaultdict(int)
        for offset in range(len(pattern)):
            for hint in ((pattern[offset],), tuple(pattern[offset : offset + 2])):
                at = self._hints.get(hint, ())
                if len(at) <= RARE:
                    for i in at:
                        votes[(i - offset) // SLACK_UNITS] += len(hint)
        both = {lane: count + votes.get(lane + 1, 0) for lane, count in votes.items()}
        enough = max(both.values(), default=0) * VOTES_SHARE
        lanes: list[int] = []
        for lane in sorted(both, key=lambda lane: (-both[lane], lane)):
            if both[lane] >= enough and all(abs(lane - other) > 1 for other in lanes):
                lanes.append(lane)
        return [lane * SLACK_UNITS for lane in lanes[:CANDIDATES]]

    def _fit(self, before: list[str], heard: list[str], after: list[str], low: int, high: int) -> AnchorMatch:
        """Return where the words fit best between two units."""
        pattern = [*before, *heard, *after]
        window = self.keys[low:high]
        where = _lay(pattern, window)
        same = {p: low + w for p, w in where.items() if pattern[p] == window[w]}
        first_after = len(before) + len(heard)
        lefts = [low + where[p] for p in range(len(before)) if p in where]
        rights = [low + where[p] for p in range(first_after, len(pattern)) if p in where]
        inside = [low + where[p] for p in range(len(before), first_after) if p in where]
        start = lefts[-1] + 1 if lefts else min([*inside, *rights], default=0)
        end = rights[0] if rights else max([*inside, *lefts], default=-1) + 1
        if not before and start <= SLACK_UNITS:
            start = 0  # it began the text, and does again
        if not after and end >= len(self.keys) - SLACK_UNITS:
            end = len(self.keys)
        start, end = self._tight(start, end, heard)
        return AnchorMatch(
            start=start,
            end=end,
            adjacent_left=_close(before[::-1], self.keys[max(start - ADJACENT_UNITS, 0) : start][::-1]),
            adjacent_right=_close(after, self.keys[end : end + ADJACENT_UNITS]),
            matched_before=sum(p < len(before) for p in same),
            matched_after=sum(p >= first_after for p in same),
        )

    def _tight(self, start: int, end: int, heard: list[str]) -> tuple[int, int]:
        """Return where the very words that were heard are between two units; all of it where they are not."""
        size = len(heard)
        exact = [i for i in range(start, end - size + 1) if self.keys[i : i + size] == heard] if size else []
        return (exact[0], exact[0] + size) if len(exact) == 1 else (start, max(start, end))


def _is_known(place: AnchorMatch, before: Sequence[str], heard: Sequence[str], after: Sequence[str]) -> bool:
    fits = place.end - place.start <= len(heard) + SLACK_UNITS
    return fits and place.support >= (len(before) + len(after)) * CONTEXT_SHARE


def _torn(
    fits: Sequence[AnchorMatch], best: AnchorMatch, before: Sequence[str], after: Sequence[str]
) -> list[AnchorMatch]:
    """Return places that one side knows better than it knows the best one, as where a passage was put in."""
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


def _close(then: Sequence[str], now: Sequence[str]) -> int:
    """Count the units that are the same from the first on; where a text began or ended it still has to."""
    if len(then) < ADJACENT_UNITS and list(then) == list(now):
        return ADJACENT_UNITS
    equal = [one == other for one, other in zip(then[:ADJACENT_UNITS], now, strict=False)]
    return equal.index(False) if False in equal else len(equal)


def _lay(pattern: Sequence[str], window: Sequence[str]) -> dict[int, int]:
    """Return which unit of the window each unit of the pattern stands on, wherever it fits best.

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
