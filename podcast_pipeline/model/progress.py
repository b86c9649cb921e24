"""The progress of a step."""

from collections.abc import Callable
from threading import Lock
from typing import Literal

from podcast_pipeline.model.fields import FrozenModel, NonEmptyStr


class Progress(FrozenModel):
    """The progress of a step: `done` of `total`, in `unit`. The first has done 0, the last done == total."""

    step: NonEmptyStr
    done: float
    total: float
    unit: Literal["s", "bytes", "episodes", "steps"] = "steps"


ProgressCallback = Callable[[Progress], None]
"""Called with the progress of a running step; passed down from `cli`."""


def one_at_a_time(report: ProgressCallback) -> ProgressCallback:
    """Return a callback that steps in several threads may call: one call waits for the other."""
    lock = Lock()

    def locked(event: Progress) -> None:
        with lock:
            report(event)

    return locked
