"""Commands on episodes, from ingest and publish to unschedule, unpublish and gc."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from podcast_pipeline.cli.arguments import (
    Allow,
    Guests,
    Notes,
    Replace,
    SlugArgument,
    SlugOption,
    Title,
    Tracks,
)
from podcast_pipeline.cli.commands import feeds, search
from podcast_pipeline.cli.confirmation import ask_at_gates, confirm, parse_gates
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.model.gates import GateName

if TYPE_CHECKING:
    from podcast_pipeline.model import Episode
    from podcast_pipeline.pipeline.context import Context

APP_BEHAVIOUR = {
    "scheduled": "nothing yet: it is in no feed until {publish_at}; its audio is stored under a key that "
    "nobody can guess, and `podcast release` publishes it",
    "overdue": "nothing: it is in no feed before `podcast release` publishes it",
    "published": "show the episode after their next request for the feed; a new title or new notes arrive "
    "the same way, and the audio is downloaded once",
    "unpublished": "drop the episode from their list; apps that have downloaded it keep their copy",
    "withdrawn": "never listed the episode: it was withdrawn before its publication time",
}
"""State -> the line `apps:` of `podcast status`; `withdrawn` is unpublished without ever being public, and
`overdue` is scheduled for a time that is past."""

PUBLISHED, OPENED = "%s: published", "%s: the transcript is for everybody from now on"
UNPUBLISH_WARNINGS = {
    "published": "unpublishing {slug} is for ever: its slug, id and guid are never used again; the audio file"
    " keeps its address (`podcast withdraw {slug} --all` removes the file too)",
    "scheduled": "{slug} is scheduled and nobody has it: `podcast unschedule {slug}` makes it a draft again;"
    " unpublishing is for ever, its slug, id and guid are never used again",
}
"""State -> what `podcast unpublish` says before it does what cannot be undone."""


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in COMMANDS:
        app.command(name=command.__name__.rstrip("_"))(command)


def ingest(
    context: typer.Context,
    audio: Annotated[Path | None, typer.Argument(metavar="[AUDIO]", help="A recording.")] = None,
    track: Tracks = None,
    title: Title = None,
    slug: SlugOption = None,
    guest: Guests = None,
    notes: Notes = None,
    replace: Replace = False,
) -> None:
    """Create an episode folder from a recording or its tracks, to edit and then to publish.

    With --replace the episode --slug gets this recording; `podcast publish SLUG` makes it public.
    """
    from podcast_pipeline.cli.commands.publish import PublishOptions, ingest_recording, parse_track

    session: CliSession = context.obj
    if (audio is None) == (not track):
        raise typer.BadParameter("give one recording, or one --track for each speaker")
    options = PublishOptions(title, slug, tuple(guest or ()), notes, replace=replace)
    recording = audio or [parse_track(text) for text in track or ()]
    new_slug = ingest_recording(session.context, recording, options)
    folder = session.library.folder(new_slug)
    guests = [guest.name for guest in folder.table.guests]
    session.output.result(
        {
            "slug": new_slug,
            "folder": str(folder.path),
            "guests": guests,
            "findings": session.told(new_slug),
        },
        [
            f"{new_slug}: episode folder {folder.path}; edit it, then run `podcast publish {new_slug}`",
            *([f"guests: {', '.join(guests)}; change them in episode.toml"] if guests else []),
        ],
    )


def publish(
    context: typer.Context,
    what: Annotated[
        list[str] | None, typer.Argument(metavar="AUDIO|SLUG...", help="A recording, or episodes.")
    ] = None,
    track: Tracks = None,
    title: Title = None,
    slug: SlugOption = None,
    guest: Guests = None,
    notes: Notes = None,
    replace: Replace = False,
    at: Annotated[
        str | None,
        typer.Option(help="Publication time: now, next (the next free slot), or one like 2026-12-01T06:00."),
    ] = None,
    allow: Allow = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Make and check everything; store and change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Publish without asking for confirmation.")] = False,
) -> None:
    """Publish recordings or episodes; published episodes are updated from their folders.

    An argument that is an existing file is a recording; any other is an episode's slug. With --replace the
    episode --slug gets this recording and keeps its guid, date and corrections.
    """
    from podcast_pipeline.cli.commands.publish import PublishOptions, parse_track, publish_all

    options = PublishOptions(
        title,
        slug,
        tuple(guest or ()),
        notes,
        at=at,
        allow=parse_gates(allow or ()),
        dry_run=dry_run,
        yes=yes,
        replace=replace,
        tracks=tuple(parse_track(text) for text in track or ()),
    )
    if bool(what) == bool(track):
        raise typer.BadParameter("give recordings or episodes, or one --track for each speaker")
    if replace and len(what or ()) > 1:
        raise typer.BadParameter("--replace takes one recording")
    publish_all(context.obj, what or [slug or "--track"], options)


def transcribe(
    context: typer.Context,
    what: Annotated[list[str], typer.Argument(metavar="SLUG|AUDIO...", help="Episodes, or any audio files.")],
    model: Annotated[
        str | None, typer.Option(help="A Whisper model, like base, or a path to weights.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="Engine: auto, openvino, faster-whisper or openai-whisper.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="Number type of the openvino engine: auto, bf16, f32 or int8.")
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(help="ISO 639-1 code; else that of episode.toml, of show.toml, or heard."),
    ] = None,
    speakers: Annotated[
        bool,
        typer.Option("--speakers", help="Find the speakers of an audio file, too, as of an episode."),
    ] = False,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="Comma-separated list of json, vtt, srt, txt, html.",
            show_default="json; for an episode none, its folder has the words",
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option(help="Folder for the files; - prints to stdout.", show_default="here")
    ] = None,
) -> None:
    """Transcribe episodes or any audio files, without publishing; updates an episode's transcript.json."""
    from podcast_pipeline.cli.commands.transcribe import parse_formats, transcribe_all

    session: CliSession = context.obj
    overrides = {"model": model, "engine": engine, "precision": precision}
    settings = session.transcription.model_copy(update={k: v for k, v in overrides.items() if v})
    transcribe_all(
        session,
        what,
        settings=settings,
        language=language,
        speakers=speakers,
        formats=parse_formats(format_) if format_ is not None else None,
        output=output,
    )


