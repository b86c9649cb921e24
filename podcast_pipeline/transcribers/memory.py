"""Keep a process small that allocates and frees windows of audio for hours."""

import ctypes
import sys

M_MMAP_THRESHOLD = -3  # malloc.h
LARGE_BYTES = 1_000_000  # half a window of samples


def give_back_large_blocks() -> None:
    """Have the C library return large blocks to the system as soon as they are freed.

    glibc maps large blocks apart, but raises the limit with every one that is freed, up to 32 MB; from then
    on windows, spectrograms and words share one heap, which small words keep from shrinking: 80 MB more an
    hour. Setting the limit stops it from rising (mallopt(3)). Other C libraries have no such call.
    """
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
