"""Counts how much of a recording was decoded and transcribed, and reports it."""

from collections.abc import Iterable, Iterator

from podcast_pipeline.model import Progress, ProgressCallback
from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ, Recording, Samples
from podcast_pipeline.transcription.windows import SpeechWindow

STEP = "transcribe"


class ProgressCounter:
    """Reports how much of the recording has been transcribed, in seconds of audio.

    Attributes:
        transcribed_s: of the finished windows.
    """

    def __init__(self, source: Recording, report: ProgressCallback, *, step: str = STEP) -> None:
        self._source, self._report, self._step = source, report, step
        self._samples, self.transcribed_s = 0, 0.0

    @property
    def decoded_s(self) -> float:
        """Seconds decoded so far."""
        return self._samples / SAMPLE_RATE_HZ

    def count_decoded(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """Yield the blocks and count their samples."""
        for block in blocks:
            if not self._samples:
                self._show(0)
            self._samples += len(block)
            yield block

    def count_transcribed(self, windows: Iterable[SpeechWindow]) -> None:
        """Count finished windows, in any order."""
        self._show(self.transcribed_s + sum(window.duration_s for window in windows))

    def count_each(self, windows: Iterable[SpeechWindow]) -> Iterator[SpeechWindow]:
        """Yield the windows and count each when the next one is asked for."""
        for window in windows:
            yield window
            self.count_transcribed([window])

    def finish(self) -> None:
        """Report the whole recording as done, including silence."""
        self._report(Progress(step=self._step, done=self.decoded_s, total=self.decoded_s, unit="s"))

    def _show(self, done_s: float) -> None:
        self.transcribed_s = done_s
        total_s = max(self._source.declared_s, self.decoded_s, done_s)
        self._report(Progress(step=self._step, done=done_s, total=total_s, unit="s"))
