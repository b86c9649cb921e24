"""The corrected words of an episode: names, a person's edits, the review policy."""

from collections.abc import Iterator

from podcast_pipeline.config import AccessTable, Config
from podcast_pipeline.episodes import edits
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.errors import ReviewError
from podcast_pipeline.model import Episode, EpisodeDraft, Transcript
from podcast_pipeline.model.catalog import Catalog, transcript_from_json
from podcast_pipeline.model.gates import GateName, check_gate
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.pipeline.words.accepted_names import load_accepted_names
from podcast_pipeline.pipeline.words.transcribe import episode_glossary
from podcast_pipeline.storage import ObjectReader
from podcast_pipeline.transcript import review
from podcast_pipeline.transcript.leaks.quotes import (
    LARGEST_SHARE,
    episode_texts,
    quoted_texts,
    show_texts,
)
from podcast_pipeline.transcript.leaks.shingles import teaser, teaser_word_count
from podcast_pipeline.transcript.names.glossary import names_in
from podcast_pipeline.transcript.names.printed import (
    PrintedNameDoubt,
    doubtful_speakers,
    misspelt_names,
    rival_names,
)
from podcast_pipeline.transcript.new_audio import changed_names, review_changed_names
from podcast_pipeline.transcript.text.clock import format_clock

LISTED = 3  # public texts in one line


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


def check_review_policy(
    draft: EpisodeDraft,
    edited: edits.EditedTranscript,
    config: Config,
    *,
    old: Transcript | None = None,
) -> tuple[review.ReviewItem, ...]:
    """Return the review items; raise ReviewError when one blocks publication by the show's policy.

    Args:
        old: see `find_review_items`.
    """
    items = find_review_items(draft, edited, config, old=old)
    blocking = review.blocking_items(items, config.review)
    if blocking:
        first = blocking[0]
        raise ReviewError(
            draft.slug,
            f"{len(blocking)} to listen to before publication, first {first.quoted} at"
            f" {format_clock(first.start_s)}: {first.reason}; run `podcast review {draft.slug}`",
        )
    return items


def find_review_items(
    draft: EpisodeDraft,
    edited: edits.EditedTranscript,
    config: Config,
    *,
    old: Transcript | None = None,
) -> tuple[review.ReviewItem, ...]:
    """Return the places that a person should listen to, worst first.

    Args:
        old: the words of the recording that this one replaces, to compare the names.
    """
    names = changed_names(old, edited.transcript) if old and config.review.doubts != "off" else ()
    accepted = {*edited.edits.accepted, *load_accepted_names(config).keys}
    renamed = [item for item in review_changed_names(names) if item.key not in accepted]
    titled = draft.model_copy(update={"notes": f"{draft.title}\n\n{draft.notes}"})
    items = review.review_items(
        edited.transcript,
        known_names=episode_glossary(titled, config, edited.transcript.language),
        policy=config.review,
        printed=printed_name_doubts(draft, edited.transcript, config),
        conflicts=edited.conflicts,
        differences=edited.differences,
        accepted=accepted,
        is_typed=edited.edits.typed is not None,
    )
    return tuple(sorted([*items, *renamed], key=lambda item: (-item.weight, item.start_s)))


def check_quotes(
    draft: EpisodeDraft,
    words: Transcript | None,
    config: Config,
    catalog: Catalog | None,
    *,
    allow: frozenset[GateName],
) -> None:
    """Close the gate `secret-words` where new public texts have more of the words than quotations.

    Args:
        words: the folder's, edited; None where there are none.
        catalog: as it is; what everybody can read already is not asked again.

    Raises:
        GateClosed: nobody has allowed it.
    """
    if words is None:
        return
    count = teaser_word_count(words, config.access.teaser_words)
    known = catalog.by_id(draft.id) if catalog else None
    seen = {*(known.public_text if known else ()), *(catalog.show_text if catalog else ())}
    texts = (*episode_texts(draft), *show_texts(config.to_show(artwork_key=None)))
    found = quoted_texts([one for one in texts if one.text not in seen], words, teaser=teaser(words, count))
    longest_teaser = max((len(one.teaser.split()) for one in catalog.episodes), default=0) if catalog else 0
    said = [*map(str, found[:LISTED]), *_long_teaser(count, words, longest_teaser)]
    finding = f"{'; '.join(said)}; everybody could read them" if said else None
    check_gate("secret-words", draft.slug, finding, allow=allow)


def _long_teaser(count: int, words: Transcript, longest: int) -> Iterator[str]:
    """Yield a line on a teaser longer than the default, a tenth of the words and every teaser before."""
    if count > max(AccessTable().teaser_words, len(words.words) // LARGEST_SHARE, longest):
        yield f"access.teaser_words: the first {count} of {len(words.words)} words"


def printed_name_doubts(
    draft: EpisodeDraft, transcript: Transcript, config: Config
) -> tuple[PrintedNameDoubt, ...]:
    """Return the printed names that may be wrong: speakers, guests and hosts, title, notes."""
    hosts, guests = (
        config.show.host_names,
        [person.name for person in draft.persons if person.role == "guest"],
    )
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
