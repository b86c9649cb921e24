"""`podcast audit`: collect the catalog, test subscribers and log files, run the audit, print findings."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid5

import typer

from podcast_pipeline.cli.exit_codes import PROBLEMS
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import EpisodeError, SubscriberError

if TYPE_CHECKING:
    import httpx

    from podcast_pipeline.audience.subscribers import Subscribers
    from podcast_pipeline.audience.subscribers.sessions import BrowserSessions
    from podcast_pipeline.audit import AuditTarget, AuditVisitor, RestrictedText
    from podcast_pipeline.model.catalog import Catalog
    from podcast_pipeline.storage import Store

TIMEOUT_S = 30.0
KEEPALIVE_S = 2.0  # below uvicorn's 5 s, so that no request meets a connection that is being closed


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(audit)


def audit(
    context: typer.Context,
    log: Annotated[
        list[Path] | None,
        typer.Option(
            help="A log file to search for secrets (podcast serve, nginx, bucket); may be repeated."
        ),
    ] = None,
    mail: Annotated[
        list[Path] | None, typer.Option(help="A folder of mails to search for secrets; may be repeated.")
    ] = None,
) -> None:
    """Check the running site and the bucket from outside for leaks and broken links.

    Visits the site of show.toml, which must be running, anonymously, with made-up tokens, and as test
    subscribers in every state; reads the bucket without credentials. Exit code 3 on findings.
    """
    from podcast_pipeline.audit import run_audit
    from podcast_pipeline.audit.logs_and_mail import check_log_file, check_mail_folder

    session: CliSession = context.obj
    with ExitStack() as stack:
        target = _target(session, stack)
        findings = list(run_audit(target, report=session.output.report_in_lines))
    for path in log or ():
        findings += check_log_file(path, target.secrets)
    for folder in mail or ():
        findings += check_mail_folder(folder, target.secrets, _active_subscriber_test(session))
    lines = [f"{f.rule} {f.who}: {f.where}: {f.message}" for f in findings]
    summary = f"{len(findings)} findings" if findings else "no leak, no broken link"
    session.output.result({"findings": [vars(f) for f in findings]}, [*lines, summary])
    if findings:
        raise typer.Exit(PROBLEMS)


def _target(session: CliSession, stack: ExitStack) -> "AuditTarget":
    import httpx

    from podcast_pipeline.audit import AuditTarget
    from podcast_pipeline.storage.published import read_catalog

    catalog, _ = read_catalog(session.store)
    if catalog is None:
        raise EpisodeError("catalog", "nothing was published yet; run `podcast publish`")
    limits = httpx.Limits(keepalive_expiry=KEEPALIVE_S)
    visitors = audit_visitors(
        session.subscribers,
        session.sessions,
        now=session.clock(),
        make_client=lambda: stack.enter_context(httpx.Client(timeout=TIMEOUT_S, limits=limits)),
    )
    return AuditTarget(
        catalog=catalog,
        secrets=load_secrets(catalog, session.store),
        anonymous_store=session.store.anonymous(),
        keys=list_keys(session.store),
        visitors=tuple(visitors),
    )


def list_keys(store: "Store") -> tuple[str, ...]:
    """Return the keys of all objects."""
    return tuple(info.key for prefix in ("private/", "public/") for info in store.list(prefix))


def load_secrets(catalog: "Catalog", store: "Store") -> "RestrictedText":
    """Return a show's restricted text, from its stored transcripts."""
    from podcast_pipeline.audit import RestrictedText
    from podcast_pipeline.audit.secrets import document_keys
    from podcast_pipeline.model.catalog import transcript_from_json

    keys = document_keys(catalog.episodes)
    return RestrictedText.from_catalog(
        catalog, {key: transcript_from_json(store.get(key)[1], key) for key in keys}
    )


def audit_visitors(
    subscribers: "Subscribers",
    sessions: "BrowserSessions",
    *,
    now: datetime,
    make_client: "Callable[[], httpx.Client]",
) -> "Iterator[AuditVisitor]":
    """Yield the visitors, each with its own client: canaries, the active one first, then strangers."""
    from podcast_pipeline.audience.subscribers import Subscribers
    from podcast_pipeline.audience.subscribers.canaries import ensure_canaries
    from podcast_pipeline.audience.subscribers.episode_links import EpisodeLinks
    from podcast_pipeline.audience.subscribers.sessions import SESSION_LIFETIME
    from podcast_pipeline.audience.subscribers.tokens import new_selector, to_episode_token, to_token
    from podcast_pipeline.audit import AuditVisitor

    canaries, links = ensure_canaries(subscribers, now=now), EpisodeLinks(subscribers)
    for state, (_, token) in canaries.items():
        yield AuditVisitor(state, make_client(), token, partial(links.token, token.partition(".")[0]))
    yield AuditVisitor("anonymous", make_client())
    selector, key = new_selector(), b"not the key"
    forged = partial(to_episode_token, selector, key=key)
    yield AuditVisitor("made-up token", make_client(), to_token(selector, key), forged)
    other_show = Subscribers(
        subscribers.engine, show_id=uuid5(subscribers.show_id, "audit"), secret_key=subscribers.secret_key
    )
    token = ensure_canaries(other_show, now=now)["active"][1]
    their_links = partial(links.token, token.partition(".")[0])
    yield AuditVisitor("token of another show", make_client(), token, their_links)
    opened_at = now - SESSION_LIFETIME - timedelta(days=1)
    cookie = sessions.open(canaries["active"][0].id, scope="reading", selector=None, now=opened_at)
    client = make_client()
    client.headers["cookie"] = f"session={cookie}; __Host-session={cookie}"  # over HTTP and behind TLS
    yield AuditVisitor("expired session", client)


def _active_subscriber_test(session: CliSession) -> Callable[[str], bool]:
    def is_active(address: str) -> bool:
        try:
            return session.subscribers.get(address).state(session.clock()) == "active"
        except SubscriberError:
            return False

    return is_active
