"""What another recording of the same talk does to chapters, soundbites and names. Pure.

The words of both recordings are matched, as for edits: a mark belongs to the words that are said there.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from podcast_pipeline.model import Chapter, Soundbite, Transcript
from podcast_pipeline.transcript.edits.sequence_diff import diff_hunks, matching_indices, merge_adjacent
from podcast_pipeline.transcript.edits.units import Unit, join_units, units_of
from podcast_pipeline.transcript.names.matching import letters_of
from podcast_pipeline.transcript.review import spoken_names

TOLERANCE_S = 1.0
"""A mark that is off by less is where a listener expects it."""
NEAR_S = 12.0
"""Words farther from a mark than this do not tell where it belongs."""
RUN = 3
"""Words in a row that both recordings have are the same words."""


@dataclass(frozen=True)
class MovedMark:
    """A chapter or a soundbite whose words are elsewhere in the new recording.

    Attributes:
        kind: chapter or soundbite.
        start_s: in episode.toml, as for the old recording.
        new_start_s: where its words begin in the new recording; None where they are not in it.
    """

    kind: str
    title: str
    start_s: float
    new_start_s: float | None


@dataclass(frozen=True)
class ChangedName:
    """A name of the old words, and what stands at its place in the new ones.

    Attributes:
        start_s, end_s: of the new words, in the new recording.
        context: the new words with a few around them.
    """

    old: str
    new: str
    start_s: float
    end_s: float
    context: str


def moved_marks(
    chapters: Iterable[Chapter], soundbites: Iterable[Soundbite], old: Transcript, new: Transcript
) -> tuple[MovedMark, ...]:
    """Return the marks that do not fit the new recording; one at 0 begins with it and fits.

    Args:
        chapters, soundbites: in recording times of the old recording.
        old, new: the words of both, each in times of its recording.
    """
    places = _Places.of(old, new)
    found = []
    for chapter in chapters:
        new_start_s = places.new_time(chapter.start_s)
        if chapter.start_s > 0 and not _is_near(new_start_s, chapter.start_s):
            found.append(MovedMark("chapter", chapter.title, chapter.start_s, new_start_s))
    for bite in soundbites:
        end_s = bite.start_s + bite.duration_s
        new_start_s, new_end_s = places.new_time(bite.start_s), places.new_time(end_s)
        if not (_is_near(new_start_s, bite.start_s) and _is_near(new_end_s, end_s)):
            found.append(MovedMark("soundbite", bite.title or "", bite.start_s, new_start_s))
    return tuple(found)


def changed_names(old: Transcript, new: Transcript) -> tuple[ChangedName, ...]:
    """Return the names of the old words that the new ones have otherwise, in order; cut ones are none."""
    before, after = units_of(old), units_of(new)
    matches = matching_indices([unit.key for unit in before], [unit.key for unit in after])
    hunks = merge_adjacent(diff_hunks(matches, len(before), len(after)))
    names = list(spoken_names(before, old.language))
    found = []
    for hunk in hunks:
        for i, j in names:
            if i < hunk.i2 and hunk.i1 < j and hunk.j2 > hunk.j1:
                found.append(_changed_name(before, after, (i, j), (hunk.j1, hunk.j2)))
    return tuple(one for one in found if letters_of(one.old) not in letters_of(one.new))


@dataclass(frozen=True)
class _Places:
    """The words that both recordings have, by their times.

    Attributes:
        pairs: (start in the old recording, start in the new one), in order.
    """

    pairs: Sequence[tuple[float, float]]

    @classmethod
    def of(cls, old: Transcript, new: Transcript) -> "_Places":
        before, after = units_of(old), units_of(new)
        matches = matching_indices([unit.key for unit in before], [unit.key for unit in after])
        return cls([(before[i].start_s, after[j].start_s) for i, j in _in_runs(matches)])

    def new_time(self, old_s: float) -> float | None:
        """Return where a moment of the old recording is in the new one, by the word that begins next."""
        at = bisect_left(self.pairs, old_s - 0.05, key=lambda pair: pair[0])
        for old_start_s, new_start_s in (*self.pairs[at : at + 1], *self.pairs[max(at - 1, 0) : at]):
            if abs(old_start_s - old_s) <= NEAR_S:
                return max(round(new_start_s - (old_start_s - old_s), 1), 0.0)
        return None


def _in_runs(matches: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the matches with RUN in a row; a lone “from” stands in any two texts."""
    known = set(matches)
    for i, j in matches:
        runs = ([(i + k - begin, j + k - begin) for k in range(RUN)] for begin in range(RUN))
        if any(known.issuperset(run) for run in runs):
            yield i, j


def _is_near(new_s: float | None, old_s: float) -> bool:
    return new_s is not None and abs(new_s - old_s) <= TOLERANCE_S


def _changed_name(
    before: Sequence[Unit], after: Sequence[Unit], name: tuple[int, int], place: tuple[int, int]
) -> ChangedName:
    first, end = place
    return ChangedName(
        old=join_units(unit.text for unit in before[slice(*name)]).strip(" ,.;:!?"),
        new=join_units(unit.text for unit in after[first:end]).strip(),
        start_s=after[first].start_s,
        end_s=after[end - 1].end_s,
        context=join_units(_around(after, first, end)).strip(),
    )


def _around(units: Sequence[Unit], first: int, end: int) -> Iterator[str]:
    return (unit.text for unit in units[max(first - 6, 0) : end + 6])
