"""Turn a file into a Transcript, with the same steps for every engine: decode, cut, transcribe, segment."""

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from pathlib import Path

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.files import sha256_of
from podcast_pipeline.model import ProgressCallback, Receipt, Transcript, Word
from podcast_pipeline.transcript.names.prompting import ExpectedNames, build_prompt
from podcast_pipeline.transcript.names.spelling import SpellingChecker
from podcast_pipeline.transcription import TranscriptionOptions
from podcast_pipeline.transcription.decode import Recording, Samples
from podcast_pipeline.transcription.engine import CALCULATION, DecodingOptions, Engine, to_recording_times
from podcast_pipeline.transcription.hallucinations import (
    find_hallucinations,
    find_missed_speech,
    is_fuller,
    is_noise,
    split_in_pause,
    with_doubtful_confidence,
)
from podcast_pipeline.transcription.known_models import speed
from podcast_pipeline.transcription.known_models.speed import MeasuredSpeed
from podcast_pipeline.transcription.language import (
    LISTED,
    SET,
    UNDETERMINED,
    USUAL,
    find_spoken_language,
    other_language,
    other_language_options,
    with_unsure_doubt,
)
from podcast_pipeline.transcription.progress_counter import ProgressCounter
from podcast_pipeline.transcription.resume import (
    LanguageCache,
    TranscribedBatch,
    WindowCache,
    WordWithDoubt,
)
from podcast_pipeline.transcription.scheduling import transcribe_in_parallel
from podcast_pipeline.transcription.segments import to_segments
from podcast_pipeline.transcription.stretches import (
    LanguageStretch,
    StretchFinder,
    language_at,
    main_language,
    split_at_changes,
)
from podcast_pipeline.transcription.style import FILLERS, STYLE, VERBATIM
from podcast_pipeline.transcription.windows import SpeechWindow, cut_windows

LANGUAGES_STEP = "languages"
MAX_GAPS = 6  # gaps of a window that are transcribed again
ENGLISH_BEAM, BEAM = 2, 5  # in English more change nothing, docs/evidence/performance.md
SECOND_PASS_BEAM = 5  # of windows with hallucinations
FORMAT = 10  # of the cached windows; increment if a change of ours gives other words with the same engine


