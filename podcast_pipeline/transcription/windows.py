"""Cut a stream of samples into the windows that an engine transcribes: at most 30 s, cut in pauses.

Longer pauses are shortened: speech is recognised better after the speech before it.
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
MAX_WINDOW_FRAMES = int(30 * FRAMES_PER_S)  # input length of Whisper's encoder
SHORTEST_CUT = int(24 * FRAMES_PER_S)  # a window that has to be cut is cut after this
LONG_PAUSE = int(3 * FRAMES_PER_S)  # ends a window, however short
SHORT_PAUSE = 3  # frames; shorter ones lie inside words
HALF_PAUSE_FRAMES = int(0.2 * FRAMES_PER_S)  # left on either side of a pause that is shortened
PADDING_FRAMES = int(0.4 * FRAMES_PER_S)  # kept of the silence around speech
REACH = int(0.3 * FRAMES_PER_S)  # by how much an engine may start a word too late
LEAST_SPEECH = int(0.25 * FRAMES_PER_S)  # in a window; less is a click, or the onset of a note
SPEECH_THRESHOLD = 0.5  # Silero's: speech begins above this probability
SILENCE_THRESHOLD = 0.35  # Silero's: speech ends below this probability

Probabilities = NDArray[np.float32]
"""float32, shape (n_frames,): probability of speech in each frame of FRAME_SAMPLES."""


@dataclass(frozen=True)
class SpeechWindow:
    """A stretch of a recording with speech in it, its long pauses shortened.

    Attributes:
        first_sample: of the recording.
        speech: probability of speech in each frame of `samples`.
        skips: (frame of this window, frames of the recording left out before that frame).
        language: ISO 639-1, what is spoken; "" where it is not decided yet.
    """

    first_sample: int
    samples: Samples
    speech: Probabilities
    skips: tuple[tuple[int, int], ...] = ()
    language: str = ""

    @property
    def start_s(self) -> float:
        """Recording time of the first sample."""
        return self.first_sample / SAMPLE_RATE_HZ

    @property
    def duration_s(self) -> float:
        """Length in seconds, including the frames left out."""
        return (self.span[1] - self.span[0]) / SAMPLE_RATE_HZ

    @property
    def end_s(self) -> float:
        """Recording time after the last sample."""
        return self.span[1] / SAMPLE_RATE_HZ

    @property
    def span(self) -> tuple[int, int]:
        """First sample and the sample after the last, of the recording."""
        skipped = sum(count for _, count in self.skips) * FRAME_SAMPLES
        return self.first_sample, self.first_sample + len(self.samples) + skipped

    def append(self, samples: Samples, speech: Probabilities) -> "SpeechWindow":
        """Return the window with more frames at its end."""
        return replace(
            self,
            samples=np.concatenate([self.samples, samples]),
            speech=np.concatenate([self.speech, speech]),
        )

    def split_at(self, frame: int) -> tuple["SpeechWindow", "SpeechWindow"]:
        """Return the two parts of the window, the second beginning with this frame."""
        sample = frame * FRAME_SAMPLES
        before = tuple((at, count) for at, count in self.skips if at < frame)
        after = tuple((at - frame, count) for at, count in self.skips if at > frame)
        skipped = sum(count for at, count in self.skips if at <= frame)
        return (
            replace(self, samples=self.samples[:sample], speech=self.speech[:frame], skips=before),
            replace(
                self,
                first_sample=self.first_sample + sample + skipped * FRAME_SAMPLES,
                samples=self.samples[sample:],
                speech=self.speech[frame:],
                skips=after,
            ),
        )

    def drop_frames(self, first: int, rest: int) -> "SpeechWindow":
        """Return the window without the frames from `first` up to `rest`."""
        before, after = self.split_at(first)[0], self.split_at(rest)[1]
        skipped = (after.first_sample - before.span[1]) // FRAME_SAMPLES
        skips = (*before.skips, (first, skipped), *((first + at, count) for at, count in after.skips))
        return replace(before, skips=skips).append(after.samples, after.speech)

    def to_recording_s(self, window_s: float) -> float:
        """Return the recording time of a time in the window's samples."""
        frame = min(max(int(window_s * FRAMES_PER_S), 0), len(self.speech))
        return self._time(frame) + window_s - frame / FRAMES_PER_S

    def frame_of(self, sample: int) -> int:
        """Return the first frame that begins at a sample of the recording or after it."""
        return int(np.searchsorted(self._places, (sample - self.first_sample) / FRAME_SAMPLES))

    def frames(self, start_s: float, end_s: float) -> slice:
        """Return the frames that overlap a stretch. Recording times."""
        return slice(self._frame(start_s), self._frame(end_s) + 1)

    def trim_to_speech(self, start_s: float, end_s: float, *, earliest_s: float) -> tuple[float, float]:
        """Return the part of a stretch that has speech; unchanged if none has. Recording times.

        Args:
            earliest_s: speech that runs into the stretch may begin up to REACH frames before the stretch,
                not before this time.
        """
        overlapping = self.frames(start_s, end_s)
        first = overlapping.start
        speaking = first + np.flatnonzero(self.speech[overlapping] >= SPEECH_THRESHOLD)
        if not speaking.size:
            return start_s, end_s
        if speaking[0] > first:
            start_s = self._time(speaking[0])
        else:
            limit = max(self._frame(earliest_s), first - REACH)
            before = np.flatnonzero(self.speech[limit:first] < SPEECH_THRESHOLD)
            start_s = max(
                earliest_s, min(start_s, self._time(limit + before[-1] + 1 if before.size else limit))
            )
        return start_s, min(end_s, self._time(speaking[-1] + 1))

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """Place of each frame, and of the end, in the recording, in frames from the window's first."""
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
    """Frames start to end are a window; the next one begins at `rest` or later."""

    start: int
    end: int
    rest: int


