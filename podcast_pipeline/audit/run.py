"""The whole walk, from outside."""

from collections.abc import Iterator
from dataclasses import dataclass

from podcast_pipeline.audit.feeds import check_feed
from podcast_pipeline.audit.finding import Finding
from podcast_pipeline.audit.pages import Walk
from podcast_pipeline.audit.secrets import Secrets
from podcast_pipeline.audit.storage import check_storage
from podcast_pipeline.audit.visitors import Visitor
from podcast_pipeline.model import Progress, Report
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.storage import Reader


@dataclass(frozen=True)
class Target:
    """A show, and who walks over it.

    Attributes:
        anybody: the store without credentials.
        keys: of every object in it.
        visitors: in the order of their visits; who has paid comes first, so that a cache that mixes
            visitors up has something to give to the others.
    """

    catalog: Catalog
    secrets: Secrets
    anybody: Reader
    keys: tuple[str, ...]
    visitors: tuple[Visitor, ...]


def audit(target: Target, *, report: Report) -> tuple[Finding, ...]:
    """Walk over a show and return everything that is open or broken, each once, in order.

    Raises:
        ConfigError: the site does not answer.
    """
    findings: list[Finding] = []
    total = len(target.visitors) + 1
    for done, visitor in enumerate(target.visitors):
        report(Progress(step="audit", done=done, total=total, unit="steps"))
        findings += _visit(visitor, target)
    findings += check_storage(target.anybody, target.keys, target.secrets)
    report(Progress(step="audit", done=total, total=total, unit="steps"))
    return tuple(sorted(set(findings)))


def _visit(visitor: Visitor, target: Target) -> Iterator[Finding]:
    if visitor.token:
        yield from check_feed(visitor, target.catalog, target.secrets)
    walk = Walk(visitor, target.catalog, target.secrets)
    yield from walk.everything()
    if visitor.who == "anonymous":
        yield from walk.private_keys(tuple(key for key in target.keys if key.startswith("private/")))
