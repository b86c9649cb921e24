"""After a kill no window is transcribed twice, and the transcript is the same byte for byte."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.model import Word
from podcast_pipeline.transcription import TranscriptionOptions, load_transcriber
from podcast_pipeline.transcription import transcriber as transcription_transcriber
from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ, Samples
from podcast_pipeline.transcription.engine import DecodingOptions, EngineWord
from podcast_pipeline.transcription.resume import TranscribedBatch, WindowCache
from podcast_pipeline.transcription.transcriber import EngineTranscriber
from podcast_pipeline.transcription.weights import Weights
from podcast_pipeline.transcription.windows import SpeechWindow, cut_windows
from tests.support.sounds import SAMPLE, ignore_progress, samples_of, write_wav

ENGINE, MODEL = "openvino", "tiny.en"
LONG = 21 * SAMPLE_RATE_HZ
PROGRAM = """
import sys
from pathlib import Path
from podcast_pipeline.transcription import TranscriptionOptions, load_transcriber, scheduling
scheduling.GROUP_SIZE = 2  # windows, so that the recording has three groups
recording, cache = map(Path, sys.argv[1:3])
transcriber = load_transcriber(sys.argv[3], sys.argv[4], cache=cache)
transcript = transcriber.transcribe(recording, options=TranscriptionOptions(), report=lambda _: None)
print(transcript.model_dump_json())
"""


@pytest.fixture(scope="module")
def long_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the sample twice over: five windows."""
    samples = samples_of(SAMPLE)
    return write_wav(tmp_path_factory.mktemp("long") / "long.wav", np.concatenate([samples, samples]))


def start(recording: Path, cache: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PROGRAM, str(recording), str(cache), ENGINE, MODEL]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def finish(recording: Path, cache: Path) -> bytes:
    process = start(recording, cache)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0
    return output


def finished(cache: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in cache.glob("windows/*/*.json")}


def kill_when(process: subprocess.Popen[bytes], cache: Path, batches: int) -> None:
    """Kill -9 as soon as so many batches are on the disk."""
    deadline = time.monotonic() + 240
    while len(finished(cache)) < batches and time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def test_kill_9_loses_nothing_and_changes_nothing(long_recording: Path, tmp_path: Path) -> None:
    """Killed at the start and after the first batch, the third run ends with the bytes of an unharmed one."""
    cache = tmp_path / "killed"
    process = start(long_recording, cache)
    time.sleep(1)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    kill_when(start(long_recording, cache), cache, 1)
    before = finished(cache)
    assert 1 <= len(before) < 5
    assert finish(long_recording, cache) == finish(long_recording, tmp_path / "unharmed")
    assert before.items() <= finished(cache).items()
    assert len(finished(cache)) == 5


def spoken(text: str, window: Samples, *, times: int) -> tuple[EngineWord, ...]:
    """Return a word that is repeated `times` and fills the window."""
    each_s = len(window) / SAMPLE_RATE_HZ / times
    return tuple(EngineWord(text, i * each_s, (i + 1) * each_s, 0.9) for i in range(times))


class CountingEngine:
    """An engine that returns one word for each window, made of its options, and counts the windows."""

    name, version = "counting", "1"
    weights = Weights("none", Path(), "0" * 64, Path())
    languages = frozenset({"en"})
    batch_size, workers = 2, 2

    def __init__(self, **settings: str) -> None:
        self.settings: Mapping[str, str | int | float | bool | None] = settings
        self.transcribed = 0

    def language_probabilities(self, windows: Sequence[Samples]) -> list[Mapping[str, float]]:
        """Not called: the engine has one language."""
        raise AssertionError(f"{len(windows)} windows in the only language")

    def transcribe_windows(
        self, windows: Iterable[Samples], task: DecodingOptions
    ) -> list[tuple[EngineWord, ...]]:
        """Return one long word a window."""
        return [
            self.counted_word(f" {task.language}{task.prompt}{task.beam_size}", window, times=1)
            for window in windows
        ]

    def counted_word(self, text: str, window: Samples, *, times: int) -> tuple[EngineWord, ...]:
        """Count the window."""
        self.transcribed += 1
        return spoken(text, window, times=times)


def count_transcribed(cache: Path, *, options: TranscriptionOptions, **settings: str) -> int:
    engine = CountingEngine(**settings)
    EngineTranscriber(engine, cache=cache).transcribe(SAMPLE, options=options, report=ignore_progress)
    return engine.transcribed


def test_only_options_that_change_the_words_miss_the_cache(tmp_path: Path) -> None:
    """The same options transcribe nothing; other names, beam size or device transcribe everything."""
    windows = count_transcribed(tmp_path, options=TranscriptionOptions())
    assert windows >= 3
    assert count_transcribed(tmp_path, options=TranscriptionOptions()) == 0
    assert count_transcribed(tmp_path, options=TranscriptionOptions(names=("Ann",))) == windows
    assert count_transcribed(tmp_path, options=TranscriptionOptions(beam_size=1)) == windows
    assert count_transcribed(tmp_path, options=TranscriptionOptions(), device="cuda") == windows


