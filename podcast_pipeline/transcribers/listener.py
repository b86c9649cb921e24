"""From a file to a Transcript, the same line for every engine: decode, cut, hear, make sentences."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.model import Progress, Receipt, Report, Transcript, Word
from podcast_pipeline.transcribers import Options
from podcast_pipeline.transcribers.decode import SAMPLE_RATE_HZ, Recording, Samples
from podcast_pipeline.transcribers.engine import Engine, tidy
from podcast_pipeline.transcribers.sentences import sentences
from podcast_pipeline.transcribers.weights import file_sha256
from podcast_pipeline.transcribers.windows import Window, cut

STEP = "transcribe"
UNDETERMINED = "und"  # ISO 639-2, of a recording in which nobody speaks
Item = TypeVar("Item")


class Listener:
    """A Transcriber: an engine, and everything around it that does not depend on which one it is."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def transcribe(self, recording: Path, *, options: Options, report: Report) -> Transcript:
        """Return the words of an audio file; see `Transcriber`.

        The memory is that of a few windows, whatever the length of the recording.
        """
        language = self._known(options.language)
        source = Recording(recording)
        clock = Clock(source, report)
        words: list[Word] = []
        for windows in _groups(cut(clock.passed(source.blocks())), self.engine.windows_at_once):
            language = language or self.engine.detect(windows[0].samples)
            words.extend(self._hear(windows, language, options))
            clock.show(windows[-1].start_s + windows[-1].duration_s)
        clock.finish()
        return Transcript(
            language=language or self._only_language() or UNDETERMINED,
            duration_s=clock.heard_s,
            segments=sentences(words),
            receipt=self._receipt(file_sha256(recording), source, options),
        )

    def _known(self, language: str | None) -> str | None:
        if language is None:
            return self._only_language()
        if language in self.engine.languages:
            return language
        model = self.engine.weights.model
        if only := self._only_language():
            raise TranscriptionError(
                model, f"knows {only} only, not {language}; use a model without .en, like base"
            )
        raise TranscriptionError(
            model,
            f"does not know the language {language}; known are {' '.join(sorted(self.engine.languages))}",
        )

    def _only_language(self) -> str | None:
        return next(iter(self.engine.languages)) if len(self.engine.languages) == 1 else None

    def _hear(self, windows: Sequence[Window], language: str, options: Options) -> Iterator[Word]:
        heard = self.engine.hear(
            [window.samples for window in windows],
            language=language,
            prompt=options.prompt,
            beam_size=options.beam_size,
        )
        for window, words in zip(windows, heard, strict=True):
            yield from tidy(words, first_s=window.start_s, last_s=window.start_s + window.duration_s)

    def _receipt(self, audio_sha256: str, source: Recording, options: Options) -> Receipt:
        engine = self.engine
        return Receipt(
            engine=engine.name,
            engine_version=engine.version,
            model=engine.weights.model,
            weights_sha256=engine.weights.sha256,
            audio_sha256=audio_sha256,
            options={
                "language": options.language,
                "prompt": options.prompt,
                "beam_size": options.beam_size,
                **engine.settings,
                **({} if source.stopped_s is None else {"stopped_s": round(source.stopped_s, 3)}),
            },
        )


class Clock:
    """Tells how much of the recording has been heard, in seconds of audio."""

    def __init__(self, source: Recording, report: Report) -> None:
        self._source, self._report, self._samples = source, report, 0

    @property
    def heard_s(self) -> float:
        """Seconds decoded so far."""
        return self._samples / SAMPLE_RATE_HZ

    def passed(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """Pass the blocks on and count them."""
        for block in blocks:
            if not self._samples:
                self.show(0)
            self._samples += len(block)
            yield block

    def show(self, done_s: float) -> None:
        """Report `done_s` of the declared length, or of what was decoded where that is more."""
        total_s = max(self._source.declared_s, self.heard_s, done_s)
        self._report(Progress(step=STEP, done=done_s, total=total_s, unit="s"))

    def finish(self) -> None:
        """Report all of it."""
        self._report(Progress(step=STEP, done=self.heard_s, total=self.heard_s, unit="s"))


def _groups(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while group := list(islice(rest, size)):
        yield group
