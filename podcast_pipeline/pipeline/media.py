"""The steps of the story, each with its effect; a step whose result exists for the same inputs is skipped."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from podcast_pipeline.audio import artwork, notice, tags
from podcast_pipeline.audio.ffmpeg import Ffmpeg
from podcast_pipeline.audio.master import Master, make_master
from podcast_pipeline.audio.tracks import Track
from podcast_pipeline.config import Config
from podcast_pipeline.diarization import known_voices
from podcast_pipeline.diarization.diarize import diarize_transcript
from podcast_pipeline.diarization.multitrack import transcribe_tracks
from podcast_pipeline.episodes import edits
from podcast_pipeline.episodes.library import Library, build_once
from podcast_pipeline.errors import AudioError, EpisodeError, ReviewError
from podcast_pipeline.feed import show_notes
from podcast_pipeline.files import sha256_of
from podcast_pipeline.model import (
    Enclosure,
    Episode,
    EpisodeDraft,
    Progress,
    ProgressCallback,
    Show,
    Transcript,
)
from podcast_pipeline.model.catalog import Catalog, transcript_from_json
from podcast_pipeline.pipeline import imported
from podcast_pipeline.pipeline.assemble import MasteringReport, Media
from podcast_pipeline.storage import ObjectReader, Store
from podcast_pipeline.storage.objects import StagedObject, stage_bytes, stage_file
from podcast_pipeline.storage.published import read_catalog
from podcast_pipeline.transcript import review
from podcast_pipeline.transcript.names import glossary
from podcast_pipeline.transcript.text.clock import format_clock
from podcast_pipeline.transcript.timeline import map_chapters
from podcast_pipeline.transcription import Transcriber, TranscriptionOptions

AUDIO_PREFIXES = {"public": "public/audio", "subscribers": "private/audio"}
NOT_IN_CATALOG = "was imported and is not in the catalog yet; run `podcast feed import` once more"
MASTER_VERSION = 1  # raised when the same recording and settings are to give another master


@dataclass(frozen=True)
class Parts:
    """What a publication works with; built once by `cli`.

    Attributes:
        transcriber: loads the engine and its weights on first use.
        engine: the name that `transcriber` will load, for comparing with a receipt.
        alone: keeps other publishers out where the store does not decide who was first.
        announce: tells hubs and directories that the public feed of the show has changed; never raises.
        clock: gives the present, aware, UTC.
    """

    config: Config
    library: Library
    store: Store
    transcriber: Callable[[], Transcriber]
    engine: str
    ffmpeg: Ffmpeg
    alone: Callable[[], AbstractContextManager[None]]
    announce: Callable[[Show], None]
    clock: Callable[[], datetime]
    report: ProgressCallback


class Hearing(Protocol):
    """The part of Parts that hearing and editing work with; no store, so that words need none."""

    @property
    def config(self) -> Config:
        """show.toml."""

    @property
    def library(self) -> Library:
        """The episode folders."""

    @property
    def transcriber(self) -> Callable[[], Transcriber]:
        """Loads the engine and its weights."""

    @property
    def ffmpeg(self) -> Ffmpeg:
        """Takes tracks apart."""

    @property
    def clock(self) -> Callable[[], datetime]:
        """Gives the present, aware, UTC."""

    @property
    def report(self) -> ProgressCallback:
        """Is told of progress."""


@contextmanager
def step(report: ProgressCallback, name: str) -> Iterator[None]:
    """Tell that a step of unknown length begins and ends."""
    report(Progress(step=name, done=0, total=1))
    yield
    report(Progress(step=name, done=1, total=1))


def load_or_transcribe(
    draft: EpisodeDraft, known: Episode | None, parts: Parts, *, save: bool = True
) -> Transcript | None:
    """Return the words in recording times: those in transcript.json, or new ones.

    An episode that is in the catalog keeps its words whatever engine and model are set now. An imported
    one has none, None, until somebody runs `podcast transcribe`.

    Args:
        keep: new words in transcript.json.
    """
    heard = parts.library.transcript(draft.slug)
    if heard is not None and _same_recording(heard, known, draft):
        return heard
    if not parts.library.folder(draft.slug).has_recording:
        if heard is not None:
            message = "transcript.json was made from other audio; run `podcast transcribe {}`"
            raise EpisodeError(draft.slug, message.format(draft.slug))
        return None
    if heard is None or not _still_holds(heard, draft, parts):
        return transcribe_episode(draft, parts, save=save)
    told = diarize_episode(heard, draft, parts)
    if save:
        edits.replace_transcript(parts.library, draft.slug, told, now=parts.clock())
    return told


def transcribe_episode(draft: EpisodeDraft, parts: Hearing, *, save: bool = True) -> Transcript:
    """Return new words in recording times; a person's edits over the old ones are kept first."""
    edits.current_edits(
        edits.read_episode_text(parts.library, draft.slug), parts.clock()
    )  # refuse before the work is done
    options = TranscriptionOptions(
        language=parts.config.transcription.language,
        names=episode_glossary(draft, parts.config, draft.language).names,
    )
    words = _heard(draft, options, parts)
    if save:
        edits.replace_transcript(parts.library, draft.slug, words, now=parts.clock())
    return words


