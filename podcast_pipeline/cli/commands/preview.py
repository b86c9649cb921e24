"""`podcast preview`: look at an episode, in a browser of this machine, before anybody else does."""

import signal
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from podcast_pipeline.cli.arguments import Guests, Notes, SlugOption, Title, Tracks
from podcast_pipeline.cli.commands.review import review_lines
from podcast_pipeline.cli.session import CliSession

if TYPE_CHECKING:
    from podcast_pipeline.pipeline.rehearsal import EpisodePreview

LIFETIME = timedelta(hours=1)
HOST = "127.0.0.1"
ENDING_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Of a terminal that is closed, too: what a recording needed for its preview is removed."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(preview)


def preview(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(metavar="SLUG|AUDIO", help="An episode, or a recording.", show_default=False)
    ] = "",
    track: Tracks = None,
    title: Title = None,
    slug: SlugOption = None,
    guest: Guests = None,
    notes: Notes = None,
) -> None:
    """Show what a publication would show: page, feed item, captions and sound; nothing is published.

    Prints an address that opens once, on this machine. Ends after an hour, or with Ctrl-C. The page stays as
    it was at the start: run the command again after a change. A recording gets no folder.
    """
    from podcast_pipeline.cli.commands.publish import TRACKS, PublishOptions, rehearsed_episode
    from podcast_pipeline.pipeline.rehearsal import preview_episode

    session: CliSession = context.obj
    if (not what) == (not track):
        raise typer.BadParameter("give an episode or a recording, or one --track for each speaker")
    options = PublishOptions(title, slug, tuple(guest or ()), notes, tracks=tuple(track or ()))
    with rehearsed_episode(session.context, what or TRACKS, options) as (show, found):
        for ending in ENDING_SIGNALS:
            signal.signal(ending, session.output.interrupt)
        has_folder = show.library is session.library
        _serve(session, found, preview_episode(show, found), has_folder=has_folder)


def _serve(session: CliSession, slug: str, episode_preview: "EpisodePreview", *, has_folder: bool) -> None:
    from podcast_pipeline.web import server
    from podcast_pipeline.web.middleware.preview_gate import PreviewDoor
    from podcast_pipeline.web.preview import create_preview_app, feed_item
    from podcast_pipeline.web.routes.preview import PreviewText

    listener = server.listen(HOST, 0)
    door = PreviewDoor(f"{HOST}:{listener.getsockname()[1]}")
    catalog, episode = episode_preview.catalog, episode_preview.episode
    state, remarks = (
        _state(session, episode_preview),
        tuple(_remarks(slug if has_folder else None, episode_preview)),
    )
    ends_at = session.clock() + LIFETIME
    app = create_preview_app(
        config=session.config,
        store=session.store,
        catalog=catalog,
        objects=episode_preview.objects,
        slug=slug,
        text=PreviewText(
            state=state,
            remarks=remarks,
            public_item=feed_item(catalog, episode, private=False),
            private_item=feed_item(catalog, episode, private=True),
            ends_at=ends_at,
        ),
        door=door,
        clock=session.clock,
    )
    until = f"until {session.format_local(ends_at)}, or Ctrl-C"
    session.output.result(
        {"slug": slug, "address": door.address, "ends_at": ends_at, "state": state, "remarks": remarks},
        [f"{slug}: {state}", *remarks, f"open once: {door.address}", until],
        flush=True,
    )
    server.serve_for(app, listener, lifetime_s=LIFETIME.total_seconds())


def _state(session: CliSession, episode_preview: "EpisodePreview") -> str:
    """Return what the episode is now, and what a publication would do, as one sentence."""
    known = episode_preview.known
    if known is None:
        return "a draft; nobody has it yet"
    if known.state == "scheduled":
        when = session.format_local(known.publish_at)
        changes = "with changes that are not stored yet" if episode_preview.changed else "as it is stored"
        return f"scheduled for {when}, {changes}"
    if episode_preview.changed:
        return "published; this is how it would be after `podcast publish`"
    return "published as it is here; the folder has no changes"


def _remarks(slug: str | None, episode_preview: "EpisodePreview") -> Iterator[str]:
    """Yield what a person should know before the episode goes out."""
    yield from review_lines(slug, episode_preview.review_items, episode_preview.unnamed_speakers)
    yield from (f"`podcast publish` would stop: {line}" for line in episode_preview.closed_gates)
