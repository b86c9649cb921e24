"""Cut a stream of samples into the windows that an engine hears: at most 30 s, cut where nobody speaks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.transcribers.decode import SAMPLE_RATE_HZ, Samples
from podcast_pipeline.transcribers.voice import FRAME_SAMPLES, Voice

FRAMES_PER_S = SAMPLE_RATE_HZ / FRAME_SAMPLES
LONGEST = int(30 * FRAMES_PER_S)  # what Whisper's encoder takes
SHORTEST_CUT = int(24 * FRAMES_PER_S)  # a window that has to be cut is cut after this
LONG_PAUSE = int(3 * FRAMES_PER_S)  # ends a window, however short
SHORT_PAUSE = 3  # frames; shorter ones lie inside words
PAD = int(0.4 * FRAMES_PER_S)  # kept of the silence around speech
REACH = int(0.3 * FRAMES_PER_S)  # how far an engine may be late with a word
LEAST_SPEECH = int(0.25 * FRAMES_PER_S)  # less is a click, or the onset of a note
SPEECH, QUIET = 0.5, 0.35  # Silero's thresholds: speech begins above the first, ends below the second

Probabilities = NDArray[np.float32]
"""float32, shape (n_frames,): speech in each frame of FRAME_SAMPLES."""


@dataclass(frozen=True)
class Window:
    """A stretch of a recording with speech in it.

    Attributes:
        first_sample: of the recording.
        speech: the detector's probability of each frame of `samples`.
    """

    first_sample: int
    samples: Samples
    speech: Probabilities

    @property
    def start_s(self) -> float:
        """Recording time of the first sample."""
        return self.first_sample / SAMPLE_RATE_HZ

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE_HZ

    @property
    def end_s(self) -> float:
        """Recording time after the last sample."""
        return self.start_s + self.duration_s

    @property
    def span(self) -> tuple[int, int]:
        """First sample and after the last, of the recording."""
        return self.first_sample, self.first_sample + len(self.samples)

    def cut(self, frame: int) -> tuple["Window", "Window"]:
        """Return the window in two, the second beginning with this frame."""
        sample = frame * FRAME_SAMPLES
        return (
            Window(self.first_sample, self.samples[:sample], self.speech[:frame]),
            Window(self.first_sample + sample, self.samples[sample:], self.speech[frame:]),
        )

    def frames(self, start_s: float, end_s: float) -> slice:
        """Return the frames that a stretch touches. Recording times."""
        return slice(self._frame(start_s), self._frame(end_s) + 1)

    def voiced(self, start_s: float, end_s: float, *, earliest_s: float) -> tuple[float, float]:
        """Return the part of a stretch in which somebody speaks; as it is if nobody does. Recording times.

        Args:
            earliest_s: speech that runs into the stretch may begin up to REACH frames before it, not
                before this.
        """
        touched = self.frames(start_s, end_s)
        first = touched.start
        spoken = first + np.flatnonzero(self.speech[touched] >= SPEECH)
        if not spoken.size:
            return start_s, end_s
        if spoken[0] > first:
            start_s = self._time(spoken[0])
        else:
            limit = max(self._frame(earliest_s), first - REACH)
            before = np.flatnonzero(self.speech[limit:first] < SPEECH)
            start_s = max(
                earliest_s, min(start_s, self._time(limit + before[-1] + 1 if before.size else limit))
            )
        return start_s, min(end_s, self._time(spoken[-1] + 1))

    def _frame(self, time_s: float) -> int:
        return max(0, int((time_s - self.start_s) * FRAMES_PER_S))

    def _time(self, frame: int) -> float:
        return self.start_s + float(frame) / FRAMES_PER_S


class Span(NamedTuple):
    """Frames start to end are a window; what follows begins at `rest`."""

    start: int
    end: int
    rest: int


def cut(blocks: Iterable[Samples]) -> Iterator[Window]:
    """Yield the windows of a recording, in order; no more than one window's samples are kept.

    Args:
        blocks: whole frames but for the last block.
    """
    voice, first_frame = Voice(), 0
    samples, speech = np.empty(0, np.float32), np.empty(0, np.float32)
    for block, final in _with_last(blocks):
        samples, speech = np.concatenate([samples, block]), np.concatenate([speech, voice.hear(block)])
        while span := next_span(speech, final=final):
            window = _window(first_frame, samples, speech, span)
            if (window.speech >= SPEECH).sum() >= LEAST_SPEECH:
                yield window
            samples, speech = samples[span.rest * FRAME_SAMPLES :], speech[span.rest :]
            first_frame += span.rest
        silent = _silent_frames(speech)
        samples, speech = samples[silent * FRAME_SAMPLES :], speech[silent:]
        first_frame += silent


def next_span(speech: Probabilities, *, final: bool) -> Span | None:
    """Find the first window in what was heard so far.

    Args:
        final: there is no more to come.

    Returns:
        None when there is no speech, or more must be heard to decide.
    """
    if not (speech >= SPEECH).any():
        return None
    start = max(0, int(np.argmax(speech >= SPEECH)) - PAD)
    ahead = speech[start : start + LONGEST]
    quiet = pauses(ahead)
    long = next((begin for begin, end in quiet if begin >= PAD and end - begin >= LONG_PAUSE), None)
    if long is not None:
        where = long + PAD
    elif len(ahead) == LONGEST:
        where = _best_cut(ahead, quiet)
    elif final:
        where = len(ahead)
    else:
        return None
    last = int(np.flatnonzero(ahead[:where] >= QUIET)[-1])
    return Span(start, start + min(where, last + 1 + PAD), start + where)


def pauses(speech: Probabilities) -> list[tuple[int, int]]:
    """Return the frames (first, after the last) of every stretch in which nobody speaks."""
    quiet = np.concatenate([[False], speech < QUIET, [False]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(quiet))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= SHORT_PAUSE]


def _best_cut(speech: Probabilities, quiet: list[tuple[int, int]]) -> int:
    late = [(end - begin, (begin + end) // 2) for begin, end in quiet if (begin + end) // 2 >= SHORTEST_CUT]
    if late:
        return max(late)[1]
    # Nobody breathes for six seconds: the frame least like speech, with its neighbours.
    return SHORTEST_CUT + int(np.argmin(np.convolve(speech[SHORTEST_CUT:], np.ones(5), "same")[2:-2])) + 2


def _window(first_frame: int, samples: Samples, speech: Probabilities, span: Span) -> Window:
    heard = samples[span.start * FRAME_SAMPLES : span.end * FRAME_SAMPLES].copy()  # not the whole tape
    return Window((first_frame + span.start) * FRAME_SAMPLES, heard, speech[span.start : span.end])


def _silent_frames(speech: Probabilities) -> int:
    """Return how many leading frames no window will need."""
    begins = np.flatnonzero(speech >= SPEECH)
    return max(0, (int(begins[0]) if begins.size else len(speech)) - PAD)


def _with_last(blocks: Iterable[Samples]) -> Iterator[tuple[Samples, bool]]:
    before: Samples | None = None
    for block in blocks:
        if before is not None:
            yield before, False
        before = block
    if before is not None:
        yield before, True
