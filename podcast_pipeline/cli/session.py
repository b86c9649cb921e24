"""The global options of one command, and the parts of the show, each opened on first use."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from podcast_pipeline.cli.output import Output
from podcast_pipeline.errors import ConfigError

YEARS = range(1900, 9999)
"""The years of a publication: all of their hours exist in every time zone and in a feed's dates."""

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from podcast_pipeline.audience.subscribers import Subscribers
    from podcast_pipeline.audience.subscribers.sessions import BrowserSessions
    from podcast_pipeline.audio.recording.findings import RecordingFinding
    from podcast_pipeline.cli.audience import DatabaseGuard
    from podcast_pipeline.config import Config, TranscriptionTable
    from podcast_pipeline.episodes.library import Library
    from podcast_pipeline.pipeline.context import Context
    from podcast_pipeline.storage import Store
    from podcast_pipeline.transcript.names.glossary import Glossary

# Imports are inside functions so that `podcast --help` loads no torch, boto3 or starlette.


def utc_now() -> datetime:
    """Return the present, aware, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class CliSession:
    """The global options of one command."""

    project: Path | None
    output: Output
    clock: Callable[[], datetime] = utc_now
    findings: "dict[str, list[RecordingFinding]]" = field(default_factory=dict)
    """File or slug -> what was told of its recording."""

    @cached_property
    def config(self) -> "Config":
        """The show.toml of --project, or of the nearest folder upwards; its files are closed to others."""
        from podcast_pipeline import config
        from podcast_pipeline.storage.file_modes import restrict_files

        loaded = config.load_config(self.project or config.find_show_folder(Path.cwd()), os.environ)
        for line in restrict_files(loaded):
            self.output.warn(line)
        return loaded

    @cached_property
    def context(self) -> "Context":
        """The show's parts, each opened on first use."""
        from podcast_pipeline.pipeline.context import Context

        return Context(
            self.config,
            clock=self.clock,
            report=self.output.report,
            warn=self.output.warn,
            tell=self.tell,
            note=self.output.note,
        )

    def tell(self, subject: str, finding: "RecordingFinding") -> None:
        """Warn of a fault of a recording, once, and keep it for the result."""
        told = self.findings.setdefault(subject, [])
        if finding not in told:
            told.append(finding)
            self.output.warn(f"{subject}: {finding.message}")

    def told(self, subject: str) -> list[dict[str, object]]:
        """Return what was told of a file or an episode, for the JSON result."""
        return [finding.model_dump() for finding in self.findings.get(subject, ())]

    def context_with(self, settings: "TranscriptionTable") -> "Context":
        """Return the context with other transcription settings."""
        config = self.config.model_copy(update={"transcription": settings})
        return replace(self.context, config=config)

    @property
    def transcription(self) -> "TranscriptionTable":
        """The show's transcription settings; the defaults outside a show."""
        from podcast_pipeline.config import TranscriptionTable

        return self.config.transcription if self.in_show else TranscriptionTable()

    @property
    def usual_language(self) -> str | None:
        """The show's language as engines spell it, None outside a show."""
        from podcast_pipeline.transcription.language import whisper_code

        return whisper_code(self.config.show.language) if self.in_show else None

    def show_glossary(self, language: str | None) -> "Glossary":
        """Return the names of the show: its hosts and its glossary; an empty glossary outside a show."""
        from podcast_pipeline.transcript.names import glossary

        if not self.in_show:
            return glossary.Glossary()
        show = self.config.show
        return glossary.build_glossary(
            self.config.glossary, people=show.host_names, language=language or show.language
        )

    @property
    def cache_folder(self) -> Path:
        """The folder of cached models: the show's, or the user's outside a show."""
        if self.in_show:
            return self.config.state_folder / "cache"
        from podcast_pipeline.files import user_cache_folder

        return user_cache_folder() / "cache"

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
        return self.context.library

    @property
    def store(self) -> "Store":
        """Object storage as configured in show.toml."""
        return self.context.store

    @property
    def database(self) -> "Engine":
        """The audience's database, with an up-to-date schema."""
        return self.context.database

    @cached_property
    def guard(self) -> "DatabaseGuard":
        """Compares the database with its mark in the store."""
        from podcast_pipeline.cli.audience import DatabaseGuard

        return DatabaseGuard(self)

    @cached_property
    def subscribers(self) -> "Subscribers":
        """The subscribers of this show; asks on a terminal where database or key are not theirs."""
        from podcast_pipeline.cli.audience import open_subscribers

        return open_subscribers(self, may_ask=True)

    @cached_property
    def sessions(self) -> "BrowserSessions":
        """The readers' browser sessions."""
        from podcast_pipeline.audience.subscribers.sessions import BrowserSessions

        return BrowserSessions(self.database, show_id=self.config.show.id)

    @property
    def database_url(self) -> str | None:
        """The value of PODCAST_DATABASE_URL; None for SQLite."""
        url = self.config.database_url
        return url.get_secret_value() if url else None

    @property
    def configured_key(self) -> str | None:
        """The value of PODCAST_SECRET_KEY; None for the file."""
        key = self.config.secret_key
        return key.get_secret_value() if key else None

    def close(self) -> None:
        """Close the parts that were opened."""
        if "subscribers" in vars(self):
            self.guard.close()
        if "context" in vars(self):
            self.context.close()

    def parse_time(self, text: str, option: str = "--at") -> datetime:
        """Read an ISO 8601 time of an option; the default time zone is the show's.

        Raises:
            ConfigError: the text is not a time, or one of a year that not every time zone has.
        """
        try:
            instant = datetime.fromisoformat(text)
        except ValueError as error:
            raise ConfigError(f"{option} {text}", "is not a time; write it like 2026-12-01T06:00") from error
        if instant.year not in YEARS:
            line = f"is no time between {YEARS[0]} and {YEARS[-1]}"
            raise ConfigError(f"{option} {text}", line)
        return instant if instant.tzinfo else instant.replace(tzinfo=self.config.zone)

    def format_local(self, instant: datetime) -> str:
        """Return an instant in the show's zone, ISO 8601 to the minute."""
        return instant.astimezone(self.config.zone).isoformat(timespec="minutes")

    def format_last_day(self, end: datetime) -> str:
        """Return the day that ends at an instant, the inverse of `parse_end_of_day`; else the instant."""
        local = end.astimezone(self.config.zone)
        return str((local - timedelta(days=1)).date()) if local.time() == time() else self.format_local(end)

    def next_slot(self) -> datetime:
        """Return the next free slot of the show's schedule."""
        from podcast_pipeline.pipeline.schedule import next_free_slot

        catalog = self.context.catalog()
        return next_free_slot(
            self.config.schedule.slot_times(),
            zone=self.config.zone,
            occupied=[e.publish_at for e in catalog.episodes if e.state != "unpublished"] if catalog else [],
            after=self.clock(),
        )

    def parse_end_of_day(self, text: str) -> datetime | None:
        """Read a date as the end of that day in the show's zone; None, in the year 9999, never ends."""
        from podcast_pipeline.audience.subscribers.plans import parse_paid_until

        return parse_paid_until(text, self.config.zone)
