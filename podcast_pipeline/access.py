"""Who may see what: the only code that decides. Pure; the table is in docs/explanation/access.md."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from podcast_pipeline.model import Episode, FeedToken, Subscriber, TranscriptVersion

Resource = Literal["public", "private_feed", "file", "page", "search", "episode_link"]
"""public: the public feed, public audio, art, chapters. file: a transcript, a download, or the audio
and chapters of a subscriber-only episode. episode_link: a one-episode link; Allow lets this browser read
the episode's page and files."""

Standing = Literal["anonymous", "active", "lapsed", "suspended", "rotated", "removed"]

TOKEN_GRACE = timedelta(days=30)
"""How long a rotated-out or removed token still gets a notice."""


@dataclass(frozen=True)
class Visitor:
    """Who asks: an anonymous visitor, or a subscriber by a token or a session."""

    subscriber: Subscriber | None = None
    token: FeedToken | None = None

    def standing(self, now: datetime) -> Standing:
        """Return the standing: a rotated-out token counts before the subscriber's state.

        Removal counts only where it came before the rotation: a later one must not give a token that was
        rotated out long ago a new notice.
        """
        if self.subscriber is None:
            return "anonymous"
        rotated_at = self.token.rotated_at if self.token else None
        removed_at = self.subscriber.removed_at
        if rotated_at is not None and (removed_at is None or rotated_at < removed_at):
            return "rotated"
        return self.subscriber.state(now)

    def standing_since(self, now: datetime) -> datetime | None:
        """Return the instant that caused the standing."""
        if self.subscriber is None:
            return None
        if self.standing(now) == "rotated" and self.token is not None:
            return self.token.rotated_at
        return self.subscriber.state_since(now)


ANONYMOUS = Visitor()


@dataclass(frozen=True)
class AccessPolicy:
    """The settings of show.toml about access.

    Attributes:
        renew_url: the page to renew or subscribe at, if there is one.
    """

    renew_url: str | None
    token_grace: timedelta = TOKEN_GRACE


@dataclass(frozen=True)
class Allow:
    """Everything."""


@dataclass(frozen=True)
class Teaser:
    """The public part, and how to subscribe or renew."""

    standing: Standing


@dataclass(frozen=True)
class FeedWithNotice:
    """The private feed without transcripts and with one item that says why and how to renew."""

    standing: Standing
    since: datetime


@dataclass(frozen=True)
class Deny:
    """An error status and one line for a person; never 200.

    Attributes:
        standing: of a subscriber who may not, or no longer; None where nobody is known.
        is_withdrawn: a version of a transcript was withdrawn; the episode may still be there.
    """

    status: Literal[403, 404, 410]
    message: str = "not found"
    standing: Standing | None = None
    is_withdrawn: bool = False


Decision = Allow | Teaser | FeedWithNotice | Deny

NOT_FOUND = Deny(404)


def decide(
    visitor: Visitor,
    episode: Episode | None,
    resource: Resource,
    *,
    policy: AccessPolicy,
    now: datetime,
    withdrawn: TranscriptVersion | None = None,
) -> Decision:
    """Decide what a visitor gets of a resource.

    Args:
        episode: the one asked for; None for what belongs to the whole show.
        withdrawn: the version of the transcript that was asked for, where it was withdrawn.

    Source: docs/explanation/access.md, the table.
    """
    if resource == "episode_link" and visitor.subscriber is None:
        return NOT_FOUND
    if withdrawn is not None and episode is not None and episode.state != "scheduled":
        return _decide_withdrawn(visitor, episode, resource, withdrawn, policy=policy, now=now)
    if episode is not None and episode.state == "scheduled":
        return NOT_FOUND
    if episode is not None and episode.state == "unpublished":
        return Deny(410, "this episode was taken down") if resource in ("page", "episode_link") else NOT_FOUND
    if resource == "public":
        return NOT_FOUND if episode is not None and episode.access == "subscribers" else Allow()
    if episode is not None and episode.transcript_is_public and resource in ("file", "page"):
        return Allow()
    standing = visitor.standing(now)
    if standing == "active":
        return Allow()
    if standing == "anonymous":
        return Teaser(standing) if resource in ("page", "search") else NOT_FOUND
    return _decide_inactive(visitor, standing, resource, policy=policy, now=now)


def _decide_inactive(
    visitor: Visitor, standing: Standing, resource: Resource, *, policy: AccessPolicy, now: datetime
) -> Decision:
    since = visitor.standing_since(now) or now
    expired = standing in ("rotated", "removed") and now - since > policy.token_grace
    if resource in ("page", "search", "episode_link"):
        return Teaser("anonymous" if expired else standing)
    if expired:
        return NOT_FOUND
    if resource == "private_feed":
        return FeedWithNotice(standing, since)
    return Deny(403, denial_message(standing, policy), standing)


def _decide_withdrawn(
    visitor: Visitor,
    episode: Episode,
    resource: Resource,
    withdrawn: TranscriptVersion,
    *,
    policy: AccessPolicy,
    now: datetime,
) -> Decision:
    """Say to a subscriber what became of a version; to all others it is one that never was."""
    standing = visitor.standing(now)
    if standing == "active":
        return Deny(410, withdrawal_message(withdrawn), is_withdrawn=True)
    if standing in ("lapsed", "suspended"):
        return Deny(403, denial_message(standing, policy), standing)
    made_up = decide(visitor, episode, resource, policy=policy, now=now)
    if not isinstance(made_up, Allow):
        return made_up
    return Teaser(standing) if resource == "page" and episode.transcript is None else NOT_FOUND


def withdrawal_message(withdrawn: TranscriptVersion) -> str:
    """Return the line that says when a version was withdrawn, and why where readers may know it."""
    line = f"this version of the transcript was withdrawn on {withdrawn.withdrawn_at:%Y-%m-%d}"
    reason = withdrawn.withdrawal_reason.rstrip(". ")  # the page ends the sentence
    return f"{line}: {reason}" if reason else line


def denial_message(standing: Standing, policy: AccessPolicy) -> str:
    """Return the line that says why there is no transcript and what to do."""
    if policy.renew_url is None:
        return {
            "lapsed": "your subscription has ended; ask the newsroom to renew it",
            "suspended": "your subscription is suspended; ask the newsroom",
            "rotated": "this private link was replaced; ask the newsroom for the new one",
            "removed": "this subscription was ended; ask the newsroom to subscribe again",
        }.get(standing, "transcripts are for subscribers")
    return {
        "lapsed": f"your subscription has ended; renew it at {policy.renew_url}",
        "suspended": f"your subscription is suspended; see {policy.renew_url}",
        "rotated": f"this private link was replaced; ask for the new one at {policy.renew_url}",
        "removed": f"this subscription was ended; subscribe again at {policy.renew_url}",
    }.get(standing, f"transcripts are for subscribers; subscribe at {policy.renew_url}")
