"""How often one network may try: sign-in mails, codes, and tokens that nobody has.

Counted in the memory of this process, and only where an answer was a refusal: an app or a proxy that
asks for many good feeds is never slowed down.
"""

from math import ceil
from time import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request

from podcast_pipeline.audience.subscribers.privacy.addresses_seen import client_network

SIGN_IN_LIMIT = parse("20/15 minutes")
TOKEN_GUESS_LIMIT = parse("60/10 minutes")


class RateLimitExceeded(Exception):
    """Ask again later: 429."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s


class RateLimiter:
    """Counts tries by network: an IPv4 address, or the /64 that one customer has in IPv6."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def count(self, request: Request, limit: RateLimitItem) -> None:
        """Count a try; raises TooMany when it is one too many."""
        host = request.client.host if request.client else ""
        network = client_network(host, default=host)
        if not self._limiter.hit(limit, network):
            reset_at = self._limiter.get_window_stats(limit, network).reset_time
            raise RateLimitExceeded(max(1, ceil(reset_at - time())))