def _heard(draft: EpisodeDraft, options: TranscriptionOptions, parts: Hearing) -> Transcript:
    folder, tracks = parts.library.folder(draft.slug), parts.library.tracks(draft.slug)
    if not tracks:
        words = parts.transcriber().transcribe(folder.source, options=options, report=parts.report)
        return diarize_episode(words, draft, parts)
    return transcribe_tracks(
        [Track(track.name, folder.path / track.file, track.channel) for track in tracks],
        parts.transcriber(),
        options=options,
        source_sha256=draft.source_sha256 or "",
        ffmpeg=parts.ffmpeg,
        report=parts.report,
    )


def diarize_episode(transcript: Transcript, draft: EpisodeDraft, parts: Hearing) -> Transcript:
    """Return the words with who says them, where an engine for that is there; tracks have said it."""
    if parts.library.tracks(draft.slug):
        return transcript
    return diarize_transcript(
        transcript,
        parts.library.folder(draft.slug),
        engine=parts.config.speakers.engine,
        speaker_count=parts.library.speaker_count(draft.slug),
        known=known_voices.read_voice_book(parts.config.voices_file).voices,
        guests=[person.name for person in draft.persons if person.role == "guest"],
        report=parts.report,
    )


def reviewed_transcript(
    draft: EpisodeDraft, known: Episode | None, parts: Parts, *, save: bool = True
) -> edits.EditedTranscript | None:
    """Return what was heard as a person wants it, refused where the show's policy says so; see `hear`."""
    heard = load_or_transcribe(draft, known, parts, save=save)
    if heard is None:
        return None
    text = edited_transcript(draft, heard, known, parts, save=save)
    check_review_policy(draft, text, parts.config)
    return text


def edited_transcript(
    draft: EpisodeDraft, transcript: Transcript, known: Episode | None, parts: Hearing, *, save: bool = True
) -> edits.EditedTranscript:
    """Return the words with names put right and a person's edits in them, in recording times."""
    return edits.merge_edits(
        parts.library,
        draft,
        transcript,
        glossary=episode_glossary(draft, parts.config, transcript.language),
        in_catalog=known is not None,
        now=parts.clock(),
        save=save,
    )


def episode_glossary(draft: EpisodeDraft, config: Config, language: str) -> glossary.Glossary:
    """Return the names of an episode: its guests, the hosts, the show's terms, those in the notes."""
    people = [*(person.name for person in draft.persons), *config.show.hosts]
    return glossary.build_glossary(config.glossary, people=people, notes=draft.notes, language=language)


