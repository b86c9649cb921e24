"""Tune glibc's malloc for hours of windows that are allocated and freed: small memory at full speed."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGE_BYTES = 4_000_000  # more than a step of the decoder allocates
SPARE_BYTES = 64_000_000


def tune_malloc() -> None:
    """Have the C library return large blocks to the system as soon as they are freed, and keep the others.

    glibc maps large blocks apart, but raises the limit with every one that is freed, up to 32 MB; from then
    on a recording's blocks share one heap with small words, which keep it from shrinking. Setting the limit
    stops it from rising (mallopt(3)). A limit of 1 MB cost a tenth of the CPU time: the blocks of every step
    and window were fetched page by page each time. Other C libraries have no such call.
    """
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(M_TRIM_THRESHOLD, SPARE_BYTES)
