"""Killed and run again: nothing is heard twice, and the transcript is the same byte for byte."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
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
    kept = finished(cache)
    assert 1 <= len(kept) < 5
    assert finish(long_recording, cache) == finish(long_recording, tmp_path / "unharmed")
    assert kept.items() <= finished(cache).items()
    assert len(finished(cache)) == 5


def spoken(text: str, window: Samples, *, times: int) -> tuple[EngineWord, ...]:
    """Return a word said so often that it fills a window."""
    each_s = len(window) / SAMPLE_RATE_HZ / times
    return tuple(EngineWord(text, i * each_s, (i + 1) * each_s, 0.9) for i in range(times))


class CountingEngine:
    """An engine that says its windows' lengths, and counts them."""

    name, version = "counting", "1"
    weights = Weights("none", Path(), "0" * 64, Path())
    languages = frozenset({"en"})
    batch_size, workers = 2, 2

    def __init__(self, **settings: str) -> None:
        self.settings: Mapping[str, str | int | float | bool | None] = settings
        self.heard = 0

    def detect_language(self, samples: Samples) -> str:
        """Never asked: it has one language."""
        raise AssertionError(f"{len(samples)} samples of the only language")

    def transcribe_windows(
        self, windows: Iterable[Samples], task: DecodingOptions
    ) -> list[tuple[EngineWord, ...]]:
        """Return one long word a window."""
        return [
            self.words_of(f" {task.language}{task.prompt}{task.beam_size}", window, times=1)
            for window in windows
        ]

    def words_of(self, text: str, window: Samples, *, times: int) -> tuple[EngineWord, ...]:
        """Count the window."""
        self.heard += 1
        return spoken(text, window, times=times)


def transcribed_windows(cache: Path, *, options: TranscriptionOptions, **settings: str) -> int:
    engine = CountingEngine(**settings)
    EngineTranscriber(engine, cache=cache).transcribe(SAMPLE, options=options, report=ignore_progress)
    return engine.heard


def test_only_what_changes_the_words_is_heard_again(tmp_path: Path) -> None:
    """The same options hear nothing; other names, another beam or number type hears everything."""
    windows = transcribed_windows(tmp_path, options=TranscriptionOptions())
    assert windows >= 3
    assert transcribed_windows(tmp_path, options=TranscriptionOptions()) == 0
    assert transcribed_windows(tmp_path, options=TranscriptionOptions(names=("Ann",))) == windows
    assert transcribed_windows(tmp_path, options=TranscriptionOptions(beam_size=1)) == windows
    assert transcribed_windows(tmp_path, options=TranscriptionOptions(), precision="bf16") == windows


@pytest.mark.parametrize(("language", "beam_size"), [("en", 2), ("es", 5)])
def test_languages_that_whisper_knows_less_get_more_beams(
    tmp_path: Path, language: str, beam_size: int
) -> None:
    """Nobody asked for a number: 2 in English, 5 in Spanish, and the receipt says which."""
    engine = CountingEngine()
    engine.languages = frozenset({language})
    heard = EngineTranscriber(engine, cache=tmp_path).transcribe(
        SAMPLE, options=TranscriptionOptions(), report=ignore_progress
    )
    assert heard.receipt
    assert heard.receipt.options["beam_size"] == beam_size
    assert heard.words[0].text.strip() == f"{language}{beam_size}"


def test_a_damaged_file_is_heard_again(tmp_path: Path) -> None:
    """A torn file is not trusted, and not an error."""
    transcribed_windows(tmp_path, options=TranscriptionOptions())
    file = min(tmp_path.glob("windows/*/*.json"))
    file.write_bytes(file.read_bytes()[:-20])
    assert transcribed_windows(tmp_path, options=TranscriptionOptions()) >= 1


def test_other_windows_are_heard_again(tmp_path: Path) -> None:
    """What was kept for other cuts of the audio is not used, and what was kept for these is."""
    heard = list[tuple[int, ...]]()

    def transcribe(windows: Iterable[SpeechWindow]) -> TranscribedBatch:
        firsts = tuple(window.first_sample for window in windows)
        heard.append(firsts)
        words = tuple((Word(text=f" {first}", start_s=1, end_s=2),) for first in firsts)
        return TranscribedBatch(first_samples=firsts, words=words, doubts=tuple({} for _ in firsts))

    store, silence = WindowCache(tmp_path), np.zeros(512, np.float32)
    for firsts in ((0, 512), (0, 512), (0, 1024), (0, 1024)):
        windows = [SpeechWindow(first, silence, np.zeros(1, np.float32)) for first in firsts]
        assert store.get_or_run("0", windows, transcribe=transcribe).first_samples == firsts
    assert heard == [(0, 512), (0, 1024)]