class EngineTranscriber:
    """A Transcriber: an engine, and all the steps that are the same for every engine.

    Args:
        cache: folder for finished windows, so that no window is transcribed twice.
        note: called with one line before a long transcription: how long it will take.
    """

    def __init__(self, engine: Engine, *, cache: Path, note: Callable[[str], None] = lambda _: None) -> None:
        self.engine = engine
        self.languages = frozenset({"en"}) if engine.weights.is_english_only else engine.languages
        self._cache, self._note = cache, note

    def transcribe(
        self,
        recording: Path,
        *,
        options: TranscriptionOptions,
        report: ProgressCallback,
        announced_s: float | None = None,
    ) -> Transcript:
        """Return the words of an audio file; see `Transcriber`.

        Memory: two groups of windows, whatever the length. An interrupted run that is repeated transcribes
        only the unfinished batches, and the transcript is the same byte for byte.
        """
        language, usual = self._languages(options)
        listed = () if options.language else options.languages
        stretches = self._stretches(recording, listed, report) if listed else ()
        source = Recording(recording)
        progress = ProgressCounter(source, report)
        windows = cut_windows(progress.count_decoded(source.blocks()))
        opening = [*islice(windows, 1)]  # before the hash, so that a file without audio is an AudioError
        self._announce(source.declared_s if announced_s is None else announced_s)
        begin_s = time.perf_counter()
        if stretches:
            language = main_language(stretches)
        elif opening and language is None:
            language = find_spoken_language(opening, windows, usual=usual, detect=self._detect)
        language = language or UNDETERMINED
        stretches = stretches or (LanguageStretch(0, language, 0.0),)
        tasks = {stretch.language: _task(stretch.language, options) for stretch in stretches}
        receipt = self._receipt(recording, options, tasks[language].beam_size)
        all_windows = split_at_changes(chain(opening, windows) if opening else (), stretches)
        window_cache = WindowCache(self._cache / "windows" / _cache_key(receipt))
        with window_cache.held():
            batches = list(self._transcribe_all(all_windows, tasks, window_cache, progress))
        if not window_cache.was_used:
            self._remember_speed(progress.transcribed_s, time.perf_counter() - begin_s)
        progress.finish()
        words = _in_order(batches)
        receipt = _with_decoding_faults(receipt, source)
        return Transcript(
            language=language,
            duration_s=progress.decoded_s,
            segments=with_unsure_doubt(
                to_segments(
                    [word for word, _ in words],
                    {place: reason for place, (_, reason) in enumerate(words) if reason},
                    language=language,
                    others=_languages_of_words(batches, stretches, language),
                )
            ),
            receipt=_with_options(
                receipt,
                {**other_language_options(batch.other_s for batch in batches), **_calculation(batches)},
            ),
        )

    def _announce(self, audio_s: float) -> None:
        """Say how long a recording will take, where that is long and known."""
        line = speed.waiting_line(self.engine.weights.model, audio_s, speed.known_speeds(self.engine.name))
        if line:
            self._note(line)

    def _remember_speed(self, audio_s: float, wall_s: float) -> None:
        engine, model = self.engine.name, self.engine.weights.model
        if audio_s >= speed.SHORTEST_S:
            speed.remember_speed(MeasuredSpeed(engine=engine, model=model, audio_s=audio_s, wall_s=wall_s))

    def _stretches(
        self, recording: Path, languages: Sequence[str], report: ProgressCallback
    ) -> tuple[LanguageStretch, ...]:
        """Return which of some languages is spoken when; empty without speech."""
        source = Recording(recording)
        progress = ProgressCounter(source, report, step=LANGUAGES_STEP)
        engine = self.engine
        cache = LanguageCache(
            self._cache / LANGUAGES_STEP / _language_key(engine, languages),
            languages=languages,
            detect=engine.language_probabilities,
        )
        finder = StretchFinder(
            languages, cache.probabilities, workers=engine.workers, batch_size=engine.batch_size
        )
        windows = cut_windows(progress.count_decoded(source.blocks()))
        with cache.held():
            stretches = finder.find(progress.count_each(windows))
        progress.finish()
        return stretches

    def _detect(self, samples: Samples) -> str:
        """Return the language of a window, of all that the model has."""
        (probabilities,) = self.engine.language_probabilities([samples])
        return max(probabilities, key=probabilities.__getitem__)

    def _transcribe_all(
        self,
        windows: Iterator[SpeechWindow],
        tasks: Mapping[str, DecodingOptions],
        cache: WindowCache,
        progress: ProgressCounter,
    ) -> Iterator[TranscribedBatch]:
        """Yield the batches of all windows, in any order.

        Args:
            tasks: language of a window -> how to transcribe it.
        """
        expected = {name: ExpectedNames(task.spelling.names, name) for name, task in tasks.items()}
        transcribe_batch = partial(self._transcribe_batch, tasks=tasks, expected=expected)
        transcribe_once = partial(cache.get_or_run, transcribe=transcribe_batch)
        for stream, batch in transcribe_in_parallel(
            windows, transcribe_once, batch_size=self.engine.batch_size, workers=self.engine.workers
        ):
            progress.count_transcribed(stream)
            yield batch

    def _languages(self, options: TranscriptionOptions) -> tuple[str | None, str | None]:
        """Return the language to transcribe in, None to detect it, and the usual one if the model has it."""
        usual, supported = options.usual_language, self.languages
        for language in () if options.language else options.languages:
            self._supported_language(language)
        if len(supported) == 1:
            return self._supported_language(options.language or usual), None
        return self._supported_language(options.language), usual if usual in supported else None

    def _supported_language(self, language: str | None) -> str | None:
        supported, model = self.languages, self.engine.weights.model
        if language is None:
            return next(iter(supported)) if len(supported) == 1 else None
        if language in supported:
            return language
        if len(supported) == 1:
            raise TranscriptionError(
                model, f"supports {min(supported)} only, not {language}; use a multilingual model, like base"
            )
        raise TranscriptionError(
            model, f"does not support the language {language}; supported are {' '.join(sorted(supported))}"
        )

    def _transcribe_batch(
        self,
        windows: Iterable[SpeechWindow],
        *,
        tasks: Mapping[str, DecodingOptions],
        expected: Mapping[str, ExpectedNames],
    ) -> TranscribedBatch:
        checked = []
        for window, words in self._with_words(windows, tasks):
            task = tasks[window.language]
            complete = self._fill_gaps(window, words, task)
            with_names = self._with_expected_names(window, complete, task, expected[window.language])
            checked.append(self._recheck_hallucinations(window, with_names, task))
        return TranscribedBatch(
            first_samples=tuple(window.first_sample for window in windows),
            words=tuple(words for words, _ in checked),
            doubts=tuple(doubtful for _, doubtful in checked),
            other_s=self._other_languages(windows, [words for words, _ in checked], {"", *tasks}),
            calculation={k: str(v) for k, v in self.engine.settings.items() if k in CALCULATION},
        )

    def _with_words(
        self, windows: Iterable[SpeechWindow], tasks: Mapping[str, DecodingOptions]
    ) -> Iterator[tuple[SpeechWindow, tuple[Word, ...]]]:
        """Yield each window with its words; the windows of one language are transcribed together."""
        if len(tasks) == 1:
            transcribed = self._transcribe_windows(windows, *tasks.values())
            yield from zip(windows, transcribed, strict=True)
            return
        found: dict[int, tuple[Word, ...]] = {}
        for language, task in tasks.items():
            if own := [window for window in windows if window.language == language]:
                words = self._transcribe_windows(own, task)
                found |= {window.first_sample: said for window, said in zip(own, words, strict=True)}
        yield from ((window, found[window.first_sample]) for window in windows)

    def _other_languages(
        self, windows: Iterable[SpeechWindow], words: Iterable[Sequence[Word]], known: Container[str]
    ) -> dict[str, float]:
        found: dict[str, float] = defaultdict(float)
        for window, said in zip(windows, words, strict=True) if len(self.languages) > 1 else ():
            found[other_language(window, said, window.language, self._detect)] += window.duration_s
        return {other: round(seconds, 1) for other, seconds in sorted(found.items()) if other not in known}

    def _transcribe_windows(
        self, windows: Iterable[SpeechWindow], task: DecodingOptions
    ) -> list[tuple[Word, ...]]:
        transcribed = self.engine.transcribe_windows((window.samples for window in windows), task)
        return [to_recording_times(words, window) for window, words in zip(windows, transcribed, strict=True)]

    def _fill_gaps(
        self, window: SpeechWindow, words: tuple[Word, ...], task: DecodingOptions
    ) -> tuple[Word, ...]:
        """Return the words, with those of a second pass over speech for which the engine had no words."""
        tried = set[tuple[int, int]]()
        for _ in range(MAX_GAPS):
            gap = next(
                (gap for gap in find_missed_speech(words, window) if gap.window.span not in tried), None
            )
            if gap is None:
                break
            tried.add(gap.window.span)
            (found,) = self._transcribe_windows([gap.window], task)
            doubtful = find_hallucinations(found, gap.window, prompt=task.prompt)
            if is_fuller(found, words[gap.first_word : gap.next_word]) and not (
                doubtful or is_noise(found, gap.window)
            ):
                words = words[: gap.first_word] + found + words[gap.next_word :]
        return words

    def _with_expected_names(
        self, window: SpeechWindow, words: tuple[Word, ...], task: DecodingOptions, expected: ExpectedNames
    ) -> tuple[Word, ...]:
        """Return the words, with names that the engine recognises when the prompt contains them."""
        names = build_prompt(expected.names_to_prompt(words))
        if not names:
            return words
        prompt = f"{task.prompt} {names}".strip()
        (second_pass,) = self._transcribe_windows([window], replace(task, prompt=prompt))
        return (
            words
            if find_hallucinations(second_pass, window, prompt=prompt)
            else expected.merge_second_pass(words, second_pass)
        )

    def _recheck_hallucinations(
        self, window: SpeechWindow, words: tuple[Word, ...], task: DecodingOptions
    ) -> tuple[tuple[Word, ...], dict[int, str]]:
        """Return the words and their doubts, after a second pass over the halves of a window with doubts."""
        if is_noise(words, window):
            return (), {}
        doubtful = find_hallucinations(words, window, prompt=task.prompt)
        if doubtful:
            second_options = replace(task, beam_size=SECOND_PASS_BEAM, prompt="")  # hesitation makes loops
            parts = [self._transcribe_windows([half], second_options)[0] for half in split_in_pause(window)]
            second_pass = tuple(word for part in parts for word in part)
            remaining = find_hallucinations(second_pass, window)
            if second_pass and len(remaining) < len(doubtful):
                words, doubtful = second_pass, remaining
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
                SET: options.language,
                **({USUAL: options.usual_language} if options.usual_language else {}),
                **({LISTED: ", ".join(options.languages)} if options.languages else {}),
                STYLE: options.style,
                "names": ", ".join(options.names),
                "beam_size": beam_size,
                **engine.settings,
            },
        )


