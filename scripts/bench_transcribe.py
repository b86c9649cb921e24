#!/usr/bin/env python3
"""Compare our transcriber with its peers: same audio, same weights, one after the other, alternating.

    .venv/bin/python scripts/bench_transcribe.py [--model base] [--rounds 1] [--without-words] [AUDIO ...]

Without AUDIO: every audio file of five minutes or more in $PODCAST_SPEECH_DIR. Beside each file its
reference.txt. Every run is a process of its own, so that its peak memory is its own; loading the model
is not counted. The processor time is printed too: on a machine with other work it is the fairer number.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CACHE = Path(tempfile.gettempdir()) / "podcast-bench"
LONG_S = 300
Hear = Callable[[Path], str]


def ours(engine: str, *, beam_size: int) -> Callable[[str, bool], Hear]:
    """Return the loader of one of our engines; it always makes word times."""

    def load(model: str, _words: bool) -> Hear:
        from podcast_pipeline.transcribers import Options, load

        transcriber = load(engine, model, cache=CACHE)
        shutil.rmtree(CACHE / "windows", ignore_errors=True)  # nothing kept from another run
        options = Options(language="en", beam_size=beam_size)
        return lambda audio: transcriber.transcribe(audio, options=options, report=lambda _: None).text

    return load


def openai_whisper(model: str, words: bool) -> Hear:
    """Return openai-whisper's own `transcribe`, as its documentation calls it."""
    from podcast_pipeline.transcribers import checkpoint

    loaded = checkpoint.load(_folder(model))
    return lambda audio: loaded.transcribe(_samples(audio), language="en", fp16=False, word_timestamps=words)[
        "text"
    ]


def faster_whisper(*, batched: bool) -> Callable[[str, bool], Hear]:
    """Return the loader of faster-whisper: int8, beam 5, all cores."""

    def load(model: str, words: bool) -> Hear:
        from faster_whisper import BatchedInferencePipeline, WhisperModel

        loaded: Any = WhisperModel(
            str(_folder(model)), device="cpu", compute_type="int8", cpu_threads=os.cpu_count() or 1
        )
        if batched:
            loaded = BatchedInferencePipeline(loaded)

        def hear(audio: Path) -> str:
            segments, _ = loaded.transcribe(str(audio), language="en", beam_size=5, word_timestamps=words)
            return " ".join(segment.text for segment in segments)

        return hear

    return load


ENGINES: dict[str, Callable[[str, bool], Hear]] = {
    "openai-whisper": openai_whisper,
    "faster-whisper, beam 5": faster_whisper(batched=False),
    "faster-whisper batched, beam 5": faster_whisper(batched=True),
    "ours, beam 2": ours("openvino", beam_size=2),
}
PEER = "faster-whisper batched, beam 5"
COLUMNS = (
    "engine",
    "s",
    "× real time",
    "processor s",
    "ratio to batched (wall, processor)",
    "WER %",
    "words missed",
    "peak MB",
)


def main() -> None:
    """Measure and print one table per file, in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("audio", nargs="*", type=Path)
    parser.add_argument("--model", default="base")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--without-words", action="store_true", help="peers make no word times")
    parser.add_argument(
        "--engine", action="append", choices=list(ENGINES), help="only this one; may be repeated"
    )
    parser.add_argument("--run", nargs=2, metavar=("ENGINE", "AUDIO"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.run:
        engine, file = asked.run
        print(json.dumps(_run(engine, file, asked.model, not asked.without_words)))
        return
    for audio in asked.audio or list(_long_files()):
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in asked.engine or ENGINES}
        for _ in range(asked.rounds):
            for name in runs:
                runs[name].append(_in_process(name, audio, asked))
        _print_table(audio, runs)


def _in_process(engine: str, audio: Path, asked: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, "--run", engine, str(audio), "--model", asked.model]
    command += ["--without-words"] if asked.without_words else []
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{engine}: {result['wall_s']:.1f} s", file=sys.stderr, flush=True)
    return result


def _run(engine: str, audio: str, model: str, words: bool) -> dict[str, Any]:
    hear = ENGINES[engine](model, words)
    wall, busy = time.perf_counter(), time.process_time()
    text = hear(Path(audio))
    return {
        "text": text,
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - busy,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _print_table(audio: Path, runs: dict[str, list[dict[str, Any]]]) -> None:
    seconds = len(_samples(audio)) / 16_000
    cpu = {name: statistics.median(run["cpu_s"] for run in done) for name, done in runs.items()}
    wall = {name: statistics.median(run["wall_s"] for run in done) for name, done in runs.items()}
    print(f"\n{audio.parent.name}, {seconds:.0f} s\n")
    print(f"| {' | '.join(COLUMNS)} |")
    print("|---" * len(COLUMNS) + "|")
    for name, done in runs.items():
        rate, missed = _errors(audio, done[-1]["text"])
        peak = max(run["peak_mb"] for run in done)
        ratios = f"{wall[PEER] / wall[name]:.2f}, {cpu[PEER] / cpu[name]:.2f}" if PEER in runs else ""
        print(
            f"| {name} | {wall[name]:.1f} | {seconds / wall[name]:.1f} | {cpu[name]:.1f} | {ratios} "
            f"| {rate:.2f} | {missed} | {peak:.0f} |",
            flush=True,
        )


def _errors(audio: Path, text: str) -> tuple[float, int]:
    """Return the word error rate in percent (Whisper's English normaliser) and how many words are missing."""
    import jiwer
    from whisper.normalizers import EnglishTextNormalizer

    normal = EnglishTextNormalizer()
    said = (audio.parent / "reference.txt").read_text(encoding="utf-8")
    found = jiwer.process_words(normal(said), normal(text))
    return 100 * found.wer, found.deletions


def _long_files() -> Iterator[Path]:
    folder = os.environ.get("PODCAST_SPEECH_DIR")
    if not folder:
        sys.exit("name audio files, or the folder with the recordings in PODCAST_SPEECH_DIR")
    for audio in sorted(Path(folder).glob("*/audio.*")):
        if len(_samples(audio)) / 16_000 >= LONG_S:
            yield audio


def _folder(model: str) -> Path:
    from podcast_pipeline.transcribers import hub, weights

    return weights.find(model, cache=CACHE, hub=hub.fetch).path


def _samples(audio: Path) -> Any:
    import numpy as np

    from podcast_pipeline.transcribers.decode import Recording

    return np.concatenate(list(Recording(audio).blocks()))


if __name__ == "__main__":
    main()
