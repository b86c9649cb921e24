"""How much of a publication is done, and the time left, by the usual cost of its long steps."""

from dataclasses import dataclass, field
from datetime import timedelta

from podcast_pipeline.model import Progress

COSTS = {"check": 4.0, "transcribe": 33.0, "speakers": 31.0, "master": 22.0, "store": 1.0}
"""Step -> its seconds for an hour of audio, as scripts/bench_publish.py measures them on two cores. Steps
that are not here take no time to speak of."""
COSTS_OF_SOME = {
    "languages": {"languages": 50.0},
    "track": {"transcribe": 2 * COSTS["transcribe"], "speakers": 0.0},
}
"""First word of a step that only some runs have, with a list of languages or with tracks -> the costs of
such a run."""
BEFORE = {
    "languages": ("check",),
    "transcribe": ("check",),
    "speakers": ("check", "transcribe"),
    "master": ("check",),
    "store": ("check", "transcribe", "speakers", "master"),
}
"""Step -> what is over, or was not needed, when it begins; the words and the master are made side by side."""
WORDS = ("languages", "transcribe", "speakers")
FIRST_GUESS = 0.02  # below this share the time left is not known


@dataclass
class RunProgress:
    """The progress of one run over recordings, each of the same weight, from 0 to 1; it never goes back.

    Attributes:
        count: of recordings.
        share: of the run that is done.
        step: the one at work.
    """

    count: int
    share: float = 0.0
    step: str = ""
    _finished: int = 0
    _costs: dict[str, float] = field(default_factory=lambda: dict(COSTS))
    _done: dict[str, float] = field(default_factory=dict)
    _has_words: bool = False

    def has_words(self) -> None:
        """Leave out the steps that make the words of this recording: they are there."""
        self._has_words = True
        self._costs = {step: cost for step, cost in COSTS.items() if step not in WORDS}

    def take(self, event: Progress) -> None:
        """Count the progress of a step."""
        self.step = event.step
        if not self._has_words:
            self._costs |= COSTS_OF_SOME.get(event.step.split()[0], {})
        if event.step not in self._costs:
            return
        self._done.update(dict.fromkeys(BEFORE.get(event.step, ()), 1.0))
        part = event.done / event.total if event.total else 1.0
        self._done[event.step] = max(part, self._done.get(event.step, 0.0))
        done = sum(cost * self._done.get(step, 0.0) for step, cost in self._costs.items())
        self._move(self._finished + min(done / sum(self._costs.values()), 1.0))

    def finish_recording(self) -> None:
        """Count a recording as done, whatever its result is."""
        self._finished += 1
        self._costs, self._has_words = dict(COSTS), False
        self._done.clear()
        self._move(self._finished)

    def _move(self, recordings: float) -> None:
        self.share = max(self.share, recordings / self.count)

    def note(self, elapsed_s: float) -> str:
        """Return the text beside the bar: the share, and the time left once it can be told."""
        percent = f"{self.share:.0%}"
        if self.share < FIRST_GUESS or self.share == 1:
            return percent
        left_s = elapsed_s * (1 - self.share) / self.share
        return f"{percent}, {timedelta(seconds=round(left_s))} left"
