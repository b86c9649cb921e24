"""Which of a show's languages is spoken when: a recording as stretches, each in one language.

Whisper's detection is given each window in parts, cut in its longest pauses: in half a minute the longer
language hides the other one. A part in which it is not sure is cut again. A change of language costs, so
that a name, a laugh or a second of noise is no stretch.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from podcast_pipeline.transcription.decode import Samples
from podcast_pipeline.transcription.scheduling import in_parallel
from podcast_pipeline.transcription.vad import FRAME_SAMPLES
from podcast_pipeline.transcription.windows import (
    FRAMES_PER_S,
    LEAST_SPEECH,
    SPEECH_THRESHOLD,
    SpeechWindow,
    find_pauses,
)

LEAST_PROBABILITY = 1e-3  # of a language; detection is never surer than that
PART_S = 15.0  # most that is heard at once, but for a longer part without a pause
UNIFORM = 0.999  # probability from which a part is in one language; of a mixed one 0.997 was the most
PIECE_S = 2.5  # least length of a piece, but for a shorter window: a sentence
SURE_S = 3.0  # a shorter piece weighs less
CHANGE_COST = 1.5  # of a change of language, as a logarithm of odds: 0.95 on one piece make a stretch
MOVE_GAIN = 0.05  # by which another place of a change must be likelier, as a logarithm
MOST_CUTS = 8  # pauses that are tried for the place of a change
LEAST_PART = int(0.6 * FRAMES_PER_S)  # frames on either side of it

Probabilities = Mapping[str, float]
"""Language -> its probability."""

Detect = Callable[[Sequence[Samples]], Sequence[Probabilities]]
"""Returns the probabilities of all languages for each window."""


@dataclass(frozen=True)
class LanguageStretch:
    """A part of a recording in one language, up to the next stretch.

    Attributes:
        first_sample: of the recording.
        speech_s: length of its windows.
    """

    first_sample: int
    language: str
    speech_s: float


@dataclass(frozen=True)
class SpokenPiece:
    """A part of a window, with the logarithm of the probability of each language, in order."""

    window: SpeechWindow
    scores: tuple[float, ...]

    @property
    def best(self) -> int:
        """Place of the likeliest language."""
        return max(range(len(self.scores)), key=self.scores.__getitem__)

    def without_samples(self) -> "SpokenPiece":
        """Return the piece without its sound, of which an hour would fill the memory."""
        return replace(self, window=replace(self.window, samples=np.empty(0, np.float32)))


class StretchFinder:
    """Finds the stretches of a recording in a few languages.

    Args:
        languages: ISO 639-1, two or more.
        detect: the engine's detection; called by `workers` threads at once.
        batch_size: windows for one call.
    """

    def __init__(self, languages: Sequence[str], detect: Detect, *, workers: int, batch_size: int) -> None:
        self._languages, self._detect = tuple(languages), detect
        self._workers, self._batch_size = workers, batch_size

    def find(self, windows: Iterator[SpeechWindow]) -> tuple[LanguageStretch, ...]:
        """Return the stretches of a recording, none without speech.

        Args:
            windows: in order; a few of them are in memory at once.
        """
        pieces = [*self._with_exact_changes(self._scored(windows))]
        places = likeliest_places([piece.scores for piece in pieces], [_weight(p.window) for p in pieces])
        return tuple(
            LanguageStretch(
                first_sample=run[0][0].window.first_sample,
                language=self._languages[place],
                speech_s=sum(_length_s(piece.window) for piece, _ in run),
            )
            for place, run in (
                (place, [*same])
                for place, same in groupby(zip(pieces, places, strict=True), key=lambda pair: pair[1])
            )
        )

    def _scored(self, windows: Iterator[SpeechWindow]) -> Iterator[SpokenPiece]:
        for pieces in in_parallel(self._pieces, windows, workers=self._workers):
            yield from pieces

    def _pieces(self, window: SpeechWindow) -> list[SpokenPiece]:
        halves = cut_in_pause(window)
        if not halves or _length_s(window) <= PART_S:
            (whole,) = self._scored_windows([window])
            if not halves or max(whole.scores) >= math.log(UNIFORM):
                return [whole]
        return [piece for half in halves for piece in self._pieces(half)]

    def _scored_windows(self, windows: Sequence[SpeechWindow]) -> list[SpokenPiece]:
        found = self._scores([window.samples for window in windows])
        return [SpokenPiece(window, scores) for window, scores in zip(windows, found, strict=True)]

    def _scores(self, samples: Sequence[Samples]) -> list[tuple[float, ...]]:
        batches = [samples[i : i + self._batch_size] for i in range(0, len(samples), self._batch_size)]
        found = [one for batch in batches for one in self._detect(batch)]
        return [log_odds_of(probabilities, self._languages) for probabilities in found]

    def _with_exact_changes(self, pieces: Iterable[SpokenPiece]) -> Iterator[SpokenPiece]:
        """Yield the pieces without their sound; where the language changes, they are cut where it does."""
        before: SpokenPiece | None = None
        for piece in pieces:
            if before is not None and before.best != piece.best:
                before, piece = self._moved(before, piece)
            if before is not None:
                yield before.without_samples()
            before = piece
        if before is not None:
            yield before.without_samples()

    def _moved(self, before: SpokenPiece, after: SpokenPiece) -> tuple[SpokenPiece, SpokenPiece]:
        """Return two pieces of different languages, cut in the likeliest pause of both."""
        if before.scores[before.best] + after.scores[after.best] >= -MOVE_GAIN:
            return before, after
        cuts = [*_cuts(before.window, after.window)]
        scores = self._scores([side.samples for cut in cuts for side in cut])
        sums = [scores[2 * i][before.best] + scores[2 * i + 1][after.best] for i in range(len(cuts))]
        best = max(range(len(cuts)), key=lambda i: sums[i] - (MOVE_GAIN if i else 0.0))
        first, second = cuts[best]
        return SpokenPiece(first, scores[2 * best]), SpokenPiece(second, scores[2 * best + 1])


def log_odds_of(probabilities: Probabilities, languages: Sequence[str]) -> tuple[float, ...]:
    """Return the logarithm of each language's probability among these languages."""
    found = [probabilities.get(language, 0.0) for language in languages]
    total = sum(found) or 1.0
    return tuple(math.log(max(one / total, LEAST_PROBABILITY)) for one in found)


