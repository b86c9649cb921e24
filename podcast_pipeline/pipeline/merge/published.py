"""Compare an episode's folder with the catalog, and merge what another producer has published since."""

from dataclasses import dataclass, replace

from podcast_pipeline.episodes import base as bases
from podcast_pipeline.episodes import edits
from podcast_pipeline.episodes.base import BASE_FILE, EpisodeBase
from podcast_pipeline.episodes.conflict_markers import mark_conflicts
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.episodes.public_fields import (
    RECORDING,
    Fields,
    FieldsMerge,
    draft_fields,
    merge_fields,
    published_fields,
    show_difference,
    with_fields,
)
from podcast_pipeline.episodes.table import EPISODE_FILE, read_table
from podcast_pipeline.episodes.table_edit import check_toml, read_toml, set_keys
from podcast_pipeline.errors import EpisodeError, MergeError, NotFound, UnknownBaseError
from podcast_pipeline.files import write_atomically
from podcast_pipeline.model import Episode, EpisodeDraft, Transcript
from podcast_pipeline.model.catalog import transcript_from_json
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.pipeline.imported import merge_imported
from podcast_pipeline.pipeline.merge.words import FolderWords, WordsMerge, merge_words
from podcast_pipeline.pipeline.words.text import edited_transcript
from podcast_pipeline.pipeline.words.transcribe import load_or_transcribe
from podcast_pipeline.storage import ObjectReader
from podcast_pipeline.transcript.timeline import recording_transcript

LISTED = 3
NO_FIELDS = FieldsMerge({}, ())


@dataclass(frozen=True)
class FolderMerge:
    """A folder's state merged with the published one.

    Attributes:
        folder: as it was read; nothing of the merge is written yet.
        draft: of the folder, with the fields that others changed.
        notes: the folder's, as they were read.
        words: None for an imported episode without words.
        base_known: whether it is known what the folder was last equal to.
    """

    folder: EpisodeFolder
    draft: EpisodeDraft
    fields: FieldsMerge = NO_FIELDS
    words: WordsMerge | None = None
    base: EpisodeBase | None = None
    base_known: bool = True
    notes: str = ""

    @property
    def edited(self) -> edits.EditedTranscript | None:
        """The merged words in recording times."""
        return self.words.edited if self.words else None

    @property
    def transcript(self) -> Transcript | None:
        """The words for a new version; None where there are none, or the published version stays."""
        return self.words.edited.transcript if self.words and not self.words.stays else None

    @property
    def taken(self) -> tuple[str, ...]:
        """A line for each change that came from the published episode."""
        fields = (self._taken_line(name) for name in self.fields.taken)
        return (*fields, *(self.words.taken if self.words else ()))

    def _taken_line(self, name: str) -> str:
        old, new = show_difference(self.fields.replaced[name], self.fields.taken[name])
        return f"{name}: {new} in place of {old}"

    @property
    def conflicts(self) -> tuple[str, ...]:
        """A line for everything that a person has to decide."""
        return (*map(str, self.fields.conflicts), *(self.words.conflicts if self.words else ()))

    @property
    def files_with_markers(self) -> tuple[str, ...]:
        """The files that will have both values between markers."""
        names = {"notes.md" if one.name == "notes" else EPISODE_FILE for one in self.fields.conflicts}
        marked = self.words is not None and self.words.has_markers
        return (*sorted(names), *(["transcript.md"] if marked else []))

    def check(self) -> None:
        """Raise MergeError where a person has to decide."""
        if not self.conflicts:
            return
        slug = self.folder.slug
        listed = "; ".join(self.conflicts[:LISTED])
        more = len(self.conflicts) - LISTED
        listed += f"; and {more} more" if more > 0 else ""
        if not self.base_known:
            raise UnknownBaseError(
                slug,
                f"has no {BASE_FILE}, so nobody can tell whether it is older than the published episode: "
                f"{listed}; run `podcast pull {slug}`",
            )
        raise MergeError(
            slug, f"was changed here and by another producer: {listed}; run `podcast pull {slug}`"
        )


