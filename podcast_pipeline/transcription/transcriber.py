"""From a file to a Transcript, the same line for every engine: decode, cut, hear, make sentences."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.files import sha256_of
from podcast_pipeline.model import Progress, ProgressCallback, Receipt, Transcript, Word
from podcast_pipeline.transcript.names.prompting import ExpectedNames, build_prompt
from podcast_pipeline.transcript.names.spelling import SpellingChecker
from podcast_pipeline.transcription import TranscriptionOptions
from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ, Recording, Samples
from podcast_pipeline.transcription.engine import DecodingOptions, Engine, to_recording_times
from podcast_pipeline.transcription.hallucinations import (
    find_hallucinations,
    find_missed_speech,
    is_noise,
    split_in_pause,
    with_doubtful_confidence,
)
from podcast_pipeline.transcription.resume import TranscribedBatch, WindowCache, WordWithDoubt
from podcast_pipeline.transcription.scheduling import transcribe_in_parallel
from podcast_pipeline.transcription.segments import to_segments
from podcast_pipeline.transcription.windows import SpeechWindow, cut_windows

STEP = "transcribe"
UNDETERMINED = "und"  # ISO 639-2, of a recording in which nobody speaks
GAPS = 6  # of a window that are heard again at most
ENGLISH_BEAM, BEAM = 2, 5  # in English more change nothing (docs/performance.md); Whisper knows it best
SECOND_BEAM = 5  # of windows that are heard again
FORMAT = 8  # of what is kept on disk; one more when the same engine gives other words for our reasons


class EngineTranscriber:
    """A Transcriber: an engine, and everything around it that does not depend on which one it is.

    Args:
        cache: folder for the windows that are finished, so that nothing is heard twice.
    """

    def __init__(self, engine: Engine, *, cache: Path) -> None:
        self.engine = engine
        self._cache = cache

    def transcribe(
        self, recording: Path, *, options: TranscriptionOptions, report: ProgressCallback
    ) -> Transcript:
        """Return the words of an audio file; see `Transcriber`.

        The memory is that of two groups of windows, whatever the length. Killed and run again, it hears only
        the batches that were not finished, and the transcript is the same byte for byte.
        """
        language = self._known(options.language)
        source = Recording(recording)
        clock = ProgressCounter(source, report)
        windows = cut_windows(clock.passed(source.blocks()))
        first = next(windows, None)  # before the hash, so that a file that is not audio is an AudioError
        if first is not None:
            language = language or self.engine.detect_language(first.samples)
        beam_size = options.beam_size or (ENGLISH_BEAM if language == "en" else BEAM)
        receipt = self._receipt(recording, options, beam_size)
        task = DecodingOptions(
            language or UNDETERMINED, beam_size, spelling=SpellingChecker(language or "", options.names)
        )
        every = chain([first], windows) if first is not None and language else iter(())
        said = list(self._said(every, task, WindowCache(self._cache / "windows" / _key(receipt)), clock))
        clock.finish()
        return Transcript(
            language=language or UNDETERMINED,
            duration_s=clock.decoded_s,
            segments=to_segments(
                [word for word, _ in said],
                {place: why for place, (_, why) in enumerate(said) if why},
            ),
            receipt=_with_faults(receipt, source),
        )

    def _said(
        self,
        windows: Iterator[SpeechWindow],
        task: DecodingOptions,
        finished: WindowCache,
        clock: "ProgressCounter",
    ) -> Iterator[WordWithDoubt]:
        """Yield the words of all windows, in order."""
        hear = partial(self._hear, task=task, expected=ExpectedNames(task.spelling.names, task.language))
        once = partial(finished.get_or_run, transcribe=hear)
        said: dict[int, list[WordWithDoubt]] = {}
        for share, batch in transcribe_in_parallel(
            windows, once, batch_size=self.engine.batch_size, workers=self.engine.workers
        ):
            clock.heard(share)
            said.update(batch.words_by_window)
        for first in sorted(said):
            yield from said[first]

    def _known(self, language: str | None) -> str | None:
        known, model = self.engine.languages, self.engine.weights.model
        if language is None:
            return next(iter(known)) if len(known) == 1 else None
        if language in known:
            return language
        if len(known) == 1:
            raise TranscriptionError(
                model, f"knows {min(known)} only, not {language}; use a model without .en, like base"
            )
        raise TranscriptionError(
            model, f"does not know the language {language}; known are {' '.join(sorted(known))}"
        )

    def _hear(
        self, windows: Iterable[SpeechWindow], *, task: DecodingOptions, expected: ExpectedNames
    ) -> TranscribedBatch:
        heard = self._words(windows, task)
        checked = []
        for window, words in zip(windows, heard, strict=True):
            whole = self._completed(window, words, task)
            named = self._named(window, whole, task, expected)
            checked.append(self._checked(window, named, task))
        return TranscribedBatch(
            first_samples=tuple(window.first_sample for window in windows),
            words=tuple(words for words, _ in checked),
            doubts=tuple(doubtful for _, doubtful in checked),
        )

    def _words(self, windows: Iterable[SpeechWindow], task: DecodingOptions) -> list[tuple[Word, ...]]:
        heard = self.engine.transcribe_windows((window.samples for window in windows), task)
        return [to_recording_times(words, window) for window, words in zip(windows, heard, strict=True)]

    def _completed(
        self, window: SpeechWindow, words: tuple[Word, ...], task: DecodingOptions
    ) -> tuple[Word, ...]:
        """Return the words, with what is heard where somebody spoke and the engine had no words."""
        tried = set[tuple[int, int]]()
        for _ in range(GAPS):
            gap = next(
                (gap for gap in find_missed_speech(words, window) if gap.window.span not in tried), None
            )
            if gap is None:
                break
            tried.add(gap.window.span)
            (more,) = self._words([gap.window], task)
            if len(more) > gap.next_word - gap.first_word and not (
                find_hallucinations(more, gap.window) or is_noise(more, gap.window)
            ):
                words = words[: gap.first_word] + more + words[gap.next_word :]
        return words

    def _named(
        self, window: SpeechWindow, words: tuple[Word, ...], task: DecodingOptions, expected: ExpectedNames
    ) -> tuple[Word, ...]:
        """Return the words, with names that the engine hears when it is told of them."""
        told = build_prompt(expected.names_to_prompt(words))
        if not told:
            return words
        (again,) = self._words([window], replace(task, prompt=told))
        return (
            words
            if find_hallucinations(again, window, prompt=told)
            else expected.merge_second_pass(words, again)
        )

    def _checked(
        self, window: SpeechWindow, words: tuple[Word, ...], task: DecodingOptions
    ) -> tuple[tuple[Word, ...], dict[int, str]]:
        """Return the words, heard again in two halves where they are doubtful; none of what is no speech."""
        if is_noise(words, window):
            return (), {}
        doubtful = find_hallucinations(words, window)
        if doubtful:
            closer = replace(task, beam_size=SECOND_BEAM)
            parts = [self._words([half], closer)[0] for half in split_in_pause(window)]
            again = tuple(word for part in parts for word in part)
            still = find_hallucinations(again, window)
            if again and len(still) < len(doubtful):
                words, doubtful = again, still
        return with_doubtful_confidence(words, doubtful), doubtful

    def _receipt(self, recording: Path, options: TranscriptionOptions, beam_size: int) -> Receipt:
        engine = self.engine
        return Receipt(
            engine=engine.name,
            engine_version=engine.version,
            model=engine.weights.model,
            weights_sha256=engine.weights.sha256,
            audio_sha256=sha256_of(recording),
            options={
                "language": options.language,
                "names": ", ".join(options.names),
                "beam_size": beam_size,
                **engine.settings,
            },
        )


class ProgressCounter:
    """Tells how much of the recording has been heard, in seconds of audio."""

    def __init__(self, source: Recording, report: ProgressCallback) -> None:
        self._source, self._report = source, report
        self._samples, self._done_s = 0, 0.0

    @property
    def decoded_s(self) -> float:
        """Seconds decoded so far."""
        return self._samples / SAMPLE_RATE_HZ

    def passed(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """Pass the blocks on and count them."""
        for block in blocks:
            if not self._samples:
                self._show(0)
            self._samples += len(block)
            yield block

    def heard(self, windows: Iterable[SpeechWindow]) -> None:
        """Count windows that are finished, in any order."""
        self._show(self._done_s + sum(window.duration_s for window in windows))

    def finish(self) -> None:
        """Report all of it, the silence too."""
        self._report(Progress(step=STEP, done=self.decoded_s, total=self.decoded_s, unit="s"))

    def _show(self, done_s: float) -> None:
        self._done_s = done_s
        total_s = max(self._source.declared_s, self.decoded_s, done_s)
        self._report(Progress(step=STEP, done=done_s, total=total_s, unit="s"))


def _key(receipt: Receipt) -> str:
    return hashlib.sha256(f"{FORMAT} {receipt.model_dump_json()}".encode()).hexdigest()[:32]


def _with_faults(receipt: Receipt, source: Recording) -> Receipt:
    faults = {"skipped_s": source.skipped_s, "stopped_s": source.stopped_s}
    found = {name: round(at_s, 3) for name, at_s in faults.items() if at_s is not None}
    return receipt.model_copy(update={"options": {**receipt.options, **found}})
