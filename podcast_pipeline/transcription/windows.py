"""Cut a stream of samples into the windows that an engine hears: at most 30 s, cut where nobody speaks.

Longer pauses are shortened: what was said before helps to hear what comes after.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ, Samples
from podcast_pipeline.transcription.vad import FRAME_SAMPLES, VoiceActivityDetector

FRAMES_PER_S = SAMPLE_RATE_HZ / FRAME_SAMPLES
MAX_WINDOW_FRAMES = int(30 * FRAMES_PER_S)  # what Whisper's encoder takes
SHORTEST_CUT = int(24 * FRAMES_PER_S)  # a window that has to be cut is cut after this
LONG_PAUSE = int(3 * FRAMES_PER_S)  # ends a window, however short
SHORT_PAUSE = 3  # frames; shorter ones lie inside words
HALF_PAUSE_FRAMES = int(0.2 * FRAMES_PER_S)  # what is left on either side of one that is shortened
PADDING_FRAMES = int(0.4 * FRAMES_PER_S)  # kept of the silence around speech
REACH = int(0.3 * FRAMES_PER_S)  # how far an engine may be late with a word
LEAST_SPEECH = int(0.25 * FRAMES_PER_S)  # less is a click, or the onset of a note
SPEECH_THRESHOLD, SILENCE_THRESHOLD = (
    0.5,
    0.35,
)  # Silero's thresholds: speech begins above the first, ends below the second

Probabilities = NDArray[np.float32]
"""float32, shape (n_frames,): speech in each frame of FRAME_SAMPLES."""


@dataclass(frozen=True)
class SpeechWindow:
    """A stretch of a recording with speech in it, its long pauses shortened.

    Attributes:
        first_sample: of the recording.
        speech: the detector's probability of each frame of `samples`.
        skips: (frame of this window, frames of the recording left out before it).
    """

    first_sample: int
    samples: Samples
    speech: Probabilities
    skips: tuple[tuple[int, int], ...] = ()

    @property
    def start_s(self) -> float:
        """Recording time of the first sample."""
        return self.first_sample / SAMPLE_RATE_HZ

    @property
    def duration_s(self) -> float:
        """Length in seconds, with what is left out."""
        return (self.span[1] - self.span[0]) / SAMPLE_RATE_HZ

    @property
    def end_s(self) -> float:
        """Recording time after the last sample."""
        return self.span[1] / SAMPLE_RATE_HZ

    @property
    def span(self) -> tuple[int, int]:
        """First sample and after the last, of the recording."""
        skipped = sum(count for _, count in self.skips) * FRAME_SAMPLES
        return self.first_sample, self.first_sample + len(self.samples) + skipped

    def append(self, samples: Samples, speech: Probabilities) -> "SpeechWindow":
        """Return the window with what follows it."""
        return replace(
            self,
            samples=np.concatenate([self.samples, samples]),
            speech=np.concatenate([self.speech, speech]),
        )

    def split_at(self, frame: int) -> tuple["SpeechWindow", "SpeechWindow"]:
        """Return the window in two, the second beginning with this frame."""
        sample = frame * FRAME_SAMPLES
        before = tuple((at, count) for at, count in self.skips if at < frame)
        after = tuple((at - frame, count) for at, count in self.skips if at > frame)
        skipped = sum(count for at, count in self.skips if at <= frame)
        return (
            SpeechWindow(self.first_sample, self.samples[:sample], self.speech[:frame], before),
            SpeechWindow(
                self.first_sample + sample + skipped * FRAME_SAMPLES,
                self.samples[sample:],
                self.speech[frame:],
                after,
            ),
        )

    def drop_frames(self, first: int, rest: int) -> "SpeechWindow":
        """Return the window without the frames from the first to those of the rest."""
        before, after = self.split_at(first)[0], self.split_at(rest)[1]
        skipped = (after.first_sample - before.span[1]) // FRAME_SAMPLES
        skips = (*before.skips, (first, skipped), *((first + at, count) for at, count in after.skips))
        return replace(before, skips=skips).append(after.samples, after.speech)

    def to_recording_s(self, window_s: float) -> float:
        """Return the recording time of a time in what the engine hears."""
        frame = min(max(int(window_s * FRAMES_PER_S), 0), len(self.speech))
        return self._time(frame) + window_s - frame / FRAMES_PER_S

    def frames(self, start_s: float, end_s: float) -> slice:
        """Return the frames that a stretch touches. Recording times."""
        return slice(self._frame(start_s), self._frame(end_s) + 1)

    def trim_to_speech(self, start_s: float, end_s: float, *, earliest_s: float) -> tuple[float, float]:
        """Return the part of a stretch in which somebody speaks; as it is if nobody does. Recording times.

        Args:
            earliest_s: speech that runs into the stretch may begin up to REACH frames before it, not
                before this.
        """
        touched = self.frames(start_s, end_s)
        first = touched.start
        spoken = first + np.flatnonzero(self.speech[touched] >= SPEECH_THRESHOLD)
        if not spoken.size:
            return start_s, end_s
        if spoken[0] > first:
            start_s = self._time(spoken[0])
        else:
            limit = max(self._frame(earliest_s), first - REACH)
            before = np.flatnonzero(self.speech[limit:first] < SPEECH_THRESHOLD)
            start_s = max(
                earliest_s, min(start_s, self._time(limit + before[-1] + 1 if before.size else limit))
            )
        return start_s, min(end_s, self._time(spoken[-1] + 1))

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """Each frame's place in the recording, counted from the first; and that of the end."""
        places = np.arange(len(self.speech) + 1)
        for at, count in self.skips:
            places[at:] += count
        return places

    def _frame(self, time_s: float) -> int:
        place = int((time_s - self.start_s) * FRAMES_PER_S)
        return max(0, int(np.searchsorted(self._places, place, "right")) - 1)

    def _time(self, frame: int) -> float:
        return self.start_s + float(self._places[frame]) / FRAMES_PER_S


