"""Limits of the instruction set that all engines run under, and the proof that an engine kept to one.

A limit is an environment, because the libraries choose their instructions when they are loaded. The proof is
what the libraries print about the code that they ran (probes.py makes them): an engine of which a part prints
nothing, or names more than the limit allows, is "not limited".
"""

import os
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

LEVELS = {
    "SSE": r"sse|xmm",
    "AVX": r"avx(?![\w-])",
    "AVX2": r"avx2(?!_?vnni)|ymm|haswell|zen\b",
    "AVX-VNNI": r"avx2?_?vnni|avx2 with intel dl",
    "AVX-512": r"avx-?512|avx10|zmm|evex|skylakex|cooperlake|sapphirerapids",
    "AMX": r"amx",
}
"""Level -> how OpenVINO, oneDNN, MKL, CTranslate2, ATen, OpenBLAS and assembly write it, in small letters."""
VECTOR = re.compile(r"avx|amx|fma|f16c|sse4|vnni|neon|dotprod|i8mm|bf16|sve|fullfp16")  # flags of interest
AVX2 = frozenset({"SSE", "AVX", "AVX2"})
ABOVE_AVX2 = (
    "avx512",
    "avx10",
    "avxvnni",
    "avxifma",
    "avxneconvert",
    "amx",
    "evex512",
    "sha512",
    "sm3",
    "sm4",
)


class Limit(NamedTuple):
    """An instruction set that processes are kept to.

    Attributes:
        levels: what a proof may name.
        needs: the processor's flag, as LLVM writes it, without which the limit cannot be shown.
        environment: what limits the libraries, but for Numba's flags.
        without: the flags that Numba must not use, by their beginnings.
    """

    levels: frozenset[str]
    needs: str = ""
    environment: Mapping[str, str] = {}
    without: tuple[str, ...] = ()


NATIVE = "native"
LIMITS = {
    NATIVE: Limit(frozenset(LEVELS)),
    "avx512": Limit(
        AVX2 | {"AVX-VNNI", "AVX-512"},
        needs="avx512vnni",
        environment={
            "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16",
            "OV_CPU_MAX_ISA": "AVX512_CORE_BF16",
            "MKL_ENABLE_INSTRUCTIONS": "AVX512_E3",
            "ATEN_CPU_CAPABILITY": "avx512",
            "OPENBLAS_CORETYPE": "SkylakeX",
        },
        without=("amx",),
    ),
    "avx2-vnni": Limit(
        AVX2 | {"AVX-VNNI"},
        needs="avxvnni",
        environment={
            "ONEDNN_MAX_CPU_ISA": "AVX2_VNNI",
            "OV_CPU_MAX_ISA": "AVX2_VNNI",
            "NUMBA_CPU_NAME": "alderlake",
            "CT2_FORCE_CPU_ISA": "AVX2",
            "MKL_ENABLE_INSTRUCTIONS": "AVX2_E1",
            "ATEN_CPU_CAPABILITY": "avx2",
            "OPENBLAS_CORETYPE": "Haswell",
        },
        without=tuple(flag for flag in ABOVE_AVX2 if flag != "avxvnni"),
    ),
    "avx2": Limit(
        AVX2,
        needs="avx2",
        environment={
            "ONEDNN_MAX_CPU_ISA": "AVX2",
            "OV_CPU_MAX_ISA": "AVX2",
            "NUMBA_CPU_NAME": "haswell",
            "CT2_FORCE_CPU_ISA": "AVX2",
            "MKL_ENABLE_INSTRUCTIONS": "AVX2",
            "ATEN_CPU_CAPABILITY": "avx2",
            "OPENBLAS_CORETYPE": "Haswell",
        },
        without=ABOVE_AVX2,
    ),
}
"""Under "avx512" CTranslate2 is as its users have it: it takes AVX-512 for itself only if it is told to."""


class Proof(NamedTuple):
    """Whether an engine kept to a limit, and what showed it."""

    holds: bool
    text: str


def environment(name: str) -> dict[str, str]:
    """Return the environment of a process under a limit."""
    limit = LIMITS[name]
    if name == NATIVE:
        return dict(os.environ)
    features = (
        f"{'+' if has and not flag.startswith(limit.without) else '-'}{flag}"
        for flag, has in sorted(_llvm().get_host_cpu_features().items())
    )
    return {**os.environ, **limit.environment, "NUMBA_CPU_FEATURES": ",".join(features)}


def can_show(name: str) -> bool:
    """Tell whether this processor has what a limit is the limit to."""
    return not (needs := LIMITS[name].needs) or processor_has(needs)


def processor_has(flag: str) -> bool:
    """Tell whether this processor has a flag, as LLVM writes it, whatever the limit of this process."""
    return bool(_llvm().get_host_cpu_features().get(flag))


def stands_for(name: str) -> str:
    """Return the kind of processor that a run under a limit shows: the limit, or what this one is."""
    kinds = {"amx": "amx-bf16"} | {limit: needs for limit, (_, needs, *_) in LIMITS.items() if needs}
    held = [kind for kind, flag in kinds.items() if processor_has(flag)]
    return name if name != NATIVE or not held else held[0]


def prove(log: str, witnesses: Mapping[str, str], limit: str) -> Proof:
    """Return the proof from what the parts of an engine printed.

    Args:
        witnesses: part -> regular expression of what it prints about the instructions that it uses; only
            what the groups match counts.
    """
    named = {part: _levels(re.findall(pattern, log, re.M)) for part, pattern in witnesses.items()}
    silent = [part for part, levels in named.items() if not levels]
    above = {part: levels - LIMITS[limit].levels for part, levels in named.items()}
    if limit == NATIVE:
        return Proof(True, _listed(named))
    if not named or silent:
        return Proof(False, f"not limited: {', '.join(silent) or 'it'} does not say what it uses")
    if any(above.values()):
        return Proof(False, f"not limited: {_listed(above)}")
    return Proof(True, _listed(named))


def _levels(texts: Sequence[str]) -> set[str]:
    text = "\n".join(texts).lower()
    return {level for level, pattern in LEVELS.items() if re.search(pattern, text)}


def _listed(named: Mapping[str, set[str]]) -> str:
    """Return the highest level of each part."""
    highest = {part: max(levels, key=list(LEVELS).index) for part, levels in named.items() if levels}
    return ", ".join(f"{part} {level}" for part, level in highest.items())


def describe_processor() -> str:
    """Return the processor's name, count of cores and flags of vector instructions."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    flags = [
        flag for flag, has in sorted(_llvm().get_host_cpu_features().items()) if has and VECTOR.search(flag)
    ]
    name = f"{names[0] if names else platform.processor()} ({_llvm().get_host_cpu_name()})"
    return f"{name}, {os.cpu_count()} cores: {' '.join(flags)}"


def _llvm() -> Any:
    """Return the module that knows the processor; imported here, because a run of a peer must not load it."""
    from llvmlite import binding

    return binding
