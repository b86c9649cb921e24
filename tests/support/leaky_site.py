"""A web site that leaks: real responses altered by a middleware, and the audit of such a site."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import httpx
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from podcast_pipeline.audience.students.proofs import StudentProofs
from podcast_pipeline.audit import AuditFinding, AuditTarget, VisitorKind, run_audit
from podcast_pipeline.cli.commands.audit import audit_visitors, list_keys, load_secrets
from podcast_pipeline.model import Chapter
from tests.support.site import INTERVIEW, Site, transcript_of

FLAGSHIP = "the-water-was-always-coming"
LASTS_S = 2.0  # short: the tests read words, not audio
SECRET = "A: Only those who pay may hear how the seventh gauge was drowned on purpose in the spring flood."
BONUS = f"A: {'word after word nobody else has said before tonight ' * 3}. {SECRET}"
FUTURE = "A: Tomorrow we will tell a story about nine bridges and the tenth that was never built at all."
WITHDRAWN = "A: This withdrawn hour held a sentence that its speaker wanted back before the ink had dried."


@dataclass(frozen=True)
class Reply:
    """A response before it is sent."""

    status: int
    headers: dict[str, str]
    body: bytes

    def with_body(self, body: bytes, **headers: str) -> "Reply":
        """Return the response with another body and more headers."""
        return replace(self, body=body, headers={**self.headers, **headers})


Change = Callable[[Scope, Reply], Reply]


class AlteredResponses:
    """ASGI middleware that alters complete responses."""

    def __init__(self, app: ASGIApp, change: Change) -> None:
        self.app = app
        self.change = change

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Collect the app's response, alter it and send the result."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers: dict[str, str] = {}
        status, body = 500, bytearray()

        async def collect(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            headers.update({k.decode(): v.decode() for k, v in message.get("headers", ())})
            body.extend(message.get("body", b""))

        plain = [(k, v) for k, v in scope["headers"] if k != b"accept-encoding"]
        await self.app({**scope, "headers": plain}, receive, collect)
        reply = self.change(scope, Reply(status, headers, bytes(body)))
        kept = {k: v for k, v in reply.headers.items() if k != "content-length"}
        raw = [(k.encode(), v.encode()) for k, v in kept.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else reply.body})


def unaltered(_: Scope, reply: Reply) -> Reply:
    """Return the response as it is."""
    return reply


def make_site(folder: Path) -> Site:
    """Return a show with an episode in every state, and an episode for subscribers only."""
    site = Site.make(folder)
    text = INTERVIEW.read_text(encoding="utf-8")
    first, second = text.replace("Marchetti", "Marketti"), text
    site.publish(
        FLAGSHIP,
        transcript_of(first, duration_s=LASTS_S),
        transcript_of(second, duration_s=LASTS_S, version=2),
        notes="What the **memos** said.",
        chapters=(Chapter(start_s=0, title="Two memos"),),
    )
    for slug, words, fields in (
        ("bonus", BONUS, {"access": "subscribers", "days_ago": 2}),
        ("tomorrow", FUTURE, {"state": "scheduled", "days_ago": -1, "published_at": None}),
        ("withdrawn", WITHDRAWN, {"state": "unpublished", "days_ago": 3}),
    ):
        site.publish(slug, transcript_of(words, duration_s=LASTS_S), **{"teaser": "", **fields})  # type: ignore[arg-type]
    return site


@contextmanager
def audit_target(site: Site, change: Change = unaltered) -> Iterator[AuditTarget]:
    """Yield the target of an audit of this site, with a client for every visitor."""
    proofs = StudentProofs(site.subscribers.engine, show_id=site.config.show.id, secret_key=b"k" * 32)
    app = AlteredResponses(site.app(students=proofs), change)
    with ExitStack() as stack:

        def client() -> httpx.Client:
            made = TestClient(app, base_url=site.config.urls.site, follow_redirects=False)
            return cast("httpx.Client", stack.enter_context(made))  # the same face

        yield AuditTarget(
            catalog=site.catalog,
            secrets=load_secrets(site.catalog, site.store),
            anonymous_store=site.store.anonymous(),
            keys=list_keys(site.store),
            visitors=tuple(
                audit_visitors(site.subscribers, site.sessions, now=site.clock(), make_client=client)
            ),
        )


def audit_findings(
    site: Site, change: Change = unaltered, *, who: tuple[VisitorKind, ...] = ()
) -> tuple[AuditFinding, ...]:
    """Audit a site whose responses are altered, as the visitors `who`, or as all of them."""
    with audit_target(site, change) as target:
        some = tuple(visitor for visitor in target.visitors if not who or visitor.who in who)
        return run_audit(replace(target, visitors=some), report=lambda _: None)
