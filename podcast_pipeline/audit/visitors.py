"""Visitors, their requests, and the check of every response."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from podcast_pipeline.audit.finding import (
    EPISODE_LINK_PATTERN,
    STUDENT_LINK_PATTERN,
    TOKEN_PATTERN,
    AuditFinding,
    redact,
)
from podcast_pipeline.audit.secrets import (
    RestrictedText,
    check_presigned_urls,
    check_withdrawn,
    leak_message,
)
from podcast_pipeline.errors import ConfigError
from podcast_pipeline.model.media_types import is_public_type

VisitorKind = Literal[
    "active", "lapsed", "suspended", "rotated", "removed",
    "anonymous", "made-up token", "token of another show", "expired session",
]  # fmt: skip

STRANGERS: tuple[VisitorKind, ...] = (
    "anonymous",
    "made-up token",
    "token of another show",
    "expired session",
)
LONGEST_BODY_BYTES = 1 << 20
"""The limit of a response: of an audio file its tags. `storage` reads the end of public files too."""


@dataclass(frozen=True)
class AuditResponse:
    """An HTTP response, its body truncated to LONGEST_BODY_BYTES.

    Attributes:
        url: as requested, with its token.
        headers: names in lower case.
    """

    url: str
    method: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def is_text(self) -> bool:
        """Whether the body could contain links."""
        return not self.headers.get("content-type", "").startswith(("audio/", "image/"))

    @cached_property
    def head(self) -> bytes:
        """The headers, without Date."""
        lines = (f"{name}: {value}" for name, value in self.headers.items() if name != "date")
        return "\n".join(lines).encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class AuditVisitor:
    """A visitor with a cookie jar of their own.

    Attributes:
        client: follows no redirects.
        token: of a private feed; None for a visitor without one.
        episode_token: returns the token of the visitor's link to the episode with an id.
    """

    who: VisitorKind
    client: httpx.Client = field(repr=False)
    token: str | None = field(default=None, repr=False)
    episode_token: Callable[[UUID], str] | None = field(default=None, repr=False)

    @property
    def is_active(self) -> bool:
        """Whether the visitor has paid."""
        return self.who == "active"

    def request(self, url: str, *, method: str = "GET", **headers: str) -> AuditResponse:
        """Send a request, and read at most about LONGEST_BODY_BYTES.

        Args:
            headers: names with underscores for hyphens.

        Raises:
            ConfigError: the site does not answer.
        """
        request_headers = {name.replace("_", "-"): value for name, value in headers.items()}
        body = bytearray()
        try:
            with self.client.stream(method, url, headers=request_headers) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) >= LONGEST_BODY_BYTES:
                        break
        except httpx.TransportError as error:
            origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
            message = f"does not answer ({type(error).__name__}); start `podcast serve`, or correct [urls]"
            raise ConfigError(origin, message) from error
        response_headers = {name.lower(): value for name, value in response.headers.items()}
        return AuditResponse(url, method, response.status_code, response_headers, bytes(body))


def check_response(
    visitor: AuditVisitor, response: AuditResponse, secrets: RestrictedText
) -> Iterator[AuditFinding]:
    """Find secrets that this visitor must not see at any URL, and server errors."""
    who, where = visitor.who, redact(response.url)
    parts = (response.head, response.body)
    for run in filter(None, (secrets.find_leak(part, is_active=visitor.is_active) for part in parts)):
        yield AuditFinding(
            "P3" if visitor.is_active or who in STRANGERS else "P5", who, where, leak_message(run)
        )
    for part in parts:
        yield from check_withdrawn(secrets, part, who=who, where=where)
    text = b"\n\n".join(parts).decode("latin-1")
    foreign_tokens = set(TOKEN_PATTERN.findall(text)) - {visitor.token}
    if foreign_tokens:
        yield AuditFinding(
            "P5", who, where, "contains another subscriber's token; no cache may mix subscribers up"
        )
    elif visitor.token and visitor.token in text and not _is_private_feed(visitor, response):
        yield AuditFinding("P8", who, where, "shows the token outside of the private feed")
    yield from _check_episode_links(visitor, response, text)
    if STUDENT_LINK_PATTERN.search(text):
        yield AuditFinding("P8", who, where, "shows a student's link, which belongs into the mail alone")
    if response.status >= 500:
        yield AuditFinding("H4", who, where, f"answered {response.status}")
    yield from check_presigned_urls(text, who=who, where=where)


def check_public_type(visitor: AuditVisitor, response: AuditResponse, key: str) -> Iterator[AuditFinding]:
    """Find a public object that is delivered as a type that we do not make, in which a script could run."""
    content_type = response.headers.get("content-type", "")
    if response.status == 200 and not is_public_type(key, content_type):
        message = f"is delivered as “{content_type}”, a type that we do not make"
        yield AuditFinding("H6", visitor.who, redact(response.url), message)


def _check_episode_links(visitor: AuditVisitor, response: AuditResponse, text: str) -> Iterator[AuditFinding]:
    """Find one-episode links anywhere but in the notes of their owner's feed."""
    selectors = {token.partition(".")[0] for token in EPISODE_LINK_PATTERN.findall(text)}
    where = redact(response.url)
    if selectors - {(visitor.token or "").partition(".")[0]}:
        yield AuditFinding("P5", visitor.who, where, "contains another subscriber's one-episode link")
    elif selectors and not response.url.endswith(f"/feeds/{visitor.token}/feed.xml"):
        yield AuditFinding("P8", visitor.who, where, "shows the one-episode link outside of the private feed")


def _is_private_feed(visitor: AuditVisitor, response: AuditResponse) -> bool:
    return response.status < 400 and f"/feeds/{visitor.token}/" in response.url