def release(context: typer.Context, allow: Allow = None) -> None:
    """Publish the scheduled episodes that are due and update the feed; safe to run every minute, anywhere.

    Opens the transcripts to everybody that `[access] public_after_days` says are due.
    """
    session: CliSession = context.obj
    published, opened = (
        ask_at_gates(session, allow or (), partial(work, session, session.context))
        for work in (publish_due, open_due)
    )
    lines = [*(PUBLISHED % slug for slug in published), *(OPENED % slug for slug in opened)]
    session.output.result({"released": published, "opened": opened}, lines)


def publish_due(session: CliSession, context: "Context", allow: frozenset[GateName]) -> tuple[str, ...]:
    """Publish the scheduled episodes that are due, as `release` and its job do; return their slugs."""
    from podcast_pipeline.pipeline import publish

    return _after_search_update(session, publish.release(context, allow=allow))


def open_due(session: CliSession, context: "Context", allow: frozenset[GateName]) -> tuple[str, ...]:
    """Open the transcripts that are due, as `release` and its job do; return their slugs."""
    from podcast_pipeline.pipeline.public_transcripts import open_due_transcripts

    return _after_search_update(session, open_due_transcripts(context, allow=allow))


def _after_search_update(session: CliSession, slugs: tuple[str, ...]) -> tuple[str, ...]:
    """Bring the search index up to date where episodes have changed; return their slugs."""
    if slugs:
        search.update_search_index(session)
        feeds.warn_of_left_out_items(session)
    return slugs


def list_(context: typer.Context) -> None:
    """List every episode with its state."""
    session: CliSession = context.obj
    rows = _rows(session)
    session.output.table("", rows, columns=("slug", "state", "publication time", "title"))
    overdue = overdue_lines(session)
    if session.output.as_json:
        keys = ("slug", "state", "publish_at", "title")
        documents = [dict(zip(keys, row, strict=True)) for row in rows]
        session.output.result({"episodes": [{**one, "overdue": one["slug"] in overdue} for one in documents]})
    for line in overdue.values():
        session.output.warn(line)
    feeds.warn_of_placeholders(session)


def status(context: typer.Context, slug: SlugArgument) -> None:
    """Show an episode's state and how podcast apps treat the episode."""
    session: CliSession = context.obj
    catalog = session.context.catalog()
    episode = catalog.by_slug(slug) if catalog else None
    facts = _status(session, episode) if episode else _status_of_draft(session, slug)
    if episode and (line := _behind(session, episode)):
        facts["folder"] = line
    session.output.result(facts, [f"{name}: {value}" for name, value in facts.items() if value])


def unschedule(context: typer.Context, slug: SlugArgument) -> None:
    """Take a scheduled episode back: it is a draft again and can be published later, under the same slug.

    Nobody has it yet. Refused when `release` was faster.
    """
    from podcast_pipeline.pipeline.unschedule import unschedule as take_back

    session: CliSession = context.obj
    was_scheduled = take_back(session.context, slug)
    said = "a draft again; what it stored is removed by `podcast gc`" if was_scheduled else "is not scheduled"
    session.output.result({"slug": slug, "state": "draft", "changed": was_scheduled}, [f"{slug}: {said}"])


