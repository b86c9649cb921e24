"""Commands on episodes: ingest, publish, transcribe, release, list, status, unpublish, rebuild, gc."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from podcast_pipeline.cli.arguments import Allow, Guests, Notes, SlugArgument, SlugOption, Title
from podcast_pipeline.cli.commands import search
from podcast_pipeline.cli.session import CliSession

if TYPE_CHECKING:
    from podcast_pipeline.model import Episode

Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]

APPS = {
    "scheduled": "nothing yet: it is in no feed until {publish_at}; its audio is stored under a key that "
    "nobody can guess, and `podcast release` puts it out",
    "published": "show it at their next visit of the feed, or have it; a new title or new notes reach them "
    "the same way, and the audio is downloaded once",
    "unpublished": "lose it from the feed; those that have downloaded it keep their copy",
    "withdrawn": "never saw it: it was taken back before its time",
}
"""State to what podcast apps do; `withdrawn` is unpublished and never was out."""


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (ingest, publish, transcribe, release, list_, status, unpublish, rebuild, gc):
        app.command(name=command.__name__.rstrip("_"))(command)


def ingest(
    context: typer.Context,
    audio: Annotated[Path | None, typer.Argument(metavar="[AUDIO]", help="A recording.")] = None,
    track: Annotated[
        list[str] | None,
        typer.Option(
            "--track",
            metavar="NAME=FILE[:CHANNEL]",
            help="A speaker's own track instead; once for each speaker, channels count from 1.",
        ),
    ] = None,
    title: Title = None,
    slug: SlugOption = None,
    guest: Guests = None,
    notes: Notes = None,
) -> None:
    """Make an episode folder for a recording, or for its tracks; edit it, then publish its slug."""
    from podcast_pipeline.cli.commands import publish as publishing

    session: CliSession = context.obj
    wishes = publishing.PublishOptions(
        title, slug, tuple(guest or ()), notes, at=None, allow=False, dry_run=False, yes=True
    )
    if (audio is None) == (not track):
        raise typer.BadParameter("name one recording, or a --track for each speaker")
    recording = audio or [publishing.parse_track(one) for one in track or ()]
    minted = publishing.ingest_recording(session.context, recording, wishes)
    folder = session.library.folder(minted).path
    session.output.result(
        {"slug": minted, "folder": str(folder)},
        [f"{minted}: episode folder {folder}; `podcast publish {minted}` when it is ready"],
    )


def publish(
    context: typer.Context,
    what: Annotated[list[str], typer.Argument(metavar="AUDIO|SLUG...", help="A recording, or episodes.")],
    title: Title = None,
    slug: SlugOption = None,
    guest: Guests = None,
    notes: Notes = None,
    at: Annotated[
        str | None, typer.Option(help="When it goes out: now, next (the next free slot), or a time.")
    ] = None,
    allow: Allow = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Make and check everything, store and change nothing.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Publish a recording, or bring published episodes up to what their folders say now.

    An existing file is a recording; anything else is an episode's slug.
    """
    from podcast_pipeline.cli.commands import publish as publishing

    wishes = publishing.PublishOptions(
        title, slug, tuple(guest or ()), notes, at=at, allow=allow, dry_run=dry_run, yes=yes
    )
    publishing.publish_all(context.obj, what, wishes)


def transcribe(
    context: typer.Context,
    what: Annotated[list[str], typer.Argument(metavar="SLUG|AUDIO...", help="Episodes, or any audio files.")],
    model: Annotated[str | None, typer.Option(help="A Whisper size, or a path.")] = None,
    engine: Annotated[str | None, typer.Option(help="Which engine hears.")] = None,
    language: Annotated[str | None, typer.Option(help="ISO 639-1; without it the engine listens.")] = None,
    format_: Annotated[
        str, typer.Option("--format", help="json, vtt, srt, txt, html; with commas.")
    ] = "json",
    output: Annotated[
        str | None, typer.Option(help="Folder for the files; - for stdout.", show_default="here")
    ] = None,
) -> None:
    """Turn speech into words only: an episode's transcript.json, and files of any recording."""
    from podcast_pipeline.cli.commands import transcribe as transcribing

    session: CliSession = context.obj
    given = {"model": model, "engine": engine, "language": language}
    settings = session.transcription.model_copy(update={k: v for k, v in given.items() if v})
    transcribing.transcribe_all(
        session, what, settings=settings, formats=transcribing.parse_formats(format_), output=output
    )


