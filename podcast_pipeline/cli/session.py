"""What one run of the command knows: the global options, and the parts built from them on demand."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from podcast_pipeline.cli.output import Output
from podcast_pipeline.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from podcast_pipeline.audience.subscribers import Subscribers
    from podcast_pipeline.audience.subscribers.sessions import BrowserSessions
    from podcast_pipeline.audio.ffmpeg import Ffmpeg
    from podcast_pipeline.config import Config, TranscriptionTable
    from podcast_pipeline.episodes.library import Library
    from podcast_pipeline.model import ProgressCallback, Show
    from podcast_pipeline.pipeline.media import Parts
    from podcast_pipeline.storage import Store
    from podcast_pipeline.transcript.names.glossary import Glossary
    from podcast_pipeline.transcription import Transcriber

# Imports below stand inside functions: `podcast --help` loads no torch, boto3 or starlette.


def utc_now() -> datetime:
    """Return now, aware, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Words:
    """What an episode's words are made and edited with: `stages.Hearing`."""

    config: "Config"
    library: "Library"
    transcriber: "Callable[[], Transcriber]"
    ffmpeg: "Ffmpeg"
    clock: Callable[[], datetime]
    report: "ProgressCallback"


@dataclass(frozen=True)
class CliSession:
    """The global options of one command."""

    project: Path | None
    output: Output
    clock: Callable[[], datetime] = utc_now

    @cached_property
    def config(self) -> "Config":
        """The show.toml of --project, or of the nearest folder upwards."""
        from podcast_pipeline import config

        return config.load_config(self.project or config.find_show_folder(Path.cwd()), os.environ)

    @property
    def transcription(self) -> "TranscriptionTable":
        """How to hear: the show's settings, the defaults where there is no show."""
        from podcast_pipeline.config import TranscriptionTable

        return self.config.transcription if self.in_show else TranscriptionTable()

    def show_glossary(self, language: str | None) -> "Glossary":
        """Return the names of the show: its hosts and its glossary; none where there is no show."""
        from podcast_pipeline.transcript.names import glossary

        if not self.in_show:
            return glossary.Glossary()
        show = self.config.show
        return glossary.build_glossary(
            self.config.glossary, people=show.hosts, language=language or show.language
        )

    @property
    def cache_folder(self) -> Path:
        """Where models are kept: the show's, or the user's where there is no show."""
        return (
            self.config.state_folder if self.in_show else Path.home() / ".cache/podcast-pipeline"
        ) / "cache"

    @cached_property
    def in_show(self) -> bool:
        """Whether the command runs in a show's folder."""
        from podcast_pipeline import config

        try:
            return self.project is not None or config.find_show_folder(Path.cwd()).is_dir()
        except ConfigError:
            return False

    def has_episode(self, slug: str) -> bool:
        """Whether the show has an episode folder of this name."""
        return self.in_show and slug in self.library.slugs()

    @property
    def library(self) -> "Library":
        """The episode folders."""
        from podcast_pipeline.episodes.library import Library

        return Library(self.config.folder / "episodes", language=self.config.show.language)

    @cached_property
    def store(self) -> "Store":
        """Object storage as show.toml names it."""
        from podcast_pipeline.storage.open import open_store

        return open_store(self.config)

    def parts(self) -> "Parts":
        """Return what a publication works with; nothing heavy is loaded before it is used."""
        from podcast_pipeline.audio.ffmpeg import Ffmpeg, find_ffmpeg
        from podcast_pipeline.pipeline.media import Parts
        from podcast_pipeline.transcription import choose_engine, load_transcriber

        wanted = self.config.transcription
        engine = choose_engine(wanted.engine)
        return Parts(
            config=self.config,
            library=self.library,
            store=self.store,
            transcriber=lambda: load_transcriber(engine, wanted.model, cache=self.cache_folder),
            engine=engine,
            ffmpeg=Ffmpeg(find_ffmpeg()),
            alone=self.publisher_lock(),
            announce=self.announce,
            clock=self.clock,
            report=self.output.report,
        )

    def hearing(self, settings: "TranscriptionTable") -> "Words":
        """Return what words are made and edited with, by these settings; no store is opened."""
        from podcast_pipeline.audio.ffmpeg import Ffmpeg, find_ffmpeg
        from podcast_pipeline.transcription import load_transcriber

        return Words(
            config=self.config.model_copy(update={"transcription": settings}),
            library=self.library,
            transcriber=lambda: load_transcriber(settings.engine, settings.model, cache=self.cache_folder),
            ffmpeg=Ffmpeg(find_ffmpeg()),
            clock=self.clock,
            report=self.output.report,
        )

    def publisher_lock(self) -> Callable[[], AbstractContextManager[None]]:
        """Return what keeps other publishers out: nothing where the store itself decides who was first.

        Raises:
            ConfigError: neither the store nor a database can decide, and show.toml does not say that there
                is one publisher only.
        """
        from podcast_pipeline.storage.s3.presets import has_conditional_writes

        if has_conditional_writes(self.config) or self.config.storage.single_publisher:
            return nullcontext
        if self.database_url is None:
            raise ConfigError(
                f"{self.config.folder / 'show.toml'} [storage]",
                "this store cannot tell which of two publishers was first; set PODCAST_DATABASE_URL to a "
                "PostgreSQL database, or single_publisher = true when nobody else ever publishes",
            )
        from podcast_pipeline.audience.database.lease import lease

        return lambda: lease(self.database, self.config.show.id)

    def announce(self, show: "Show") -> None:
        """Tell hubs and directories that the public feed has changed; what fails is a warning."""
        from podcast_pipeline.pipeline import ping

        due = ping.pings_for(show.feed_url, self.config.feed, podping_token=self.config.podping_token)
        ping.send_pings(due, warn=self.output.warn)

    @cached_property
    def subscribers(self) -> "Subscribers":
        """The subscribers of this show; the database and the key are made on first need."""
        from podcast_pipeline.audience.subscribers import Subscribers
        from podcast_pipeline.audience.subscribers.repository import may_create_secret_key
        from podcast_pipeline.audience.subscribers.tokens import load_secret_key

        given = self.config.secret_key.get_secret_value() if self.config.secret_key else None
        key = load_secret_key(given, self.config.state_folder, create=may_create_secret_key(self.database))
        return Subscribers(self.database, show_id=self.config.show.id, secret_key=key)

    @cached_property
    def sessions(self) -> "BrowserSessions":
        """The readers' sessions."""
        from podcast_pipeline.audience.subscribers.sessions import BrowserSessions

        return BrowserSessions(self.database, show_id=self.config.show.id)

    @property
    def database_url(self) -> str | None:
        """PODCAST_DATABASE_URL, None for SQLite."""
        url = self.config.database_url
        return url.get_secret_value() if url else None

    @cached_property
    def database(self) -> "Engine":
        """The audience's database, its schema current."""
        from podcast_pipeline.audience.database import open_database

        return open_database(self.database_url, self.config.state_folder)

    def close(self) -> None:
        """Give back what was opened on demand."""
        if "database" in vars(self):
            self.database.dispose()

    def parse_time(self, text: str) -> datetime:
        """Read a TIME option: ISO 8601; without a zone it is the show's.

        Raises:
            ConfigError: not a time.
        """
        try:
            read = datetime.fromisoformat(text)
        except ValueError as error:
            raise ConfigError(f"--at {text}", "is no time; write it like 2026-12-01T06:00") from error
        return read if read.tzinfo else read.replace(tzinfo=self.config.zone)

    def format_local(self, moment: datetime) -> str:
        """Return a moment as the show's clock shows it, ISO 8601 to the minute."""
        return moment.astimezone(self.config.zone).isoformat(timespec="minutes")

    def format_last_day(self, end: datetime) -> str:
        """Return the day that ends at an instant, as `end_of_day` reads it; else the instant."""
        local = end.astimezone(self.config.zone)
        return str((local - timedelta(days=1)).date()) if local.time() == time() else self.format_local(end)

    def next_slot(self) -> datetime:
        """Return the next slot of the show that no episode has."""
        from podcast_pipeline.pipeline.schedule import next_free_slot
        from podcast_pipeline.storage.published import read_catalog

        catalog, _ = read_catalog(self.store)
        return next_free_slot(
            self.config.schedule.slot_times(),
            zone=self.config.zone,
            occupied=[e.publish_at for e in catalog.episodes if e.state != "unpublished"] if catalog else [],
            after=self.clock(),
        )

    def parse_end_of_day(self, text: str) -> datetime:
        """Read a DATE option as the end of that day in the show's zone."""
        from podcast_pipeline.audience.subscribers.plans import parse_paid_until

        return parse_paid_until(text, self.config.zone)