def check_review_policy(draft: EpisodeDraft, edited: edits.EditedTranscript, config: Config) -> None:
    """Raise ReviewError when the show's policy keeps what was found from being published."""
    if "block" not in config.review.model_dump().values():
        return
    closed = review.blocking_items(find_review_items(draft, edited, config), config.review)
    if closed:
        first = closed[0]
        raise ReviewError(
            draft.slug,
            f"{len(closed)} to listen to before publication, first “{first.text}” at"
            f" {format_clock(first.start_s)}: {first.reason}; run `podcast review {draft.slug}`",
        )


def find_review_items(
    draft: EpisodeDraft, edited: edits.EditedTranscript, config: Config
) -> tuple[review.ReviewItem, ...]:
    """Return what a person should listen to, worst first."""
    return review.review_items(
        edited.transcript,
        known_names=episode_glossary(draft, config, edited.transcript.language),
        policy=config.review,
        conflicts=edited.conflicts,
        accepted=edited.edits.accepted,
    )


def published_transcript(known: Episode | None, store: ObjectReader) -> Transcript | None:
    """Return the newest words that are out, in media times; None where there are none."""
    if known is None or known.transcript is None:
        return None
    key = known.transcript.document_key
    return transcript_from_json(store.get(key)[1], key)


def fetch_imported_audio(draft: EpisodeDraft, parts: Hearing, store: ObjectReader) -> EpisodeDraft:
    """Put the audio of an imported episode where a recording would be; return the draft with its SHA-256.

    Raises:
        EpisodeError: it is not in the catalog, or its audio is not ours.
    """
    slug, folder = draft.slug, parts.library.folder(draft.slug)
    catalog, _ = read_catalog(store)
    known = catalog.by_id(draft.id) if catalog else None
    if known is None:
        raise EpisodeError(slug, NOT_IN_CATALOG)
    if known.enclosure.key is None:
        where = known.enclosure.external_url
        raise EpisodeError(slug, f"its audio is still at {where}; only what was imported can be heard")
    if not (folder.source.is_file() and sha256_of(folder.source) == known.enclosure.sha256):
        _fetch(store, known.enclosure.key, folder.source)
    return imported.merge_imported(draft, known)


def _fetch(store: ObjectReader, key: str, target: Path) -> None:
    part = target.with_name(f"{target.name}.part")
    target.parent.mkdir(exist_ok=True)
    with part.open("wb") as file:
        file.writelines(store.stream(key))
    part.replace(target)


def build_media(draft: EpisodeDraft, known: Episode | None, publish_at: datetime, parts: Parts) -> Media:
    """Return the audio that is out already, or the mastered and tagged MP3 of the recording."""
    if known is not None and known.source_sha256 == draft.source_sha256:
        return _out_already(draft, known, parts)
    master, made = _master(draft, parts)
    with step(parts.report, "tag"):
        file = _tag(draft, master, made, publish_at, parts)
    enclosure = Enclosure(
        key=file.key,
        size_bytes=file.size_bytes,
        type=file.content_type,
        duration_s=made.duration_s,
        sha256=file.sha256,
    )
    mastered = MasteringReport(
        before_lufs=made.before.integrated_lufs,
        after_lufs=made.after.integrated_lufs,
        true_peak_dbtp=made.after.true_peak_dbtp,
    )
    return Media(enclosure, made.timeline, file, mastered)


def _out_already(draft: EpisodeDraft, known: Episode, parts: Parts) -> Media:
    """Return the audio that is out; where the episode's access has changed, its bytes in the other place."""
    place, key = AUDIO_PREFIXES[draft.access], known.enclosure.key
    if key is None and draft.access != "public":
        raise EpisodeError(
            draft.slug, "its audio is at another host, where everybody has it; leave access public"
        )
    if key is None or key.startswith(f"{place}/"):
        return Media(known.enclosure, known.timeline)
    target = parts.library.folder(draft.slug).build / f"moved.{Path(key).name}"
    _fetch(parts.store, key, target)
    moved = stage_file(place, draft.slug, target, sha256_of(target), known.enclosure.type)
    return Media(known.enclosure.model_copy(update={"key": moved.key}), known.timeline, moved)


