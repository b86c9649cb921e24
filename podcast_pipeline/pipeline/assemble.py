"""Assemble an episode from its draft, its media and its transcript, as the catalog will keep it. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from podcast_pipeline.model import (
    Correction,
    Enclosure,
    Episode,
    EpisodeDraft,
    NotesPicture,
    Timeline,
    Transcript,
    TranscriptProvenance,
    TranscriptVersion,
    keep_unknown_fields,
)
from podcast_pipeline.pipeline import imported
from podcast_pipeline.pipeline.transcript_files import TranscriptFiles
from podcast_pipeline.storage.objects import (
    StagedObject,
    chapters_file,
    transcript_document,
)
from podcast_pipeline.transcript import automatic_notes, timeline
from podcast_pipeline.transcript.edits import count_changed_words
from podcast_pipeline.transcript.leaks import shingles


@dataclass(frozen=True)
class MasteringReport:
    """Integrated loudness of the recording and of the master, and the true peak of the master."""

    before_lufs: float
    after_lufs: float
    true_peak_dbtp: float


@dataclass(frozen=True)
class Media:
    """The mastered and tagged audio: published already, or a file in `build/` to be uploaded."""

    enclosure: Enclosure
    timeline: Timeline
    file: StagedObject | None = None
    mastering: MasteringReport | None = None


@dataclass(frozen=True)
class NotesPictures:
    """The pictures that an episode's notes show, and the objects of those that are in its folder."""

    pictures: tuple[NotesPicture, ...] = ()
    objects: tuple[StagedObject, ...] = ()


NO_PICTURES = NotesPictures()


@dataclass(frozen=True)
class AssembledEpisode:
    """An episode, and every object that it references and that is not stored yet.

    Attributes:
        transcript: the newest, in media times; None for an imported episode without words.
    """

    episode: Episode
    transcript: Transcript | None
    objects: tuple[StagedObject, ...]


def assemble_episode(
    draft: EpisodeDraft,
    known: Episode | None,
    *,
    media: Media,
    transcript: Transcript | None,
    teaser_words: int,
    publish_at: datetime,
    now: datetime,
    changed_at: datetime,
    files: TranscriptFiles,
    correction_note: str = "",
    published_transcript: Transcript | None = None,
    provenance: TranscriptProvenance | None = None,
    notes_pictures: NotesPictures = NO_PICTURES,
) -> AssembledEpisode:
    """Return the episode and its objects; equal to `known` when nothing that matters changed.

    Args:
        known: the episode as the catalog has it, None for a new one.
        changed_at: the instant of the change, if there is one; `Catalog.next_change_at`.
        files: renders the files of the words.
        transcript: in recording times; None where there is none, or the published one stays.
        correction_note: the producer's public note; used once, for the first version that it is there for.
        published_transcript: the newest published words, to describe a correction without a note.
        provenance: of the newest words.
    """
    media = _with_measured_duration(media, known, transcript)
    new_audio = known is not None and has_new_audio(draft, known)
    note = _CorrectionNote(correction_note, published_transcript, new_audio)
    versioned = _add_version(draft.slug, known, media, transcript, now, note)
    chapters = timeline.map_chapters(draft.chapters, media.timeline)
    new_chapters = chapters_file(draft.slug, chapters, access=draft.access) if chapters else None
    chapters_key = new_chapters.key if new_chapters else None
    if known is not None and imported.keeps_imported_chapters(draft, known):
        chapters, new_chapters, chapters_key = known.chapters, None, known.chapters_key
    facts = {
        **{name: getattr(draft, name) for name in EpisodeDraft.model_fields},
        "chapters": chapters,
        "soundbites": timeline.map_soundbites(draft.soundbites, media.timeline),
        "enclosure": media.enclosure,
        "timeline": media.timeline,
        "chapters_key": chapters_key,
        "pictures": notes_pictures.pictures,
        "teaser": _teaser(versioned.transcript, teaser_words) if versioned.transcript else "",
        "transcripts": versioned.versions,
        "provenance": provenance,
        "withdrawals": known.withdrawals if known else (),
        "publish_at": publish_at,
        **imported.preserved_fields(draft, known),
        **_state(known, publish_at, now),
    }
    unchanged_since = known.content_changed_at if known else changed_at
    episode = Episode.model_validate({**facts, "content_changed_at": unchanged_since})
    episode = _with_readers(episode, draft, known)
    episode, rendered = files.add_to_newest(episode, known, versioned.transcript)
    if known is not None:
        episode = _labelled_with_a_change(keep_unknown_fields(episode, known), known)
        if episode != known:
            episode = Episode.model_validate({**dict(episode), "content_changed_at": changed_at})
    objects = (*versioned.objects, *rendered, new_chapters, media.file, *notes_pictures.objects)
    stored = referenced_keys(known) if known else set()
    return AssembledEpisode(
        episode, versioned.transcript, tuple(o for o in objects if o and o.key not in stored)
    )


