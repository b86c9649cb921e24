"""A show and its parts: settings, episode folders, storage, engine, each opened on first use."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from podcast_pipeline.config import Config, load_config
from podcast_pipeline.errors import ConfigError
from podcast_pipeline.model import Progress, ProgressCallback, Show

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from podcast_pipeline.audio.ffmpeg import Ffmpeg
    from podcast_pipeline.audio.recording.findings import RecordingFinding
    from podcast_pipeline.episodes.library import Library
    from podcast_pipeline.model.catalog import Catalog
    from podcast_pipeline.storage import Store
    from podcast_pipeline.transcription import Transcriber

# Imports below stand inside functions: a command loads only the rooms of the parts that it uses.


def ignore(_: object) -> None:
    """Drop a progress event or a warning."""


def ignore_finding(_subject: str, _finding: object) -> None:
    """Drop what is told of a recording."""


@dataclass(eq=False)
class Context:
    """A show and its parts; a part that a command does not use is never opened.

    A part may be replaced by assignment before its first use.

    Attributes:
        config: show.toml and the environment.
        clock: returns the present, aware, UTC.
        report: progress callback.
        warn: called with one line for each hub or directory that could not be notified, and for each file
            that was found damaged and is made again.
        tell: called with a file's name or a slug and each thing that a producer should know of a recording.
        note: called with one line before work that takes minutes: for how long.
    """

    config: Config
    clock: Callable[[], datetime]
    report: ProgressCallback = ignore
    warn: Callable[[str], None] = ignore
    tell: "Callable[[str, RecordingFinding], None]" = ignore_finding
    note: Callable[[str], None] = ignore

    @cached_property
    def library(self) -> "Library":
        """The episode folders."""
        from podcast_pipeline.episodes.library import Library

        show = self.config.show
        return Library(self.config.episodes_folder, language=show.language, explicit=show.explicit)

    @cached_property
    def store(self) -> "Store":
        """Object storage, known to be this show's; StoreError or ConfigError where it cannot be opened."""
        from podcast_pipeline.storage.open import open_store
        from podcast_pipeline.storage.published import check_show

        store = open_store(self.config)
        check_show(store, self.show)
        return store

    @cached_property
    def engine(self) -> str:
        """The name of the transcription engine; nothing of it is loaded."""
        from podcast_pipeline.transcription import choose_engine

        return choose_engine(self.config.transcription.engine)

    @cached_property
    def transcriber(self) -> "Transcriber":
        """The transcription engine with its weights."""
        from podcast_pipeline.transcription import load_transcriber

        settings, cache = self.config.transcription, self.config.state_folder / "cache"
        return load_transcriber(
            self.engine,
            settings.model,
            precision=settings.precision,
            cache=cache,
            report=self.report,
            note=self.note,
        )

    @cached_property
    def ffmpeg(self) -> "Ffmpeg":
        """The ffmpeg on PATH, else the one of the wheel; warns where the one on PATH cannot start."""
        from podcast_pipeline.audio.ffmpeg import Ffmpeg, find_ffmpeg

        return Ffmpeg(find_ffmpeg(self.warn))

    @cached_property
    def database(self) -> "Engine":
        """The audience's database, its schema up to date."""
        from podcast_pipeline.audience.database import open_database

        url = self.config.database_url
        return open_database(url.get_secret_value() if url else None, self.config.state_folder)

    @property
    def show(self) -> Show:
        """The show as show.toml describes it, without artwork."""
        return self.config.to_show(artwork_key=None)

    def catalog(self) -> "Catalog | None":
        """Read the catalog from storage; None before the first publication."""
        from podcast_pipeline.storage.published import read_catalog

        return read_catalog(self.store)[0]

    @cached_property
    def publisher_lock(self) -> Callable[[], AbstractContextManager[None]]:
        """Lock out other publishers; no lock where the store has conditional writes.

        Raises:
            ConfigError: neither the store nor a database can arbitrate between publishers, and show.toml
                does not state that there is only one.
        """
        from podcast_pipeline.storage.s3.presets import has_conditional_writes

        if has_conditional_writes(self.config) or self.config.storage.single_publisher:
            return nullcontext
        if self.config.database_url is None:
            raise ConfigError(
                f"{self.config.folder / 'show.toml'} [storage]",
                "this store cannot tell which of two publishers was first; set PODCAST_DATABASE_URL to a "
                "PostgreSQL database, or single_publisher = true when nobody else ever publishes",
            )
        from podcast_pipeline.audience.database.lease import lease

        return lambda: lease(self.database, self.config.show.id)

    def announce(self, show: Show) -> None:
        """Notify hubs and directories that the public feed has changed; a failure is a warning."""
        from podcast_pipeline.pipeline import ping

        pings = ping.pings_for(show.feed_url, self.config.feed, podping_token=self.config.podping_token)
        ping.send_pings(pings, warn=self.warn)

    def close(self) -> None:
        """Close the database where it was opened."""
        if "database" in vars(self):
            self.database.dispose()


def open_show(
    folder: Path | str = ".",
    *,
    environ: Mapping[str, str] | None = None,
    clock: Callable[[], datetime] | None = None,
    report: ProgressCallback = ignore,
    warn: Callable[[str], None] = ignore,
) -> Context:
    """Open the show in a folder: show.toml is read and checked, all else on first use.

    Args:
        folder: of show.toml.
        environ: PODCAST_ variables override show.toml; None: those of the process.
        clock: returns the present, aware; None: the system's.
        report: called with every progress event.
        warn: called with one line for each hub that could not be notified.

    Raises:
        ConfigError: there is no show.toml, or a key or a variable is wrong.
    """
    config = load_config(Path(folder), os.environ if environ is None else environ)
    return Context(config, clock or (lambda: datetime.now(UTC)), report, warn)


@contextmanager
def step(report: ProgressCallback, name: str) -> Iterator[None]:
    """Report the begin and the end of a step of unknown length."""
    report(Progress(step=name, done=0, total=1))
    yield
    report(Progress(step=name, done=1, total=1))