def _master(draft: EpisodeDraft, parts: Parts) -> tuple[Path, Master]:
    config, folder = parts.config, parts.library.folder(draft.slug)
    jingles = [config.folder / name for name in (config.audio.intro, config.audio.outro) if name]
    return build_once(
        folder,
        "master",
        ".mp3",
        inputs={
            "source": draft.source_sha256,
            "settings": config.audio.model_dump(),
            "jingles": [_jingle_sha256(path) for path in jingles],
            "version": MASTER_VERSION,
        },
        result_type=Master,
        build=lambda target: make_master(
            folder.source,
            target,
            settings=config.audio,
            folder=config.folder,
            ffmpeg=parts.ffmpeg,
            report=parts.report,
        ),
    )


def _jingle_sha256(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        message = f"cannot be read ({error.strerror}); put it there, or change audio.intro and audio.outro"
        raise AudioError(path, message) from error


def _tag(draft: EpisodeDraft, master: Path, made: Master, publish_at: datetime, parts: Parts) -> StagedObject:
    """Return the master with its ID3 tags, under the key that its bytes give it."""
    config, target = parts.config, master.with_name(f"media.{master.name}")
    shutil.copyfile(master, target)
    tags.write_id3(
        target,
        tags.Id3Tags(
            title=draft.title,
            artist=config.show.author,
            album=config.show.title,
            date=publish_at.astimezone(config.zone).date(),
            track=draft.number,
            season=draft.season,
            comment=show_notes.to_plain(draft.notes),
            url=config.to_show(artwork_key=None).episode_url(draft.slug),
            cover=artwork.load_artwork(config.folder / config.show.artwork),
            chapters=map_chapters(draft.chapters, made.timeline),
            duration_s=made.duration_s,
        ),
    )
    return stage_file(AUDIO_PREFIXES[draft.access], draft.slug, target, sha256_of(target), "audio/mpeg")


@dataclass(frozen=True)
class ShowAssets:
    """The show as it will be in the catalog, and the objects that it names."""

    show: Show
    notice_audio: StagedObject
    notice_audio_duration_s: float
    objects: tuple[StagedObject, ...]

    def apply_to(self, catalog: Catalog | None) -> Catalog:
        """Return a catalog of the same episodes that wears this."""
        return (catalog or Catalog(show=self.show)).with_show(
            self.show,
            notice_audio_key=self.notice_audio.key,
            notice_audio_size_bytes=self.notice_audio.size_bytes,
            notice_audio_duration_s=self.notice_audio_duration_s,
        )


def build_show_assets(parts: Parts, catalog: Catalog | None) -> ShowAssets:
    """Return the show with its artwork and the notice's audio; objects are those not in `catalog`."""
    config = parts.config
    art = artwork.load_artwork(config.folder / config.show.artwork)
    cover = stage_bytes("public/art", "", art.suffix, art.data, art.content_type)
    spoken = stage_bytes("public/audio", "notice", "mp3", notice.PATH.read_bytes(), "audio/mpeg")
    out = {catalog.show.artwork_key, catalog.notice_audio_key} if catalog else set()
    return ShowAssets(
        show=config.to_show(artwork_key=cover.key),
        notice_audio=spoken,
        notice_audio_duration_s=notice.DURATION_S,
        objects=tuple(o for o in (cover, spoken) if o.key not in out),
    )


def _still_holds(heard: Transcript, draft: EpisodeDraft, parts: Parts) -> bool:
    """Whether the words were made from this recording by the engine, model and language set now."""
    made, wanted = heard.receipt, parts.config.transcription
    return (
        made is not None
        and made.audio_sha256 == draft.source_sha256
        and (made.engine, made.model) == (parts.engine, wanted.model)
        and (wanted.language is None or heard.language == wanted.language)
    )


def _same_recording(heard: Transcript, known: Episode | None, draft: EpisodeDraft) -> bool:
    return known is not None and (heard.receipt is None or heard.receipt.audio_sha256 == draft.source_sha256)
