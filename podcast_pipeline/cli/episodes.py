"""Commands on episodes: ingest, publish, transcribe, release, list, status, unpublish, rebuild."""

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from podcast_pipeline.cli import DONE, FAILED
from podcast_pipeline.cli.session import Session
from podcast_pipeline.errors import EpisodeError, PodcastError

if TYPE_CHECKING:
    from podcast_pipeline.publish import Published
    from podcast_pipeline.stages import Parts

Title = Annotated[str | None, typer.Option(help="Title of a new episode.", show_default="the file's name")]
SlugOption = Annotated[
    str | None, typer.Option(help="Slug of a new episode: a-z, 0-9, hyphens.", show_default="from the title")
]
Guests = Annotated[list[str] | None, typer.Option("--guest", help="A guest's name; may be repeated.")]
Notes = Annotated[Path | None, typer.Option(help="Show notes, a Markdown file.", exists=True, dir_okay=False)]
Allow = Annotated[bool, typer.Option("--allow", help="Accept a feed that makes apps download again.")]
SlugArgument = Annotated[str, typer.Argument(metavar="SLUG", help="The episode.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (ingest, publish, transcribe, release, list_, status, unpublish, rebuild):
        app.command(name=command.__name__.rstrip("_"))(command)


def ingest(
    context: typer.Context,
    audio: Annotated[Path, typer.Argument(metavar="AUDIO", help="A recording.")],
    title: Title = None,
    slug: SlugOption = None,
    guest: Guests = None,
    notes: Notes = None,
) -> None:
    """Make an episode folder for a recording; edit it, then publish its slug."""
    session: Session = context.obj
    minted = _ingest(audio, session.parts(), title=title, slug=slug, guest=guest, notes=notes)
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
) -> None:
    """Publish a recording, or bring published episodes up to what their folders say now.

    An existing file is a recording; anything else is an episode's slug.
    """
    session: Session = context.obj
    parts = session.parts()
    from podcast_pipeline.publish import publish as publish_episode

    def one(named: str) -> "Published":
        wanted = named
        if Path(named).is_file():
            wanted = _ingest(Path(named), parts, title=title, slug=slug, guest=guest, notes=notes)
        elif title or slug or guest or notes:
            raise EpisodeError(named, "--title, --slug, --guest and --notes are for a new recording")
        return publish_episode(wanted, parts, at=_moment(session, at), allow=allow)

    results = [_attempt(named, one) for named in what]
    _print_published(session, results)


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
    from podcast_pipeline.cli import transcribing

    session: Session = context.obj
    given = {"model": model, "engine": engine, "language": language}
    settings = session.transcription.model_copy(update={k: v for k, v in given.items() if v})
    transcribing.run(session, what, settings=settings, wanted=transcribing.formats(format_), output=output)


def release(context: typer.Context, allow: Allow = False) -> None:
    """Bring the published feed up to now; safe to run every minute, anywhere."""
    from podcast_pipeline.publish import release as release_due

    session: Session = context.obj
    slugs = release_due(session.parts(), allow=allow)
    session.output.result({"released": slugs}, [f"{slug}: published" for slug in slugs])


def list_(context: typer.Context) -> None:
    """List every episode with its state."""
    session: Session = context.obj
    rows = _rows(session)
    session.output.table("", rows, columns=("slug", "state", "goes or went out", "title"))
    if session.output.as_json:
        names = ("slug", "state", "publish_at", "title")
        session.output.result({"episodes": [dict(zip(names, row, strict=True)) for row in rows]})


def status(context: typer.Context, slug: SlugArgument) -> None:
    """Show where an episode is."""
    session: Session = context.obj
    row = next((row for row in _rows(session) if row[0] == slug), None)
    if row is None:
        raise EpisodeError(slug, "there is no such episode; `podcast list` shows all")
    facts = {"slug": slug, "state": row[1], "publish_at": row[2] or None, "title": row[3]}
    session.output.result(facts, [f"{name}: {value}" for name, value in facts.items() if value])


def unpublish(context: typer.Context, slug: SlugArgument) -> None:
    """Take an episode out of feed and pages, for ever; its file stays where apps have it."""
    from podcast_pipeline import maintain

    session: Session = context.obj
    maintain.unpublish(slug, session.parts())
    session.output.result({"slug": slug, "state": "unpublished"}, [f"{slug}: unpublished"])


def rebuild(context: typer.Context, allow: Allow = False) -> None:
    """Make captions, chapters and the feed again from what is stored."""
    from podcast_pipeline import maintain

    session: Session = context.obj
    changed = maintain.rebuild(session.parts(), allow=allow)
    session.output.result({"changed": changed}, ["rebuilt" if changed else "nothing to do"])


def _ingest(
    audio: Path,
    parts: "Parts",
    *,
    title: str | None,
    slug: str | None,
    guest: list[str] | None,
    notes: Path | None,
) -> str:
    from podcast_pipeline.publish import ingest as mint

    text = notes.read_text(encoding="utf-8") if notes else ""
    return mint(audio, parts, title=title, slug=slug, guests=tuple(guest or ()), notes=text)


def _moment(session: Session, at: str | None) -> datetime | None:
    if at is None:
        return None
    if at == "now":
        return session.clock()
    if at == "next":
        return session.next_slot()
    return session.moment(at)


def _attempt(named: str, one: Callable[[str], Any]) -> "tuple[str, Published | None, PodcastError | None]":
    try:
        return named, one(named), None
    except PodcastError as error:
        return named, None, error


def _rows(session: Session) -> list[tuple[str, str, str, str]]:
    """Return (slug, state, instant, title) of every episode, newest first, drafts before."""
    from podcast_pipeline.stores.shelf import read_catalog

    catalog, _ = read_catalog(session.store)
    known = list(reversed(catalog.episodes)) if catalog else []
    out = {episode.slug for episode in known}
    drafts = [session.library.load(slug) for slug in session.library.slugs() if slug not in out]
    return [
        *((draft.slug, "draft", "", draft.title) for draft in drafts),
        *((e.slug, e.state, session.local(e.publish_at), e.title) for e in known),
    ]


def _print_published(
    session: Session, results: "list[tuple[str, Published | None, PodcastError | None]]"
) -> None:
    """Print every episode's result; a single one that failed is the command's own error."""
    errors = [error for _, _, error in results if error is not None]
    if len(results) == len(errors) == 1:
        raise errors[0]
    documents = [_document(named, done, error) for named, done, error in results]
    for _, done, _ in results:
        if done is not None and done.changed:
            title = f"{done.slug}: {done.state}"
            session.output.table(title, _summary(session, done), columns=("step", "seconds", "made"))
    session.output.result(
        {
            **(documents[0] if len(documents) == 1 else {}),
            "feed_url": session.config.to_show(artwork_key=None).feed_url,
            "episodes": documents,
        },
        (line for _, done, _ in results if done is not None for line in _addresses(session, done)),
    )
    for error in errors:
        session.output.warn(str(error))
    sys.exit(FAILED if errors else DONE)


def _document(named: str, done: "Published | None", error: PodcastError | None) -> dict[str, object]:
    names = ("id", "guid", "state", "publish_at", "page_url", "audio_url")
    facts = {name: getattr(done, name, None) for name in names}
    return {"slug": done.slug if done else named, **facts, "error": error and str(error)}


def _addresses(session: Session, done: "Published") -> list[str]:
    if not done.changed:
        return [f"{done.slug}: nothing to do, everything is as its folder says ({done.page_url})"]
    lines = [f"page:  {done.page_url}", f"audio: {done.audio_url}", f"feed:  {done.feed_url}"]
    if done.state == "scheduled":
        lines.insert(0, f"goes out {session.local(done.publish_at)}, by `podcast release`")
    return lines


def _summary(session: Session, done: "Published") -> list[tuple[str, str, str]]:
    """Return (step, seconds, what it made) of every step that this run took."""
    seconds = session.output.seconds
    heard_s = seconds.get("transcribe")
    made = {"store": "objects stored and read back", "transcribe": f"{done.word_count} words"}
    if heard_s:
        made["transcribe"] += f", {done.duration_s / heard_s:.0f}× real time"
    if done.mastered:
        before, after = done.mastered.before_lufs, done.mastered.after_lufs
        peak = done.mastered.true_peak_dbtp
        made["master"] = f"{before:.1f} → {after:.1f} LUFS, true peak {peak:.1f} dBTP"
    return [(step, f"{spent:.1f}", made.get(step, "")) for step, spent in seconds.items()]
