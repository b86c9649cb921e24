"""The tables of bench_transcribe.py, in Markdown."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench import isa
from bench.engines import BATCHED, OURS, OURS_F32, REFERENCE
from bench.recordings import Said, duration_s, errors, missed_near, text_of, window_borders

Run = dict[str, Any]
Runs = Mapping[str, Sequence[Run]]
"""Engine -> its runs on one file."""
COLUMNS = (
    "engine",
    "s",
    "× real time",
    "whole process s",
    "processor s",
    "ours is faster by (auto, f32)",
    "WER %",
    "words missed",
    "of them at our window borders",
    "words unlike openai-whisper's %",
    "peak MB",
)
TOTAL_COLUMNS = (
    "engine", "s", "whole process s", "processor s", "ours is faster by", "WER %", "limit shown by",
)  # fmt: skip
TARGET_COLUMNS = (
    "processor", "run under", "× faster-whisper batched", "target", "× openai-whisper", "target",
    "WER %", "best peer's", "met",
)  # fmt: skip
MOST_WER_ABOVE = 0.001  # of the best peer


class Target(NamedTuple):
    """How many times as fast as its peers our engine is to be on a kind of processor."""

    title: str
    batched: float
    reference: float


TARGETS = {
    "amx": Target("AMX", 4.5, 10),
    "avx512": Target("AVX-512 with VNNI, no AMX", 3.5, 6),
    "avx2-vnni": Target("AVX2 with VNNI", 2.5, 4),
    "avx2": Target("AVX2 without VNNI", 2.5, 4),
}
"""Kind of processor (see `isa.stands_for`) -> target."""


class Total(NamedTuple):
    """An engine on all files together: the medians of each file added up."""

    wall_s: float
    process_s: float
    cpu_s: float
    wrong: int
    words: int

    @property
    def wer(self) -> float:
        """Return the word error rate."""
        return self.wrong / self.words


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    print(f"\n| {' | '.join(columns)} |")
    print("|---" * len(columns) + "|")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def print_file(audio: Path, runs: Runs, words: str, limit: str) -> None:
    """Print how every engine did on one file."""
    seconds = duration_s(audio)
    wall = {name: _median(done, "wall_s") for name, done in runs.items()}
    said = {name: [Said(*one) for one in done[-1]["said"]] for name, done in runs.items()}
    reference, borders = _reference(audio), window_borders(audio)
    rows = []
    for name, done in runs.items():
        found = errors(reference, text_of(said[name]))
        rows.append(
            (
                name,
                f"{wall[name]:.1f}",
                f"{seconds / wall[name]:.1f}",
                f"{_median(done, 'process_s'):.1f}",
                f"{_median(done, 'cpu_s'):.1f}",
                ", ".join(f"{wall[name] / wall[mine]:.2f}" for mine in (OURS, OURS_F32) if mine in wall),
                f"{100 * found.wer:.2f}",
                str(found.deletions),
                str(missed_near(borders, reference, said[name])) if name in (OURS, OURS_F32) else "",
                _unlike(said.get(REFERENCE), said[name]),
                f"{max(run['peak_mb'] for run in done):.0f}",
            )
        )
    print(f"\n{audio.parent.name}, {seconds:.0f} s, {words} word times, {limit}")
    print_table(COLUMNS, rows)


def add_up(files: Mapping[Path, Runs]) -> dict[str, Total]:
    """Return each engine's total over all files."""
    return {name: _total(name, files) for name in next(iter(files.values()))}


def print_totals(totals: Mapping[str, Total], proofs: Mapping[str, isa.Proof], limit: str) -> None:
    """Print how every engine did on all files together, and what shows that it kept to the limit."""
    ours = totals.get(OURS)
    rows = [
        (
            name,
            f"{total.wall_s:.1f}",
            f"{total.process_s:.1f}",
            f"{total.cpu_s:.1f}",
            f"{total.wall_s / ours.wall_s:.2f}" if ours else "",
            f"{100 * total.wer:.2f}",
            proofs[name].text,
        )
        for name, total in totals.items()
    ]
    print(f"\nall files together, {limit}")
    print_table(TOTAL_COLUMNS, rows)


def print_targets(totals: Mapping[str, Mapping[str, Total]], proofs: Mapping[str, isa.Proof]) -> None:
    """Print a row for each kind of processor; one that was not measured, or cannot be here, is empty.

    Args:
        totals: limit -> engine -> its total.
        proofs: limit -> proof that our engine kept to it; without one the row is an estimate.
    """
    limits = {isa.stands_for(limit): limit for limit in totals}
    rows = [
        _target_row(target, limits[kind], totals[limits[kind]], proofs[limits[kind]])
        if kind in limits
        else (target.title, *[""] * (len(TARGET_COLUMNS) - 1))
        for kind, target in TARGETS.items()
    ]
    print_table(TARGET_COLUMNS, rows)


def _target_row(target: Target, limit: str, totals: Mapping[str, Total], proof: isa.Proof) -> tuple[str, ...]:
    ours = totals[OURS]
    best = min(total.wer for name, total in totals.items() if name not in (OURS, OURS_F32))
    batched, reference = (totals[name].wall_s / ours.wall_s for name in (BATCHED, REFERENCE))
    met = batched >= target.batched and reference >= target.reference and ours.wer <= best + MOST_WER_ABOVE
    return (
        target.title,
        limit,
        f"{batched:.2f} (whole process {totals[BATCHED].process_s / ours.process_s:.2f})",
        f"{target.batched}",
        f"{reference:.2f} (whole process {totals[REFERENCE].process_s / ours.process_s:.2f})",
        f"{target.reference}",
        f"{100 * ours.wer:.2f}",
        f"{100 * best:.2f}",
        ("yes" if met else "no") if proof.holds else f"an estimate ({proof.text})",
    )


def _total(name: str, files: Mapping[Path, Runs]) -> Total:
    found = [
        errors(_reference(audio), text_of([Said(*one) for one in runs[name][-1]["said"]]))
        for audio, runs in files.items()
    ]
    return Total(
        *(
            sum(_median(runs[name], key) for runs in files.values())
            for key in ("wall_s", "process_s", "cpu_s")
        ),
        wrong=sum(one.substitutions + one.deletions + one.insertions for one in found),
        words=sum(one.substitutions + one.deletions + one.hits for one in found),
    )


def _median(runs: Sequence[Run], key: str) -> float:
    return statistics.median(run[key] for run in runs)


def _reference(audio: Path) -> str:
    return (audio.parent / "reference.txt").read_text(encoding="utf-8")


def _unlike(theirs: Sequence[Said] | None, ours: Sequence[Said]) -> str:
    return f"{100 * errors(text_of(theirs), text_of(ours)).wer:.2f}" if theirs else ""
