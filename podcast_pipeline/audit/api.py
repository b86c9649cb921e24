"""Checks that the REST API answers nobody without a key, and no page of another site (rule P13)."""

from collections.abc import Iterator

from podcast_pipeline.audit.finding import AuditFinding, redact
from podcast_pipeline.audit.secrets import RestrictedText
from podcast_pipeline.audit.visitors import AuditResponse, AuditVisitor, check_response
from podcast_pipeline.model.catalog import Catalog

NOBODY = "00000000-0000-7000-8000-000000000000"
CALLS = (
    ("GET", "/api/v1/subscribers"),
    ("POST", "/api/v1/subscribers"),
    ("POST", "/api/v1/subscribers/find"),
    ("GET", f"/api/v1/subscribers/{NOBODY}"),
    ("POST", f"/api/v1/subscribers/{NOBODY}/rotate"),
    ("GET", "/api/v1/events"),
)
MADE_UP_KEY = f"pk_{'a' * 16}.{'a' * 40}"
REFUSALS = (401, 404, 429)
"""No key, an older server without the API, too often."""


def check_api(visitor: AuditVisitor, catalog: Catalog, secrets: RestrictedText) -> Iterator[AuditFinding]:
    """Ask each operation without a key and with a made-up one, and read the description."""
    site_url = catalog.show.site_url
    for method, path in CALLS:
        for headers in ({}, {"authorization": f"Bearer {MADE_UP_KEY}"}):
            answer = visitor.request(
                f"{site_url}{path}", method=method, origin="https://example.org", **headers
            )
            yield from _check_answer(visitor, answer, secrets)
            if answer.status not in REFUSALS:
                message = f"answered {answer.status} to a request without a valid key"
                yield AuditFinding("P13", visitor.who, redact(answer.url), message)
    yield from _check_answer(visitor, visitor.request(f"{site_url}/api/openapi.json"), secrets)


def _check_answer(
    visitor: AuditVisitor, answer: AuditResponse, secrets: RestrictedText
) -> Iterator[AuditFinding]:
    yield from check_response(visitor, answer, secrets)
    opened = [name for name in answer.headers if name in ("set-cookie", "access-control-allow-origin")]
    for name in opened:
        yield AuditFinding("P13", visitor.who, redact(answer.url), f"has the header {name}")
