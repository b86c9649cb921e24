"""Who asks, and the one place where a decision of `access` becomes an answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from starlette.requests import Request

from podcast_pipeline.access import (
    ANONYMOUS,
    Allow,
    Deny,
    Notice,
    Policy,
    Resource,
    Teaser,
    Visitor,
    decide,
)
from podcast_pipeline.model import Episode
from podcast_pipeline.web.rate_limit import GUESSES, Rates


class Tokens(Protocol):
    """Knows subscribers by their feed token."""

    def visitor(self, token: str) -> Visitor | None:
        """Return who holds this token, None for nobody; takes as long either way."""


class Refused(Exception):
    """A decision against the visitor; `app` answers it."""

    def __init__(self, deny: Deny) -> None:
        super().__init__(deny.status)
        self.deny = deny


@dataclass(frozen=True)
class Gate:
    """Asks `access.decide` for every answer that is not public to all."""

    policy: Policy
    clock: Callable[[], datetime]
    tokens: Tokens
    rates: Rates

    def by_token(self, request: Request) -> Visitor:
        """Return the holder of the token in the path; who tries many that nobody has is told to wait."""
        visitor = self.tokens.visitor(request.path_params["token"])
        if visitor is None:
            self.rates.count(request, GUESSES)
        return visitor or ANONYMOUS

    def admit(self, visitor: Visitor, episode: Episode | None, resource: Resource) -> Allow | Teaser | Notice:
        """Return what the visitor gets; raises Refused where that is nothing."""
        decision = decide(visitor, episode, resource, policy=self.policy, now=self.clock())
        if isinstance(decision, Deny):
            raise Refused(decision)
        return decision
