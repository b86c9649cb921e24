"""Measure the number types of the openvino engine: word error rates and time of each, one after the other.

    PODCAST_SPEECH_DIR=… .venv/bin/python scripts/bench_precisions.py [--model base] [--isa native] [AUDIO …]

Without AUDIO: the recordings of $PODCAST_SPEECH_DIR of five minutes and more. Each choice runs in a process
of its own; the row of one that this processor has not is empty. "int8 and f32" is 8 bits as on a processor
without bfloat16 numbers. --isa: as in bench_transcribe.py.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from bench import isa
from bench.engines import ours
from bench.recordings import errors, long_files, text_of
from bench.tables import print_table

RUNS = 5


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
    parser.add_argument("--isa", choices=list(isa.LIMITS), default=isa.NATIVE)
    parser.add_argument("--pin", action="append", choices=list(PINS), help="only this one; may be repeated")
    parser.add_argument("--run", choices=list(PINS), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    files = asked.audio or list(long_files())
    if asked.run:
        print(json.dumps(_run(PINS[asked.run].precision, files, asked.model)))
        return
    print(f"{isa.describe_processor()}\n\n{asked.isa}, {asked.model}:\n")
    columns = [
        "calculated in",
        "encoder, ms a window",
        "processor s",
        "WER %",
        *(f.parent.name for f in files),
    ]
    rows = [(name, *_cells(name, files, asked)) for name in asked.pin or PINS]
    print_table(columns, rows)


def _cells(name: str, files: Sequence[Path], asked: argparse.Namespace) -> list[str]:
    """Return the cells of a choice, empty ones if this processor does not have it."""
    command = [sys.executable, __file__, "--run", name, "--model", asked.model, *map(str, files)]
    environment = isa.environment(asked.isa)
    if not PINS[name].with_bf16:
        environment["NUMBA_CPU_FEATURES"] = _without_bf16(environment.get("NUMBA_CPU_FEATURES"))
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return [""] * (3 + len(files))
    found = json.loads(done.stdout.splitlines()[-1])
    wrong, words = found["wrong"], found["words"]
    return [
        f"{found['encoder_ms']:.0f}",
        f"{found['processor_s']:.1f}",
        f"{100 * sum(wrong) / sum(words):.2f}",
        *(f"{100 * few / of:.2f}" for few, of in zip(wrong, words, strict=True)),
    ]


def _without_bf16(flags: str | None) -> str:
    """Return flags, by default this processor's, without bfloat16; kernels use whole registers as ever."""
    from llvmlite import binding

    listed = flags or f"{binding.get_host_cpu_features().flatten()},-prefer-256-bit"
    return ",".join(flag for flag in listed.split(",") if "bf16" not in flag)


def _run(precision: str, files: Sequence[Path], model: str) -> dict[str, object]:
    hear = ours(precision)(model, True)
    begin, wrong, words = time.process_time(), [], []
    for audio in files:
        reference = (audio.parent / "reference.txt").read_text(encoding="utf-8")
        found = errors(reference, text_of(hear(audio, "en")))
        wrong.append(found.substitutions + found.deletions + found.insertions)
        words.append(found.hits + found.substitutions + found.deletions)
    busy = time.process_time() - begin
    encoder_ms = _encoder_ms(precision, model)
    return {"wrong": wrong, "words": words, "processor_s": busy, "encoder_ms": encoder_ms}


def _encoder_ms(precision: str, model: str) -> float:
    """Return the least processor time of the model's encoder for one window, in one thread."""
    import openvino as ov
    from bench.engines import _folder

    from podcast_pipeline.transcription.engines import ct2
    from podcast_pipeline.transcription.engines.openvino.encoder import build_encoder_graph
    from podcast_pipeline.transcription.engines.openvino.encoder_speed import encoder_time_ms
    from podcast_pipeline.transcription.engines.openvino.precision import (
        choose_precision,
        compile_settings,
        layer_builder,
    )

    choice = choose_precision(precision, encoder_time_ms)
    variables = ct2.read_variables(_folder(model))
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
