"""Names that were accepted in one episode are right in all: review.json beside show.toml."""

import json
from pathlib import Path

import pytest

from podcast_pipeline.config import Config
from podcast_pipeline.errors import ConfigError
from podcast_pipeline.pipeline.words.accepted_names import ACCEPTED_FILE, accept_name, load_accepted_names
from podcast_pipeline.transcript.names.glossary import Glossary
from podcast_pipeline.transcript.review import review_items
from tests.support.configs import tiny_config
from tests.support.transcripts import recognized


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The settings of a show in an empty folder."""
    return tiny_config(tmp_path)


def test_an_accepted_name_is_asked_about_once_in_a_show(config: Config) -> None:
    """The name is no item of any episode any more, and the file is sorted, so that git merges it."""
    for name in ("Zsofia", "Desmond Fry", "Zsofia"):
        accept_name(name, config)
    assert json.loads((config.folder / ACCEPTED_FILE).read_bytes())["names"] == ["Desmond Fry", "Zsofia"]
    found = review_items(
        recognized("with Zsofia and Desmond Fry and Priya"),
        known_names=Glossary(),
        policy=config.review,
        accepted=load_accepted_names(config).keys,
    )
    assert [item.text for item in found] == ["Priya"]


def test_a_show_without_the_file_has_accepted_nothing(config: Config) -> None:
    """No file is no names, and reading makes none."""
    assert load_accepted_names(config).keys == frozenset()
    assert not (config.folder / ACCEPTED_FILE).exists()


@pytest.mark.parametrize("text", ["<<<<<<< HEAD", '{"names": "Ann"}', ""])
def test_a_damaged_file_is_one_line(config: Config, text: str) -> None:
    """A file that git could not merge is named, and nothing is accepted over it."""
    (config.folder / ACCEPTED_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"review.json.*cannot be read.*put it back from git"):
        accept_name("Ann", config)
    assert (config.folder / ACCEPTED_FILE).read_text(encoding="utf-8") == text
