"""The public API: instant to import, typed, and opened part by part."""

import subprocess
import sys
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import podcast_pipeline
from podcast_pipeline import check_feed, open_show, publish, render_captions, render_feed, transcribe
from podcast_pipeline.errors import ConfigError, EpisodeError
from tests.support.audio_files import SAMPLE
from tests.support.paths import ROOT
from tests.support.pipeline import catalog, context_of, feed
from tests.support.show import MODEL, SLUG, ShowFolder

HEAVY = {"boto3", "httpx", "numpy", "openvino", "pydantic", "sqlalchemy", "starlette", "torch", "typer"}


def test_the_import_loads_no_library() -> None:
    """`import podcast_pipeline` loads nothing but the standard library."""
    code = f"import sys, podcast_pipeline; print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_public_name_is_what_its_module_has() -> None:
    """All names of `__all__` exist, the table of modules names each of them, and `dir` lists them."""
    assert set(podcast_pipeline._MODULES) == set(podcast_pipeline.__all__) - {"__version__"}
    assert dir(podcast_pipeline) == sorted(podcast_pipeline.__all__)
    for name, module in podcast_pipeline._MODULES.items():
        there = getattr(import_module(f"podcast_pipeline.{module}"), name)
        assert getattr(podcast_pipeline, name) is there


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name fails like that of any module."""
    with pytest.raises(AttributeError, match="no attribute 'publishh'"):
        podcast_pipeline.publishh  # noqa: B018


def test_every_public_name_stands_in_the_reference() -> None:
    """docs/reference/api.md shows the signature and the docstring of each, and two types of results."""
    text = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    shown = {line.rpartition(".")[2] for line in text.splitlines() if line.startswith("::: ")}
    assert shown - {"FeedFinding", "PublishResult"} == set(podcast_pipeline.__all__) - {"__version__"}


def test_the_package_says_that_it_is_typed() -> None:
    """A type checker reads the annotations of an installed package only where py.typed is."""
    assert (Path(podcast_pipeline.__file__).parent / "py.typed").is_file()


def test_a_part_is_opened_when_it_is_used(published: ShowFolder) -> None:
    """A show with a store that cannot be opened still has its episodes and their words."""
    show = open_show(published.folder, environ={"PODCAST_STORAGE_KIND": "s3"})
    transcript = show.library.folder(SLUG).load_transcript()
    assert transcript is not None
    assert b"It was the best of times" in render_captions(transcript, "vtt").replace(b"\n", b" ")
    with pytest.raises(ConfigError, match="bucket"):
        _ = show.store


def test_a_folder_without_a_show_is_one_line(tmp_path: Path) -> None:
    """The error names the file and the command that makes one."""
    with pytest.raises(ConfigError, match="podcast init"):
        open_show(tmp_path)


def test_the_file_of_a_show_is_not_its_folder(published: ShowFolder) -> None:
    """show.toml in place of its folder is one line."""
    with pytest.raises(ConfigError, match=r"show\.toml: is a file; give the folder of show\.toml$"):
        open_show(published.folder / "show.toml")


@pytest.mark.parametrize("names", ["Ann Example", "Bob", "", [""], ["Ann", " "]])
def test_names_are_a_list_of_names(names: list[str]) -> None:
    """One text would be read as its letters, and an empty name corrects nothing."""
    with pytest.raises(ConfigError, match=r"^names: is .*; give a list of names"):
        transcribe(SAMPLE, model=MODEL, names=names)


@pytest.mark.parametrize("name", ["VTT", "ass", ""])
def test_an_unknown_caption_format_is_one_line(published: ShowFolder, name: Any) -> None:
    """The error lists the formats."""
    transcript = context_of(published).library.folder(SLUG).load_transcript()
    assert transcript is not None
    with pytest.raises(ConfigError, match=r"is not a format; known are vtt, srt, json, html, txt$"):
        render_captions(transcript, name)


def test_a_time_without_a_zone_is_refused(published: ShowFolder) -> None:
    """A naive time of publication would be another moment on another laptop."""
    with pytest.raises(EpisodeError, match=r"publish_at has no time zone"):
        publish(context_of(published), SLUG, publish_at=datetime(2030, 1, 1, 6))  # noqa: DTZ001


def test_the_feed_of_the_catalog_is_the_published_one(published: ShowFolder) -> None:
    """`render_feed` gives the bytes that `publish` stored, and they break no rule."""
    rendered = render_feed(catalog(published))
    assert rendered == feed(published)
    assert check_feed(rendered) == ()


def test_a_file_is_transcribed_without_a_show(published: ShowFolder, tmp_path: Path) -> None:
    """`transcribe` gives the words that the show's episode has before names are corrected."""
    transcript = transcribe(SAMPLE, model=MODEL, cache=tmp_path)
    episode = context_of(published).library.folder(SLUG).load_transcript()
    assert episode is not None
    assert transcript.language == "en"
    assert len(transcript.words) == pytest.approx(len(episode.words), abs=3)