def test_another_number_type_transcribes_nothing_again(tmp_path: Path) -> None:
    """Windows keep the number type in which they were made; the receipt has it, or both of a mixture."""

    def precision(name: str) -> object:
        engine = CountingEngine(precision=name, precision_reason=f"{name} is best")
        transcript = EngineTranscriber(engine, cache=tmp_path).transcribe(
            SAMPLE, options=TranscriptionOptions(), report=ignore_progress
        )
        assert transcript.receipt
        return transcript.receipt.options["precision"], transcript.receipt.options["precision_reason"]

    assert precision("bf16") == ("bf16", "bf16 is best")
    assert precision("int8") == ("bf16", "bf16 is best")
    min(tmp_path.glob("windows/*/*.json")).unlink()
    assert precision("int8") == ("bf16; int8", "bf16 is best; int8 is best")


@pytest.mark.parametrize(("language", "beam_size"), [("en", 2), ("es", 5)])
def test_languages_that_whisper_knows_less_get_more_beams(
    tmp_path: Path, language: str, beam_size: int
) -> None:
    """The default beam size is 2 in English and 5 in Spanish, and is in the receipt."""
    engine = CountingEngine()
    engine.languages = frozenset({language})
    transcript = EngineTranscriber(engine, cache=tmp_path).transcribe(
        SAMPLE, options=TranscriptionOptions(), report=ignore_progress
    )
    assert transcript.receipt
    assert transcript.receipt.options["beam_size"] == beam_size
    assert transcript.words[0].text.strip() == f"{language}{beam_size}"


def test_a_damaged_cache_file_is_ignored(tmp_path: Path) -> None:
    """The windows of a truncated cache file are transcribed again, without an error."""
    count_transcribed(tmp_path, options=TranscriptionOptions())
    file = min(tmp_path.glob("windows/*/*.json"))
    file.write_bytes(file.read_bytes()[:-20])
    assert count_transcribed(tmp_path, options=TranscriptionOptions()) >= 1


def test_a_cached_batch_with_another_word_is_not_believed(tmp_path: Path) -> None:
    """A batch has the hash of its words; one of an earlier release, without a hash, is used as it is."""
    windows = count_transcribed(tmp_path, options=TranscriptionOptions())
    files = sorted(tmp_path.glob("windows/*/*.json"))
    for file in files:
        batch = TranscribedBatch.model_validate_json(file.read_bytes())
        file.write_bytes(batch.model_copy(update={"sha256": ""}).model_dump_json().encode())
    assert count_transcribed(tmp_path, options=TranscriptionOptions()) == 0
    for file in files:
        batch = TranscribedBatch.model_validate_json(file.read_bytes())
        WindowCache(file.parent).write(file.stem, batch)
        file.write_bytes(file.read_bytes().replace(b" en", b" un"))
    assert count_transcribed(tmp_path, options=TranscriptionOptions()) == windows


def test_a_cached_batch_without_some_words_is_not_believed(tmp_path: Path) -> None:
    """A file of an earlier release, without a hash, may lack the words of a window."""
    windows = count_transcribed(tmp_path, options=TranscriptionOptions())
    for file in tmp_path.glob("windows/*/*.json"):
        batch = json.loads(file.read_bytes())
        file.write_text(json.dumps({**batch, "words": batch["words"][1:], "sha256": ""}))
    assert count_transcribed(tmp_path, options=TranscriptionOptions()) == windows


def test_parts_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    """The next run of the same recording leaves no part in the cache."""
    count_transcribed(tmp_path, options=TranscriptionOptions())
    (folder,) = tmp_path.glob("windows/*")
    (folder / ".00000-00.json.4711.part").write_bytes(b"{")
    count_transcribed(tmp_path, options=TranscriptionOptions())
    assert list(folder.glob(".*")) == []


def test_other_windows_are_transcribed_again(tmp_path: Path) -> None:
    """The cache is used for the same cuts of the audio, not for other cuts."""
    calls = list[tuple[int, ...]]()

    def transcribe(windows: Iterable[SpeechWindow]) -> TranscribedBatch:
        firsts = tuple(window.first_sample for window in windows)
        calls.append(firsts)
        words = tuple((Word(text=f" {first}", start_s=1, end_s=2),) for first in firsts)
        return TranscribedBatch(first_samples=firsts, words=words, doubts=tuple({} for _ in firsts))

    store, silence = WindowCache(tmp_path), np.zeros(512, np.float32)
    for firsts in ((0, 512), (0, 512), (0, 1024), (0, 1024)):
        windows = [SpeechWindow(first, silence, np.zeros(1, np.float32)) for first in firsts]
        assert store.get_or_run("0", windows, transcribe=transcribe).first_samples == firsts
    assert calls == [(0, 512), (0, 1024)]