def merge_published(
    folder: EpisodeFolder,
    draft: EpisodeDraft,
    known: Episode | None,
    context: Context,
    *,
    trust_folder: bool,
    save: bool,
) -> FolderMerge:
    """Merge what others have published since into a folder that is about to be published.

    Args:
        known: the episode in the catalog, None for a new one.
        trust_folder: take a folder without base.json for newer than the published episode.
        save: write the words, new edits, and what others have published.

    Raises:
        MergeError: a person has to decide.
    """
    base = known_base(folder, known) if known else None
    if base is None and known is not None and trust_folder:
        base = EpisodeBase.of(known)
    merged = merge_folder(folder, draft, known, context, base=base, save=save)
    merged.check()
    if save and known is not None and merged.taken:
        write_merge(merged, known)
    return merged


def base_before(folder: EpisodeFolder, known: Episode | None) -> EpisodeBase:
    """Return what a folder is equal to before a publication; of a new episode nothing."""
    if known is None:
        return EpisodeBase(episode_id=folder.table.id, fields={})
    base = bases.read_base(folder)
    return base.settled(known) if base else EpisodeBase.of(known)


def merge_folder(
    folder: EpisodeFolder,
    draft: EpisodeDraft,
    known: Episode | None,
    context: Context,
    *,
    base: EpisodeBase | None,
    save: bool,
) -> FolderMerge:
    """Merge the published state of an episode into that of its folder; see `write_merge`.

    Args:
        known: the episode in the catalog, None for a new one.
        base: see `known_base`; None: every difference is a conflict.
        save: write words that the folder does not have yet, and new edits, into it.
    """
    if known is None:
        return FolderMerge(folder, draft, words=_words_alone(_words(folder, draft, None, context, save=save)))
    notes = draft.notes
    ours = draft_fields(merge_imported(draft, known), known.timeline)
    fields = merge_fields(base.fields if base else None, ours, published_fields(known))
    draft = merge_imported(with_fields(draft, fields.taken), known)
    here = _words(folder, draft, known, context, save=save)
    words = _merge_words(here, known, base, context) if here and not _other_recording(fields) else None
    return FolderMerge(
        folder,
        draft,
        fields,
        words or _words_alone(here),
        base=base,
        base_known=base is not None,
        notes=notes,
    )


def known_base(folder: EpisodeFolder, known: Episode) -> EpisodeBase | None:
    """Return what a folder was last equal to: base.json, else what its receipt says; None without either.

    Raises:
        MergeError: base.json is damaged, or names words that this catalog does not have.
        EpisodeError: a later release wrote it.
    """
    keys = [version.document_key for version in known.transcripts]
    base = bases.read_base(folder)
    if base is not None:
        base = base.settled(known)
        if base.document_key is not None and base.document_key not in keys:
            raise MergeError(
                folder.slug,
                f"{BASE_FILE} names words that this catalog does not have, as from another branch or store;"
                f" run `podcast pull {folder.slug}`",
            )
        return base
    receipt = folder.load_receipt()
    if receipt.get("id") != str(known.id) or "document_key" not in receipt:
        return None
    newest, named = EpisodeBase.of(known), receipt["document_key"]
    if named == newest.document_key:
        return newest
    return newest.model_copy(update={"document_key": named, "fields": {}}) if named in keys else None


def write_merge(merge: FolderMerge, known: Episode) -> None:
    """Write a merge into the folder: words, episode.toml, notes.md and last base.json.

    A run that was killed in between finds what it wrote equal to the published state. Conflicts are written
    with both values between markers.

    Raises:
        EpisodeError: a person saved a file meanwhile.
    """
    if merge.words is not None and merge.words.markdown is not None:
        _write_words(merge.folder, merge.words)
    if merge.fields.taken or merge.fields.conflicts:
        _write_toml(merge.folder, merge.fields)
        _write_notes(merge.folder, merge.fields, merge.notes)
    words = merge.words.edited.transcript if merge.words and merge.words.is_published else None
    base = EpisodeBase.of(known, words=words)
    if _other_recording(merge.fields) and merge.base is not None:  # the words were not merged
        base = base.model_copy(
            update={name: getattr(merge.base, name) for name in ("document_key", "words", "timeline")}
        )
    if base.words is None and merge.base is not None and merge.base.document_key == base.document_key:
        base = base.model_copy(update={"words": merge.base.words})
    bases.write_base(merge.folder, base)