def unpublish(
    context: typer.Context,
    slug: SlugArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Unpublish without asking for confirmation.")] = False,
) -> None:
    """Remove an episode from feed and pages, for ever; apps keep the audio that they have downloaded.

    Asks on a terminal; elsewhere --yes is needed. Slug, id and guid are never used again.
    """
    from podcast_pipeline.pipeline import maintain
    from podcast_pipeline.pipeline.commit import load_catalog

    session: CliSession = context.obj
    catalog = load_catalog(session.context)
    episode = catalog.by_slug(slug) if catalog else None
    if episode and episode.state != "unpublished":
        confirm(session, UNPUBLISH_WARNINGS[episode.state].format(slug=slug), f"Unpublish {slug}?", yes=yes)
    maintain.unpublish(session.context, slug)
    search.update_search_index(session)
    feeds.warn_of_left_out_items(session)
    session.output.result({"slug": slug, "state": "unpublished"}, [f"{slug}: unpublished"])


def rebuild(context: typer.Context, allow: Allow = None) -> None:
    """Regenerate captions, chapters and the feed from the stored transcripts and the catalog."""
    from podcast_pipeline.pipeline import maintain

    session: CliSession = context.obj
    changed = ask_at_gates(
        session, allow or (), lambda passed: maintain.rebuild(session.context, allow=passed)
    )
    feeds.warn_of_left_out_items(session)
    feeds.warn_of_placeholders(session)
    session.output.result({"changed": changed}, ["rebuilt" if changed else "nothing to do"])


def gc(
    context: typer.Context,
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove orphaned objects older than [storage] gc_grace_days.")
    ] = False,
) -> None:
    """List orphaned objects, which the catalog does not reference; --yes removes those old enough."""
    from podcast_pipeline.pipeline import maintain

    session: CliSession = context.obj
    orphans = maintain.remove_orphaned_objects(session.context, remove=yes)
    unit = {False: "bytes", True: "bytes of an unfinished upload"}
    lines = [f"{item.verdict}: {item.key} ({item.size_bytes} {unit[item.unfinished]})" for item in orphans]
    session.output.result({"objects": [vars(item) for item in orphans]}, lines or ["no orphaned objects"])


def _rows(session: CliSession) -> list[tuple[str, str, str, str]]:
    """Return (slug, state, publication time, title) of each episode: drafts first, then newest first."""
    catalog = session.context.catalog()
    episodes = list(reversed(catalog.episodes)) if catalog else []
    in_catalog = {episode.slug for episode in episodes}
    folders = (session.library.folder(slug) for slug in session.library.slugs() if slug not in in_catalog)
    drafts = [folder.load_draft() for folder in folders]
    return [
        *((draft.slug, "draft", "", draft.title) for draft in drafts),
        *((e.slug, e.state, session.format_local(e.publish_at), e.title) for e in episodes),
    ]


def overdue_lines(session: CliSession) -> dict[str, str]:
    """Return slug -> a line for each episode whose time is past and that nobody has released, and why not."""
    from podcast_pipeline.pipeline.publish import why_not_released

    now, catalog = session.clock(), session.context.catalog()
    due = [episode for episode in (catalog.episodes if catalog else ()) if episode.is_due(now)]
    if not due:
        return {}
    error = why_not_released(session.context)
    remedy = (
        f"`podcast release` refuses: {error}"
        if error
        else "run `podcast release`, and see that a timer runs it (docs/how-to/scheduling.md)"
    )
    return {e.slug: f"{e.slug}: overdue since {session.format_local(e.publish_at)}; {remedy}" for e in due}


def _status_of_draft(session: CliSession, slug: str) -> dict[str, str | None]:
    title = session.library.folder(slug).load_draft().title
    apps = f"nothing: it has not left this machine; run `podcast publish {slug}` when it is ready"
    return {"slug": slug, "state": "draft", "publish_at": None, "title": title, "apps": apps}


def _behind(session: CliSession, episode: "Episode") -> str:
    """Return a line on what others have published and the folder does not have; "" for nothing."""
    from podcast_pipeline.pipeline.merge.pull import behind

    if episode.state == "unpublished" or session.library.id_of(episode.slug) != episode.id:
        return ""
    return behind(session.library.folder(episode.slug), episode)


def _status(session: CliSession, episode: "Episode") -> dict[str, str | None]:
    from podcast_pipeline.pipeline.replace import audio_replaced_at

    facts = {
        "slug": episode.slug,
        "state": episode.state,
        "publish_at": session.format_local(episode.publish_at),
    }
    is_withdrawn = episode.state == "unpublished" and not episode.published_at
    if episode.is_due(session.clock()):
        late = overdue_lines(session)[episode.slug].removeprefix(f"{episode.slug}: ")
        return {**facts, "title": episode.title, "overdue": late, "apps": APP_BEHAVIOUR["overdue"]}
    apps = APP_BEHAVIOUR["withdrawn" if is_withdrawn else episode.state].format(**facts)
    if episode.transcript_is_public:
        facts["transcript"] = "for everybody"
    if episode.state == "published" and (since := audio_replaced_at(episode, session.store)):
        apps += f"; those that downloaded it before {session.format_local(since)} keep the audio of then"
    return {**facts, "title": episode.title, "overdue": None, "apps": apps}


COMMANDS = (
    ingest, publish, transcribe, release, list_, status, unschedule, unpublish, rebuild, gc
)  # fmt: skip
