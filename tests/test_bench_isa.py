"""The proof that an engine of scripts/bench_transcribe.py kept to a limit of instructions can fail."""

import importlib
import sys
from typing import Any

import pytest

from tests.support.paths import ROOT

WIDE = """
[2026-12-01 03:00:00.000] [ctranslate2] [thread 1] [info]  - Selected ISA: AVX512
onednn_verbose,v1,info,cpu,isa:Intel AVX-512 with Intel DL Boost and bfloat16 support
onednn_verbose,v1,primitive,exec,cpu,convolution,brgconv:avx512_core,forward_inference,src:f32:any:any:f0
MKL_VERBOSE oneMKL 2024.0 Update 2 Product build 20240605 for Intel(R) 64 architecture Intel(R) Advanced \
Vector Extensions 512 (Intel(R) AVX-512) enabled processors, Lnx 2.60GHz lp64 gnu_thread
openvino: brgemm_avx512_f32 jit_avx512_f32 unknown_f32
numba: xmm ymm zmm
aten: AVX512
"""
NARROW = """
[2026-12-01 03:00:00.000] [ctranslate2] [thread 1] [info]  - Selected ISA: AVX2
onednn_verbose,v1,info,cpu,isa:Intel AVX2
onednn_verbose,v1,primitive,exec,cpu,convolution,brgconv:avx2,forward_inference,src:f32:any:any:f0
MKL_VERBOSE oneMKL 2024.0 Update 2 Product build 20240605 for Intel(R) 64 architecture Intel(R) Advanced \
Vector Extensions 2 (Intel(R) AVX2) enabled processors, Lnx 2.60GHz lp64 gnu_thread
openvino: brgemm_avx2_f32 jit_avx2_f32 unknown_f32
numba: xmm ymm
aten: AVX2
"""


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the modules `isa` and `probes` of the scripts' folder `bench`."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    yield importlib.import_module("bench.isa"), importlib.import_module("bench.probes")
    for name in [name for name in sys.modules if name.partition(".")[0] == "bench"]:
        del sys.modules[name]


ENGINES = ["ours", "openai-whisper", "faster-whisper batched, beam 5"]


@pytest.mark.parametrize("engine", ENGINES)
def test_names_below_the_limit_are_a_proof(bench: Any, engine: str) -> None:
    """Every part of the engine names AVX2 and nothing above."""
    isa, probes = bench
    assert isa.prove(NARROW, probes.PROBES[engine].witnesses, "avx2").holds


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("limit", ["avx2", "avx2-vnni"])
def test_a_name_above_the_limit_is_no_proof(bench: Any, engine: str, limit: str) -> None:
    """An engine that ran AVX-512 code is not limited to AVX2, whatever else it names."""
    isa, probes = bench
    proof = isa.prove(NARROW + WIDE, probes.PROBES[engine].witnesses, limit)
    assert not proof.holds
    assert proof.text.startswith("not limited: ")
    assert "AVX-512" in proof.text


@pytest.mark.parametrize("engine", ENGINES)
def test_each_part_must_name_something(bench: Any, engine: str) -> None:
    """A part of the engine that prints nothing is not limited."""
    isa, probes = bench
    witnesses = probes.PROBES[engine].witnesses
    for part in witnesses:
        others = {name: pattern for name, pattern in witnesses.items() if name != part}
        proof = isa.prove(NARROW, {**others, part: "never printed"}, "avx2")
        assert proof == (False, f"not limited: {part} does not say what it uses")


def test_the_library_behind_ctranslate2_counts(bench: Any) -> None:
    """On Intel's processors CTranslate2 multiplies by MKL, which may go beyond what CTranslate2 selects."""
    isa, probes = bench
    witnesses = probes.PROBES["faster-whisper batched, beam 5"].witnesses
    wide_mkl = "\n".join(line for line in WIDE.splitlines() if line.startswith("MKL_VERBOSE"))
    assert not isa.prove(NARROW + wide_mkl, witnesses, "avx2").holds


def test_an_engine_without_witnesses_is_not_limited(bench: Any) -> None:
    """Nothing shows what whisper.cpp uses."""
    isa, probes = bench
    assert not isa.prove(NARROW, probes.PROBES["whisper.cpp, beam 5"].witnesses, "avx2").holds


@pytest.mark.parametrize(
    ("log", "limit", "holds"),
    [
        ("openvino: brgemm_avx2_vnni_i8", "avx2", False),
        ("openvino: brgemm_avx2_vnni_i8", "avx2-vnni", True),
        ("openvino: brgemm_avx512_amx_i8", "avx512", False),
        ("openvino: brgemm_avx512_i8", "avx512", True),
        ("openvino: brgemm_avx512_amx_i8", "native", True),
    ],
)
def test_the_limit_decides(bench: Any, log: str, limit: str, holds: bool) -> None:
    """VNNI is above AVX2 and AMX above AVX-512; without a limit nothing is."""
    isa, _ = bench
    assert isa.prove(log, {"OpenVINO": r"^openvino: (.*)"}, limit).holds is holds


def test_numba_may_use_no_flag_above_the_limit(bench: Any) -> None:
    """Numba's flags under a limit have none of those that the limit excludes."""
    isa, _ = bench
    for name in ("avx2", "avx2-vnni"):
        features = isa.environment(name)["NUMBA_CPU_FEATURES"].split(",")
        assert not [flag for flag in features if flag.startswith(("+avx512", "+amx", "+avx10"))]