def release(context: typer.Context, allow: Allow = False) -> None:
    """Bring the published feed up to now; safe to run every minute, anywhere."""
    from podcast_pipeline.pipeline.publish import release as release_due

    session: CliSession = context.obj
    slugs = release_due(session.context, allow_redownloads=allow)
    if slugs:
        search.update_search_index(session)
    session.output.result({"released": slugs}, [f"{slug}: published" for slug in slugs])


def list_(context: typer.Context) -> None:
    """List every episode with its state."""
    session: CliSession = context.obj
    rows = _rows(session)
    session.output.table("", rows, columns=("slug", "state", "goes or went out", "title"))
    if session.output.as_json:
        names = ("slug", "state", "publish_at", "title")
        session.output.result({"episodes": [dict(zip(names, row, strict=True)) for row in rows]})


def status(context: typer.Context, slug: SlugArgument) -> None:
    """Show where an episode is, and what podcast apps do with it."""
    session: CliSession = context.obj
    catalog = session.context.catalog()
    episode = catalog.by_slug(slug) if catalog else None
    facts = _status(session, episode) if episode else _status_of_draft(session, slug)
    session.output.result(facts, [f"{name}: {value}" for name, value in facts.items() if value])


def unpublish(context: typer.Context, slug: SlugArgument) -> None:
    """Take an episode out of feed and pages, for ever; its file stays where apps have it."""
    from podcast_pipeline.pipeline import maintain

    session: CliSession = context.obj
    maintain.unpublish(session.context, slug)
    search.update_search_index(session)
    session.output.result({"slug": slug, "state": "unpublished"}, [f"{slug}: unpublished"])


def rebuild(context: typer.Context, allow: Allow = False) -> None:
    """Make captions, chapters and the feed again from what is stored."""
    from podcast_pipeline.pipeline import maintain

    session: CliSession = context.obj
    changed = maintain.rebuild(session.context, allow_redownloads=allow)
    session.output.result({"changed": changed}, ["rebuilt" if changed else "nothing to do"])


def gc(context: typer.Context, yes: Yes = False) -> None:
    """List the stored objects and uploads that nothing names; with --yes remove those old enough."""
    from podcast_pipeline.pipeline import maintain

    session: CliSession = context.obj
    found = maintain.remove_orphaned_objects(session.context, remove=yes)
    what = {False: "bytes", True: "bytes of an unfinished upload"}
    lines = [f"{item.verdict}: {item.key} ({item.size_bytes} {what[item.unfinished]})" for item in found]
    session.output.result(
        {"objects": [vars(item) for item in found]}, lines or ["nothing to remove: every object is named"]
    )


def _rows(session: CliSession) -> list[tuple[str, str, str, str]]:
    """Return (slug, state, instant, title) of every episode, newest first, drafts before."""
    catalog = session.context.catalog()
    known = list(reversed(catalog.episodes)) if catalog else []
    out = {episode.slug for episode in known}
    drafts = [
        session.library.folder(slug).load_draft() for slug in session.library.slugs() if slug not in out
    ]
    return [
        *((draft.slug, "draft", "", draft.title) for draft in drafts),
        *((e.slug, e.state, session.format_local(e.publish_at), e.title) for e in known),
    ]


def _status_of_draft(session: CliSession, slug: str) -> dict[str, str | None]:
    title = session.library.folder(slug).load_draft().title
    apps = f"nothing: it has not left this machine; `podcast publish {slug}` when it is ready"
    return {"slug": slug, "state": "draft", "publish_at": None, "title": title, "apps": apps}


def _status(session: CliSession, episode: "Episode") -> dict[str, str | None]:
    facts = {
        "slug": episode.slug,
        "state": episode.state,
        "publish_at": session.format_local(episode.publish_at),
    }
    fate = "withdrawn" if episode.state == "unpublished" and not episode.published_at else episode.state
    return {**facts, "title": episode.title, "apps": APPS[fate].format(**facts)}
