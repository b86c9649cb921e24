"""The steps of the story, each with its effect; a step whose result exists for the same inputs is skipped."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from podcast_pipeline import editing
from podcast_pipeline.audio import artwork, notice, tags
from podcast_pipeline.audio.ffmpeg import Ffmpeg
from podcast_pipeline.audio.master import Produced, produce
from podcast_pipeline.catalog import Catalog, transcript_from_json
from podcast_pipeline.compose import Composed, Mastered, Media
from podcast_pipeline.config import Config
from podcast_pipeline.errors import AudioError, EpisodeError, FeedError, LeakError, ReviewError
from podcast_pipeline.feed import conformance, history, notes
from podcast_pipeline.feed.rss import Public, render, render_archive, render_whole
from podcast_pipeline.library import Library, built, sha256_of
from podcast_pipeline.model import (
    Draft,
    Enclosure,
    Episode,
    Progress,
    Report,
    Show,
    Transcript,
)
from podcast_pipeline.objects import FEED_KEY, StagedObject, staged, staged_file
from podcast_pipeline.stores import Reader, Store
from podcast_pipeline.stores.shelf import commit, read_catalog, read_feed, write_archive, write_feed
from podcast_pipeline.transcribers import Options, Transcriber
from podcast_pipeline.transcript import glossary, review
from podcast_pipeline.transcript.document import clock
from podcast_pipeline.transcript.leaks import Shingles
from podcast_pipeline.transcript.timeline import map_chapters

Writer = Callable[[Catalog, bytes | None], bytes]
"""Renders the public feed of a catalog, given the published one (None for the first); raises to refuse."""

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
    report: Report


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
    def clock(self) -> Callable[[], datetime]:
        """Gives the present, aware, UTC."""

    @property
    def report(self) -> Report:
        """Is told of progress."""


@contextmanager
def step(report: Report, name: str) -> Iterator[None]:
    """Tell that a step of unknown length begins and ends."""
    report(Progress(step=name, done=0, total=1))
    yield
    report(Progress(step=name, done=1, total=1))


def hear(draft: Draft, known: Episode | None, parts: Parts, *, keep: bool = True) -> Transcript:
    """Return the words in recording times: those in transcript.json, or new ones.

    An episode that is in the catalog keeps its words whatever engine and model are set now.

    Args:
        keep: new words in transcript.json.
    """
    heard = parts.library.transcript(draft.slug)
    if heard is not None and (_still_holds(heard, draft, parts) or _same_recording(heard, known, draft)):
        return heard
    return hear_again(draft, parts, keep=keep)


def hear_again(draft: Draft, parts: Hearing, *, keep: bool = True) -> Transcript:
    """Return new words in recording times; a person's edits over the old ones are kept first."""
    editing.taken(editing.read(parts.library, draft.slug), parts.clock())  # refuse before the work is done
    options = Options(
        language=parts.config.transcription.language,
        prompt=glossary.prompt(names_of(draft, parts.config, draft.language)),
    )
    source = parts.library.folder(draft.slug).source
    words = parts.transcriber().transcribe(source, options=options, report=parts.report)
    if keep:
        editing.renew(parts.library, draft.slug, words, now=parts.clock())
    return words


def edited(
    draft: Draft, heard: Transcript, known: Episode | None, parts: Hearing, *, keep: bool = True
) -> editing.Edited:
    """Return the words with names put right and a person's edits in them, in recording times."""
    return editing.edited(
        parts.library,
        draft,
        heard,
        glossary=names_of(draft, parts.config, heard.language),
        out=known is not None,
        now=parts.clock(),
        keep=keep,
    )


def names_of(draft: Draft, config: Config, language: str) -> glossary.Glossary:
    """Return the names of an episode: its guests, the hosts, the show's terms, those in the notes."""
    people = [*(person.name for person in draft.persons), *config.show.hosts]
    return glossary.from_show(config.glossary, people=people, notes=draft.notes, language=language)


def refuse_unreviewed(draft: Draft, text: editing.Edited, config: Config) -> None:
    """Raise ReviewError when the show's policy keeps what was found from being published."""
    if "block" not in config.review.model_dump().values():
        return
    closed = review.gate(findings(draft, text, config), config.review)
    if closed:
        first = closed[0]
        raise ReviewError(
            draft.slug,
            f"{len(closed)} to listen to before publication, first “{first.text}” at {clock(first.start_s)}:"
            f" {first.reason}; run `podcast review {draft.slug}`",
        )


