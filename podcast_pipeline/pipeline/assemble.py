"""From what the producer says, the audio and the words: the episode as the catalog will keep it. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from podcast_pipeline.model import (
    CaptionFormat,
    Correction,
    Enclosure,
    Episode,
    EpisodeDraft,
    Timeline,
    Transcript,
    TranscriptVersion,
    keep_unknown_fields,
)
from podcast_pipeline.pipeline import imported
from podcast_pipeline.storage.objects import (
    StagedObject,
    chapters_file,
    transcript_document,
    transcript_files,
)
from podcast_pipeline.transcript import timeline
from podcast_pipeline.transcript.edits import count_changed_words
from podcast_pipeline.transcript.leaks import shingles


@dataclass(frozen=True)
class MasteringReport:
    """What mastering measured: integrated loudness of the recording and of the master, its true peak."""

    before_lufs: float
    after_lufs: float
    true_peak_dbtp: float


@dataclass(frozen=True)
class Media:
    """The mastered and tagged audio: already out, or a file that waits in `build/`."""

    enclosure: Enclosure
    timeline: Timeline
    file: StagedObject | None = None
    mastering: MasteringReport | None = None


@dataclass(frozen=True)
class AssembledEpisode:
    """An episode, and every object that it names and that is not out yet.

    Attributes:
        words: the newest, in media times; None of an imported episode that nobody has heard.
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
    correction_note: str = "",
    published_transcript: Transcript | None = None,
) -> AssembledEpisode:
    """Return the episode and its objects; equal to `known` when nothing that matters changed.

    Args:
        known: the episode as the catalog has it, None for a new one.
        heard: the words in recording times; None where there are none, or what is out stays.
        note: what a person says of a correction; said once, of the first version it is there for.
        published: the newest words that are out, to tell of a correction without a note.
    """
    media = _as_heard(media, known, transcript)
    spoken = _spoken(
        draft.slug, known, media, transcript, now, _CorrectionNote(correction_note, published_transcript)
    )
    chapters = timeline.map_chapters(draft.chapters, media.timeline)
    marks = chapters_file(draft.slug, chapters, access=draft.access) if chapters else None
    chapters_key = marks.key if marks else None
    if known is not None and imported.keeps_imported_chapters(draft, known):
        chapters, marks, chapters_key = known.chapters, None, known.chapters_key
    facts = {
        **{name: getattr(draft, name) for name in EpisodeDraft.model_fields},
        "chapters": chapters,
        "soundbites": timeline.map_soundbites(draft.soundbites, media.timeline),
        "enclosure": media.enclosure,
        "timeline": media.timeline,
        "chapters_key": chapters_key,
        "teaser": _teaser(spoken.transcript, teaser_words) if spoken.transcript else "",
        "transcripts": spoken.versions,
        "publish_at": publish_at,
        **imported.preserved_fields(draft, known),
        **_state(known, publish_at, now),
    }
    changed_at = known.content_changed_at if known else now
    episode = Episode.model_validate({**facts, "content_changed_at": changed_at})
    if known is not None:
        episode = keep_unknown_fields(episode, known)
        if episode != known:
            episode = Episode.model_validate({**dict(episode), "content_changed_at": now})
    staged = [*spoken.objects, *([marks] if marks else []), *([media.file] if media.file else [])]
    out_already = referenced_keys(known) if known else set()
    return AssembledEpisode(episode, spoken.transcript, tuple(o for o in staged if o.key not in out_already))


def referenced_keys(episode: Episode) -> set[str]:
    """Return every key that an episode names, old transcript versions included."""
    named = {episode.enclosure.key, episode.chapters_key, episode.artwork_key}
    for version in episode.transcripts:
        named |= {version.document_key, *version.file_keys.values()}
    return {key for key in named if key}


def with_corrections(words: Transcript, versions: tuple[TranscriptVersion, ...]) -> Transcript:
    """Return the words with the number of the newest version and the public notes of all of them."""
    notes = tuple(
        Correction(corrected_at=v.published_at, note=v.note or "The transcript was corrected.")
        for v in versions
        if v.version > 1
    )
    return words.model_copy(update={"version": versions[-1].version, "corrections": notes})


@dataclass(frozen=True)
class _CorrectionNote:
    """What there is to tell of a correction: a person's note, the words before it."""

    note: str
    published_transcript: Transcript | None

    def text(self, words: Transcript, versions: tuple[TranscriptVersion, ...]) -> str:
        if self.note and self.note not in {version.note for version in versions}:
            return self.note
        count = count_changed_words(self.published_transcript, words) if self.published_transcript else 0
        if count:
            return f"{count} words were corrected." if count > 1 else "One word was corrected."
        return "Who says what was corrected." if self.published_transcript else ""


@dataclass(frozen=True)
class _VersionedTranscript:
    """The words in media times, every version of them, and the objects of one that is new."""

    transcript: Transcript | None
    versions: tuple[TranscriptVersion, ...]
    objects: tuple[StagedObject, ...] = ()


def _as_heard(media: Media, known: Episode | None, heard: Transcript | None) -> Media:
    """Return the audio that came as long as it was found to be."""
    if heard is None or known is None or known.original is None or media.file is not None:
        return media
    return replace(media, enclosure=imported.with_measured_duration(media.enclosure, heard))


def _spoken(
    slug: str,
    known: Episode | None,
    media: Media,
    heard: Transcript | None,
    now: datetime,
    change: _CorrectionNote,
) -> _VersionedTranscript:
    if heard is None:
        return _VersionedTranscript(change.published_transcript, known.transcripts if known else ())
    words = timeline.map_transcript(
        heard,
        media.timeline,
        duration_s=media.enclosure.duration_s,
        media_sha256=media.enclosure.sha256 or "",
    )
    versions, words, objects = _versions(slug, known, words, now, change)
    return _VersionedTranscript(words, versions, tuple(objects))


def _versions(
    slug: str, known: Episode | None, words: Transcript, now: datetime, change: _CorrectionNote
) -> tuple[tuple[TranscriptVersion, ...], Transcript, list[StagedObject]]:
    """Return the versions with one more when the words differ from the newest, and its objects."""
    versions = known.transcripts if known else ()
    if versions:
        unchanged = with_corrections(words, versions)
        if transcript_document(slug, unchanged).key == versions[-1].document_key:
            return versions, unchanged, []
    version = TranscriptVersion(
        version=len(versions) + 1,
        document_key="pending",
        file_keys={},
        language=words.language,
        word_count=len(words.words),
        published_at=now,
        note=change.text(words, versions) if versions else "",
    )
    numbered = with_corrections(words, (*versions, version))
    return _stored(slug, versions, version, numbered)


def _stored(
    slug: str,
    versions: tuple[TranscriptVersion, ...],
    version: TranscriptVersion,
    words: Transcript,
) -> tuple[tuple[TranscriptVersion, ...], Transcript, list[StagedObject]]:
    body = transcript_document(slug, words)
    files: dict[CaptionFormat, StagedObject] = transcript_files(slug, words)
    complete = version.model_copy(
        update={
            "document_key": body.key,
            "file_keys": {format_: file.key for format_, file in files.items()},
        }
    )
    return (*versions, complete), words, [body, *files.values()]


def _teaser(words: Transcript, at_most: int) -> str:
    return shingles.teaser(words, shingles.teaser_word_count(words, at_most))


def _state(known: Episode | None, publish_at: datetime, now: datetime) -> dict[str, object]:
    if known is not None and known.state == "published":
        return {"state": "published", "published_at": known.published_at}
    if publish_at <= now:
        return {"state": "published", "published_at": now}
    return {"state": "scheduled", "published_at": None}