def test_a_window_is_transcribed_while_the_next_one_is_cut(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The engine does not wait for the end of the recording."""
    started = threading.Event()

    class Signalling(CountingEngine):
        def counted_word(self, text: str, window: Samples, *, times: int) -> tuple[EngineWord, ...]:
            started.set()
            return super().counted_word(text, window, times=times)

    def slowly(blocks: Iterable[Samples]) -> Iterator[SpeechWindow]:
        windows = cut_windows(blocks)
        yield next(windows)
        yield next(windows)  # the transcriber takes the first window before the engine starts
        assert started.wait(60)
        yield from windows

    monkeypatch.setattr(transcription_transcriber, "cut_windows", slowly)
    EngineTranscriber(Signalling(), cache=tmp_path).transcribe(
        SAMPLE, options=TranscriptionOptions(), report=ignore_progress
    )
    assert started.is_set()


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    """If the cache cannot be written, the error is one line with the folder."""
    (tmp_path / "windows").write_text("in the way")
    with pytest.raises(TranscriptionError, match="cannot save the finished words"):
        count_transcribed(tmp_path, options=TranscriptionOptions())


def test_the_same_words_from_disk_and_from_the_engine(tmp_path: Path) -> None:
    """A transcript from cached windows equals the engine's."""
    transcriber = load_transcriber(ENGINE, MODEL, cache=tmp_path)
    first, cached = (
        transcriber.transcribe(SAMPLE, options=TranscriptionOptions(), report=ignore_progress)
        for _ in range(2)
    )
    assert first.model_dump_json() == cached.model_dump_json()


class LoopingEngine(CountingEngine):
    """An engine that is caught in a loop, unless the window is short."""

    def transcribe_windows(
        self, windows: Iterable[Samples], task: DecodingOptions
    ) -> list[tuple[EngineWord, ...]]:
        """Return a loop, or a word."""
        return [
            self.counted_word(
                f" {task.language}{task.prompt}{task.beam_size}", window, times=9 if len(window) > LONG else 1
            )
            for window in windows
        ]


class StuckEngine(LoopingEngine):
    """An engine that repeats the loop in every window."""

    def transcribe_windows(
        self, windows: Iterable[Samples], task: DecodingOptions
    ) -> list[tuple[EngineWord, ...]]:
        """Return a loop."""
        return [
            self.counted_word(f" {task.language}{task.prompt}{task.beam_size}", window, times=9)
            for window in windows
        ]


def test_a_doubtful_window_gets_a_second_pass(tmp_path: Path) -> None:
    """A loop that the second pass does not repeat is not in the transcript."""
    transcript = EngineTranscriber(LoopingEngine(), cache=tmp_path).transcribe(
        SAMPLE, options=TranscriptionOptions(), report=ignore_progress
    )
    assert {word.text for word in transcript.words} == {
        " en2",
        " en5",
    }  # the last window was short; the others had a second pass
    assert not [segment for segment in transcript.segments if segment.doubts]


def test_words_that_stay_doubtful_are_marked(tmp_path: Path) -> None:
    """A loop in both passes stays, with confidence 0 and the reason in its segment; also from the cache."""
    for _ in range(2):
        transcript = EngineTranscriber(StuckEngine(), cache=tmp_path).transcribe(
            SAMPLE, options=TranscriptionOptions(), report=ignore_progress
        )
        assert {word.confidence for word in transcript.words} == {0}
        assert all("loop" in segment.doubts for segment in transcript.segments)


class SecondsEngine(CountingEngine):
    """An engine that counts a window's seconds in twos."""

    def transcribe_windows(
        self, windows: Iterable[Samples], task: DecodingOptions
    ) -> list[tuple[EngineWord, ...]]:
        """Return a number every two seconds."""
        return [
            tuple(
                EngineWord(f" {task.language}{task.prompt}{task.beam_size}{i}", i, i + 2, 0.9)
                for i in range(0, seconds, 2)
            )
            for seconds in (len(window) // SAMPLE_RATE_HZ for window in windows)
        ]


class TruncatingEngine(SecondsEngine):
    """An engine that stops after five words of a long window."""

    def transcribe_windows(
        self, windows: Iterable[Samples], task: DecodingOptions
    ) -> list[tuple[EngineWord, ...]]:
        """Return the first words of a window."""
        transcribed = super().transcribe_windows(windows, task)
        return [words[:5] if len(words) > 10 else words for words in transcribed]


def test_missed_speech_at_the_end_is_transcribed(tmp_path: Path) -> None:
    """Speech that an engine leaves out at a window's end gets a second pass, and no word comes twice."""
    tired, patient = (
        EngineTranscriber(engine, cache=tmp_path / engine.__class__.__name__).transcribe(
            SAMPLE, options=TranscriptionOptions(), report=ignore_progress
        )
        for engine in (TruncatingEngine(), SecondsEngine())
    )
    assert len(tired.words) == pytest.approx(len(patient.words), rel=0.05)
    assert all(a.end_s <= b.start_s for a, b in pairwise(tired.words))