def likeliest_places(scores: Sequence[Sequence[float]], weights: Sequence[float]) -> list[int]:
    """Return the place of the language of each piece: the likeliest path, on which changes cost (Viterbi)."""
    if not scores:
        return []
    totals = np.zeros(len(scores[0]))
    sources: list[list[int]] = []
    for score, weight in zip(scores, weights, strict=True):
        changed = totals.max() - CHANGE_COST
        best = int(totals.argmax())
        sources.append([i if totals[i] >= changed else best for i in range(len(totals))])
        totals = np.maximum(totals, changed) + weight * np.array(score)
    place = int(totals.argmax())
    path = [place]
    for source in reversed(sources[1:]):
        path.append(source[path[-1]])
    return path[::-1]


def cut_in_pause(window: SpeechWindow) -> tuple[SpeechWindow, ...]:
    """Return a window cut in its longest pause, where a language changes; empty if a part were too short."""
    least, frames = int(PIECE_S * FRAMES_PER_S), len(window.speech)
    lengths = {
        (start + end) // 2: end - start + sum(count for at, count in window.skips if start < at <= end)
        for start, end in find_pauses(window.speech)
    }
    places = [at for at in lengths if least <= at <= frames - least]
    return window.split_at(max(places, key=lengths.__getitem__)) if places else ()


def split_at_changes(
    windows: Iterable[SpeechWindow], stretches: Sequence[LanguageStretch]
) -> Iterator[SpeechWindow]:
    """Yield the windows, each in one language and with it; a window with a change is cut there."""
    for window in windows:
        first, rest = window.span
        changes = [s.first_sample for s in stretches if first < s.first_sample < rest]
        for part in _parts(window, changes):
            if (part.speech >= SPEECH_THRESHOLD).sum() >= LEAST_SPEECH:
                yield replace(part, language=language_at(stretches, part.first_sample))


def language_at(stretches: Sequence[LanguageStretch], sample: int) -> str:
    """Return the language that is spoken at a sample of the recording; before all speech, the first one."""
    begun = [stretch for stretch in stretches if stretch.first_sample <= sample]
    return (begun[-1] if begun else stretches[0]).language


def main_language(stretches: Iterable[LanguageStretch]) -> str:
    """Return the language that is spoken most; of equal ones the first."""
    seconds: dict[str, float] = {}
    for stretch in stretches:
        seconds[stretch.language] = seconds.get(stretch.language, 0.0) + stretch.speech_s
    return max(seconds, key=seconds.__getitem__)


def _parts(window: SpeechWindow, changes: Iterable[int]) -> Iterator[SpeechWindow]:
    for change in changes:
        part, window = window.split_at(window.frame_of(change))
        yield part
    yield window


def _cuts(before: SpeechWindow, after: SpeechWindow) -> Iterator[tuple[SpeechWindow, SpeechWindow]]:
    """Yield two neighbouring windows as they are, and with the part of one beyond a pause in the other."""
    yield before, after
    pauses = [(before, at) for at in _middles(before)] + [(after, at) for at in _middles(after)]
    for window, at in pauses[:: max(1, math.ceil(len(pauses) / MOST_CUTS))]:
        first, second = window.split_at(at)
        if window is before:
            yield first, _joined(second, after)
        else:
            yield _joined(before, first), second


def _middles(window: SpeechWindow) -> list[int]:
    """Return the middles of the pauses that leave something to hear on both sides."""
    middles = ((start + end) // 2 for start, end in find_pauses(window.speech))
    return [at for at in middles if LEAST_PART <= at <= len(window.speech) - LEAST_PART]


def _joined(before: SpeechWindow, after: SpeechWindow) -> SpeechWindow:
    """Return two windows as one, the pause between them left out."""
    at, skipped = len(before.speech), after.first_sample - before.span[1]
    gap = ((at, skipped // FRAME_SAMPLES),) if skipped else ()
    later = tuple((at + frame, count) for frame, count in after.skips)
    return replace(before.append(after.samples, after.speech), skips=(*before.skips, *gap, *later))


def _weight(window: SpeechWindow) -> float:
    return min(1.0, _length_s(window) / SURE_S)


def _length_s(window: SpeechWindow) -> float:
    return len(window.speech) / FRAMES_PER_S
