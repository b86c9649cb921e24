"""`podcast publish`: publish recordings and episodes, and print one result for each."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from podcast_pipeline.cli.commands import feeds, review, search
from podcast_pipeline.cli.confirmation import ask_at_gates, can_ask
from podcast_pipeline.cli.exit_codes import exit_code
from podcast_pipeline.cli.output import printable
from podcast_pipeline.cli.publish_result import PublishOutcome, print_outcomes, receipt_of, slot_lines
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import ConfigError, EpisodeError, PodcastError, UnknownBaseError
from podcast_pipeline.model.gates import GateName

if TYPE_CHECKING:
    from podcast_pipeline.audio.tracks import Track
    from podcast_pipeline.model import Episode
    from podcast_pipeline.pipeline.commit import PreparedEpisode
    from podcast_pipeline.pipeline.context import Context
    from podcast_pipeline.pipeline.publish import DryRunResult, PublishResult


NO_SPEECH = "no speech was found; the transcript is empty"


@dataclass(frozen=True)
class PublishOptions:
    """The options of `ingest`, `preview` and `publish`.

    Attributes:
        replace: the recording is to be the audio of the episode `slug`.
        tracks: of a recording, in place of an argument.
    """

    title: str | None
    slug: str | None
    guests: tuple[str, ...]
    notes: Path | None
    at: str | None = None
    allow: frozenset[GateName] = frozenset()
    dry_run: bool = False
    yes: bool = False
    replace: bool = False
    tracks: "tuple[Track, ...]" = ()

    @property
    def for_new_recording(self) -> bool:
        """Whether an option is set that applies to a new recording only."""
        return bool(self.title or self.slug or self.guests or self.notes)


def publish_all(session: CliSession, arguments: list[str], options: PublishOptions) -> None:
    """Publish each recording or slug; raise the error of a single one, print those of several."""
    _ = session.store  # raises before any work if it is another show's
    _ = session.context.publisher_lock  # raises before any work if publishers cannot be kept apart
    _warn_of_categories(session)
    session.output.begin_run(len(arguments))
    outcomes = [_attempt(session, argument, options) for argument in arguments]
    errors = [outcome.error for outcome in outcomes if outcome.error]
    if len(outcomes) == len(errors) == 1:
        raise errors[0]
    if not options.dry_run:
        search.update_search_index(session)
    print_outcomes(session, outcomes)
    for error in errors:
        session.output.warn(str(error))
    if not options.dry_run:
        feeds.warn_of_left_out_items(session)
    feeds.warn_of_placeholders(session)
    sys.exit(exit_code(errors))


def _warn_of_categories(session: CliSession) -> None:
    from podcast_pipeline.feed.categories import suggest_category_fix

    for category in session.config.show.categories:
        if fix := suggest_category_fix(category):
            session.output.warn(f"show.toml: category “{category}” is not one of Apple's; {fix}")


def ingest_recording(context: "Context", recording: "Path | Sequence[Track]", options: PublishOptions) -> str:
    """Create an episode folder for a recording, or for its separate tracks, and return the slug.

    With --replace the episode of that slug gets the recording.
    """
    from podcast_pipeline.pipeline import publish

    if options.replace:
        return _replace(context, recording, options)
    notes = _text(options.notes) if options.notes else ""
    if isinstance(recording, Path):
        return publish.ingest(
            context, recording, title=options.title, slug=options.slug, guests=options.guests, notes=notes
        )
    return publish.ingest_tracks(
        context, recording, title=options.title, slug=options.slug, guests=options.guests, notes=notes
    )


def _replace(context: "Context", recording: "Path | Sequence[Track]", options: PublishOptions) -> str:
    from podcast_pipeline.pipeline.replace import replace_recording

    if options.slug is None:
        raise ConfigError("--replace", "needs --slug SLUG, the episode whose audio is replaced")
    if options.title or options.guests or options.notes:
        message = "--title, --guest and --notes are for a new episode; change episode.toml and notes.md"
        raise ConfigError("--replace", message)
    if options.dry_run:
        message = "changes the folder; run `podcast ingest … --replace`, then `podcast publish --dry-run`"
        raise ConfigError("--replace", message)
    replaced = replace_recording(context, options.slug, recording)
    if replaced.old_files:
        files, folder = " and ".join(replaced.old_files), replaced.folder
        context.warn(
            f"{replaced.slug}: the old recording stays in {folder} ({files}); delete it when nobody needs it"
        )
    return replaced.slug


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
    from podcast_pipeline.episodes.folder import check_notes_size

    check_notes_size(path.stat().st_size, path)
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise EpisodeError(path, "is not UTF-8; save it as UTF-8") from error


def _attempt(session: CliSession, argument: str, options: PublishOptions) -> PublishOutcome:
    session.output.forget_steps()
    seconds = session.output.seconds
    try:
        work = _rehearse_one if options.dry_run else _publish_one
        result: PublishResult | DryRunResult = work(session, argument, options)
    except PodcastError as error:
        return PublishOutcome(argument, None, dict(seconds), error)
    finally:
        session.output.finish_recording()
    return PublishOutcome(argument, result, dict(seconds))


def _rehearse_one(session: CliSession, argument: str, options: PublishOptions) -> "DryRunResult":
    from podcast_pipeline.pipeline.publish import dry_run

    publish_at = _publish_at(session, options.at)
    with rehearsed_episode(session.context, argument, options) as (context, slug):
        result = dry_run(context, slug, publish_at=publish_at, allow=options.allow)
        return replace(result, has_folder=context.library is session.library)


def _publish_one(session: CliSession, argument: str, options: PublishOptions) -> "PublishResult":
    from podcast_pipeline.episodes import edits
    from podcast_pipeline.pipeline.publish import publish

    context, publish_at = session.context, _publish_at(session, options.at)
    slug = argument
    if _is_recording(argument, options):
        _ = context.engine  # one must be installed; before the recording is copied
        slug = ingest_recording(context, options.tracks or Path(argument), options)
    elif session.output.run and session.library.folder(slug).transcript_json.is_file():
        session.output.run.has_words()

    def confirm(prepared: "PreparedEpisode") -> None:
        if not options.yes and can_ask(session):
            _ask(session, prepared)

    def work(allow: frozenset[GateName]) -> "PublishResult":
        try:
            return publish(context, slug, publish_at=publish_at, allow=allow, confirm=confirm)
        except UnknownBaseError as error:
            _ask_which_is_newer(session, error, options)
            return publish(
                context, slug, publish_at=publish_at, allow=allow, trust_folder=True, confirm=confirm
            )

    result = ask_at_gates(session, options.allow, work, may_ask=not options.yes)
    text = edits.read_episode_text(result.folder)
    review.warn_of_conflicts(session, slug, text.edits.conflicts)
    review.warn_of_unordered_turns(session, slug, text.document)
    if result.changed:
        review.warn_of_other_title(session, slug, text.document)
    if result.changed and result.episode.transcript and not result.word_count:
        session.output.warn(f"{slug}: {NO_SPEECH}")
    receipt, previous = receipt_of(result, session.output.seconds), result.folder.load_receipt()
    if result.changed or previous.get("document_key") != receipt["document_key"]:  # lost by a killed run
        result.folder.save_receipt(receipt)
    return result


@contextmanager
def rehearsed_episode(
    context: "Context", argument: str, options: PublishOptions
) -> "Iterator[tuple[Context, str]]":
    """Yield a show and the slug of an argument in it; of a new recording nothing stays."""
    from podcast_pipeline.pipeline.rehearsal import ingested_for_rehearsal

    if not _is_recording(argument, options):
        yield context, argument
        return
    _ = context.engine
    with ingested_for_rehearsal(
        context, lambda library: ingest_recording(library, options.tracks or Path(argument), options)
    ) as found:
        yield found


def _is_recording(argument: str, options: PublishOptions) -> bool:
    """Tell a recording from a slug; EpisodeError where an option for a recording comes with a slug."""
    if options.tracks or Path(argument).is_file():
        return True
    if options.replace:
        raise EpisodeError(argument, "is not a file; --replace needs the new recording")
    if options.for_new_recording:
        message = "is not a file; omit --title, --slug, --guest and --notes, they are for a new recording"
        raise EpisodeError(argument, message)
    return False


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


def _ask(session: CliSession, prepared: "PreparedEpisode") -> None:
    """Ask at a terminal for confirmation, with all that is known; Enter is no where a review found something.

    Raises:
        typer.Abort: the answer was no; the words stay in the folder.
    """
    episode = prepared.assembled.episode
    findings = list(review.review_lines(episode.slug, prepared.review_items, prepared.unnamed_speakers))
    session.output.close()
    for line in [*_summary(prepared), *findings, *slot_lines(session, episode)]:
        typer.echo(printable(line), err=True)
    if typer.confirm(_question(session, prepared.known, episode), default=not findings, err=True):
        return
    text = session.library.folder(episode.slug).transcript_md
    session.output.warn(
        f"{episode.slug}: nothing was published; correct {text}, look with `podcast preview {episode.slug}`,"
        f" then run `podcast publish {episode.slug}`"
    )
    raise typer.Abort


def _summary(prepared: "PreparedEpisode") -> Iterator[str]:
    """Yield who is in the episode, how long it is, and for whom it is."""
    from podcast_pipeline.transcript.text.clock import format_clock

    episode, transcript = prepared.assembled.episode, prepared.assembled.transcript
    persons = ", ".join(person.name for person in episode.persons) or "nobody named"
    words = f"{len(transcript.words)} words" if transcript else "no transcript"
    yield f"“{episode.title}” with {persons}: {format_clock(episode.enclosure.duration_s)}, {words}"
    if episode.access == "public" and (episode.transcript_is_public or episode.transcript_choice == "public"):
        yield "everybody hears and reads it; words that were public cannot be called back"
    elif episode.access == "public":
        yield "everybody hears it, subscribers read it"
    else:
        yield "only subscribers hear and read it"


def _question(session: CliSession, known: "Episode | None", episode: "Episode") -> str:
    if episode.state == "scheduled":
        return f"Schedule it for {session.format_local(episode.publish_at)}?"
    if known is not None and known.state == "published":
        return "Update the published episode?"
    return "Publish it now?"


def _ask_which_is_newer(session: CliSession, error: UnknownBaseError, options: PublishOptions) -> None:
    """Ask at a terminal whether the folder replaces the published episode; elsewhere raise the error."""
    if options.yes or not can_ask(session):
        raise error
    session.output.warn(str(error))
    typer.confirm("Publish this folder in place of all that differs?", default=False, abort=True)
