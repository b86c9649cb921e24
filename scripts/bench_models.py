#!/usr/bin/env python3
"""Compare our engine with faster-whisper batched (int8) on the shapes of models, with random numbers in them.

    .venv/bin/python scripts/bench_models.py [--model small ...] [--beam 5] [--tokens 100] [--windows 24]

Both have the same model, the same windows of noise, the same beam and word times, and each window gets
exactly --tokens tokens: the end of the text is suppressed. So the ratio is that of the same work. Every run
is a process of its own, so that its peak memory is its own; loading the model is not counted. The models are
written on first use below $TMPDIR/podcast-bench: 0.1 GB (base) to 3.1 GB (large-v3).
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from podcast_pipeline.transcription.known_models.table import SHAPES
from tests.support import random_whisper

CACHE = Path(tempfile.gettempdir()) / "podcast-bench"
MODELS = ("base", "small", "medium", "large-v3-turbo", "distil-large-v3.5")
WINDOW_S, SAMPLE_RATE_HZ = 28, 16_000
PROMPT_TOKENS = 4  # start, language, task, no times
PEER_BATCH = 8
FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16")
COLUMNS = ("model", "engine", "beam", "tokens", "load s", "s", "processor s", "ratio", "peak MB")
Windows = list[Any]
Transcribe = Callable[[Windows], int]
"""Transcribes windows; returns how many tokens they got."""


def ours(folder: Path, asked: argparse.Namespace) -> Transcribe:
    """Return our engine, each worker with its share of the windows as in `transcribe_in_parallel`."""
    from podcast_pipeline.transcription.engine import DecodingOptions
    from podcast_pipeline.transcription.engines.openvino import engine as module
    from podcast_pipeline.transcription.weights import find_weights

    counted: list[int] = []
    search = module.beam_search

    def counting(*arguments: Any, **options: Any) -> Any:
        hypotheses, order = search(*arguments, **{**options, "max_tokens": asked.tokens})
        counted.extend(len(hypothesis.tokens) for hypothesis in hypotheses)
        return hypotheses, order

    vars(module)["beam_search"] = counting
    weights = find_weights(str(folder), cache=CACHE / "cache", hub=Path)
    engine = module.OpenVino(weights)
    options = DecodingOptions("en", asked.beam)

    def transcribe(windows: Windows) -> int:
        rounds = -(-len(windows) // (engine.workers * engine.batch_size))
        shares = [windows[at :: rounds * engine.workers] for at in range(rounds * engine.workers)]
        with ThreadPoolExecutor(engine.workers) as pool:
            list(pool.map(lambda share: engine.transcribe_windows(share, options), filter(None, shares)))
        return sum(counted)

    return transcribe


def faster_whisper(folder: Path, asked: argparse.Namespace) -> Transcribe:
    """Return faster-whisper batched in int8 with all cores."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    loaded = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=os.cpu_count() or 1)
    suppressed = json.loads((folder / "config.json").read_text())["suppress_ids"]

    def transcribe(windows: Windows) -> int:
        segments, _ = BatchedInferencePipeline(loaded).transcribe(
            np.concatenate(windows),
            language="en",
            beam_size=asked.beam,
            word_timestamps=True,
            batch_size=PEER_BATCH,
            temperature=[0.0],
            suppress_tokens=[token for token in suppressed if token >= 0],
            max_new_tokens=2 * asked.tokens - PROMPT_TOKENS,  # CTranslate2 takes half of the whole
            clip_timestamps=[
                {"start": at * WINDOW_S, "end": (at + 1) * WINDOW_S} for at in range(len(windows))
            ],
        )
        return sum(len(segment.tokens) for segment in segments)

    return transcribe


ENGINES: dict[str, Callable[[Path, argparse.Namespace], Transcribe]] = {
    "faster-whisper batched": faster_whisper,
    "ours": ours,
}


def main() -> None:
    """Measure and print the table, in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", action="append", choices=list(SHAPES), help="may be repeated")
    parser.add_argument("--engine", action="append", choices=list(ENGINES))
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=100, help="for each window, 224 at most")
    parser.add_argument("--windows", type=int, default=24)
    parser.add_argument("--run", nargs=2, metavar=("ENGINE", "MODEL"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.run:
        print(json.dumps(_run(*asked.run, asked)))
    else:
        _compare(asked.model or MODELS, asked)


def _compare(models: Sequence[str], asked: argparse.Namespace) -> None:
    print(f"\n{_processor()}; {asked.windows} windows of {WINDOW_S} s\n")
    print(f"| {' | '.join(COLUMNS)} |")
    print("|---" * len(COLUMNS) + "|", flush=True)
    for model in models:
        _write_once(model)
        peer_s = None
        for engine in asked.engine or ENGINES:
            run = _in_process(engine, model, asked)
            peer_s = peer_s or run["wall_s"]
            seconds = [f"{run[name]:.1f}" for name in ("load_s", "wall_s", "cpu_s")]
            numbers = [str(asked.beam), str(run["tokens"]), *seconds, f"{peer_s / run['wall_s']:.2f}"]
            print(f"| {' | '.join([model, engine, *numbers, format(run['peak_mb'], '.0f')])} |", flush=True)


def _in_process(engine: str, model: str, asked: argparse.Namespace) -> dict[str, Any]:
    options = ["--beam", asked.beam, "--tokens", asked.tokens, "--windows", asked.windows]
    command = [sys.executable, __file__, *map(str, options), "--run", engine, model]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{engine}: {done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _run(engine: str, model: str, asked: argparse.Namespace) -> dict[str, Any]:
    begin_s = time.perf_counter()
    transcribe = ENGINES[engine](_folder(model), asked)
    random = np.random.default_rng(0)
    windows = [
        random.normal(0, 0.1, WINDOW_S * SAMPLE_RATE_HZ).astype(np.float32) for _ in range(asked.windows)
    ]
    loaded_s, busy_s = time.perf_counter(), time.process_time()
    tokens = transcribe(windows)
    return {
        "load_s": loaded_s - begin_s,
        "wall_s": time.perf_counter() - loaded_s,
        "cpu_s": time.process_time() - busy_s,
        "tokens": tokens,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _write_once(model: str) -> None:
    if not _folder(model).exists():
        base = random_whisper.base_folder(CACHE / "cache")
        random_whisper.write(_folder(model), SHAPES[model], base, endless=True)


def _folder(model: str) -> Path:
    return CACHE / f"random-{model}"


def _processor() -> str:
    """Return this processor's name, cores and those of its flags that decide the speed."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = set(told.get("flags", "").split()) & set(FLAGS)
    name = told.get("model name") or platform.processor()
    return f"{name}, {os.cpu_count()} cores, {' '.join(sorted(flags))}"


if __name__ == "__main__":
    main()