def findings(draft: Draft, text: editing.Edited, config: Config) -> tuple[review.Finding, ...]:
    """Return what a person should listen to, worst first."""
    return review.findings(
        text.words,
        known_names=names_of(draft, config, text.words.language),
        policy=config.review,
        conflicts=text.conflicts,
        accepted=text.edits.accepted,
    )


def published_words(known: Episode | None, store: Reader) -> Transcript | None:
    """Return the newest words that are out, in media times; None where there are none."""
    if known is None or known.transcript is None:
        return None
    key = known.transcript.document_key
    return transcript_from_json(store.get(key)[1], key)


def make_media(draft: Draft, known: Episode | None, publish_at: datetime, parts: Parts) -> Media:
    """Return the audio that is out already, or the mastered and tagged MP3 of the recording."""
    if known is not None and known.source_sha256 == draft.source_sha256:
        return Media(known.enclosure, known.timeline)
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
    mastered = Mastered(
        before_lufs=made.before.integrated_lufs,
        after_lufs=made.after.integrated_lufs,
        true_peak_dbtp=made.after.true_peak_dbtp,
    )
    return Media(enclosure, made.timeline, file, mastered)


def _master(draft: Draft, parts: Parts) -> tuple[Path, Produced]:
    config, folder = parts.config, parts.library.folder(draft.slug)
    jingles = [config.folder / name for name in (config.audio.intro, config.audio.outro) if name]
    return built(
        folder,
        "master",
        ".mp3",
        inputs={
            "source": draft.source_sha256,
            "settings": config.audio.model_dump(),
            "jingles": [_jingle_sha256(path) for path in jingles],
            "version": MASTER_VERSION,
        },
        result=Produced,
        make=lambda target: produce(
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


def _tag(draft: Draft, master: Path, made: Produced, publish_at: datetime, parts: Parts) -> StagedObject:
    """Return the master with its ID3 tags, under the key that its bytes give it."""
    config, target = parts.config, master.with_name(f"media.{master.name}")
    shutil.copyfile(master, target)
    tags.write(
        target,
        tags.Tags(
            title=draft.title,
            artist=config.show.author,
            album=config.show.title,
            date=publish_at.astimezone(config.zone).date(),
            track=draft.number,
            season=draft.season,
            comment=notes.to_plain(draft.notes),
            url=config.to_show(artwork_key=None).page_address(draft.slug),
            cover=artwork.check(config.folder / config.show.artwork),
            chapters=map_chapters(draft.chapters, made.timeline),
            duration_s=made.duration_s,
        ),
    )
    folder = "public/audio" if draft.access == "public" else "private/audio"
    return staged_file(folder, draft.slug, target, sha256_of(target), "audio/mpeg")


@dataclass(frozen=True)
class Dressing:
    """The show as it will be in the catalog, and the objects that it names."""

    show: Show
    notice: StagedObject
    notice_duration_s: float
    objects: tuple[StagedObject, ...]

    def put_on(self, catalog: Catalog | None) -> Catalog:
        """Return a catalog of the same episodes that wears this."""
        return Catalog(
            show=self.show,
            notice_audio_key=self.notice.key,
            notice_audio_size_bytes=self.notice.size_bytes,
            notice_audio_duration_s=self.notice_duration_s,
            episodes=catalog.episodes if catalog else (),
        )


def dress(parts: Parts, catalog: Catalog | None) -> Dressing:
    """Return the show with its artwork and the notice's audio; objects are those not in `catalog`."""
    config = parts.config
    art = artwork.check(config.folder / config.show.artwork)
    cover = staged("public/art", "", art.suffix, art.data, art.content_type)
    spoken = staged("public/audio", "notice", "mp3", notice.PATH.read_bytes(), "audio/mpeg")
    out = {catalog.show.artwork_key, catalog.notice_audio_key} if catalog else set()
    return Dressing(
        show=config.to_show(artwork_key=cover.key),
        notice=spoken,
        notice_duration_s=notice.DURATION_S,
        objects=tuple(o for o in (cover, spoken) if o.key not in out),
    )


@dataclass(frozen=True)
class Ready:
    """An episode with everything made and checked, before any of it leaves the laptop.

    Attributes:
        known: the episode as the catalog had it, None for a new one.
        write: the public feed with it.
    """

    known: Episode | None
    media: Media
    composed: Composed
    dressing: Dressing
    write: Writer

    @property
    def objects(self) -> tuple[StagedObject, ...]:
        """What the catalog will name and does not name yet."""
        return (*self.dressing.objects, *self.composed.objects)

    @property
    def changed(self) -> bool:
        """Whether the catalog will say something else of the episode."""
        return self.composed.episode != self.known

    def enter(self, current: Catalog | None) -> Catalog:
        """Return the catalog with the episode in it; EpisodeError when somebody else was first."""
        episode = self.composed.episode
        there = current.by_id(episode.id) if current else None
        if there not in (self.known, episode):
            raise EpisodeError(episode.slug, "was published by somebody else meanwhile; run again to see it")
        return self.dressing.put_on(current).with_episode(episode)


def flip(parts: Parts, change: Callable[[Catalog | None], Catalog], write: Writer) -> tuple[Catalog, bool]:
    """Replace the catalog, then the public feed, each by compare-and-swap, then tell the hubs.

    Returns:
        The catalog, and whether the feed changed.
    """
    with parts.alone():
        with step(parts.report, "catalog"):
            catalog = commit(parts.store, change)
        with step(parts.report, "feed"):
            write_archive(parts.store, render_archive)
            feed_changed = write_feed(parts.store, write)
    if feed_changed:
        parts.announce(catalog.show)
    return catalog, feed_changed


@dataclass(frozen=True)
class Foreseen:
    """What a change would make of the catalog and of the public feed.

    Attributes:
        published: the feed as it is, None before the first.
        feed: the feed as it would be.
    """

    catalog: Catalog
    published: bytes | None
    feed: bytes


def foresee(store: Store, change: Callable[[Catalog | None], Catalog], write: Writer) -> Foreseen:
    """Return what a change would make, or raise as it would; nothing is written.

    A feed that would be refused is refused here, before the catalog is changed. The feed is read before
    the catalog: what somebody else publishes in between is in the catalog, and no item seems lost.
    """
    published, _ = read_feed(store)
    current, _ = read_catalog(store)
    catalog = change(current)
    return Foreseen(catalog, published, write(catalog, published))


def refuse_leaks(secret: Shingles, composed: Composed) -> None:
    """Raise LeakError when an object that would become public holds text of the transcript."""
    for staged_object in composed.objects:
        if staged_object.key.startswith("public/"):
            _refuse_leak(secret, staged_object.key, _readable(staged_object))


def secrets_of(words: Transcript, catalog: Catalog) -> Shingles:
    """Return what of a transcript must not be public, whoever wrote it elsewhere in the catalog."""
    public = [text for episode in catalog.episodes for text in episode.public_text]
    return Shingles.of(words, public_text=public)


def feed_writer(words: Transcript | None, *, allow: bool) -> Writer:
    """Return what renders the public feed and refuses one that leaks, breaks a rule or breaks history.

    Args:
        words: an episode's, whose text the feed must not hold.
        allow: accept changes that make apps download episodes again.
    """

    def write(catalog: Catalog, published: bytes | None) -> bytes:
        new = render(catalog, Public())
        if new == published:
            return new
        if words is not None:
            _refuse_leak(secrets_of(words, catalog), FEED_KEY, new)
        whole = render_whole(catalog) if catalog.show.page_size else new
        _refuse_broken_rules(whole)
        if published is not None and not allow:
            _refuse_broken_history(published, whole)
        return new

    return write


def _refuse_leak(secret: Shingles, key: str, data: bytes) -> None:
    if secret.found_in(data):
        raise LeakError(key, "would hold text of the transcript; nothing was published")


def _refuse_broken_rules(new: bytes) -> None:
    for finding in conformance.check(new):
        if finding.severity == "error":
            raise FeedError(finding.rule, f"{finding.message}; {finding.fix}")


def _refuse_broken_history(published: bytes, new: bytes) -> None:
    for line in history.lock(history.diff(published, new)):
        raise FeedError(FEED_KEY, f"{line}; nothing was published, pass --allow if that is meant")


def _readable(staged_object: StagedObject) -> bytes:
    """Return the bytes of an object in which text could be: all, or a media file's tags."""
    if isinstance(staged_object.body, bytes):
        return staged_object.body
    return tags.raw(staged_object.body)


def _still_holds(heard: Transcript, draft: Draft, parts: Parts) -> bool:
    """Whether the words were made from this recording by the engine, model and language set now."""
    made, wanted = heard.receipt, parts.config.transcription
    return (
        made is not None
        and made.audio_sha256 == draft.source_sha256
        and (made.engine, made.model) == (parts.engine, wanted.model)
        and (wanted.language is None or heard.language == wanted.language)
    )


def _same_recording(heard: Transcript, known: Episode | None, draft: Draft) -> bool:
    return known is not None and (heard.receipt is None or heard.receipt.audio_sha256 == draft.source_sha256)
