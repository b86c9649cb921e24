"""Who asks, and the one place where a decision of `access` becomes an answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from starlette.requests import Request

from podcast_pipeline.access import (
    ANONYMOUS,
    AccessPolicy,
    Allow,
    Deny,
    FeedWithNotice,
    Resource,
    Teaser,
    Visitor,
    decide,
)
from podcast_pipeline.model import Episode
from podcast_pipeline.web.rate_limit import TOKEN_GUESS_LIMIT, RateLimiter


class TokenVerifier(Protocol):
    """Knows subscribers by their feed token."""

    def visitor(self, token: str) -> Visitor | None:
        """Return who holds this token, None for nobody; takes as long either way."""


class AccessDenied(Exception):
    """A decision against the visitor; `app` answers it."""

    def __init__(self, deny: Deny) -> None:
        super().__init__(deny.status)
        self.deny = deny


@dataclass(frozen=True)
class Authorizer:
    """Asks `access.decide` for every answer that is not public to all."""

    policy: AccessPolicy
    clock: Callable[[], datetime]
    token_verifier: TokenVerifier
    rate_limiter: RateLimiter

    def visitor_by_token(self, request: Request) -> Visitor:
        """Return the holder of the token in the path; who tries many that nobody has is told to wait."""
        visitor = self.token_verifier.visitor(request.path_params["token"])
        if visitor is None:
            self.rate_limiter.count(request, TOKEN_GUESS_LIMIT)
        return visitor or ANONYMOUS

    def authorize(
        self, visitor: Visitor, episode: Episode | None, resource: Resource
    ) -> Allow | Teaser | FeedWithNotice:
        """Return what the visitor gets; raises Refused where that is nothing."""
        decision = decide(visitor, episode, resource, policy=self.policy, now=self.clock())
        if isinstance(decision, Deny):
            raise AccessDenied(decision)
        return decision
