"""How far a step is."""

from collections.abc import Callable
from typing import Literal

from podcast_pipeline.model.fields import Noun, Text


class Progress(Noun):
    """How far a step is: `done` of `total`, in `unit`. The first has done 0, the last done == total."""

    step: Text
    done: float
    total: float
    unit: Literal["s", "bytes", "episodes", "steps"] = "steps"


Report = Callable[[Progress], None]
"""Takes progress as it happens; given by `cli`, called by stages."""