def is_transcript_public(draft: EpisodeDraft, known: Episode | None) -> bool:
    """Whether everybody may read the words once the episode is out.

    Without a choice in the folder they stay as `release` left them; a choice that was deleted is none.
    """
    if draft.access != "public" or draft.transcript_choice is not None:
        return draft.access == "public" and draft.transcript_choice == "public"
    return known is not None and known.transcript_choice is None and known.transcript_is_public


def taken_back(episode: Episode) -> Episode:
    """Return an episode whose words are for subscribers again, with the public files to be removed."""
    pending = {*episode.pending_keys, *episode.public_transcript_keys}
    changes = {"transcript_is_public": False, "pending_keys": tuple(sorted(pending))}
    return episode.model_copy(update=changes)


def _with_readers(episode: Episode, draft: EpisodeDraft, known: Episode | None) -> Episode:
    """Return the episode with those who may read it, and the public files that are to be removed."""
    is_public = episode.state == "published" and is_transcript_public(draft, known)
    before = taken_back(known).pending_keys if known else ()
    new = episode.model_copy(update={"transcript_is_public": is_public})
    pending = tuple(key for key in before if key not in new.public_transcript_keys)
    return new.model_copy(update={"pending_keys": pending})


def _labelled_with_a_change(episode: Episode, known: Episode) -> Episode:
    """Return the known episode where only a first label would be new: an upgrade publishes nothing."""
    if known.provenance or (episode.provenance and episode.provenance.word_errors):
        return episode
    return known if known.model_copy(update={"provenance": episode.provenance}) == episode else episode


def has_new_audio(draft: EpisodeDraft, known: Episode) -> bool:
    """Whether a folder has another recording than the published one; an imported episode has none."""
    hashes = (draft.source_sha256, known.source_sha256)
    return known.original is None and None not in hashes and hashes[0] != hashes[1]


def referenced_keys(episode: Episode) -> set[str]:
    """Return every key that an episode references, those of old transcript versions included.

    What was withdrawn is not referenced: its objects are removed, and one that is left is an orphan.
    """
    if any(withdrawal.kind == "episode" for withdrawal in episode.withdrawals):
        return set()
    keys = {episode.enclosure.key, episode.chapters_key, episode.artwork_key}
    keys |= {picture.key for picture in episode.pictures}
    for version in episode.readable_versions:
        keys |= version.keys
    keys |= episode.public_transcript_keys
    return {key for key in keys if key}


def as_published(episode: Episode, now: datetime, *, changed_at: datetime) -> Episode:
    """Return a scheduled episode published at an instant.

    Args:
        changed_at: of its entry in the catalog, later than any other.
    """
    changes = {"state": "published", "published_at": now, "content_changed_at": changed_at}
    changes["transcript_is_public"] = is_transcript_public(episode, episode)
    return Episode.model_validate({**dict(episode), **changes})


