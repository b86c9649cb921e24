"""The sample show in a temporary folder, published once a test run with tiny.en."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from podcast_pipeline.audience.subscribers.tokens import load_secret_key
from podcast_pipeline.config import STATE_FOLDER
from tests.support.databases import SHOW_DATABASES, create_sqlite
from tests.support.paths import ROOT

SLUG = "two-winters-and-a-will"
PODCAST = Path(sys.executable).with_name("podcast")
MODEL = "tiny.en"


@dataclass(frozen=True)
class ShowFolder:
    """A show's folder, with a runner of the `podcast` command."""

    folder: Path

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run `podcast` in the show's folder."""
        return subprocess.run(
            [PODCAST, *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def init_database(self) -> "ShowFolder":
        """Make the key, and an empty SQLite database, where there are none, as `podcast db init` does."""
        create_sqlite(self.folder / STATE_FOLDER)
        load_secret_key(None, self.folder / STATE_FOLDER, create=True)
        return self

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of a command in this folder."""
        return {**clean_environment(), **SHOW_DATABASES.environment(self.folder)}

    @property
    def episode(self) -> Path:
        """The sample episode's folder."""
        return self.folder / "episodes" / SLUG

    @property
    def bucket(self) -> Path:
        """The local store."""
        return self.folder / ".podcast" / "store"


def clean_environment() -> dict[str, str]:
    """Return the environment without the settings (PODCAST_*) of the developer's own show."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PODCAST_")}
    return {
        **kept,
        "PODCAST_TRANSCRIPTION_MODEL": MODEL,
        "PODCAST_SPEAKERS_ENGINE": "off",
        "HF_HUB_OFFLINE": "1",
    }


def build_show_folder(folder: Path) -> ShowFolder:
    """Copy the sample show without derived files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("show.toml", "artwork.jpg"):
        shutil.copyfile(ROOT / name, folder / name)
    ignored: Any = shutil.ignore_patterns("build", "transcript.json", "published.json", "transcript.md")
    shutil.copytree(ROOT / "episodes" / SLUG, folder / "episodes" / SLUG, ignore=ignored)
    return ShowFolder(folder)


def copy_show_folder(show: ShowFolder, folder: Path) -> ShowFolder:
    """Copy a show, database included, so that a test can change it."""
    shutil.copytree(show.folder, folder, symlinks=True)
    SHOW_DATABASES.copy(show.folder, folder)
    return ShowFolder(folder)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> ShowFolder:
    """A show whose sample episode is published; never change it, copy it."""
    show = build_show_folder(tmp_path_factory.mktemp("published") / "show")
    done = show.run("publish", SLUG, PODCAST_DATABASE_URL="")  # its copies begin with an empty database
    assert done.returncode == 0, done.stderr
    return show


def build_draft(published: ShowFolder, folder: Path) -> ShowFolder:
    """Return a show whose sample episode was never published; its words are heard and its sound is made."""
    show = build_show_folder(folder)
    shutil.copy(published.episode / "transcript.json", show.episode)
    shutil.copytree(published.episode / "build", show.episode / "build")
    return show


def run_ffmpeg(*arguments: str | Path) -> None:
    """Run the wheel's ffmpeg."""
    subprocess.run([get_ffmpeg_exe(), "-v", "error", "-y", *arguments], check=True)
