"""Distribute windows to an engine's workers while later windows are still being cut."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import islice
from queue import SimpleQueue
from typing import TypeVar

from threadpoolctl import threadpool_limits

from podcast_pipeline.transcription.resume import TranscribedBatch
from podcast_pipeline.transcription.windows import SpeechWindow

Item = TypeVar("Item")
Result = TypeVar("Result")

GROUP_SIZE = 24  # windows; at most two groups are in memory at once
STREAMS_PER_GROUP = 2  # the same on every machine


class WindowStream:
    """The windows for one worker. Iteration blocks until the next window is cut, and can be repeated."""

    def __init__(self) -> None:
        self._cut: list[SpeechWindow] = []
        self._queue: SimpleQueue[SpeechWindow | None] = SimpleQueue()

    def __iter__(self) -> Iterator[SpeechWindow]:
        yield from self._cut
        while window := self._queue.get():
            self._cut.append(window)
            yield window
        self._queue.put(None)  # ends the next iteration too

    def put(self, window: SpeechWindow) -> None:
        """Add a window."""
        self._queue.put(window)

    def close(self) -> None:
        """End the stream."""
        self._queue.put(None)


def transcribe_in_parallel(
    windows: Iterator[SpeechWindow],
    transcribe: Callable[[str, WindowStream], TranscribedBatch],
    *,
    batch_size: int,
    workers: int,
) -> Iterator[tuple[WindowStream, TranscribedBatch]]:
    """Yield each stream of windows with its transcribed batch.

    The assignment of windows to streams, and the names of streams, depend on the windows alone.

    Args:
        transcribe: called in a worker thread with a stream's name and the stream.
        batch_size: most windows of a stream.
        workers: threads.
    """
    size = STREAMS_PER_GROUP * min(batch_size, GROUP_SIZE // STREAMS_PER_GROUP)
    # NumPy's matrix products spin on every core; beside other workers that tripled their CPU time.
    blas_threads = None if workers == 1 else 1
    with threadpool_limits(blas_threads, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        try:
            group, number = _start_group(islice(windows, size), transcribe, pool, 0), 1
            while group:
                next_group = _start_group(islice(windows, size), transcribe, pool, number)
                yield from ((stream, future.result()) for stream, future in group)
                group, number = next_group, number + 1
        finally:
            pool.shutdown(cancel_futures=True)


def in_parallel(work: Callable[[Item], Result], items: Iterator[Item], *, workers: int) -> Iterator[Result]:
    """Yield the result of each item, in order; as many items as workers are in memory at once."""
    blas_threads = None if workers == 1 else 1
    with threadpool_limits(blas_threads, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        while group := [*islice(items, workers)]:
            yield from pool.map(work, group)


def _start_group(
    windows: Iterator[SpeechWindow],
    transcribe: Callable[[str, WindowStream], TranscribedBatch],
    pool: Executor,
    number: int,
) -> list[tuple[WindowStream, Future[TranscribedBatch]]]:
    """Cut the windows of a group; a worker starts on each window as soon as it is cut."""
    group: list[tuple[WindowStream, Future[TranscribedBatch]]] = []
    try:
        for place, window in enumerate(windows):
            if place < STREAMS_PER_GROUP:
                stream = WindowStream()
                group.append((stream, pool.submit(transcribe, f"{number:05}-{place:02}", stream)))
            group[place % STREAMS_PER_GROUP][0].put(window)
    finally:
        for stream, _ in group:
            stream.close()
    return group
