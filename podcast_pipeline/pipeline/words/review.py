"""Review of an episode's words: list the doubtful places, accept or correct them, learn names, compare."""

from collections.abc import Sequence
from dataclasses import dataclass

import tomlkit

from podcast_pipeline.config import Config, TermTable
from podcast_pipeline.episodes import edits
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.errors import CaptionError, ConfigError, EpisodeError
from podcast_pipeline.files import write_atomically
from podcast_pipeline.model import Episode, EpisodeDraft, Transcript, composed
from podcast_pipeline.model.catalog import transcript_from_json
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.pipeline.replace import old_words
from podcast_pipeline.pipeline.words.accepted_names import accept_name
from podcast_pipeline.pipeline.words.text import find_review_items
from podcast_pipeline.pipeline.words.transcribe import episode_glossary
from podcast_pipeline.storage import ObjectReader
from podcast_pipeline.transcript import timeline
from podcast_pipeline.transcript.edits import diff
from podcast_pipeline.transcript.markdown_edit import reassign_sentence, rename_speaker, replace_words
from podcast_pipeline.transcript.names import glossary
from podcast_pipeline.transcript.names.learn import learn_terms
from podcast_pipeline.transcript.review import ReviewItem

NAME_KINDS = ("near_names", "unknown_names")  # one item for all places of a name


@dataclass(frozen=True)
class EpisodeReview:
    """An episode's words as they are now, and the places to listen to, worst first."""

    draft: EpisodeDraft
    episode_text: edits.EpisodeText
    edited: edits.EditedTranscript
    items: tuple[ReviewItem, ...]


def load_review(folder: EpisodeFolder, context: Context) -> EpisodeReview:
    """Return the places that a person should listen to; writes nothing.

    Raises:
        EpisodeError: there are no words yet.
    """
    text = edits.read_episode_text(folder)
    if text.transcript is None:
        raise EpisodeError(folder.slug, f"has no words yet; run `podcast transcribe {folder.slug}`")
    draft = folder.load_draft()
    edited = edits.merge_edits(
        folder,
        draft,
        text.transcript,
        glossary=episode_glossary(draft, context.config, text.transcript.language),
        in_catalog=text.markdown is not None,
        now=context.clock(),
        save=False,
    )
    catalog = context.catalog()
    old = old_words(draft, catalog.by_id(draft.id) if catalog else None, context.store)
    return EpisodeReview(draft, text, edited, find_review_items(draft, edited, context.config, old=old))


def accept_item(item: ReviewItem, review: EpisodeReview, config: Config) -> None:
    """Accept a place as it is, for good; a name for the whole show; a conflicting edit is discarded."""
    conflict = next((c for c in review.edited.conflicts if _is(item, c.at_s, c.reason)), None)
    if item.kind == "conflicts" and conflict:
        edits.discard_conflict(review.episode_text, conflict)
    elif item.kind == "unknown_names":
        accept_name(item.text, config)
    else:
        edits.record_acceptance(review.episode_text, item.key)


def _is(item: ReviewItem, at_s: float, reason: str) -> bool:
    return item.start_s == at_s and item.reason.endswith(reason)


def correct_item(item: ReviewItem, correction: str, review: EpisodeReview) -> None:
    """Write the right words or speaker into transcript.md: a name everywhere, all else in its place.

    Raises:
        EpisodeError: transcript.md is missing, was saved meanwhile, or has the place more than once; or the
            item is a dropped word, which has no place in it.
    """
    slug = review.draft.slug
    if item.is_left_out:
        message = "is not in transcript.md; write it there where it was said, then accept this item"
        raise EpisodeError(slug, f"“{item.text}” {message}")
    if review.episode_text.markdown is None:
        raise EpisodeError(slug, "has no transcript.md yet; `podcast publish` or `transcribe` writes it")
    try:
        markdown = composed(review.episode_text.markdown.decode())
        text = _corrected(item, composed(correction), markdown, review.edited.transcript)
    except CaptionError as error:
        raise EpisodeError(slug, str(error)) from error
    edits.replace_markdown(review.episode_text, text)


