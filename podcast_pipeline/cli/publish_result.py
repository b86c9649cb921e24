"""What `podcast publish` prints of its results, and the receipt that it leaves in the folder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import PodcastError

if TYPE_CHECKING:
    from podcast_pipeline.model import Episode, Show
    from podcast_pipeline.pipeline.publish import DryRunResult, PublishResult

LISTED = 20  # changes that came from other producers


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


def slot_lines(session: CliSession, episode: "Episode") -> Iterator[str]:
    """Yield a line where other episodes are scheduled for the same time."""
    from podcast_pipeline.pipeline.schedule import scheduled_together

    catalog = session.context.catalog()
    others = scheduled_together(catalog.episodes if catalog else (), episode)
    if others:
        names, when = " and ".join(other.slug for other in others), session.format_local(episode.publish_at)
        verb = "is" if len(others) == 1 else "are"
        yield f"{names} {verb} scheduled for {when} too; `--at next` takes the next free slot"


def receipt_of(result: "PublishResult", seconds: dict[str, float]) -> dict[str, object]:
    """Return the receipt of a publication, for published.json in the folder."""
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


def print_outcomes(session: CliSession, outcomes: list[PublishOutcome]) -> None:
    """Print the steps and the result of each recording or slug, or one document with --json."""
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
    from podcast_pipeline.pipeline.publish import PublishResult

    result, error = outcome.result, outcome.error and str(outcome.error)
    if result is None:
        keys = ("id", "guid", "state", "publish_at", "page_url", "audio_url")
        return {"slug": outcome.argument, **dict.fromkeys(keys), "error": error}
    facts = {**_facts(result.episode, result.show), "changed": result.changed, "error": None}
    facts["merged"] = list(result.taken)
    facts["findings"] = session.told(result.episode.slug)
    if isinstance(result, PublishResult):
        return facts
    minted = {} if result.has_folder else {"id": None, "guid": None}
    return {**facts, **minted, "would_store": dict(result.objects)}


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
        then = " from its time on" if result.episode.state == "scheduled" else ""
        yield f"{facts['slug']}: nothing to do, the episode matches its folder ({facts['page_url']}{then})"
    elif isinstance(result, DryRunResult):
        yield from _plan(session, result)
    else:
        scheduled = result.episode.state == "scheduled"
        if scheduled:
            when = session.format_local(result.episode.publish_at)
            yield f"scheduled: `podcast release` publishes the episode at {when}; nothing answers before"
            yield from slot_lines(session, result.episode)
        version = result.episode.transcript
        known = result.before.transcripts if result.before else ()
        if version and version.note and version not in known:
            yield f"transcript: version {version.version}; correction note: {version.note}"
        yield from _lines_on_the_readers(result)
        if scheduled:
            yield f"page from then on: {facts['page_url']}"
            return
        yield f"page:  {facts['page_url']}"
        yield f"audio: {facts['audio_url'] or 'for subscribers, in their private feeds and on the page'}"
        yield f"feed:  {result.show.feed_url}"
        yield from _lines_on_the_audio(session, result)


def _lines_on_the_readers(result: "PublishResult") -> Iterator[str]:
    """Yield who reads the transcript from now on, where that has changed."""
    was_public = result.before is not None and result.before.transcript_is_public
    if result.episode.transcript_is_public and not was_public:
        yield "transcript: for everybody, in the public feed, on the page and in search"
    elif was_public and not result.episode.transcript_is_public:
        count = len(result.episode.pending_keys)
        yield (
            f"transcript: for subscribers again; {count} public files were removed. What apps, search engines"
            " and readers have fetched cannot be called back; caches may answer for five minutes more"
        )


def _lines_on_the_audio(session: CliSession, result: "PublishResult") -> Iterator[str]:
    """Yield what a listener keeps of the audio that was published before."""
    before, audio = result.before, result.episode.enclosure
    if before is None or before.enclosure.key is None or before.state != "published":
        return
    if before.enclosure.sha256 != audio.sha256:
        days = session.config.storage.gc_grace_days
        old = result.show.object_url(before.enclosure.key) if before.access == "public" else "in the store"
        yield f"old audio: {old}, until `podcast gc --yes` removes it, {days} days from now at the earliest"
    elif before.title != result.episode.title:
        yield "the MP3 keeps in its tags the title that it was made with; apps show the one of the feed"


def merged_lines(taken: Sequence[str], verb: str) -> Iterator[str]:
    """Yield a line for each change that came from the published episode, the first ones in full."""
    yield from (f"{verb} from the published episode: {line}" for line in taken[:LISTED])
    if len(taken) > LISTED:
        yield f"{verb} from the published episode: {len(taken) - LISTED} more changes"


def _plan(session: CliSession, result: "DryRunResult") -> Iterator[str]:
    episode, changes = result.episode, result.feed_changes
    when = session.format_local(episode.publish_at)
    folder = "" if result.has_folder else " and no folder was made"
    yield f"{episode.slug}: would be {episode.state}, {when}; nothing was stored{folder}"
    yield from slot_lines(session, episode)
    for key, size_bytes in result.objects:
        yield f"would store {key} ({size_bytes} bytes)"
    for verb, items in (("add", changes.new), ("remove", changes.removed)):
        for item in items:
            yield f"the feed would {verb}: {item.title}"
    for change in changes.changed:
        yield f"the feed would change: {change.new.title}"