def with_corrections(transcript: Transcript, versions: tuple[TranscriptVersion, ...]) -> Transcript:
    """Return the transcript with the number of the newest version and the public notes of all versions."""
    notes = tuple(
        Correction(corrected_at=v.published_at, note=v.note or automatic_notes.TRANSCRIPT_CORRECTED)
        for v in versions
        if v.version > 1
    )
    return transcript.model_copy(update={"version": versions[-1].version, "corrections": notes})


@dataclass(frozen=True)
class _CorrectionNote:
    """The public note of a new transcript version: the producer's, else a word count.

    Attributes:
        new_audio: whether the version belongs to another recording than the one before.
    """

    note: str
    published_transcript: Transcript | None
    new_audio: bool = False

    def text(self, transcript: Transcript, versions: tuple[TranscriptVersion, ...]) -> str:
        if self.note and self.note not in {version.note for version in versions}:
            return self.note
        if self.new_audio:
            return automatic_notes.AUDIO_REPLACED
        count = count_changed_words(self.published_transcript, transcript) if self.published_transcript else 0
        if count:
            return automatic_notes.words_corrected(count)
        return automatic_notes.SPEAKERS_CORRECTED if self.published_transcript else ""


@dataclass(frozen=True)
class _VersionedTranscript:
    """The transcript in media times, all its versions, and the objects of a new version."""

    transcript: Transcript | None
    versions: tuple[TranscriptVersion, ...]
    objects: tuple[StagedObject, ...] = ()


def _with_measured_duration(media: Media, known: Episode | None, transcript: Transcript | None) -> Media:
    """Return the imported audio with the duration that decoding found."""
    if transcript is None or known is None or known.original is None or media.file is not None:
        return media
    return replace(media, enclosure=imported.with_measured_duration(media.enclosure, transcript))


def _add_version(
    slug: str,
    known: Episode | None,
    media: Media,
    transcript: Transcript | None,
    now: datetime,
    note: _CorrectionNote,
) -> _VersionedTranscript:
    if transcript is None:
        return _VersionedTranscript(note.published_transcript, known.transcripts if known else ())
    mapped = timeline.map_transcript(
        transcript,
        media.timeline,
        duration_s=media.enclosure.duration_s,
        media_sha256=media.enclosure.sha256 or "",
    )
    return _with_new_version(slug, known, mapped, now, note)


def _with_new_version(
    slug: str, known: Episode | None, transcript: Transcript, now: datetime, note: _CorrectionNote
) -> _VersionedTranscript:
    """Add a version where the words differ from the newest one; else return the versions as they are.

    A new document has no unknown fields of the one before: they may contain the words that were corrected.
    """
    versions = known.transcripts if known else ()
    if known and known.transcript:
        unchanged = with_corrections(transcript, versions[: known.transcript.version])
        if transcript_document(slug, unchanged).key == known.transcript.document_key:
            return _VersionedTranscript(unchanged, versions)
    version = TranscriptVersion(
        version=len(versions) + 1,
        document_key="pending",
        file_keys={},
        language=transcript.language,
        word_count=len(transcript.words),
        published_at=now,
        note=note.text(transcript, versions) if versions else "",
    )
    numbered = with_corrections(transcript, (*versions, version))
    document = transcript_document(slug, numbered)
    complete = version.model_copy(update={"document_key": document.key})
    return _VersionedTranscript(numbered, (*versions, complete), (document,))


def _teaser(transcript: Transcript, max_words: int) -> str:
    return shingles.teaser(transcript, shingles.teaser_word_count(transcript, max_words))


def _state(known: Episode | None, publish_at: datetime, now: datetime) -> dict[str, object]:
    if known is not None and known.state == "published":
        return {"state": "published", "published_at": known.published_at}
    if publish_at <= now:
        return {"state": "published", "published_at": now}
    return {"state": "scheduled", "published_at": None}
