"""Runs the whole audit, from outside."""

from collections.abc import Iterator
from dataclasses import dataclass

from podcast_pipeline.audit.api import check_api
from podcast_pipeline.audit.episode_links import check_episode_links
from podcast_pipeline.audit.feeds import check_private_feed
from podcast_pipeline.audit.finding import AuditFinding
from podcast_pipeline.audit.hooks import check_hooks
from podcast_pipeline.audit.pages import SiteCrawler
from podcast_pipeline.audit.secrets import RestrictedText
from podcast_pipeline.audit.storage import check_storage
from podcast_pipeline.audit.visitors import AuditVisitor
from podcast_pipeline.model import Progress, ProgressCallback
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.storage import ObjectReader


@dataclass(frozen=True)
class AuditTarget:
    """A show, and the visitors to audit it with.

    Attributes:
        anonymous_store: the store without credentials.
        keys: the keys of all its objects.
        visitors: in the order of their visits; the active subscriber comes first, so that a cache that mixes
            visitors up has an answer to leak to the others.
    """

    catalog: Catalog
    secrets: RestrictedText
    anonymous_store: ObjectReader
    keys: tuple[str, ...]
    visitors: tuple[AuditVisitor, ...]


def run_audit(target: AuditTarget, *, report: ProgressCallback) -> tuple[AuditFinding, ...]:
    """Audit a show and return all leaks and faults, without duplicates, sorted.

    Raises:
        ConfigError: the site does not answer.
    """
    findings: list[AuditFinding] = list(target.secrets.given_away)
    total = len(target.visitors) + 1
    report(Progress(step="audit", done=0, total=total, unit="steps"))
    for done, visitor in enumerate(target.visitors, start=1):
        findings += _audit_as(visitor, target)
        report(Progress(step="audit", done=done, total=total, unit="steps"))
    findings += check_storage(target.anonymous_store, target.keys, target.secrets, target.catalog)
    report(Progress(step="audit", done=total, total=total, unit="steps"))
    return tuple(sorted(set(findings)))


def _audit_as(visitor: AuditVisitor, target: AuditTarget) -> Iterator[AuditFinding]:
    if visitor.token:
        yield from check_private_feed(visitor, target.catalog, target.secrets)
    if visitor.episode_token:
        yield from check_episode_links(visitor, target.catalog, target.secrets)
    crawler = SiteCrawler(visitor, target.catalog, target.secrets)
    yield from crawler.crawl()
    if visitor.who == "anonymous":
        yield from check_hooks(visitor, target.catalog, target.secrets)
        yield from check_api(visitor, target.catalog, target.secrets)
        private_keys = tuple(key for key in target.keys if key.startswith("private/"))
        yield from crawler.probe_private_keys(private_keys)
        yield from crawler.check_public_types(tuple(key for key in target.keys if key.startswith("public/")))
