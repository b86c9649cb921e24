#!/usr/bin/env python3
"""Publish an hour of conversation: the time, the processor and the memory of each step.

    PODCAST_SPEECH_DIR=… .venv/bin/python scripts/bench_publish.py [--minutes 60] [--model base] [KIND …]

The conversation is made of the composites, over and over, each time at another speed, level and pitch. KIND
is mono (one microphone), stereo (two voices apart) or tracks (a file for each of two speakers); 44.1 kHz WAV.
`podcast publish` runs as a process of its own in an empty show with a folder as the store. A step lasts from
its first progress to its last; what stands between two steps has a row of its own, "after" the first. Memory
is the highest resident size of the process and its children together. Processor times and memory are sampled
ten times a second. Linux only.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).parent.parent))

from podcast_pipeline.audio.ffmpeg import find_ffmpeg
from tests.support.paths import ROOT

COMPOSITES = ("composite_2spk_MF", "composite_3spk")
TEMPOS = (1.0, 0.97, 1.03, 0.985, 1.015)
LEVELS_DB = (0, -3, 2, -1, -4, 1, -2)
RATE_HZ = 44_100
PAN = 0.35  # of a voice in the other channel
KINDS = ("mono", "stereo", "tracks")
SAMPLE_EVERY_S = 0.1
SHORTEST_S = 0.05  # of a row
TICKS_PER_S, PAGE_BYTES = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
FLAGS = ("avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
COLUMNS = ("step", "wall s", "processor s", "peak MB")

Samples = NDArray[np.float32]


@dataclass
class Usage:
    """What a process and its children have taken so far, sampled from /proc.

    Attributes:
        processor_s: of those that have ended, too.
        memory_mb: resident now. peak_mb: since the last `take_peak`.
    """

    pid: int
    processor_s: float = 0.0
    memory_mb: float = 0.0
    peak_mb: float = 0.0
    highest_mb: float = 0.0
    _ended: threading.Event = field(default_factory=threading.Event)

    def sample(self) -> None:
        """Read the process and all below it."""
        seen = [stat for stat in map(_stat, _family(self.pid)) if stat]
        if seen:
            self.processor_s = max(self.processor_s, sum(stat[0] for stat in seen))
            self.memory_mb = sum(stat[1] for stat in seen)
            self.peak_mb = max(self.peak_mb, self.memory_mb)
            self.highest_mb = max(self.highest_mb, self.memory_mb)

    def follow(self) -> None:
        """Sample until `end`."""
        while not self._ended.wait(SAMPLE_EVERY_S):
            self.sample()

    def end(self) -> None:
        """Stop sampling."""
        self._ended.set()

    def take_peak(self) -> float:
        """Return the peak since the last call."""
        peak_mb, self.peak_mb = self.peak_mb, self.memory_mb
        return peak_mb


@dataclass
class Step:
    """What a step took; one that came several times counts in sum."""

    wall_s: float = 0.0
    processor_s: float = 0.0
    peak_mb: float = 0.0


def _stat(pid: int) -> tuple[float, float] | None:
    """Return the processor seconds of a process and its ended children, and its resident megabytes."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return sum(map(int, fields[11:15])) / TICKS_PER_S, int(fields[21]) * PAGE_BYTES / 1e6


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            pids = children.read_text().split()
        except OSError:
            continue
        for child in pids:
            yield from _family(int(child))


def main() -> None:
    """Make the recordings, publish each, print a table for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kinds", nargs="*", metavar="KIND")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--model", default="base")
    asked = parser.parse_args()
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as name:
        voices = converse(asked.minutes)
        for kind in asked.kinds or KINDS:
            folder = Path(name) / kind
            recordings = record(kind, voices, empty_show(folder))
            publish(folder, recordings, title=f"{kind}, {asked.minutes:g} minutes", model=asked.model)
            shutil.rmtree(folder)


def machine() -> str:
    """Return the processor, its flags that matter, the cores, and the load before."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    facts = dict(line.replace("\t", "").split(":", 1) for line in lines if ":" in line)
    flags = [flag for flag in FLAGS if flag in facts.get("flags", "").split()]
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    return f"{facts.get('model name', '?').strip()}, {cores} cores, {' '.join(flags)}; load {load:.1f}"


