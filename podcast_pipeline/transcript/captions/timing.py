"""When each cue is shown, long enough to be read. Pure.

People who talk at once have cues at once. In WebVTT and JSON those overlap as the speech does. Many SubRip
players show one card at a time, so there the cards share the time: each begins as near to its words as the
reading of its neighbours allows.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from podcast_pipeline.transcript.text.width import columns

READABLE_MS = 1000
"""Minimum duration of a cue, if there is room before the next."""

READING_CHARS_PER_S = 20
"""Reading speed that a cue's duration allows, if there is room. Source: the subtitling guides."""

MAX_SHIFT_MS = 500
"""Cards that share the time are shorter rather than further than this from their words."""

SHORTEST_MS = 500
"""However many people talk at once, no card is made shorter than this to be nearer to its words."""

FLASH_MS = 250
"""Cards that would be shown for less, as words that were written where the sound has no room for them, take
time from the cards before."""

FASTER = 0.8
FASTER_STEPS = 12


@dataclass(frozen=True)
class Cue:
    """A caption block.

    Attributes:
        speaker: display name, None if unknown.
        begins_turn: whether the cue before is of another speaker, or there is none.
        lines: the words; the first is empty if the label takes a line of its own.
        language: of the words, where it is not the transcript's.
    """

    start_s: float
    end_s: float
    speaker: str | None
    begins_turn: bool
    lines: tuple[str, ...]
    language: str | None = None

    @property
    def text(self) -> str:
        """The words on one line."""
        return " ".join(filter(None, self.lines))

    @property
    def reading_ms(self) -> int:
        """The time that reading takes."""
        return max(READABLE_MS, round(columns(self.text) * 1000 / READING_CHARS_PER_S))

    @property
    def speech_ms(self) -> tuple[int, int]:
        """Start of the first word, end of the last."""
        return round(self.start_s * 1000), round(self.end_s * 1000)


def time_side_by_side(cues: Sequence[Cue], duration_s: float) -> Iterator[Cue]:
    """Yield cues in order of their starts: those of one speaker apart, those of several as they were said."""
    places_of_speaker: dict[str | None, list[int]] = defaultdict(list)
    for place, cue in enumerate(cues):
        places_of_speaker[cue.speaker].append(place)
    end_ms = _last_ms(cues, duration_s)
    laid: list[tuple[int, int, int]] = []
    for own in places_of_speaker.values():
        starts = _rising([cues[place].speech_ms[0] for place in own], end_ms)
        laid.extend(zip(starts, own, [*starts[1:], end_ms], strict=True))
    laid.sort()  # what begins at once stays in the transcript's order
    starts = [start for start, _, _ in laid]
    timed = []
    for start, place_in_transcript, own_next in laid:
        cue = cues[place_in_transcript]
        place = bisect_right(starts, start)
        others = starts[place] if place < len(starts) else end_ms
        reading = min(start + cue.reading_ms, max(others, start + READABLE_MS))
        timed.append((start, min(max(cue.speech_ms[1], reading), own_next), cue))
    return _placed(timed)


def time_in_sequence(cues: Sequence[Cue], duration_s: float) -> Iterator[Cue]:
    """Yield cues one after the other, without overlap."""
    ordered = _by_moment(cues)
    end_ms = _last_ms(cues, duration_s)
    starts = _rising([round(start) for start in _shared_starts(ordered)], end_ms)
    return _placed(
        (start, min(max(cue.speech_ms[1], start + cue.reading_ms), following), cue)
        for cue, start, following in zip(ordered, starts, [*starts, end_ms][1:], strict=True)
    )


def _placed(timed: Iterable[tuple[int, int, Cue]]) -> Iterator[Cue]:
    before: Cue | None = None
    for start, end, cue in timed:
        begins_turn = before is None or before.speaker != cue.speaker
        yield replace(cue, start_s=start / 1000, end_s=end / 1000, begins_turn=begins_turn)
        before = cue


def _by_moment(cues: Sequence[Cue]) -> list[Cue]:
    """Return the cues in the order to read them: a short one said into the begin of a long one is first."""
    moments: list[float] = []
    last: dict[str | None, float] = {}
    for cue in cues:
        start, end = cue.speech_ms
        moment = max(start + min((end - start) / 2, READABLE_MS), last.get(cue.speaker, 0.0))
        moments.append(moment)
        last[cue.speaker] = moment
    return [cue for _, cue in sorted(zip(moments, cues, strict=True), key=lambda pair: pair[0])]


def _shared_starts(cues: Sequence[Cue]) -> list[float]:
    """Return starts in ms, with time to read each cue; where that takes too long, cues become shorter."""
    wanted = [cue.speech_ms[0] for cue in cues]
    needs = _needs_ms(cues)
    least = [min(need, SHORTEST_MS) for need in needs]
    for _ in range(FASTER_STEPS):
        late = False
        starts: list[float] = []
        for begin, block in _blocks(wanted, needs):
            starts.extend(block)
            if max(abs(start - wanted[begin + n]) for n, start in enumerate(block)) > MAX_SHIFT_MS:
                late = True
                for n in range(begin, begin + len(block)):
                    needs[n] = max(needs[n] * FASTER, least[n])
        if not late:
            break
    return starts


def _needs_ms(cues: Sequence[Cue]) -> list[float]:
    """Return the time to read each cue: not more than it was said in, nor than its speaker leaves for it."""
    needs: list[float] = []
    following: dict[str | None, int] = {}
    for cue in reversed(cues):
        start, end = cue.speech_ms
        need = max(READABLE_MS, min(cue.reading_ms, end - start))
        needs.append(max(min(need, following.get(cue.speaker, start + need) - start), 0))
        following[cue.speaker] = start
    return needs[::-1]


def _blocks(wanted: Sequence[float], needs: Sequence[float]) -> Iterator[tuple[int, list[float]]]:
    """Yield (place of the first, starts) of cues that push each other.

    The starts are the nearest to the wanted ones, by least squares, that leave each cue its need: with the
    needs before it subtracted that is isotonic regression, by pooling adjacent violators.
    """
    offsets = list(accumulate(needs, initial=0.0))
    pools: list[tuple[float, int]] = []  # (sum, count)
    for start, offset in zip(wanted, offsets, strict=False):
        total, count = start - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            before, length = pools.pop()
            total, count = total + before, count + length
        pools.append((total, count))
    place = 0
    for total, count in pools:
        yield place, [total / count + offset for offset in offsets[place : place + count]]
        place += count


def _rising(starts: Sequence[int], end_ms: int) -> list[int]:
    """Return starts that rise, from 0 to before the end, with time to see each cue where there is any."""
    rising = [max(start, 0) for start in starts]
    for n in range(1, len(rising)):
        rising[n] = max(rising[n], rising[n - 1] + 1)
    return _without_flashes(
        [min(start, end_ms - (len(rising) - n)) for n, start in enumerate(rising)], end_ms
    )


def _without_flashes(starts: Sequence[int], end_ms: int) -> list[int]:
    """Return starts, those of flashes earlier: a readable time if the cue before keeps one, too."""
    shown, following = [*starts], end_ms
    for n in range(len(shown) - 1, -1, -1):
        if following - shown[n] < FLASH_MS:
            before = shown[n - 1] if n else 0
            wanted = READABLE_MS if following - before >= 2 * READABLE_MS else SHORTEST_MS
            shown[n] = min(shown[n], following - min(wanted, following // (n + 1)))
        following = shown[n]
    return shown


def _last_ms(cues: Sequence[Cue], duration_s: float) -> int:
    return max(round(duration_s * 1000), len(cues))
