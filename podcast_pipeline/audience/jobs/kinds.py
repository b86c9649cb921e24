"""The kinds of background work: what is run, how often, and how often it is tried again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

LONGEST_PAUSE = timedelta(hours=1)

Outcome = Literal["done", "dropped", "expired"]
"""`done`; `dropped`: there was nothing to do, which is no fault; `expired`: it was too late to do it."""


class ClaimedJob(Protocol):
    """A job that this worker alone has, until its lease ends.

    Attributes:
        payload: ids, no secrets and no personal data that can be read.
    """

    @property
    def payload(self) -> Mapping[str, str]:
        """What the job is about."""

    def hand_over(self) -> None:
        """Record that the job may be done from here on, and must not be done again.

        Raises:
            ClaimLost: the lease has ended; nothing may be done.
        """


class ClaimLost(Exception):
    """The lease of a job has ended, and another worker may have it."""


@dataclass(frozen=True)
class JobKind:
    """A kind of background work.

    Attributes:
        name: of the kind in the table.
        run: does one job; a PodcastError has it tried again.
        every: of a periodic kind, which has one job; None for jobs that somebody adds.
        attempts: after which a job is given up; a periodic one never is.
        first_pause: before the second attempt; each further pause is twice as long.
        lease: how long a worker may take before another one takes the job for abandoned.
        threads: of a server.
    """

    name: str
    run: Callable[[ClaimedJob], Outcome]
    every: timedelta | None = None
    attempts: int = 8
    first_pause: timedelta = timedelta(seconds=10)
    lease: timedelta = timedelta(minutes=10)
    threads: int = 1

    def next_attempt(self, attempts: int, *, now: datetime) -> datetime | None:
        """Return when a job that failed is tried again; None if it is given up.

        Args:
            attempts: the number of attempts so far, at least 1.
        """
        if self.every is None and attempts >= self.attempts:
            return None
        longest = min(self.every or LONGEST_PAUSE, LONGEST_PAUSE)
        doublings = min(attempts - 1, 20)  # which any pause reaches
        pause: timedelta = self.first_pause * 2**doublings
        return now + min(pause, longest)
