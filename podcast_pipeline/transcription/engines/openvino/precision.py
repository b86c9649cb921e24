"""Choose the number type that the openvino engine calculates in: by the processor, a pin or a measurement.

OpenVINO runs every type on every processor, some of them slowly: bfloat16 without AMX may take longer than
float32 (docs/evidence/performance.md).
"""

import platform
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, NamedTuple

from llvmlite import binding
from numba.core import config
from pydantic import Field, ValidationError

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.files import user_cache_folder, write_atomically
from podcast_pipeline.model import FrozenModel
from podcast_pipeline.transcription import AUTO
from podcast_pipeline.transcription.engines.ct2 import Variables
from podcast_pipeline.transcription.engines.openvino.layers import EightBitLayerBuilder, LayerBuilder

Flags = frozenset[str]
"""Features of a processor by LLVM's names, like "avx512vnni" or "dotprod"."""


class Processor(NamedTuple):
    """A kind of processor, which has all of some flags, and the fastest precision on it."""

    name: str
    flags: Flags
    precision: str


PROCESSORS = (
    Processor("AMX", frozenset({"avx512f", "amx-bf16"}), "bf16"),
    Processor("AVX-512 with VNNI", frozenset({"avx512f", "avx512vnni"}), "int8"),
    Processor("AVX2 with VNNI", frozenset({"avx2", "avxvnni"}), "int8"),
    Processor("AVX2", frozenset({"avx2", "fma"}), "f32"),
)
"""Where the choice was measured (docs/evidence/performance.md); the first processor that fits counts."""

CANDIDATES = ("f32", "int8")
"""What is measured on other processors."""


FAST_BF16 = (frozenset({"amx-bf16"}), frozenset({"avx512bf16", "sse4a"}))
"""Flags of processors that multiply bfloat16 numbers faster than float32 ones: AMX, and AMD's (sse4a)."""


class PrecisionChoice(NamedTuple):
    """The number types of a model.

    Attributes:
        precision: a name in PRECISIONS.
        encoder_hint, decoder_hint: "bf16" or "f32", of all that is not in 8 bits.
        reason: for the precision, in a few words.
    """

    precision: str
    encoder_hint: str
    decoder_hint: str
    reason: str


class MeasuredPrecisions(FrozenModel):
    """The milliseconds of each candidate, by version of OpenVINO and processor."""

    measured: dict[str, dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]]] = Field(
        default_factory=dict
    )


Measure = Callable[[str], float]
"""Returns the milliseconds that a piece of the encoder takes in a precision."""


def processor_flags() -> Flags:
    """Return the flags of this processor, or those that NUMBA_CPU_FEATURES limits a process to.

    There are none where LLVM cannot tell, as on a Mac.
    """
    limited = config.CPU_FEATURES  # type: ignore[attr-defined]
    listed = binding.get_host_cpu_features().flatten() if limited is None else limited
    return frozenset(flag[1:] for flag in listed.split(",") if flag.startswith("+"))


def choose_precision(
    pinned: str, measure: Measure, *, flags: Flags | None = None, folder: Path | None = None
) -> PrecisionChoice:
    """Return the precision to calculate in.

    Args:
        pinned: a name in PRECISIONS.
        measure: called for each of CANDIDATES on a processor that PROCESSORS does not have, once.
        flags: of the processor; None for this one.
        folder: where measurements are kept; None for the user's cache.

    Raises:
        TranscriptionError: bf16 is pinned and the processor has none.
    """
    flags = processor_flags() if flags is None else flags
    if pinned == "bf16" and flags and not any("bf16" in flag for flag in flags):
        message = "this processor has no such numbers, and imitating them takes 35 times as long; use auto"
        raise TranscriptionError(pinned, message)
    if pinned != AUTO:
        return _choice(pinned, flags, "pinned")
    for processor in PROCESSORS:
        if processor.flags <= flags:
            return _choice(processor.precision, flags, f"the fastest on {processor.name}")
    times_ms = _measured(flags, measure, (folder or user_cache_folder()) / "precision.json")
    fastest = min(times_ms, key=lambda name: times_ms[name])
    listed = ", ".join(f"{name} {ms:.0f} ms" for name, ms in times_ms.items())
    return _choice(fastest, flags, f"the fastest of {listed}, as measured on this processor")


def layer_builder(choice: PrecisionChoice, variables: Variables) -> LayerBuilder:
    """Return the builder of a model's layers in a precision."""
    return (EightBitLayerBuilder if choice.precision == "int8" else LayerBuilder)(variables)


def compile_settings(hint: str, streams: int) -> dict[str, object]:
    """Return OpenVINO's settings for graphs that calculate in "bf16" or "f32", in some threads at once."""
    return {
        "INFERENCE_PRECISION_HINT": hint,
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": streams,
        "ENABLE_CPU_PINNING": False,  # a stream waits for its worker, on whichever core that runs
    }


def _choice(precision: str, flags: Flags, reason: str) -> PrecisionChoice:
    """Return a choice; beside 8 bits the encoder takes bfloat16 where that is fast, the decoder float32."""
    if precision == "int8":
        has_fast_bf16 = any(needed <= flags for needed in FAST_BF16)
        return PrecisionChoice(precision, "bf16" if has_fast_bf16 else "f32", "f32", reason)
    return PrecisionChoice(precision, precision, precision, reason)


def _measured(flags: Flags, measure: Measure, path: Path) -> Mapping[str, float]:
    """Return the milliseconds of each candidate: those in the file, or new ones, which are added to it."""
    key = " ".join((version("openvino"), platform.machine(), binding.get_host_cpu_name(), *sorted(flags)))
    known = _read(path).measured
    if known.get(key, {}).keys() == set(CANDIDATES):
        return known[key]
    times_ms = {name: measure(name) for name in CANDIDATES}
    with suppress(OSError):  # without the file the next run measures
        added = MeasuredPrecisions(measured={**known, key: times_ms})
        write_atomically(path, added.model_dump_json(indent=1).encode())
    return times_ms


def _read(path: Path) -> MeasuredPrecisions:
    try:
        return MeasuredPrecisions.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return MeasuredPrecisions()
