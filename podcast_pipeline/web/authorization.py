"""Authorization: the one place where the web site calls `access.decide`."""

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
from podcast_pipeline.model import Episode, TranscriptVersion
from podcast_pipeline.web.rate_limit import TOKEN_GUESS_LIMIT, RateLimiter


class TokenVerifier(Protocol):
    """Finds subscribers by their feed token."""

    def visitor(self, token: str) -> Visitor | None:
        """Return the token's holder or None, in the same time either way (against timing attacks)."""


class VisitorFinder(Protocol):
    """Finds out who asks for a page."""

    def needs_database(self, request: Request) -> bool:
        """Return whether the database has to be asked who the visitor is."""

    def visitor(self, request: Request) -> Visitor:
        """Return the visitor; an anonymous one where nobody is known."""


class ReaderFinder(Protocol):
    """Finds out who reads an episode."""

    def needs_database(self, request: Request) -> bool:
        """Return whether the database has to be asked who the reader is."""

    def reader(self, request: Request, episode: Episode) -> Visitor:
        """Return who asks for an episode; an anonymous visitor where nobody is known."""


class AccessDenied(Exception):
    """A decision against the visitor; `ErrorPages` renders it."""

    def __init__(self, deny: Deny) -> None:
        super().__init__(deny.status)
        self.deny = deny


@dataclass(frozen=True)
class Authorizer:
    """Calls `access.decide` for every response that is not public."""

    policy: AccessPolicy
    clock: Callable[[], datetime]
    token_verifier: TokenVerifier
    rate_limiter: RateLimiter

    def visitor_by_token(self, request: Request) -> Visitor:
        """Return the holder of the token in the path; unknown tokens count towards a rate limit."""
        return self.count_unknown(request, self.token_verifier.visitor(request.path_params["token"]))

    def count_unknown(self, request: Request, visitor: Visitor | None) -> Visitor:
        """Return the holder of a secret; an unknown secret is anonymous and counts towards a rate limit."""
        if visitor is None:
            self.rate_limiter.count(request, TOKEN_GUESS_LIMIT)
        return visitor or ANONYMOUS

    def authorize(
        self,
        visitor: Visitor,
        episode: Episode | None,
        resource: Resource,
        withdrawn: TranscriptVersion | None = None,
    ) -> Allow | Teaser | FeedWithNotice:
        """Return the decision for a visitor and a resource; raises AccessDenied for a Deny.

        Args:
            withdrawn: the version that was asked for, where it was withdrawn.
        """
        decision = decide(
            visitor, episode, resource, policy=self.policy, now=self.clock(), withdrawn=withdrawn
        )
        if isinstance(decision, Deny):
            raise AccessDenied(decision)
        return decision
