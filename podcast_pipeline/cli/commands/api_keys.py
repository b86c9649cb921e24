"""Commands on the keys of the REST API: add, list, revoke; only add prints a key."""

from typing import TYPE_CHECKING, Annotated

import typer

from podcast_pipeline.cli.session import CliSession

if TYPE_CHECKING:
    from podcast_pipeline.audience.api.keys import ApiKey, ApiKeys

COLUMNS = ("id", "name", "scopes", "created", "last used", "revoked")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(no_args_is_help=True, help="Manage the keys of the REST API.")
    group.command()(add)
    group.command(name="list")(list_)
    group.command()(revoke)
    app.add_typer(group, name="api-keys")


def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The program that gets the key, like crm.")],
    scope: Annotated[
        list[str],
        typer.Option(help="subscribers:read, subscribers:write or events:read; may be given repeatedly."),
    ],
) -> None:
    """Make a key and print it, this once; keys of one name change the same entitlements."""
    session: CliSession = context.obj
    key, text = _open(session).add(name, scope, now=session.clock())
    session.output.result({"id": key.id, "name": key.name, "scopes": key.scopes, "key": text}, [text])


def list_(context: typer.Context) -> None:
    """List all keys, without their secrets."""
    session: CliSession = context.obj
    found = _open(session).list_all()
    session.output.table("", (_cells(session, key) for key in found), columns=COLUMNS)
    session.output.result({"keys": [vars(key) for key in found]}, [])


def revoke(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, from `podcast api-keys list`.")],
) -> None:
    """Revoke a key at once and for ever; what it changed stays."""
    session: CliSession = context.obj
    key = _open(session).revoke(key_id.removeprefix("pk_"), now=session.clock())
    session.output.result({"id": key.id, "name": key.name}, [f"{key.name}: key {key.id} is revoked"])


def _open(session: CliSession) -> "ApiKeys":
    from podcast_pipeline.audience.api.keys import ApiKeys

    subscribers = session.subscribers
    return ApiKeys(subscribers.engine, show_id=subscribers.show_id)


def _cells(session: CliSession, key: "ApiKey") -> tuple[str, ...]:
    used = session.format_local(key.last_used_at) if key.last_used_at else "never"
    revoked = session.format_local(key.revoked_at) if key.revoked_at else ""
    return (key.id, key.name, " ".join(key.scopes), session.format_local(key.created_at), used, revoked)
