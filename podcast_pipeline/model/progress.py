"""How far a step is."""

from collections.abc import Callable
from typing import Literal

from podcast_pipeline.model.fields import FrozenModel, NonEmptyStr


class Progress(FrozenModel):
    """How far a step is: `done` of `total`, in `unit`. The first has done 0, the last done == total."""

    step: NonEmptyStr
    done: float
    total: float
    unit: Literal["s", "bytes", "episodes", "steps"] = "steps"


ProgressCallback = Callable[[Progress], None]
"""Takes progress as it happens; given by `cli`, called by stages."""
