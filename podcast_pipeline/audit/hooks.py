"""Checks that no hook of a membership site takes an event that nobody has signed (rule P12)."""

from collections.abc import Iterator

from podcast_pipeline.audit.finding import AuditFinding, redact
from podcast_pipeline.audit.secrets import RestrictedText
from podcast_pipeline.audit.visitors import AuditVisitor, check_response
from podcast_pipeline.model.catalog import Catalog

HOOKS = ("stripe", "generic", "memberful", "made-up")
REFUSALS = (401, 404, 429)
"""Not signed, not there, too often. 400 would mean that the body was read before its signature."""


def check_hooks(visitor: AuditVisitor, catalog: Catalog, secrets: RestrictedText) -> Iterator[AuditFinding]:
    """Send an unsigned event to each hook, also to those that are not set up."""
    for name in HOOKS:
        answer = visitor.request(f"{catalog.show.site_url}/hooks/{name}", method="POST")
        yield from check_response(visitor, answer, secrets)
        if answer.status not in REFUSALS:
            message = f"answered {answer.status} to an event that nobody has signed"
            yield AuditFinding("P12", visitor.who, redact(answer.url), message)