class WindowBounds(NamedTuple):
    """Frames start to end are a window; what follows begins at `rest`."""

    start: int
    end: int
    rest: int


def cut_windows(blocks: Iterable[Samples]) -> Iterator[SpeechWindow]:
    """Yield the windows of a recording, in order; no more than one window's samples are kept.

    Args:
        blocks: whole frames but for the last block.
    """
    voice, tape = VoiceActivityDetector(), SpeechWindow(0, np.empty(0, np.float32), np.empty(0, np.float32))
    for block, final in _with_last(blocks):
        tape = _shortened(tape.append(block, voice.speech_probabilities(block)))
        while span := next_window_bounds(tape.speech if final else _decided(tape.speech), final=final):
            before, tape = tape.split_at(span.rest)
            window = before.split_at(span.end)[0].split_at(span.start)[1]
            if (window.speech >= SPEECH_THRESHOLD).sum() >= LEAST_SPEECH:
                yield replace(window, samples=window.samples.copy())  # not the whole tape
        tape = tape.split_at(_silent_frames(tape.speech))[1]


def next_window_bounds(speech: Probabilities, *, final: bool) -> WindowBounds | None:
    """Find the first window in what was heard so far.

    Args:
        final: there is no more to come.

    Returns:
        None when there is no speech, or more must be heard to decide.
    """
    if not (speech >= SPEECH_THRESHOLD).any():
        return None
    start = max(0, int(np.argmax(speech >= SPEECH_THRESHOLD)) - PADDING_FRAMES)
    ahead = speech[start : start + MAX_WINDOW_FRAMES]
    quiet = find_pauses(ahead)
    long = next(
        (begin for begin, end in quiet if begin >= PADDING_FRAMES and end - begin >= LONG_PAUSE), None
    )
    if long is not None:
        where = long + PADDING_FRAMES
    elif len(ahead) == MAX_WINDOW_FRAMES:
        where = _best_cut(ahead, quiet)
    elif final:
        where = len(ahead)
    else:
        return None
    last = int(np.flatnonzero(ahead[:where] >= SILENCE_THRESHOLD)[-1])
    return WindowBounds(start, start + min(where, last + 1 + PADDING_FRAMES), start + where)


def find_pauses(speech: Probabilities) -> list[tuple[int, int]]:
    """Return the frames (first, after the last) of every stretch in which nobody speaks."""
    quiet = np.concatenate([[False], speech < SILENCE_THRESHOLD, [False]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(quiet))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= SHORT_PAUSE]


def _best_cut(speech: Probabilities, quiet: list[tuple[int, int]]) -> int:
    late = [(end - begin, (begin + end) // 2) for begin, end in quiet if (begin + end) // 2 >= SHORTEST_CUT]
    if late:
        return max(late)[1]
    # Nobody breathes for six seconds: the frame least like speech, with its neighbours.
    return SHORTEST_CUT + int(np.argmin(np.convolve(speech[SHORTEST_CUT:], np.ones(5), "same")[2:-2])) + 2


def _shortened(tape: SpeechWindow) -> SpeechWindow:
    """Return the tape with its pauses shortened, but for what comes before anybody speaks and the last one.

    A LONG_PAUSE stays: it ends a window.
    """
    for begin, end in reversed(find_pauses(tape.speech)):
        if begin and end < len(tape.speech) and 2 * HALF_PAUSE_FRAMES < end - begin < LONG_PAUSE:
            tape = tape.drop_frames(begin + HALF_PAUSE_FRAMES, end - HALF_PAUSE_FRAMES)
    return tape


def _decided(speech: Probabilities) -> Probabilities:
    """Return the frames of which it is known that they stay, however long the last pause will be."""
    begin, end = next(reversed(find_pauses(speech)), (0, 0))
    return speech[: begin + HALF_PAUSE_FRAMES] if end == len(speech) and end - begin < LONG_PAUSE else speech


def _silent_frames(speech: Probabilities) -> int:
    """Return how many leading frames no window will need."""
    begins = np.flatnonzero(speech >= SPEECH_THRESHOLD)
    return max(0, (int(begins[0]) if begins.size else len(speech)) - PADDING_FRAMES)


def _with_last(blocks: Iterable[Samples]) -> Iterator[tuple[Samples, bool]]:
    before: Samples | None = None
    for block in blocks:
        if before is not None:
            yield before, False
        before = block
    if before is not None:
        yield before, True
