"""The corrected words of an episode: names, a person's edits, the review policy."""

from podcast_pipeline.config import Config
from podcast_pipeline.episodes import edits
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.errors import ReviewError
from podcast_pipeline.model import Episode, EpisodeDraft, Transcript
from podcast_pipeline.model.catalog import transcript_from_json
from podcast_pipeline.pipeline.accepted_names import load_accepted_names
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.pipeline.transcribe import episode_glossary
from podcast_pipeline.storage import ObjectReader
from podcast_pipeline.transcript import review
from podcast_pipeline.transcript.names.glossary import names_in
from podcast_pipeline.transcript.names.printed import (
    PrintedNameDoubt,
    doubtful_speakers,
    misspelt_names,
    rival_names,
)
from podcast_pipeline.transcript.text.clock import format_clock


def edited_transcript(
    folder: EpisodeFolder,
    draft: EpisodeDraft,
    transcript: Transcript,
    known: Episode | None,
    context: Context,
    *,
    save: bool = True,
) -> edits.EditedTranscript:
    """Return the words with names corrected and a person's edits merged, in recording times.

    Args:
        known: the episode in the catalog, None for a new one.
        save: write transcript.md and edits.json.
    """
    return edits.merge_edits(
        folder,
        draft,
        transcript,
        glossary=episode_glossary(draft, context.config, transcript.language),
        in_catalog=known is not None,
        now=context.clock(),
        save=save,
    )


def check_review_policy(draft: EpisodeDraft, edited: edits.EditedTranscript, config: Config) -> None:
    """Raise ReviewError when a review item blocks publication by the show's policy."""
    if "block" not in config.review.model_dump().values():
        return
    blocking = review.blocking_items(find_review_items(draft, edited, config), config.review)
    if blocking:
        first = blocking[0]
        raise ReviewError(
            draft.slug,
            f"{len(blocking)} to listen to before publication, first “{first.text}” at"
            f" {format_clock(first.start_s)}: {first.reason}; run `podcast review {draft.slug}`",
        )


def find_review_items(
    draft: EpisodeDraft, edited: edits.EditedTranscript, config: Config
) -> tuple[review.ReviewItem, ...]:
    """Return the places that a person should listen to, worst first."""
    language = edited.transcript.language
    titled = draft.model_copy(update={"notes": f"{draft.title}\n\n{draft.notes}"})
    return review.review_items(
        edited.transcript,
        known_names=episode_glossary(titled, config, language),
        policy=config.review,
        printed=printed_name_doubts(draft, edited.transcript, config),
        conflicts=edited.conflicts,
        accepted={*edited.edits.accepted, *load_accepted_names(config).keys},
    )


def printed_name_doubts(
    draft: EpisodeDraft, transcript: Transcript, config: Config
) -> tuple[PrintedNameDoubt, ...]:
    """Return the printed names that may be wrong: speakers, guests and hosts, title, notes."""
    hosts, guests = config.show.hosts, [person.name for person in draft.persons if person.role == "guest"]
    people = [*hosts, *guests]
    speakers = filter(None, (transcript.speaker_name(segment.speaker) for segment in transcript.segments))
    texts = (("the title", draft.title), ("the notes", draft.notes))
    return (
        *doubtful_speakers(speakers, people),
        *rival_names(people),
        *(
            doubt
            for where, text in texts
            for doubt in misspelt_names(names_in(text, language=draft.language), people, where=where)
        ),
    )


def warn_of_printed_names(
    draft: EpisodeDraft, edited: edits.EditedTranscript | None, context: Context
) -> None:
    """Say which printed names may be wrong, those that were accepted left out; nothing where that is off."""
    if edited is None or context.config.review.printed_names == "off":
        return
    for doubt in printed_name_doubts(draft, edited.transcript, context.config):
        if f"printed_names: {doubt.text}" not in edited.edits.accepted:
            context.warn(f"{draft.slug}: “{doubt.text}” {doubt.reason} (`podcast review {draft.slug}`)")


def published_transcript(known: Episode | None, store: ObjectReader) -> Transcript | None:
    """Return the newest published words, in media times; None where there are none."""
    if known is None or known.transcript is None:
        return None
    key = known.transcript.document_key
    return transcript_from_json(store.get(key)[1], key)
