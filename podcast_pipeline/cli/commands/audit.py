"""`podcast audit`: brings the show, the canaries and the papers to the audit, and prints what it finds."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid5

import typer

from podcast_pipeline.cli import PROBLEMS
from podcast_pipeline.cli.session import Session
from podcast_pipeline.errors import EpisodeError, SubscriberError

if TYPE_CHECKING:
    import httpx

    from podcast_pipeline.audience.subscribers import Subscribers
    from podcast_pipeline.audience.subscribers.sessions import Sessions
    from podcast_pipeline.audit import Secrets, Target, Visitor
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
    from podcast_pipeline.audit import audit as walk
    from podcast_pipeline.audit.logs_and_mail import read_log, read_mails

    session: Session = context.obj
    with ExitStack() as stack:
        target = _target(session, stack)
        found = list(walk(target, report=session.output.report))
    for path in log or ():
        found += read_log(path, target.secrets)
    for folder in mail or ():
        found += read_mails(folder, target.secrets, _may_read(session))
    lines = [f"{f.rule} {f.who}: {f.where}: {f.message}" for f in found]
    summary = f"{len(found)} findings" if found else "nothing is open that should not be, no link is broken"
    session.output.result({"findings": [vars(f) for f in found]}, [*lines, summary])
    if found:
        raise typer.Exit(PROBLEMS)


def _target(session: Session, stack: ExitStack) -> "Target":
    import httpx

    from podcast_pipeline.audit import Target
    from podcast_pipeline.storage.published import read_catalog

    catalog, _ = read_catalog(session.store)
    if catalog is None:
        raise EpisodeError("catalog", "nothing was published yet; run `podcast publish`")
    limits = httpx.Limits(keepalive_expiry=KEPT_ALIVE_S)
    walkers = visitors(
        session.subscribers,
        session.sessions,
        now=session.clock(),
        client=lambda: stack.enter_context(httpx.Client(timeout=TIMEOUT_S, limits=limits)),
    )
    return Target(
        catalog=catalog,
        secrets=secrets_of(catalog, session.store),
        anybody=session.store.anonymous(),
        keys=keys_of(session.store),
        visitors=tuple(walkers),
    )


def keys_of(store: "Store") -> tuple[str, ...]:
    """Return every key there is."""
    return tuple(info.key for prefix in ("private/", "public/") for info in store.list(prefix))


def secrets_of(catalog: "Catalog", store: "Store") -> "Secrets":
    """Return what may not be seen of a show, from its documents."""
    from podcast_pipeline.audit import Secrets
    from podcast_pipeline.audit.secrets import document_keys
    from podcast_pipeline.model.catalog import transcript_from_json

    keys = document_keys(catalog.episodes)
    return Secrets.of(catalog, {key: transcript_from_json(store.get(key)[1], key) for key in keys})


def visitors(
    people: "Subscribers", sessions: "Sessions", *, now: datetime, client: "Callable[[], httpx.Client]"
) -> "Iterator[Visitor]":
    """Yield who walks: the canaries, who has paid first, and strangers; each with a client of their own."""
    from podcast_pipeline.audience.subscribers import Subscribers
    from podcast_pipeline.audience.subscribers.canaries import canaries
    from podcast_pipeline.audience.subscribers.sessions import LASTS
    from podcast_pipeline.audience.subscribers.tokens import new_selector, to_token
    from podcast_pipeline.audit import Visitor

    made = canaries(people, now=now)
    for state, (_, token) in made.items():
        yield Visitor(state, client(), token)
    yield Visitor("anonymous", client())
    yield Visitor("made-up token", client(), to_token(new_selector(), b"not the key"))
    neighbour = Subscribers(
        people.engine, show_id=uuid5(people.show_id, "audit"), secret_key=people.secret_key
    )
    yield Visitor("token of another show", client(), canaries(neighbour, now=now)["active"][1])
    opened = now - LASTS - timedelta(days=1)
    cookie = sessions.open(made["active"][0].id, scope="reading", selector=None, now=opened)
    late = client()
    late.headers["cookie"] = f"session={cookie}; __Host-session={cookie}"  # over HTTP and behind TLS
    yield Visitor("expired session", late)


def _may_read(session: Session) -> Callable[[str], bool]:
    def may_read(address: str) -> bool:
        try:
            return session.subscribers.get(address).state(session.clock()) == "active"
        except SubscriberError:
            return False

    return may_read
