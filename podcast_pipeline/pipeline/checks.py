"""What stops a publication, asks at a gate, or is said: before the long work, of the words, at the end."""

from podcast_pipeline.diarization import missing_diarizer
from podcast_pipeline.episodes.edits import EditedTranscript
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.feed.show_notes import relative_links
from podcast_pipeline.model import Episode, EpisodeDraft, Transcript
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.model.gates import GateName
from podcast_pipeline.pipeline import recordings
from podcast_pipeline.pipeline.assemble import as_published, is_transcript_public
from podcast_pipeline.pipeline.commit import PreparedEpisode, check_leaks, preview, secret_shingles
from podcast_pipeline.pipeline.context import Context, step
from podcast_pipeline.pipeline.merge.published import known_base
from podcast_pipeline.pipeline.replace import check_marks, check_new_audio, old_words, tell_changed_names
from podcast_pipeline.pipeline.show_assets import check_placeholders
from podcast_pipeline.pipeline.taken_over import check_taken_over
from podcast_pipeline.pipeline.withdraw.checks import check_draft, check_folder
from podcast_pipeline.pipeline.words.text import check_quotes, check_review_policy
from podcast_pipeline.transcript.review import ReviewItem


def check_before_work(
    folder: EpisodeFolder,
    draft: EpisodeDraft,
    known: Episode | None,
    catalog: Catalog | None,
    context: Context,
    *,
    allow: frozenset[GateName],
) -> None:
    """Check what can be known of a folder before anything is transcribed, and say what is odd in it.

    Raises:
        GateClosed: placeholders, or another recording.
        LeakError: the folder has words that were withdrawn.
    """
    for link in relative_links(draft.notes):
        context.warn(
            f"{folder.slug}: notes.md links to {link}, where no app can go; write it whole, https://…"
        )
    if known is not None and folder.has_recording and not folder.source.exists():
        context.warn(f"{folder.slug}: {folder.source.name} is not here; the published audio stays as it is")
    check_placeholders(context, catalog, allow=allow)
    check_new_audio(draft, known, known_base(folder, known) if known else None, allow=allow)
    check_folder(folder, known, catalog)
    if known is None or known.source_sha256 != draft.source_sha256:
        check_engines(folder, context)
        recordings.tell_recording(folder, context)


def check_engines(folder: EpisodeFolder, context: Context) -> None:
    """Check that what a new recording needs is installed, and say where its speakers will stay unknown.

    Raises:
        TranscriptionError: no engine.
        DiarizationError: the one that show.toml names is not installed.
    """
    _ = context.engine
    line = None if folder.table.tracks else missing_diarizer(context.config.speakers.engine)
    if line:
        context.warn(f"{folder.slug}: {line}")


def check_words(
    draft: EpisodeDraft,
    known: Episode | None,
    edited: EditedTranscript | None,
    catalog: Catalog | None,
    context: Context,
    *,
    allow: frozenset[GateName],
) -> tuple[ReviewItem, ...]:
    """Check the words of an episode, and its public texts against them; return the places to listen to.

    Raises:
        ReviewError: the review policy blocks publication.
        GateClosed: marks of the recording before, or texts that give away the words.
        LeakError: words that were withdrawn.
    """
    words, old = edited.transcript if edited else None, old_words(draft, known, context.store)
    review_items = check_review_policy(draft, edited, context.config, old=old) if edited else ()
    check_draft(draft, known, words, catalog)
    check_marks(draft, known, old=old, words=words, allow=allow)
    if not is_transcript_public(draft, known):
        check_quotes(draft, words, context.config, catalog, allow=allow)
    if names := tell_changed_names(old, words):
        context.warn(f"{draft.slug}: {names}; run `podcast review {draft.slug}`")
    return review_items


def check_prepared(
    prepared: PreparedEpisode,
    published: Transcript | None,
    context: Context,
    *,
    allow: frozenset[GateName],
) -> None:
    """Check the feed that would be written, and that no text of the transcript becomes public.

    Args:
        published: the newest published words.

    Raises:
        FeedError, LeakError, GateClosed: nothing may be stored.
    """
    episode, transcript = prepared.assembled.episode, prepared.assembled.transcript
    with step(context.report, "check feed"):
        then = preview(context.store, prepared.update)
        if episode.state == "scheduled":  # refused by `release` means refused with somebody here
            released = as_published(episode, episode.publish_at, changed_at=episode.publish_at)
            prepared.render_feed(then.catalog.with_episode(released), then.published_feed)
    if transcript is None or episode.transcript_is_public:
        return
    with step(context.report, "check leaks"):
        secret = secret_shingles(transcript, then.catalog)
        check_leaks(secret, prepared.objects)
        before = secret_shingles(published, then.catalog) if published else None
        check_taken_over(episode, secret, before, context.store, allow=allow)
