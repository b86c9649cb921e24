"""The audio of an episode: mastered, tagged, and staged for upload; published audio is kept."""

import shutil
from datetime import datetime
from pathlib import Path

from podcast_pipeline.audio import artwork, tags
from podcast_pipeline.audio.master import Master, make_master
from podcast_pipeline.audio.source import check_sound
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.errors import AudioError, EpisodeError
from podcast_pipeline.feed import show_notes
from podcast_pipeline.files import sha256_of
from podcast_pipeline.model import Cut, Enclosure, Episode, EpisodeDraft
from podcast_pipeline.pipeline.assemble import MasteringReport, Media
from podcast_pipeline.pipeline.context import Context, step
from podcast_pipeline.pipeline.withdraw.checks import muted_seconds
from podcast_pipeline.storage.download import download
from podcast_pipeline.storage.objects import StagedObject, stage_file
from podcast_pipeline.transcript.timeline import map_chapters

AUDIO_PREFIXES = {"public": "public/audio", "subscribers": "private/audio"}
MASTER_VERSION = 2  # raised when the same recording and settings are to give another master


def build_media(
    folder: EpisodeFolder, draft: EpisodeDraft, known: Episode | None, publish_at: datetime, context: Context
) -> Media:
    """Return the published audio, or the mastered and tagged MP3 of a new recording.

    Args:
        known: the episode in the catalog, None for a new one.
    """
    if known is not None and known.source_sha256 == draft.source_sha256:
        return _published_media(folder, draft, known, context)
    path, master = _master(folder, draft, muted_seconds(known, draft.source_sha256), context)
    with step(context.report, "tag"):
        file = _tag(draft, path, master, publish_at, context)
    enclosure = Enclosure(
        key=file.key,
        size_bytes=file.size_bytes,
        type=file.content_type,
        duration_s=master.duration_s,
        sha256=file.sha256,
    )
    report = MasteringReport(
        before_lufs=master.before_lufs,
        after_lufs=master.after.integrated_lufs,
        true_peak_dbtp=master.after.true_peak_dbtp,
    )
    return Media(enclosure, master.timeline, file, report)


def _published_media(folder: EpisodeFolder, draft: EpisodeDraft, known: Episode, context: Context) -> Media:
    """Return the published audio; staged under the other prefix where the episode's access has changed."""
    prefix, key = AUDIO_PREFIXES[draft.access], known.enclosure.key
    if key is None and draft.access != "public":
        raise EpisodeError(
            draft.slug, "its audio is at another host, where everybody has it; leave access public"
        )
    if key is None or key.startswith(f"{prefix}/"):
        return Media(known.enclosure, known.timeline)
    target = folder.build / f"moved.{Path(key).name}"
    download(context.store, key, target, sha256=known.enclosure.sha256)
    moved = stage_file(prefix, draft.slug, target, sha256_of(target), known.enclosure.type)
    return Media(known.enclosure.model_copy(update={"key": moved.key}), known.timeline, moved)


def _master(
    folder: EpisodeFolder, draft: EpisodeDraft, muted: tuple[Cut, ...], context: Context
) -> tuple[Path, Master]:
    config = context.config
    jingles = [config.folder / name for name in (config.audio.intro, config.audio.outro) if name]
    return folder.build_once(
        "master",
        ".mp3",
        inputs={
            "source": draft.source_sha256,
            "settings": config.audio.model_dump(),
            "jingles": [_jingle_sha256(path) for path in jingles],
            "version": MASTER_VERSION,
            **({"muted": [cut.model_dump() for cut in muted]} if muted else {}),
        },
        result_type=Master,
        build=lambda target: make_master(
            folder.require_recording(),
            target,
            settings=config.audio,
            muted=muted,
            folder=config.folder,
            ffmpeg=context.ffmpeg,
            report=context.report,
        ),
        warn=context.warn,
    )


def remove_staged_media(folder: EpisodeFolder) -> None:
    """Remove the copies of an episode's audio that were made to be stored; a killed run's too."""
    for pattern in ("media.master.*", "moved.*"):
        for path in folder.build.glob(pattern):
            path.unlink(missing_ok=True)


def _jingle_sha256(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        message = f"cannot be read ({error.strerror}); put it there, or change audio.intro and audio.outro"
        raise AudioError(path, message) from error


def _tag(
    draft: EpisodeDraft, path: Path, master: Master, publish_at: datetime, context: Context
) -> StagedObject:
    """Write the ID3 tags into a copy of the master and stage it under the key of its bytes."""
    config, target = context.config, path.with_name(f"media.{path.name}")
    shutil.copyfile(path, target)
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
            url=context.show.episode_url(draft.slug),
            cover=artwork.load_artwork(config.folder / config.show.artwork),
            chapters=map_chapters(draft.chapters, master.timeline),
            duration_s=master.duration_s,
        ),
    )
    check_sound(target, duration_s=master.duration_s)
    return stage_file(AUDIO_PREFIXES[draft.access], draft.slug, target, sha256_of(target), "audio/mpeg")
