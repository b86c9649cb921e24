"""Visitors, and what they are answered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal
from urllib.parse import urlsplit

import httpx

from podcast_pipeline.audit.finding import TOKEN_PATTERN, AuditFinding, redact
from podcast_pipeline.audit.secrets import RestrictedText, check_presigned_urls, leak_message
from podcast_pipeline.errors import ConfigError

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
"""Of an audio file no more is read here: its tags. `storage` reads public ones to their end."""


@dataclass(frozen=True)
class AuditResponse:
    """What came back.

    Attributes:
        url: as it was asked, with its token.
        headers: names in lower case.
    """

    url: str
    method: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def is_text(self) -> bool:
        """Whether links could be in it."""
        return not self.headers.get("content-type", "").startswith(("audio/", "image/"))

    @cached_property
    def head(self) -> bytes:
        """The headers, without the time of the answer."""
        lines = (f"{name}: {value}" for name, value in self.headers.items() if name != "date")
        return "\n".join(lines).encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class AuditVisitor:
    """Somebody who asks, with a cookie jar of their own.

    Attributes:
        client: follows no redirects.
        token: of a private feed; None for who has none.
    """

    who: VisitorKind
    client: httpx.Client = field(repr=False)
    token: str | None = field(default=None, repr=False)

    @property
    def is_active(self) -> bool:
        """Whether they have paid."""
        return self.who == "active"

    def request(self, url: str, *, method: str = "GET", **headers: str) -> AuditResponse:
        """Ask, and read at most LONGEST_BODY_BYTES.

        Args:
            headers: underscores for hyphens.

        Raises:
            ConfigError: nobody answers at that address.
        """
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        body = bytearray()
        try:
            with self.client.stream(method, url, headers=said) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) >= LONGEST_BODY_BYTES:
                        break
        except httpx.TransportError as error:
            place = "{0.scheme}://{0.netloc}".format(urlsplit(url))
            line = f"does not answer ({type(error).__name__}); start `podcast serve`, or correct [urls]"
            raise ConfigError(place, line) from error
        lowered = {name.lower(): value for name, value in response.headers.items()}
        return AuditResponse(url, method, response.status_code, lowered, bytes(body))


def check_response(
    visitor: AuditVisitor, response: AuditResponse, secrets: RestrictedText
) -> Iterator[AuditFinding]:
    """Find what this visitor must not be told, by whatever address."""
    who, where = visitor.who, redact(response.url)
    places = (response.head, response.body)
    for run in filter(None, (secrets.find_leak(place, is_active=visitor.is_active) for place in places)):
        yield AuditFinding(
            "P3" if visitor.is_active or who in STRANGERS else "P5", who, where, leak_message(run)
        )
    text = b"\n\n".join(places).decode("latin-1")
    shown = set(TOKEN_PATTERN.findall(text)) - {visitor.token}
    if shown:
        yield AuditFinding("P5", who, where, "holds somebody else's token; no cache may mix subscribers up")
    elif visitor.token and visitor.token in text and not _is_at_home(visitor, response):
        yield AuditFinding("P8", who, where, "shows the token outside of the private feed")
    if response.status >= 500:
        yield AuditFinding("H4", who, where, f"answered {response.status}")
    yield from check_presigned_urls(text, who=who, where=where)


def _is_at_home(visitor: AuditVisitor, answer: AuditResponse) -> bool:
    return answer.status < 400 and f"/feeds/{visitor.token}/" in answer.url
