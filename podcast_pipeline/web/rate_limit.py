"""Rate limits by network: sign-in attempts, unknown feed tokens, unsigned requests to hooks, API.

Counters are in the memory of this process. Requests with valid tokens are not counted: an app or a proxy
that fetches many feeds is never slowed down.
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
HOOK_LIMIT = parse("60/10 minutes")
API_GUESS_LIMIT = parse("60/10 minutes")
API_LIMIT = parse("600/minute")
CHECKOUT_LIMIT = parse("20/15 minutes")


class RateLimitExceeded(Exception):
    """Too many attempts from one network: 429 with Retry-After."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s


class RateLimiter:
    """Counts attempts by network: an IPv4 address, or a customer's /64 in IPv6."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def count(self, request: Request, limit: RateLimitItem) -> None:
        """Count an attempt; raises RateLimitExceeded above the limit."""
        if not self._limiter.hit(limit, _network(request)):
            raise self._exceeded(_network(request), limit)

    def count_holder(self, name: str, limit: RateLimitItem) -> None:
        """Count a request of the holder of a key's id; raises RateLimitExceeded above the limit."""
        if not self._limiter.hit(limit, name):
            raise self._exceeded(name, limit)

    def check(self, request: Request, limit: RateLimitItem) -> None:
        """Raise RateLimitExceeded where one more attempt would be above the limit; count nothing."""
        if not self._limiter.test(limit, _network(request)):
            raise self._exceeded(_network(request), limit)

    def _exceeded(self, name: str, limit: RateLimitItem) -> RateLimitExceeded:
        reset_at = self._limiter.get_window_stats(limit, name).reset_time
        return RateLimitExceeded(max(1, ceil(reset_at - time())))


def _network(request: Request) -> str:
    host = request.client.host if request.client else ""
    return client_network(host, default=host)