def test_a_window_is_heard_while_the_next_one_is_cut(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The engine does not wait for the end of the recording."""
    heard = threading.Event()

    class WordsByLengthEngine(CountingEngine):
        def words_of(self, text: str, window: Samples, *, times: int) -> tuple[EngineWord, ...]:
            heard.set()
            return super().words_of(text, window, times=times)

    def slowly(blocks: Iterable[Samples]) -> Iterator[SpeechWindow]:
        windows = cut_windows(blocks)
        yield next(windows)
        yield next(windows)  # the listener looks at the first one before anything is heard
        assert heard.wait(60)
        yield from windows

    monkeypatch.setattr(transcription_transcriber, "cut_windows", slowly)
    EngineTranscriber(WordsByLengthEngine(), cache=tmp_path).transcribe(
        SAMPLE, options=TranscriptionOptions(), report=ignore_progress
    )
    assert heard.is_set()


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    """Where nothing can be written the error says so and names the folder."""
    (tmp_path / "windows").write_text("in the way")
    with pytest.raises(TranscriptionError, match="cannot keep what was heard"):
        transcribed_windows(tmp_path, options=TranscriptionOptions())


def test_the_same_words_from_disk_and_from_the_engine(tmp_path: Path) -> None:
    """A transcript from kept windows equals the one that was heard."""
    transcriber = load_transcriber(ENGINE, MODEL, cache=tmp_path)
    heard, kept = (
        transcriber.transcribe(SAMPLE, options=TranscriptionOptions(), report=ignore_progress)
        for _ in range(2)
    )
    assert heard.model_dump_json() == kept.model_dump_json()


class LoopingEngine(CountingEngine):
    """An engine that is caught in a loop, unless the window is short."""

    def transcribe_windows(
        self, windows: Iterable[Samples], task: DecodingOptions
    ) -> list[tuple[EngineWord, ...]]:
        """Return a loop, or a word."""
        return [
            self.words_of(
                f" {task.language}{task.prompt}{task.beam_size}", window, times=9 if len(window) > LONG else 1
            )
            for window in windows
        ]


class StuckEngine(LoopingEngine):
    """One that does not get out of it."""

    def transcribe_windows(
        self, windows: Iterable[Samples], task: DecodingOptions
    ) -> list[tuple[EngineWord, ...]]:
        """Return a loop."""
        return [
            self.words_of(f" {task.language}{task.prompt}{task.beam_size}", window, times=9)
            for window in windows
        ]


def test_a_doubtful_window_is_heard_again(tmp_path: Path) -> None:
    """A loop that another hearing does not repeat is not in the transcript."""
    transcript = EngineTranscriber(LoopingEngine(), cache=tmp_path).transcribe(
        SAMPLE, options=TranscriptionOptions(), report=ignore_progress
    )
    assert {word.text for word in transcript.words} == {
        " en2",
        " en5",
    }  # the last was short; the others came again
    assert not [segment for segment in transcript.segments if segment.doubts]


def test_what_stays_doubtful_is_marked(tmp_path: Path) -> None:
    """A loop that comes again stays, without confidence, and its segment says why; also from the disk."""
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
    """One that gives up after five words of a long window."""

    def transcribe_windows(
        self, windows: Iterable[Samples], task: DecodingOptions
    ) -> list[tuple[EngineWord, ...]]:
        """Return the beginning of what was said."""
        words_of = super().transcribe_windows(windows, task)
        return [words[:5] if len(words) > 10 else words for words in words_of]


def test_a_window_that_breaks_off_is_gone_on_with(tmp_path: Path) -> None:
    """What an engine leaves out at a window's end is heard from there, and nothing is said twice."""
    tired, patient = (
        EngineTranscriber(engine, cache=tmp_path / engine.__class__.__name__).transcribe(
            SAMPLE, options=TranscriptionOptions(), report=ignore_progress
        )
        for engine in (TruncatingEngine(), SecondsEngine())
    )
    assert len(tired.words) == pytest.approx(len(patient.words), rel=0.05)
    assert all(a.end_s <= b.start_s for a, b in pairwise(tired.words))