def _corrected(item: ReviewItem, correction: str, markdown: str, transcript: Transcript) -> str:
    if item.kind == "printed_names":
        named = (
            speaker.id for speaker in transcript.speakers if transcript.speaker_name(speaker.id) == item.text
        )
        if (speaker := next(named, None)) is None:
            raise CaptionError(item.text, "stands in episode.toml, notes.md or show.toml; correct it there")
        return rename_speaker(markdown, speaker, correction, was=item.text)
    if item.kind != "speakers":
        at_s = None if item.kind in NAME_KINDS else item.start_s
        return replace_words(markdown, transcript, item.text, correction, at_s=at_s)
    if not item.suggestion:
        return reassign_sentence(markdown, transcript, item.text, correction, at_s=item.start_s)
    ids = (segment.speaker for segment in transcript.segments if segment.start_s == item.start_s)
    return rename_speaker(markdown, next(ids) or "", correction)  # a suggestion is about the voice


def names_to_learn(review: EpisodeReview, config: Config) -> tuple[TermTable, ...]:
    """Return the names that a person corrected and the show's glossary lacks."""
    known = glossary.build_glossary(
        config.glossary, people=config.show.host_names, language=review.edited.transcript.language
    )
    return learn_terms(review.edited.edits.all, known)


def add_to_glossary(config: Config, terms: Sequence[TermTable]) -> None:
    """Add names to the glossary in show.toml; comments and order are kept."""
    path = config.folder / "show.toml"
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    table = document.setdefault("glossary", tomlkit.table())
    entries = table.setdefault("terms", tomlkit.array())
    if not isinstance(entries, tomlkit.items.Array):
        raise ConfigError(path, '[glossary] terms is no list; write terms = ["Ann Example"]')
    for term in terms:
        entries.add_line(_entry(term))
    entries.add_line(indent="")
    write_atomically(path, tomlkit.dumps(document).encode())


def _entry(term: TermTable) -> object:
    if not term.sounds_like:
        return term.name
    entry = tomlkit.inline_table()
    entry.update({"name": term.name, "sounds_like": list(term.sounds_like)})
    return entry


def diff_versions(slug: str, context: Context, *, old: int | None, new: int | None) -> tuple[str, ...]:
    """Return the differences between two published versions, or between the newest one and the folder.

    Of an episode without a published transcript, those between what the engine heard and the folder.

    Args:
        old: a version's number; None: the newest, or the one before `new`.
        new: a version's number; None: the words in the folder.

    Raises:
        EpisodeError: the episode has no published transcript, or no such version.
    """
    catalog = context.catalog()
    known = catalog.by_slug(slug) if catalog else None
    if known is None or known.transcript is None:
        if old is not None or new is not None:
            raise EpisodeError(slug, "has no published transcript yet; omit --from and --to to see the edits")
        return _diff_draft(load_review(context.library.folder(slug), context))
    newest = known.transcript.version
    before = _version(known, old or (new - 1 if new else newest), context.store)
    if new is not None:
        return diff(before, _version(known, new, context.store))
    enclosure = known.enclosure
    now = timeline.map_transcript(
        load_review(context.library.folder(slug), context).edited.transcript,
        known.timeline,
        duration_s=enclosure.duration_s,
        media_sha256=enclosure.sha256 or "",
    )
    return diff(before, now)


def _diff_draft(review: EpisodeReview) -> tuple[str, ...]:
    """Return what names and a person's edits have changed in the engine's words."""
    heard = review.episode_text.transcript
    return diff(heard, review.edited.transcript) if heard else ()


def _version(known: Episode, number: int, store: ObjectReader) -> Transcript:
    for version in known.transcripts:
        if version.version == number and version.withdrawn_at is not None:
            raise EpisodeError(
                known.slug, f"version {number} was withdrawn on {version.withdrawn_at:%Y-%m-%d}"
            )
        if version.version == number:
            return transcript_from_json(store.get(version.document_key)[1], version.document_key)
    numbers = ", ".join(str(version.version) for version in known.transcripts)
    raise EpisodeError(known.slug, f"has no version {number}; published are {numbers}")