def _cache_key(receipt: Receipt) -> str:
    options = {name: value for name, value in receipt.options.items() if name not in CALCULATION}
    keyed = receipt.model_copy(update={"options": options})
    return hashlib.sha256(f"{FORMAT} {keyed.model_dump_json()}".encode()).hexdigest()[:32]


def _language_key(engine: Engine, languages: Sequence[str]) -> str:
    keyed = (engine.name, engine.version, engine.weights.sha256, *languages)
    return hashlib.sha256("\n".join(keyed).encode()).hexdigest()[:32]


def _calculation(batches: Iterable[TranscribedBatch]) -> dict[str, str]:
    """Return in what the windows were calculated, each of several where the first run had another one."""
    found: dict[str, set[str]] = defaultdict(set)
    for batch in batches:
        for name, value in batch.calculation.items():
            found[name].add(value)
    return {name: "; ".join(sorted(values)) for name, values in found.items()}


def _with_decoding_faults(receipt: Receipt, source: Recording) -> Receipt:
    faults = {
        "skipped_s": source.skipped_s,
        "silence_s": source.silence_s or None,
        "stopped_s": source.stopped_s,
    }
    return _with_options(receipt, {k: round(at_s, 3) for k, at_s in faults.items() if at_s is not None})


def _with_options(receipt: Receipt, options: Mapping[str, str | float]) -> Receipt:
    return receipt.model_copy(update={"options": dict(sorted({**receipt.options, **options}.items()))})


def _task(language: str, options: TranscriptionOptions) -> DecodingOptions:
    """Return how to transcribe what is spoken in a language."""
    is_verbatim = options.style == VERBATIM
    return DecodingOptions(
        language,
        options.beam_size or (ENGLISH_BEAM if language == "en" else BEAM),
        prompt=FILLERS.get(language, "") if is_verbatim else "",
        spelling=SpellingChecker("" if is_verbatim else language, options.names),
    )


def _languages_of_words(
    batches: Iterable[TranscribedBatch], stretches: Sequence[LanguageStretch], language: str
) -> dict[int, str]:
    """Return the place of each word in another language than the transcript's -> that language."""
    by_window = {first: words for batch in batches for first, words in batch.words_by_window.items()}
    languages = [language_at(stretches, first) for first in sorted(by_window) for _ in by_window[first]]
    return {place: own for place, own in enumerate(languages) if own != language}


def _in_order(batches: Iterable[TranscribedBatch]) -> list[WordWithDoubt]:
    """Return the words of all windows, in order of time."""
    by_window = {first: words for batch in batches for first, words in batch.words_by_window.items()}
    return [word for first in sorted(by_window) for word in by_window[first]]
