"""Another recording for an episode: put into its folder, and what is asked before it is published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from podcast_pipeline.audio.source import check_audio
from podcast_pipeline.audio.tracks import Track, mix_tracks
from podcast_pipeline.episodes import replace_recording as recordings
from podcast_pipeline.episodes.base import EpisodeBase
from podcast_pipeline.episodes.public_fields import RECORDING, changed_fields
from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.files import sha256_of
from podcast_pipeline.model import Chapter, Episode, EpisodeDraft, Soundbite, Transcript
from podcast_pipeline.model.catalog import transcript_from_json
from podcast_pipeline.model.gates import GateName, check_gate
from podcast_pipeline.pipeline.assemble import has_new_audio
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.pipeline.words.text import published_transcript
from podcast_pipeline.storage import ObjectReader
from podcast_pipeline.transcript import timeline
from podcast_pipeline.transcript.new_audio import MovedMark, changed_names, moved_marks
from podcast_pipeline.transcript.text.clock import format_short_clock

LISTED = 3  # marks and names in one line


@dataclass(frozen=True)
class Replacement:
    """What a replacement left in the folder.

    Attributes:
        old_files: the names of the old recording and its tracks, which nothing uses any more.
    """

    slug: str
    folder: Path
    old_files: tuple[str, ...]


def replace_recording(context: Context, slug: str, recording: Path | Sequence[Track]) -> Replacement:
    """Make a recording, or its tracks, the audio of an episode; publishes nothing.

    Guid, slug, date and the words that a person corrected stay. Idempotent; a killed run is run again.

    Raises:
        EpisodeError: the episode cannot have another recording, or another one has this recording.
        AudioError: the recording cannot be used; raised before anything is written.
    """
    _check_replaceable(context, slug)
    if isinstance(recording, Path):
        check_audio(recording, report=context.report)
        return _replace(context, slug, recording, ())
    with TemporaryDirectory() as work:
        mixed = Path(work) / "mix.flac"
        mix_tracks(recording, mixed, ffmpeg=context.ffmpeg, report=context.report)
        return _replace(context, slug, mixed, recording)


def check_new_audio(
    draft: EpisodeDraft, known: Episode | None, base: EpisodeBase | None, *, allow: frozenset[GateName]
) -> None:
    """Close the gate `new-audio` where an episode that apps have gets another recording.

    Args:
        base: what the folder was last equal to. A recording that was not changed here since is the older one
            of two: another producer has replaced it, and the merge refuses that.

    Raises:
        GateClosed: nobody has allowed it.
    """
    recording = {RECORDING: draft.source_sha256}
    if base is not None and not changed_fields(base.fields, recording):
        return
    if known is not None and has_new_audio(draft, known):
        check_gate("new-audio", draft.slug, _tell_new_audio(known), allow=allow)


def check_marks(
    draft: EpisodeDraft,
    known: Episode | None,
    *,
    old: Transcript | None,
    words: Transcript | None,
    allow: frozenset[GateName],
) -> None:
    """Close the gate `marks` where chapters or soundbites are those of the recording before.

    Args:
        old: from `old_words`.
        words: the folder's, edited, in recording times.

    Raises:
        GateClosed: nobody has allowed it.
    """
    if known is None or not has_new_audio(draft, known):
        return
    chapters, soundbites = _unmoved_marks(draft, known)
    if old and words:
        moved = moved_marks(chapters, soundbites, old, words)
    else:
        moved = tuple(MovedMark("chapter", one.title, one.start_s, None) for one in chapters if one.start_s)
    check_gate("marks", draft.slug, _tell_marks(moved), allow=allow)


def tell_changed_names(old: Transcript | None, words: Transcript | None) -> str | None:
    """Return one line on the names that came out otherwise than in the recording before, None without any."""
    names = changed_names(old, words) if old and words else ()
    if not names:
        return None
    listed = (f"“{one.old}” is “{one.new}” at {format_short_clock(one.start_s)}" for one in names[:LISTED])
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"names came out otherwise than in the old recording: {', '.join(listed)}{more}"


def old_words(draft: EpisodeDraft, known: Episode | None, store: ObjectReader) -> Transcript | None:
    """Return the words of the recording that the folder's replaces, in its times; None without any."""
    published = published_transcript(known, store) if known and has_new_audio(draft, known) else None
    if published is None or known is None:
        return None
    return timeline.recording_transcript(published, known.timeline, duration_s=published.duration_s)


