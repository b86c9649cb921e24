#!/usr/bin/env python3
"""Compare our transcriber with its peers: same audio, same weights, one after the other, alternating.

    .venv/bin/python scripts/bench_transcribe.py [--model base] [--rounds 1] [AUDIO ...]
    .venv/bin/python scripts/bench_transcribe.py --isa avx2 --isa avx2-vnni --isa native [AUDIO ...]
    .venv/bin/python scripts/bench_transcribe.py --memory AUDIO
    .venv/bin/python scripts/bench_transcribe.py --errors

Without AUDIO: every audio file of five minutes or more in $PODCAST_SPEECH_DIR. Beside each file its
reference.txt. Two tables a file: every engine with word times, then the peers without (ours always makes
them). Every run is a process of its own, so that its peak memory is its own; loading the model is not
counted, but in "whole process". The processor time is printed too: on a machine with other work it is the
fairer number. Last, with word times: all files together, and the targets.

--isa: all engines use the instructions of lesser processors only; may be repeated. The table of all files
says what shows that an engine did.

--memory: our peak memory for 20 minutes and for 4 hours of the speech in AUDIO, over and over.

--errors: the word error rate of every engine on every recording of $PODCAST_SPEECH_DIR that has a reference,
whatever its length and language. Each engine is told the language.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import isa
from bench.engines import ENGINES, OURS
from bench.recordings import all_recordings, errors, long_files, repeated, text_of
from bench.tables import Run, Runs, Total, add_up, print_file, print_table, print_targets, print_totals

SHORT_RUN_S, LONG_RUN_S = 20 * 60, 4 * 60 * 60
PROBE_S = 15
WITH = "with"


def main() -> None:
    """Measure and print the tables of each file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("audio", nargs="*", type=Path)
    parser.add_argument("--model", default="base")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--table", choices=[WITH, "without"], help="word times: one table only")
    parser.add_argument(
        "--isa", action="append", choices=list(isa.LIMITS), help="the instructions that may be used"
    )
    parser.add_argument("--memory", action="store_true", help="20 minutes against 4 hours, ours only")
    parser.add_argument(
        "--engine", action="append", choices=list(ENGINES), help="only this one; may be repeated"
    )
    parser.add_argument("--errors", action="store_true", help="WER of every engine on every recording")
    parser.add_argument("--run", nargs=3, metavar=("ENGINE", "AUDIO", "WORDS"), help=argparse.SUPPRESS)
    parser.add_argument("--hear", metavar="ENGINE", help=argparse.SUPPRESS)
    parser.add_argument("--probe", nargs=2, metavar=("ENGINE", "AUDIO"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.run:
        engine, file, words = asked.run
        print(json.dumps(_run(engine, Path(file), asked.model, words=words == WITH)))
    elif asked.hear:
        print(json.dumps(_heard(asked.hear, asked.model)))
    elif asked.probe:
        _probe(asked.probe[0], Path(asked.probe[1]), asked.model)
    elif asked.errors:
        _compare_errors(asked)
    elif asked.memory:
        _compare_memory(asked.audio[0], asked.model)
    else:
        _compare(asked.audio or list(long_files()), asked)


def _compare(files: Sequence[Path], asked: argparse.Namespace) -> None:
    print(isa.describe_processor())
    totals: dict[str, Mapping[str, Total]] = {}
    proofs: dict[str, isa.Proof] = {}
    for limit in asked.isa or [isa.NATIVE]:
        if not isa.can_show(limit):
            print(f"\n{limit}: this processor has no {isa.LIMITS[limit].needs}")
            continue
        done = [_measure(audio, asked, limit) for audio in files]
        if WITH in done[0]:
            shown = {engine: _prove(engine, files[0], asked.model, limit) for engine in done[0][WITH]}
            totals[limit] = add_up({audio: one[WITH] for audio, one in zip(files, done, strict=True)})
            print_totals(totals[limit], shown, limit)
            proofs[limit] = shown.get(OURS, isa.Proof(False, ""))
    if totals and not asked.engine:
        print_targets(totals, proofs)


def _measure(audio: Path, asked: argparse.Namespace, limit: str) -> dict[str, Runs]:
    """Run all engines on a file, print its tables and return the runs with and without word times."""
    tables: dict[str, Runs] = {}
    for words in [asked.table] if asked.table else [WITH, "without"]:
        runs: dict[str, list[Run]] = {name: [] for name in asked.engine or ENGINES}
        for _ in range(asked.rounds):
            for name, done in runs.items():
                done.append(_in_process(name, audio, asked.model, words, limit))
        tables[words] = runs
        print_file(audio, runs, words, limit)
    return tables


def _in_process(engine: str, audio: Path, model: str, words: str, limit: str = isa.NATIVE) -> Run:
    start = time.perf_counter()
    result: Run = _told(engine, "--run", engine, str(audio), words, "--model", model, limit=limit)
    result["process_s"] = time.perf_counter() - start
    print(f"{engine}: {result['wall_s']:.1f} s", file=sys.stderr, flush=True)
    return result


def _told(engine: str, *arguments: str, limit: str) -> Any:
    """Return what this script says in a process of its own, under a limit."""
    return json.loads(_output(engine, *arguments, environment=isa.environment(limit)).splitlines()[-1])


def _output(engine: str, *arguments: str, environment: Mapping[str, str]) -> str:
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        sys.exit(f"{engine}: {done.stderr}")
    return f"{done.stderr}\n{done.stdout}"


def _prove(engine: str, audio: Path, model: str, limit: str) -> isa.Proof:
    """Return the proof that an engine keeps to a limit, from a run on the beginning of a file."""
    from bench.probes import PROBES

    with tempfile.TemporaryDirectory() as folder:
        short = repeated(audio, PROBE_S, Path(folder) / "short.wav")
        verbose = {
            "NUMBA_CACHE_DIR": folder,
            **PROBES[engine].environment,
        }  # kernels compiled here, to be read
        environment = isa.environment(limit) | verbose
        log = _output(engine, "--probe", engine, str(short), "--model", model, environment=environment)
    return isa.prove(log, PROBES[engine].witnesses, limit)


def _probe(engine: str, audio: Path, model: str) -> None:
    from bench.probes import watch

    watch(lambda: ENGINES[engine](model, True)(audio, "en"))


def _run(engine: str, audio: Path, model: str, *, words: bool) -> Run:
    hear = ENGINES[engine](model, words)
    wall, busy = time.perf_counter(), time.process_time()
    said = hear(audio, "en")
    return {
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - busy,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "said": said,
    }


def _heard(engine: str, model: str) -> list[str]:
    hear = ENGINES[engine](model, True)
    return [text_of(hear(recording.audio, recording.language)) for recording in all_recordings()]


def _compare_errors(asked: argparse.Namespace) -> None:
    """Print each engine's error rate on each recording."""
    engines = asked.engine or list(ENGINES)
    limit = (asked.isa or [isa.NATIVE])[0]
    texts = [_told(engine, "--hear", engine, "--model", asked.model, limit=limit) for engine in engines]
    rows = []
    for recording, *heard in zip(all_recordings(), *texts, strict=True):
        found = [errors(recording.reference, text, recording.language) for text in heard]
        name = f"{recording.audio.parent.name}/{recording.audio.stem}"
        rates = [f"{100 * one.wer:.2f}" for one in found]
        rows.append([name, recording.language, str(sum(map(len, found[0].references))), *rates])
    print_table(["recording", "language", "words", *engines], rows)


def _compare_memory(audio: Path, model: str) -> None:
    """Print our peak memory for a short and a long recording of the same speech."""
    peaks, rows = [], []
    for seconds in (SHORT_RUN_S, LONG_RUN_S):
        with tempfile.TemporaryDirectory() as folder:
            run = _in_process(OURS, repeated(audio, seconds, Path(folder) / "long.wav"), model, WITH)
        peaks.append(run["peak_mb"])
        rows.append(
            [f"{seconds / 60:.0f} minutes", *(f"{run[key]:.0f}" for key in ("wall_s", "cpu_s", "peak_mb"))]
        )
    print_table(["recording", "s", "processor s", "peak MB"], rows)
    print(f"\n{peaks[1] / peaks[0]:.2f} times the peak")


if __name__ == "__main__":
    main()
