"""Windows handed out to an engine's workers while they are still being cut."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import islice
from queue import SimpleQueue

from threadpoolctl import threadpool_limits

from podcast_pipeline.transcription.resume import TranscribedBatch
from podcast_pipeline.transcription.windows import SpeechWindow

GROUP_SIZE = 24  # windows that are handed out together at most; two groups are kept at once
SHARES = 2  # of a group, on every machine


class WindowStream:
    """Windows for one worker. Whoever iterates waits for those that are not cut yet; then they are there."""

    def __init__(self) -> None:
        self._cut: list[SpeechWindow] = []
        self._coming: SimpleQueue[SpeechWindow | None] = SimpleQueue()

    def __iter__(self) -> Iterator[SpeechWindow]:
        yield from self._cut
        while window := self._coming.get():
            self._cut.append(window)
            yield window
        self._coming.put(None)  # for whoever comes next

    def put(self, window: SpeechWindow) -> None:
        """Hand out a window."""
        self._coming.put(window)

    def close(self) -> None:
        """Say that there are no more."""
        self._coming.put(None)


def transcribe_in_parallel(
    windows: Iterator[SpeechWindow],
    transcribe: Callable[[str, WindowStream], TranscribedBatch],
    *,
    batch_size: int,
    workers: int,
) -> Iterator[tuple[WindowStream, TranscribedBatch]]:
    """Yield each share of the windows with what was heard in it.

    Which window is in which share, and the share's name, depend on nothing but the windows.

    Args:
        longest: windows of a share.
    """
    size = SHARES * min(batch_size, GROUP_SIZE // SHARES)
    # NumPy's matrix products spin on every core; beside other workers that tripled their processor time.
    alone = None if workers == 1 else 1
    with threadpool_limits(alone, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        try:
            group, number = _begun(islice(windows, size), transcribe, pool, 0), 1
            while group:
                following = _begun(islice(windows, size), transcribe, pool, number)
                yield from ((share, heard.result()) for share, heard in group)
                group, number = following, number + 1
        finally:
            pool.shutdown(cancel_futures=True)


def _begun(
    windows: Iterator[SpeechWindow],
    hear: Callable[[str, WindowStream], TranscribedBatch],
    pool: Executor,
    number: int,
) -> list[tuple[WindowStream, Future[TranscribedBatch]]]:
    """Cut the windows of a group, each heard from when it is cut."""
    group: list[tuple[WindowStream, Future[TranscribedBatch]]] = []
    try:
        for place, window in enumerate(windows):
            if place < SHARES:
                share = WindowStream()
                group.append((share, pool.submit(hear, f"{number:05}-{place:02}", share)))
            group[place % SHARES][0].put(window)
    finally:
        for share, _ in group:
            share.close()
    return group
