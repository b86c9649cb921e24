"""`podcast publish`: publish recordings and episodes, and print one result for each."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from podcast_pipeline.cli.commands import feeds, review, search
from podcast_pipeline.cli.exit_codes import exit_code
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import ConfigError, EpisodeError, PodcastError, UnknownBaseError

if TYPE_CHECKING:
    from podcast_pipeline.audio.tracks import Track
    from podcast_pipeline.model import Episode, Show
    from podcast_pipeline.pipeline.context import Context
    from podcast_pipeline.pipeline.publish import DryRunResult, PublishResult


NO_SPEECH = "no speech was found; the transcript is empty"
LISTED = 20  # changes that came from other producers


@dataclass(frozen=True)
class PublishOptions:
    """The options of `ingest` and `publish`."""

    title: str | None
    slug: str | None
    guests: tuple[str, ...]
    notes: Path | None
    at: str | None
    allow: bool
    dry_run: bool
    yes: bool

    @property
    def for_new_recording(self) -> bool:
        """Whether an option is set that applies to a new recording only."""
        return bool(self.title or self.slug or self.guests or self.notes)


@dataclass(frozen=True)
class PublishOutcome:
    """The result or the error of one recording or slug.

    Attributes:
        seconds: step -> its duration.
    """

    argument: str
    result: "PublishResult | DryRunResult | None"
    seconds: dict[str, float]
    error: PodcastError | None = None


def publish_all(session: CliSession, arguments: list[str], options: PublishOptions) -> None:
    """Publish each recording or slug; raise the error of a single one, print those of several."""
    _ = session.store  # raises before any work if it is another show's
    _ = session.context.publisher_lock  # raises before any work if publishers cannot be kept apart
    _warn_of_categories(session)
    outcomes = [_attempt(session, argument, options) for argument in arguments]
    errors = [outcome.error for outcome in outcomes if outcome.error]
    if len(outcomes) == len(errors) == 1:
        raise errors[0]
    if not options.dry_run:
        search.update_search_index(session)
    _print(session, outcomes)
    for error in errors:
        session.output.warn(str(error))
    if not options.dry_run:
        feeds.warn_of_left_out_items(session)
    sys.exit(exit_code(errors))


def _warn_of_categories(session: CliSession) -> None:
    from podcast_pipeline.feed.categories import suggest_category_fix

    for category in session.config.show.categories:
        if fix := suggest_category_fix(category):
            session.output.warn(f"show.toml: category “{category}” is not one of Apple's; {fix}")


def ingest_recording(context: "Context", recording: "Path | Sequence[Track]", options: PublishOptions) -> str:
    """Create an episode folder for a recording, or for its separate tracks, and return the slug."""
    from podcast_pipeline.pipeline import publish

    notes = _text(options.notes) if options.notes else ""
    if isinstance(recording, Path):
        return publish.ingest(
            context, recording, title=options.title, slug=options.slug, guests=options.guests, notes=notes
        )
    return publish.ingest_tracks(
        context, recording, title=options.title, slug=options.slug, guests=options.guests, notes=notes
    )


def parse_track(text: str) -> "Track":
    """Parse NAME=FILE[:CHANNEL]; an existing file whose name ends in :CHANNEL is taken whole.

    Raises:
        ConfigError: the name or the file is missing.
    """
    from podcast_pipeline.audio.tracks import Track

    name, _, file = (part.strip() for part in text.partition("="))
    if not name or not file:
        raise ConfigError(
            f"--track {text}", "is not NAME=FILE[:CHANNEL]; write Ann=host.wav or Ann=both.wav:1"
        )
    path, _, channel = file.rpartition(":")
    if path and channel.isdecimal() and not Path(file).exists():
        return Track(name, Path(path), int(channel))
    return Track(name, Path(file))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise EpisodeError(path, "is not UTF-8; save it as UTF-8") from error


def _attempt(session: CliSession, argument: str, options: PublishOptions) -> PublishOutcome:
    seconds = session.output.seconds
    seconds.clear()
    try:
        result = _publish_one(session, argument, options)
    except PodcastError as error:
        return PublishOutcome(argument, None, dict(seconds), error)
    return PublishOutcome(argument, result, dict(seconds))


def _publish_one(
    session: CliSession, argument: str, options: PublishOptions
) -> "PublishResult | DryRunResult":
    from podcast_pipeline.episodes import edits
    from podcast_pipeline.pipeline.publish import dry_run, publish

    context, publish_at = session.context, _publish_at(session, options.at)
    slug = _slug(argument, context, options)
    if options.dry_run:
        return dry_run(context, slug, publish_at=publish_at, allow_redownloads=options.allow)
    _ask(session, slug, publish_at, options)
    try:
        result = publish(context, slug, publish_at=publish_at, allow_redownloads=options.allow)
    except UnknownBaseError as error:
        _ask_which_is_newer(session, error, options)
        result = publish(
            context, slug, publish_at=publish_at, allow_redownloads=options.allow, trust_folder=True
        )
    text = edits.read_episode_text(result.folder)
    review.warn_of_conflicts(session, slug, text.edits.conflicts)
    review.warn_of_unordered_turns(session, slug, text.document)
    if result.changed and result.episode.transcript and not result.word_count:
        session.output.warn(f"{slug}: {NO_SPEECH}")
    receipt, previous = _receipt(result, session.output.seconds), result.folder.load_receipt()
    if result.changed or previous.get("document_key") != receipt["document_key"]:  # lost by a killed run
        result.folder.save_receipt(receipt)
    return result


def _slug(argument: str, context: "Context", options: PublishOptions) -> str:
    """Return the slug of an argument; a new recording becomes an episode."""
    from podcast_pipeline.files import sha256_of

    if not Path(argument).is_file():
        if options.for_new_recording:
            message = "is not a file; omit --title, --slug, --guest and --notes, they are for a new recording"
            raise EpisodeError(argument, message)
        return argument
    if not options.dry_run:
        return ingest_recording(context, Path(argument), options)
    known = context.library.slug_of_source(sha256_of(Path(argument)))
    if known is None:
        raise EpisodeError(
            argument, "is not an episode yet, and --dry-run creates none; run `podcast ingest` first"
        )
    return known


def _publish_at(session: CliSession, at: str | None) -> datetime | None:
    if at is None:
        return None
    if at == "now":
        return session.clock()
    if at == "next":
        return session.next_slot()
    publish_at = session.parse_time(at)
    if publish_at < session.clock():
        raise ConfigError(f"--at {at}", "is past; omit --at to publish now")
    return publish_at


def _ask(session: CliSession, slug: str, publish_at: datetime | None, options: PublishOptions) -> None:
    """Ask at a terminal for confirmation, before any work is done."""
    if options.yes or session.output.as_json or not sys.stdin.isatty():
        return
    draft = session.library.folder(slug).load_draft()
    persons = ", ".join(person.name for person in draft.persons) or "no persons"
    when = session.format_local(publish_at) if publish_at else "now or at the earlier publication time"
    session.output.close()
    typer.confirm(f"Publish {draft.title!r} with {persons}, {when}?", default=True, abort=True)


def _ask_which_is_newer(session: CliSession, error: UnknownBaseError, options: PublishOptions) -> None:
    """Ask at a terminal whether the folder replaces the published episode; elsewhere raise the error."""
    if options.yes or session.output.as_json or not sys.stdin.isatty():
        raise error
    session.output.warn(str(error))
    typer.confirm("Publish this folder in place of all that differs?", default=False, abort=True)


def _receipt(result: "PublishResult", seconds: dict[str, float]) -> dict[str, object]:
    episode, version = result.episode, result.episode.transcript
    return {
        **_facts(episode, result.show),
        "feed_url": result.show.feed_url,
        "audio_sha256": episode.enclosure.sha256,
        "transcript_version": version and version.version,
        "document_key": version and version.document_key,
        "loudness": result.mastering and vars(result.mastering),
        "seconds": {step: round(duration_s, 1) for step, duration_s in seconds.items()},
    }


def _facts(episode: "Episode", show: "Show") -> dict[str, object]:
    enclosure = episode.enclosure
    return {
        "slug": episode.slug,
        "id": episode.id,
        "guid": episode.guid,
        "state": episode.state,
        "publish_at": episode.publish_at,
        "page_url": show.episode_url(episode.slug),
        "audio_url": enclosure.external_url
        or (show.object_url(enclosure.key) if enclosure.key and episode.access == "public" else None),
    }


def _print(session: CliSession, outcomes: list[PublishOutcome]) -> None:
    documents = [_document(session, outcome) for outcome in outcomes]
    for outcome in outcomes:
        _print_steps(session, outcome)
    session.output.result(
        {
            **(documents[0] if len(documents) == 1 else {}),
            "feed_url": session.config.to_show(artwork_key=None).feed_url,
            "episodes": documents,
        },
        (line for outcome in outcomes for line in _lines(session, outcome)),
    )


def _document(session: CliSession, outcome: PublishOutcome) -> dict[str, object]:
    result, error = outcome.result, outcome.error and str(outcome.error)
    if result is None:
        keys = ("id", "guid", "state", "publish_at", "page_url", "audio_url")
        return {"slug": outcome.argument, **dict.fromkeys(keys), "error": error}
    facts = {**_facts(result.episode, result.show), "changed": result.changed, "error": None}
    facts["merged"] = list(result.taken)
    facts["findings"] = session.told(result.episode.slug)
    objects = getattr(result, "objects", None)
    return facts if objects is None else {**facts, "would_store": dict(objects)}


def _print_steps(session: CliSession, outcome: PublishOutcome) -> None:
    from podcast_pipeline.pipeline.publish import PublishResult

    result = outcome.result
    if isinstance(result, PublishResult) and result.changed:
        title = f"{result.episode.slug}: {result.episode.state}"
        session.output.table(title, _steps(result, outcome.seconds), columns=("step", "seconds", "result"))


def _steps(result: "PublishResult", seconds: dict[str, float]) -> list[tuple[str, str, str]]:
    """Return (step, seconds, result) of every step of this run."""
    notes = {"store": "objects stored and read back", "transcribe": f"{result.word_count} words"}
    if seconds.get("transcribe"):
        duration_s = result.episode.enclosure.duration_s
        notes["transcribe"] += f", {duration_s / seconds['transcribe']:.0f}× real time"
    if result.mastering:
        before, after = result.mastering.before_lufs, result.mastering.after_lufs
        peak = result.mastering.true_peak_dbtp
        notes["master"] = f"{before:.1f} → {after:.1f} LUFS, true peak {peak:.1f} dBTP"
    return [(step, f"{step_s:.1f}", notes.get(step, "")) for step, step_s in seconds.items()]


def _lines(session: CliSession, outcome: PublishOutcome) -> Iterator[str]:
    from podcast_pipeline.pipeline.publish import DryRunResult

    result = outcome.result
    if result is None:
        return
    facts = _facts(result.episode, result.show)
    yield from merged_lines(result.taken, "would take" if isinstance(result, DryRunResult) else "taken")
    if not result.changed:
        yield f"{facts['slug']}: nothing to do, the episode matches its folder ({facts['page_url']})"
    elif isinstance(result, DryRunResult):
        yield from _plan(session, result)
    else:
        if result.episode.state == "scheduled":
            when = session.format_local(result.episode.publish_at)
            yield f"scheduled: `podcast release` publishes the episode at {when}"
        version = result.episode.transcript
        if version and version.note and version.published_at == result.episode.content_changed_at:
            yield f"transcript: version {version.version}; correction note: {version.note}"
        yield f"page:  {facts['page_url']}"
        yield f"audio: {facts['audio_url'] or 'for subscribers, in their private feeds and on the page'}"
        yield f"feed:  {result.show.feed_url}"


def merged_lines(taken: Sequence[str], verb: str) -> Iterator[str]:
    """Yield a line for each change that came from the published episode, the first ones in full."""
    yield from (f"{verb} from the published episode: {line}" for line in taken[:LISTED])
    if len(taken) > LISTED:
        yield f"{verb} from the published episode: {len(taken) - LISTED} more changes"


def _plan(session: CliSession, result: "DryRunResult") -> Iterator[str]:
    episode, changes = result.episode, result.feed_changes
    when = session.format_local(episode.publish_at)
    yield f"{episode.slug}: would be {episode.state}, {when}; nothing was stored"
    for key, size_bytes in result.objects:
        yield f"would store {key} ({size_bytes} bytes)"
    for verb, items in (("add", changes.new), ("remove", changes.removed)):
        for item in items:
            yield f"the feed would {verb}: {item.title}"
    for change in changes.changed:
        yield f"the feed would change: {change.new.title}"
