"""`podcast audit`: brings the show, the canaries and the papers to the audit, and prints what it finds."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
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
KEPT_ALIVE_S = 2  # less than the 5 s after which uvicorn closes: a question must not meet the closing


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(audit)


def audit(
    context: typer.Context,
    log: Annotated[
        list[Path] | None,
        typer.Option(help="A log file to read as well (ours, nginx's, the bucket's); may be repeated."),
    ] = None,
    mail: Annotated[
        list[Path] | None, typer.Option(help="A folder of mails to read as well; may be repeated.")
    ] = None,
) -> None:
    """Look from outside for what is open to somebody who may not have it, and for broken links.

    Asks the site of show.toml, which must be running, as nobody, with made-up tokens, and as subscribers
    of its own in every state; reads the bucket without credentials. Exit code 3 when it finds something.
    """
    from podcast_pipeline.audit import run_audit as walk
    from podcast_pipeline.audit.logs_and_mail import check_log_file, check_mail_folder

    session: CliSession = context.obj
    with ExitStack() as stack:
        target = _target(session, stack)
        found = list(walk(target, report=session.output.report))
    for path in log or ():
        found += check_log_file(path, target.secrets)
    for folder in mail or ():
        found += check_mail_folder(folder, target.secrets, _may_read(session))
    lines = [f"{f.rule} {f.who}: {f.where}: {f.message}" for f in found]
    summary = f"{len(found)} findings" if found else "nothing is open that should not be, no link is broken"
    session.output.result({"findings": [vars(f) for f in found]}, [*lines, summary])
    if found:
        raise typer.Exit(PROBLEMS)


def _target(session: CliSession, stack: ExitStack) -> "AuditTarget":
    import httpx

    from podcast_pipeline.audit import AuditTarget
    from podcast_pipeline.storage.published import read_catalog

    catalog, _ = read_catalog(session.store)
    if catalog is None:
        raise EpisodeError("catalog", "nothing was published yet; run `podcast publish`")
    limits = httpx.Limits(keepalive_expiry=KEPT_ALIVE_S)
    walkers = audit_visitors(
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
        visitors=tuple(walkers),
    )


def list_keys(store: "Store") -> tuple[str, ...]:
    """Return every key there is."""
    return tuple(info.key for prefix in ("private/", "public/") for info in store.list(prefix))


def load_secrets(catalog: "Catalog", store: "Store") -> "RestrictedText":
    """Return what may not be seen of a show, from its documents."""
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
    """Yield who walks: the canaries, who has paid first, and strangers; each with a client of their own."""
    from podcast_pipeline.audience.subscribers import Subscribers
    from podcast_pipeline.audience.subscribers.canaries import ensure_canaries
    from podcast_pipeline.audience.subscribers.sessions import SESSION_LIFETIME
    from podcast_pipeline.audience.subscribers.tokens import new_selector, to_token
    from podcast_pipeline.audit import AuditVisitor

    made = ensure_canaries(subscribers, now=now)
    for state, (_, token) in made.items():
        yield AuditVisitor(state, make_client(), token)
    yield AuditVisitor("anonymous", make_client())
    yield AuditVisitor("made-up token", make_client(), to_token(new_selector(), b"not the key"))
    neighbour = Subscribers(
        subscribers.engine, show_id=uuid5(subscribers.show_id, "audit"), secret_key=subscribers.secret_key
    )
    yield AuditVisitor(
        "token of another show", make_client(), ensure_canaries(neighbour, now=now)["active"][1]
    )
    opened = now - SESSION_LIFETIME - timedelta(days=1)
    cookie = sessions.open(made["active"][0].id, scope="reading", selector=None, now=opened)
    late = make_client()
    late.headers["cookie"] = f"session={cookie}; __Host-session={cookie}"  # over HTTP and behind TLS
    yield AuditVisitor("expired session", late)


def _may_read(session: CliSession) -> Callable[[str], bool]:
    def may_read(address: str) -> bool:
        try:
            return session.subscribers.get(address).state(session.clock()) == "active"
        except SubscriberError:
            return False

    return may_read
