"""What each engine prints about the instructions that it uses; isa.py reads it."""

import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from bench import isa
from bench.engines import BATCHED, OURS, OURS_F32, REFERENCE

KERNELS = "podcast_pipeline.transcription.engines.openvino"
ONEDNN = r"^onednn_verbose,.*(?:info,cpu,isa:|exec,cpu,\w+,)([^,\n]+)"
MKL_LEVEL = r"^MKL_VERBOSE .* architecture"
MKL = rf"(?:{MKL_LEVEL}|^mkl:) (.*)"
SHAPE = (1500, 512, 2048)  # of the largest product in the encoder of `base`
MOST_ABOVE = 1.25  # of AVX2's speed; AVX-512 has 1.8
EVEX = re.compile(r"[xyz]mm(?:1[6-9]|2\d|3[01])\b|%?k[0-7]\b")
"""The registers that only AVX-512 has, besides those of 64 bytes."""


class Probe(NamedTuple):
    """How an engine is made to print what it uses.

    Attributes:
        environment: of the process.
        witnesses: part of the engine -> regular expression of what it prints.
    """

    environment: Mapping[str, str]
    witnesses: Mapping[str, str]


_OURS = Probe({}, {"OpenVINO": r"^openvino: (.*)", "Numba": r"^numba: (.*)"})
_FASTER_WHISPER = Probe(
    {"CT2_VERBOSE": "1", "ONEDNN_VERBOSE": "1", "MKL_VERBOSE": "1"},
    {"CTranslate2": rf"(?:Selected ISA:|{MKL_LEVEL}) (.*)", "oneDNN": ONEDNN},
)
PROBES = {
    REFERENCE: Probe(
        {"ONEDNN_VERBOSE": "1", "MKL_VERBOSE": "1"},
        {"ATen": r"^aten: (.*)", "MKL": MKL, "oneDNN": ONEDNN},
    ),
    "whisper.cpp, beam 5": Probe({}, {}),
    "faster-whisper, beam 5": _FASTER_WHISPER,
    BATCHED: _FASTER_WHISPER,
    OURS: _OURS,
    OURS_F32: _OURS,
}


def watch(run: Callable[[], object]) -> None:
    """Run an engine and print what it used, beside what its libraries print by themselves."""
    import openvino as ov

    compiled: list[Any] = []
    compile_model = ov.Core.compile_model

    def remember(core: Any, *arguments: Any, **options: Any) -> Any:
        compiled.append(compile_model(core, *arguments, **options))
        return compiled[-1]

    ov.Core.compile_model = remember
    run()
    for model in compiled:
        print("openvino:", *sorted(_primitives(model)))
    print("numba:", *sorted(_registers()))
    if torch := sys.modules.get("torch"):
        print("aten:", torch.backends.cpu.get_cpu_capability())
        print("mkl:", _product_level(torch))


def _primitives(compiled: Any) -> Iterator[str]:
    """Yield the name of the code behind each node of a graph, like "brgemm_avx2_f32"."""
    for node in compiled.get_runtime_model().get_ops():
        name = str(node.get_rt_info()["primitiveType"].astype(str))
        yield f"{name} ({_mlas_level()})" if "mlas" in name else name


def _mlas_level() -> str:
    """Return what MLAS takes: it asks the processor itself, under every limit."""
    return "avx512" if isa.processor_has("avx512f") else "avx2"


def _product_level(torch: Any) -> str:
    """Return the level of MKL's product: OpenBLAS's, unless it is faster.

    MKL does not name what it uses on a processor that is not Intel's, and cannot be limited there.
    """
    import numpy as np
    from threadpoolctl import threadpool_info, threadpool_limits

    rows, inner, columns = SHAPE
    x, weights = np.ones((rows, inner), np.float32), np.ones((columns, inner), np.float32)
    tensors = torch.from_numpy(x), torch.from_numpy(weights)
    torch.set_num_threads(1)
    with threadpool_limits(1):
        ratio = _shortest(lambda: x @ weights.T) / _shortest(lambda: torch.nn.functional.linear(*tensors))
        known = next(one["architecture"] for one in threadpool_info() if one["internal_api"] == "openblas")
    return f"{known if ratio < MOST_ABOVE else 'avx512'} ({ratio:.2f} of the speed of OpenBLAS for {known})"


def _shortest(work: Callable[[], object]) -> float:
    """Return the least processor time of some runs."""
    times = []
    for _ in range(10):
        start = time.thread_time()
        work()
        times.append(time.thread_time() - start)
    return min(times)


def _registers() -> set[str]:
    """Return the kinds of registers in the assembly of our compiled functions."""
    from numba.core.dispatcher import Dispatcher

    modules = [module for name, module in sys.modules.items() if name.startswith(KERNELS)]
    functions = {one for module in modules for one in vars(module).values() if isinstance(one, Dispatcher)}
    code = "\n".join(text for function in functions for text in function.inspect_asm().values())
    return {*re.findall(r"\b[xyz]mm|\bv\d+(?=\.4s)", code), *(["evex"] if EVEX.search(code) else [])}