def _words(
    folder: EpisodeFolder, draft: EpisodeDraft, known: Episode | None, context: Context, *, save: bool
) -> FolderWords | None:
    """Return the folder's words, those that are published where it has none."""
    engine = _published_words_for(folder, draft, known, context, save=save)
    engine = engine or load_or_transcribe(folder, draft, known, context, save=save)
    if engine is None:
        return None
    edited = edited_transcript(folder, draft, engine, known, context, save=save)
    return FolderWords(engine, edited, draft.title)


def _published_words_for(
    folder: EpisodeFolder, draft: EpisodeDraft, known: Episode | None, context: Context, *, save: bool
) -> Transcript | None:
    """Return the published words for a folder that lost its own; they become its transcript.json."""
    if known is None or known.transcript is None or known.source_sha256 != draft.source_sha256:
        return None
    if folder.transcript_json.exists() or folder.transcript_md.exists():
        return None
    published = _document(known.transcript.document_key, context.store)
    if published is None:
        return None
    words = recording_transcript(published, known.timeline, duration_s=published.duration_s)
    words = words.model_copy(update={"version": 1, "corrections": ()})
    if save:
        folder.save_transcript(words)
    return words


def _words_alone(words: FolderWords | None) -> WordsMerge | None:
    return WordsMerge(words.edited) if words else None


def _merge_words(
    here: FolderWords, known: Episode, base: EpisodeBase | None, context: Context
) -> WordsMerge | None:
    if known.transcript is None:
        return None
    ours, newest = here.edited.transcript, known.transcript.document_key
    own_are_published = base is not None and base.words == bases.words_digest(ours)
    if base is not None and base.document_key == newest:
        return WordsMerge(here.edited, is_published=own_are_published, stays=own_are_published)
    published = _document(newest, context.store)
    if published is None:
        return None
    theirs = recording_transcript(published, known.timeline, duration_s=ours.duration_s)
    if own_are_published:
        return merge_words(here, ours, theirs, now=context.clock())
    common = _document(base.document_key, context.store) if base and base.document_key else None
    if common is not None and base is not None:
        common = recording_transcript(common, base.timeline, duration_s=ours.duration_s)
    merged = merge_words(here, common, theirs, now=context.clock())
    if common is None and base is not None and base.document_key is not None and merged.conflicts:
        lost = "the words that this folder was made from are no longer stored"
        return replace(merged, conflicts=(lost, *merged.conflicts))
    return merged


def _document(key: str, store: ObjectReader) -> Transcript | None:
    """Return a published transcript in media times; None where it is gone, as after a withdrawal."""
    try:
        return transcript_from_json(store.get(key)[1], key)
    except NotFound:
        return None


def _other_recording(fields: FieldsMerge) -> bool:
    return any(conflict.name == RECORDING for conflict in fields.conflicts)


def _write_words(folder: EpisodeFolder, words: WordsMerge) -> None:
    text, markdown = edits.read_episode_text(folder), words.markdown or ""
    if words.has_markers:
        edits.replace_markdown(text, markdown)
    else:
        edits.save_words(text, words.edited.edits, markdown)


def _write_toml(folder: EpisodeFolder, fields: FieldsMerge) -> None:
    path = folder.path / EPISODE_FILE
    if read_table(path, folder.slug) != folder.table:
        raise EpisodeError(
            folder.slug, f"{EPISODE_FILE} was saved while this ran; run the same command again"
        )
    before = read_toml(folder)
    ours = set_keys(before, _of_toml(fields.taken))
    theirs = set_keys(ours, _of_toml({one.name: one.theirs for one in fields.conflicts}))
    check_toml(theirs, folder)
    if theirs != before:
        write_atomically(path, (mark_conflicts(ours, theirs) if theirs != ours else ours).encode())


def _write_notes(folder: EpisodeFolder, fields: FieldsMerge, before: str) -> None:
    path = folder.path / "notes.md"
    conflict = next((one for one in fields.conflicts if one.name == "notes"), None)
    if conflict is None and "notes" not in fields.taken:
        return
    if folder.read_notes() != before:
        raise EpisodeError(folder.slug, "notes.md was saved while this ran; run the same command again")
    text = mark_conflicts(conflict.ours, conflict.theirs) if conflict else fields.taken["notes"]
    write_atomically(path, text.encode())


def _of_toml(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if name != "notes"}
