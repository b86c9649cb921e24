"""Numba helpers for loops that no library runs fast enough: compiled for this CPU, cached on disk."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from llvmlite import binding, ir
from numba.core import config, types
from numba.core.cgutils import get_or_insert_function
from numba.core.registry import cpu_target
from numba.extending import intrinsic
from numpy.typing import NDArray

LOG2_E = np.float32(1.4426950408889634)
LEAST = np.float32(-100)  # 2 to the power of this is about 0
EXPONENT_BIAS, EXPONENT_PLACE = np.int32(127), np.int32(23)  # of a float32
Floats = NDArray[np.float32]


def _use_whole_registers() -> None:
    """Let Numba use registers of 64 bytes where there is AVX-512: by itself LLVM uses 32 bytes.

    An earlier import of Numba may have created its compiler already; it is created again, so that the sums
    are the same in every process. Features that the environment gives (NUMBA_CPU_FEATURES, or none at all
    for NUMBA_CPU_NAME=generic) stay as they are.
    """
    features = binding.get_host_cpu_features()
    if features.get("avx512f") and config.CPU_FEATURES is None:  # type: ignore[attr-defined]
        config.CPU_FEATURES = f"{features.flatten()},-prefer-256-bit"  # type: ignore[attr-defined]
        vars(cpu_target).pop("_toplevel_target_context", None)


_use_whole_registers()
Function = TypeVar("Function", bound=Callable[..., object])


def jit(function: Function) -> Function:
    """Compile a function on its first call; it runs without the GIL."""
    return cast(Function, numba.njit(nogil=True, cache=True, fastmath=True, error_model="numpy")(function))


@jit
def fast_exp(exponent: np.float32) -> np.float32:
    """Return e to the power of an exponent that is not above 0.

    2 to the integer part is written into a float's exponent bits, 2 to the rest is a polynomial (error below
    3e-6).
    """
    binary = max(exponent * LOG2_E, LEAST)
    whole = np.floor(binary)
    rest = binary - whole
    cubic = np.float32(0.05550411) + rest * (np.float32(0.00961813) + rest * np.float32(0.0013333558))
    fraction = np.float32(1) + rest * (np.float32(0.6931472) + rest * (np.float32(0.24022651) + rest * cubic))
    bits = (np.int32(whole) + EXPONENT_BIAS) << EXPONENT_PLACE
    return np.float32(fraction * np.int32(bits).view(np.float32))


def _fetch(_typing: Any, array: Any, place: Any) -> tuple[Any, Callable[..., Any]]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        call = get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")  # type: ignore[no-untyped-call]
        line = builder.gep(builder.bitcast(data, byte), [arguments[1]])
        builder.call(call, [line, number(0), number(3), number(1)])  # read access, high locality, data cache
        return context.get_dummy_value()

    return types.void(array, place), generate


prefetch = cast(Callable[[NDArray[np.int8], int], None], intrinsic(_fetch))
"""Prefetch the bytes at a place of an array into the cache; harmless past the end of the array."""
