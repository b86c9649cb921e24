"""Measure the number types of the openvino engine: word error rates and time of each, one after the other.

    PODCAST_SPEECH_DIR=… .venv/bin/python scripts/bench_precisions.py [--model base] [AUDIO …]

Without AUDIO: the recordings of $PODCAST_SPEECH_DIR of five minutes and more. Each choice runs in a process
of its own; the row of one that this processor has not is empty. "int8 and f32" is 8 bits as on a processor
without bfloat16 numbers.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import bench_transcribe
import numpy as np

RUNS = 5
WHOLE_REGISTERS = "-prefer-256-bit"  # as kernels.py has it where nothing is limited


class Pin(NamedTuple):
    """A precision, and whether the processor is taken to have bfloat16 numbers."""

    precision: str
    with_bf16: bool = True


PINS = {
    "bf16": Pin("bf16"),
    "f32": Pin("f32"),
    "int8 and bf16": Pin("int8"),
    "int8 and f32": Pin("int8", with_bf16=False),
}


def main() -> None:
    """Print the table, in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("audio", nargs="*", type=Path)
    parser.add_argument("--model", default="base")
    parser.add_argument("--run", choices=list(PINS), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    files = asked.audio or list(bench_transcribe._long_files())
    if asked.run:
        print(json.dumps(_run(PINS[asked.run].precision, files, asked.model)))
        return
    print(f"flags: {_flags()}\n")
    names = [audio.parent.name for audio in files]
    print(f"| calculated in | encoder, ms a window | processor s | WER % | {' | '.join(names)} |")
    print("|---" * (4 + len(files)) + "|")
    for name in PINS:
        print(f"| {name} | {' | '.join(_cells(name, files, asked.model))} |", flush=True)


def _cells(name: str, files: list[Path], model: str) -> Iterator[str]:
    """Yield the cells of a choice, none if this processor does not have it."""
    command = [sys.executable, __file__, "--run", name, "--model", model, *map(str, files)]
    environment = (
        dict(os.environ)
        if PINS[name].with_bf16
        else {**os.environ, "NUMBA_CPU_FEATURES": f"{_flags()},{WHOLE_REGISTERS}"}
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return
    found = json.loads(done.stdout.splitlines()[-1])
    wrong, words = found["wrong"], found["words"]
    yield f"{found['encoder_ms']:.0f}"
    yield f"{found['processor_s']:.1f}"
    yield f"{100 * sum(wrong) / sum(words):.2f}"
    yield from (f"{100 * few / of:.2f}" for few, of in zip(wrong, words, strict=True))


def _flags() -> str:
    """Return the processor's flags as LLVM names them, without those of bfloat16."""
    from llvmlite import binding

    listed = str(binding.get_host_cpu_features().flatten())
    return ",".join(flag for flag in listed.split(",") if flag.startswith("+") and "bf16" not in flag)


def _run(precision: str, files: list[Path], model: str) -> dict[str, object]:
    hear = bench_transcribe.ours(precision)(model, True)
    begin, wrong, words = time.process_time(), [], []
    for audio in files:
        said = bench_transcribe._text(hear(audio, "en"))
        reference = (audio.parent / "reference.txt").read_text(encoding="utf-8")
        found = bench_transcribe._errors(reference, said)
        wrong.append(found.substitutions + found.deletions + found.insertions)
        words.append(found.hits + found.substitutions + found.deletions)
    busy = time.process_time() - begin
    encoder_ms = _encoder_ms(precision, model)
    return {"wrong": wrong, "words": words, "processor_s": busy, "encoder_ms": encoder_ms}


def _encoder_ms(precision: str, model: str) -> float:
    """Return the least processor time of the model's encoder for one window, in one thread."""
    import openvino as ov

    from podcast_pipeline.transcription.engines import ct2
    from podcast_pipeline.transcription.engines.openvino.encoder import build_encoder_graph
    from podcast_pipeline.transcription.engines.openvino.encoder_speed import encoder_time_ms
    from podcast_pipeline.transcription.engines.openvino.precision import (
        choose_precision,
        compile_settings,
        layer_builder,
    )

    choice = choose_precision(precision, encoder_time_ms)
    variables = ct2.read_variables(bench_transcribe._folder(model))
    graph = build_encoder_graph(layer_builder(choice, variables))
    request = (
        ov.Core().compile_model(graph, "CPU", compile_settings(choice.encoder_hint, 1)).create_infer_request()
    )
    mel = np.random.default_rng(0).normal(size=(1, variables["encoder/conv1/weight"].shape[1], 3000))
    times = []
    for _ in range(RUNS):
        begin = time.process_time()
        request.infer([mel.astype(np.float32)])
        times.append(time.process_time() - begin)
    return 1000 * min(times)


if __name__ == "__main__":
    main()