def cut_windows(blocks: Iterable[Samples]) -> Iterator[SpeechWindow]:
    """Yield the windows of a recording, in order; no more than one window's samples are buffered.

    Args:
        blocks: whole frames, except in the last block.
    """
    detector = VoiceActivityDetector()
    buffer = SpeechWindow(0, np.empty(0, np.float32), np.empty(0, np.float32))
    for block, final in _mark_last(blocks):
        buffer = _shorten_pauses(buffer.append(block, detector.speech_probabilities(block)))
        while bounds := next_window_bounds(
            buffer.speech if final else _settled_frames(buffer.speech), final=final
        ):
            head, buffer = buffer.split_at(bounds.rest)
            window = head.split_at(bounds.end)[0].split_at(bounds.start)[1]
            if (window.speech >= SPEECH_THRESHOLD).sum() >= LEAST_SPEECH:
                yield replace(window, samples=window.samples.copy())  # a view would keep the whole buffer
        buffer = buffer.split_at(_count_leading_silence(buffer.speech))[1]


def next_window_bounds(speech: Probabilities, *, final: bool) -> WindowBounds | None:
    """Find the first window in the frames so far.

    Args:
        final: there are no more frames to come.

    Returns:
        None if there is no speech, or if more frames are needed to decide.
    """
    if not (speech >= SPEECH_THRESHOLD).any():
        return None
    start = max(0, int(np.argmax(speech >= SPEECH_THRESHOLD)) - PADDING_FRAMES)
    ahead = speech[start : start + MAX_WINDOW_FRAMES]
    pauses = find_pauses(ahead)
    long_pause = next(
        (begin for begin, end in pauses if begin >= PADDING_FRAMES and end - begin >= LONG_PAUSE), None
    )
    if long_pause is not None:
        cut = long_pause + PADDING_FRAMES
    elif len(ahead) == MAX_WINDOW_FRAMES:
        cut = _best_cut(ahead, pauses)
    elif final:
        cut = len(ahead)
    else:
        return None
    last = int(np.flatnonzero(ahead[:cut] >= SILENCE_THRESHOLD)[-1])
    return WindowBounds(start, start + min(cut, last + 1 + PADDING_FRAMES), start + cut)


def find_pauses(speech: Probabilities) -> list[tuple[int, int]]:
    """Return the frames (first, after the last) of every stretch without speech."""
    quiet = np.concatenate([[False], speech < SILENCE_THRESHOLD, [False]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(quiet))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= SHORT_PAUSE]


def _best_cut(speech: Probabilities, pauses: list[tuple[int, int]]) -> int:
    candidates = [
        (end - begin, (begin + end) // 2) for begin, end in pauses if (begin + end) // 2 >= SHORTEST_CUT
    ]
    if candidates:
        return max(candidates)[1]
    # No pause in six seconds: the frame least like speech, averaged with its neighbours.
    return SHORTEST_CUT + int(np.argmin(np.convolve(speech[SHORTEST_CUT:], np.ones(5), "same")[2:-2])) + 2


def _shorten_pauses(buffer: SpeechWindow) -> SpeechWindow:
    """Return the buffer with its pauses shortened, except for leading silence and the last pause.

    A LONG_PAUSE stays: it ends a window.
    """
    for begin, end in reversed(find_pauses(buffer.speech)):
        if begin and end < len(buffer.speech) and 2 * HALF_PAUSE_FRAMES < end - begin < LONG_PAUSE:
            buffer = buffer.drop_frames(begin + HALF_PAUSE_FRAMES, end - HALF_PAUSE_FRAMES)
    return buffer


def _settled_frames(speech: Probabilities) -> Probabilities:
    """Return the leading frames that will not be shortened, however long the last pause becomes."""
    begin, end = next(reversed(find_pauses(speech)), (0, 0))
    return speech[: begin + HALF_PAUSE_FRAMES] if end == len(speech) and end - begin < LONG_PAUSE else speech


def _count_leading_silence(speech: Probabilities) -> int:
    """Return the number of leading frames that no window needs."""
    begins = np.flatnonzero(speech >= SPEECH_THRESHOLD)
    return max(0, (int(begins[0]) if begins.size else len(speech)) - PADDING_FRAMES)


def _mark_last(blocks: Iterable[Samples]) -> Iterator[tuple[Samples, bool]]:
    previous: Samples | None = None
    for block in blocks:
        if previous is not None:
            yield previous, False
        previous = block
    if previous is not None:
        yield previous, True
