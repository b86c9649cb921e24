"""Does the jobs that are due, in threads beside a server or until none is left.

Each kind has threads of its own: a mail server that hangs holds up neither a request nor another kind.
"""

import logging
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Thread
from time import monotonic

from podcast_pipeline.audience.jobs.kinds import ClaimLost, JobKind
from podcast_pipeline.audience.jobs.queue import FAILED, IN_DOUBT, LOST_WORKER, Claim, JobQueue
from podcast_pipeline.errors import MailInDoubt, PodcastError

LOG = logging.getLogger("podcast_pipeline.audience.jobs")
POLL_S = (0.5, 1.5)
"""How long a thread waits for the next job; at random, so that threads and servers do not wait in step."""
AFTER_ERROR_S = 30
GRACE_S = 10
"""How long a server that ends waits for its jobs; what is not ended then is another one's after its lease."""


@dataclass(frozen=True)
class Worker:
    """Does the jobs of some kinds.

    Args:
        clock: returns the present, aware.
    """

    queue: JobQueue
    kinds: tuple[JobKind, ...]
    clock: Callable[[], datetime]

    def run_due(self) -> Counter[str]:
        """Do every job that is due; return how many ended or were postponed in which way."""
        self.queue.add_periodic(self.kinds, now=self.clock())
        results: Counter[str] = Counter()
        for kind in self.kinds:
            while result := self.run_next(kind):
                results[result] += 1
        return results

    @contextmanager
    def running(self) -> Iterator[None]:
        """Do jobs in threads as long as the context is open."""
        stopped = Event()
        threads = [
            Thread(target=self._loop, args=(kind, stopped), name=f"{kind.name} {number}", daemon=True)
            for kind in self.kinds
            for number in range(kind.threads)
        ]
        self.queue.add_periodic(self.kinds, now=self.clock())
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stopped.set()
            _join(threads)

    def run_next(self, kind: JobKind) -> str | None:
        """Do the next job of a kind that is due; return how it ended, None if none is due."""
        for outcome in self.queue.end_abandoned(kind, now=self.clock()):
            LOG.error("%s: %s: %s; not done again", kind.name, outcome, LOST_WORKER)
        claim = self.queue.claim(kind, self.clock)
        if claim is None:
            return None
        try:
            return self._run(kind, claim)
        except ClaimLost:
            LOG.warning("%s: took longer than %s, and another worker has it", kind.name, kind.lease)
            return "lost"

    def _run(self, kind: JobKind, claim: Claim) -> str:
        try:
            outcome = kind.run(claim)
        except ClaimLost:
            raise
        except MailInDoubt as error:
            return self._give_up(kind, claim, IN_DOUBT, str(error))
        except PodcastError as error:
            return self._fail(kind, claim, str(error))
        except Exception:  # a bug of ours; what becomes of the job is decided when the lease ends
            LOG.exception("%s", kind.name)
            return "broken"
        now = self.clock()
        if kind.every:
            self.queue.finish_periodic(claim, next_at=now + kind.every, now=now)
        else:
            self.queue.finish(claim, outcome, now=now)
        if outcome == "expired":
            LOG.error("%s: not done in time, and dropped", kind.name)
        return outcome

    def _fail(self, kind: JobKind, claim: Claim, error: str) -> str:
        """Have a job tried again, or give it up."""
        now = self.clock()
        again_at = kind.next_attempt(claim.attempts, now=now)
        if again_at is None:
            return self._give_up(kind, claim, FAILED, error)
        LOG.error("%s: %s; attempt %d follows", kind.name, error, claim.attempts + 1)
        self.queue.postpone(claim, error, until=again_at)
        return "postponed"

    def _give_up(self, kind: JobKind, claim: Claim, outcome: str, error: str) -> str:
        LOG.error("%s: %s: %s", kind.name, outcome, error)
        self.queue.give_up(claim, outcome, error, now=self.clock())
        return outcome

    def _loop(self, kind: JobKind, stopped: Event) -> None:
        """Do the jobs of a kind until `stopped` is set; whatever goes wrong is logged and waited out."""
        pause_s = 0.0
        while not stopped.wait(pause_s):
            try:
                pause_s = 0.0 if self.run_next(kind) else random.uniform(*POLL_S)  # noqa: S311 (no secret)
            except PodcastError as error:
                LOG.error("%s: %s", kind.name, error)  # noqa: TRY400 (one line, as everywhere)
                pause_s = AFTER_ERROR_S
            except Exception:
                LOG.exception("%s", kind.name)
                pause_s = AFTER_ERROR_S


def _join(threads: Iterable[Thread]) -> None:
    """Wait GRACE_S in sum for threads to end."""
    until = monotonic() + GRACE_S
    for thread in threads:
        thread.join(max(0.0, until - monotonic()))