def audio_replaced_at(episode: Episode, store: ObjectReader) -> datetime | None:
    """Return when an episode got the audio that it has, None where it never had other audio with words."""
    since = None
    for version in reversed(episode.readable_versions):
        words = transcript_from_json(store.get(version.document_key)[1], version.document_key)
        if words.media_sha256 != episode.enclosure.sha256:
            return since
        since = version.published_at
    return None


def _check_replaceable(context: Context, slug: str) -> None:
    folder, catalog = context.library.folder(slug), context.catalog()
    if not folder.has_recording:
        raise EpisodeError(slug, "was imported and keeps the audio that apps have; its audio is not replaced")
    known = catalog.by_id(folder.table.id) if catalog else None
    if known is not None and known.state == "unpublished":
        raise EpisodeError(slug, "was unpublished and cannot come back, with no other audio either")


def _replace(context: Context, slug: str, recording: Path, tracks: Sequence[Track]) -> Replacement:
    other = context.library.slug_of_source(sha256_of(recording), exclude=frozenset({slug}))
    if other is not None:
        raise EpisodeError(slug, f"cannot have the recording of {other}; give another file")
    with context.library.open(slug) as folder:
        old_files = recordings.replace_recording(
            folder, recording, tracks=[(track.name, track.path, track.channel) for track in tracks]
        )
        return Replacement(slug, folder.path, old_files)


def _unmoved_marks(draft: EpisodeDraft, known: Episode) -> tuple[list[Chapter], list[Soundbite]]:
    """Return the chapters and soundbites that stand where they stood for the old recording."""
    old_chapters = timeline.recording_chapters(known.chapters, known.timeline)
    old_bites = timeline.recording_soundbites(known.soundbites, known.timeline)
    starts = {(one.title, round(one.start_s, 1)) for one in old_chapters}
    bites = {(one.title, round(one.start_s, 1), round(one.duration_s, 1)) for one in old_bites}
    return (
        [one for one in draft.chapters if (one.title, round(one.start_s, 1)) in starts],
        [
            one
            for one in draft.soundbites
            if (one.title, round(one.start_s, 1), round(one.duration_s, 1)) in bites
        ],
    )


def _tell_new_audio(known: Episode) -> str | None:
    parts = []
    if known.state == "published":
        parts.append(
            "has another recording: apps that have downloaded the episode keep the old audio, all others get"
            " the new one from a new address"
        )
    days = sorted({f"{w.withdrawn_at:%Y-%m-%d}" for w in known.withdrawals if w.kind == "passage"})
    if days:
        parts.append(f"a passage was withdrawn on {' and '.join(days)}: listen that the new audio lacks it")
    return "; ".join(parts) or None


def _tell_marks(moved: Sequence[MovedMark]) -> str | None:
    if not moved:
        return None
    listed = "; ".join(_tell_mark(mark) for mark in moved[:LISTED])
    more = f"; and {len(moved) - LISTED} more" if len(moved) > LISTED else ""
    return f"has marks of the old recording: {listed}{more}; correct start_s in episode.toml"


def _tell_mark(mark: MovedMark) -> str:
    name = f"{mark.kind} “{mark.title}”" if mark.title else mark.kind
    if mark.new_start_s is None:
        return f"{name} at {mark.start_s:g} s, whose words were not found again"
    return f"{name} at {mark.start_s:g} s, whose words begin at {mark.new_start_s:g} s now"