def converse(minutes: float) -> list[Samples]:
    """Return two voices of a conversation at 44.1 kHz, each silent while the other speaks."""
    length = int(minutes * 60 * RATE_HZ)
    voices = [np.zeros(length, np.float32) for _ in range(2)]
    begin = number = 0
    while begin < length:
        folder = Path(os.environ["PODCAST_SPEECH_DIR"]) / COMPOSITES[number % len(COMPOSITES)]
        tempo, level_db = TEMPOS[number % len(TEMPOS)], LEVELS_DB[number % len(LEVELS_DB)]
        samples = _reading(next(folder.glob("audio.*")), tempo, level_db)[: length - begin]
        for start_s, end_s, speaker in _turns(folder):
            first = int(start_s / tempo * RATE_HZ)
            turn = samples[first : int(end_s / tempo * RATE_HZ)]
            voices[speaker][begin + first : begin + first + len(turn)] += turn
        begin, number = begin + len(samples), number + 1
    return voices


def _turns(folder: Path) -> Iterator[tuple[float, float, int]]:
    """Yield the begin, the end and the voice (0 or 1) of each turn; a third speaker has the first voice."""
    rows = [line.split() for line in (folder / "speakers.rttm").read_text().splitlines() if line]
    names = sorted({row[7] for row in rows})
    for row in rows:
        yield float(row[3]), float(row[3]) + float(row[4]), names.index(row[7]) % 2


def _reading(path: Path, tempo: float, level_db: float) -> Samples:
    form = ["-af", f"aresample=48000,asetrate={48_000 * tempo:.0f},aresample={RATE_HZ},volume={level_db}dB"]
    command = [str(find_ffmpeg()), "-v", "error", "-i", str(path), *form, "-ac", "1", "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32)


def record(kind: str, voices: list[Samples], folder: Path) -> list[str]:
    """Write the recording of a kind; return the arguments that name it."""
    noise = np.random.default_rng(0).normal(0, 1e-3, len(voices[0])).astype(np.float32)
    one, other = voices
    files = {
        "mono": {"hour": one + other + noise},
        "stereo": {"hour": np.stack([one + PAN * other + noise, other + PAN * one - noise], axis=1)},
        "tracks": {"Ann": one + noise, "Ben": other - noise},
    }[kind]
    for name, samples in files.items():
        soundfile.write(folder / f"{name}.wav", samples, RATE_HZ, subtype="PCM_16")
    if kind == "tracks":
        return [word for name in files for word in ("--track", f"{name}={name}.wav")]
    return ["hour.wav"]


def empty_show(folder: Path) -> Path:
    """Make the folder of a show without episodes."""
    folder.mkdir()
    for name in ("show.toml", "artwork.jpg"):
        shutil.copyfile(ROOT / name, folder / name)
    return folder


def publish(folder: Path, recordings: list[str], *, title: str, model: str) -> None:
    """Publish and print the table."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PODCAST_")}
    environment |= {"PODCAST_TRANSCRIPTION_MODEL": model, "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "podcast_pipeline", "--progress", "json", "publish"]
    started_s = time.monotonic()
    with subprocess.Popen(
        [*command, "--title", title, *recordings],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        usage = Usage(process.pid)
        follower = threading.Thread(target=usage.follow)
        follower.start()
        assert process.stderr is not None
        steps, said = _steps(process.stderr, usage, started_s)
        usage.end()
        follower.join()
    wall_s = time.monotonic() - started_s
    print(f"\n{title}\n\n| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for name, step in [*steps.items(), ("all", Step(wall_s, usage.processor_s, usage.highest_mb))]:
        print(f"| {name} | {step.wall_s:.1f} | {step.processor_s:.1f} | {step.peak_mb:.0f} |", flush=True)
    for line in said:
        print(f"said: {line}")
    if process.returncode:
        sys.exit(f"podcast publish failed: {process.returncode}")


def _steps(lines: Iterable[str], usage: Usage, started_s: float) -> tuple[dict[str, Step], list[str]]:
    """Return what each step took, and the lines that were no progress."""
    steps, said, name = {"start": Step()}, list[str](), "start"
    before_s, before_processor_s = started_s, 0.0
    for line in chain(lines, [""]):
        event = json.loads(line) if line.startswith("{") else None
        if line and event is None:
            said.append(line.rstrip())
            continue
        next_name = _name_of(event) if event else ""
        if next_name == name:
            continue
        usage.sample()
        now_s, step = time.monotonic(), steps.setdefault(name, Step())
        step.wall_s += now_s - before_s
        step.processor_s += usage.processor_s - before_processor_s
        step.peak_mb = max(step.peak_mb, usage.take_peak())
        name, before_s, before_processor_s = next_name, now_s, usage.processor_s
    return {name: step for name, step in steps.items() if step.wall_s >= SHORTEST_S}, said


def _name_of(event: dict[str, object]) -> str:
    """Return the row that begins with an event."""
    return f"after {event['step']}" if event["done"] == event["total"] else str(event["step"])


if __name__ == "__main__":
    main()
