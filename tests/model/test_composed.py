"""Text is in NFC wherever it comes in, so that a name from a Mac's file name is the name that was typed."""

import unicodedata
from pathlib import Path
from uuid import uuid4

import pytest

from podcast_pipeline.config import load_config
from podcast_pipeline.episodes.create import create_episode
from podcast_pipeline.episodes.library import Library
from podcast_pipeline.pipeline.words.transcribe import transcribe
from podcast_pipeline.transcript.markdown import parse_markdown

NAME = "Zsófia Kádár"
APART = unicodedata.normalize("NFD", NAME)
SHOW = f"""[show]
id = "{uuid4()}"
guid = "{uuid4()}"
title = "{APART}"
description = "{APART}"
author = "{APART}"
owner_email = "a@example.org"
categories = ["News"]
hosts = ["{APART}"]
artwork = "{APART}.jpg"

[glossary]
terms = [{{ name = "{APART}", sounds_like = ["{APART}"] }}, "{APART}"]
"""


def test_show_toml(tmp_path: Path) -> None:
    """Names and terms are composed, from the file and the environment; a file's name stays as it is."""
    (tmp_path / "show.toml").write_text(SHOW, encoding="utf-8")
    config = load_config(tmp_path, {"PODCAST_SHOW_AUTHOR": f"{APART} B"})
    assert (config.show.title, config.show.author, config.show.host_names) == (NAME, f"{NAME} B", (NAME,))
    assert [term.name for term in config.glossary.terms] == [NAME, NAME]
    assert config.glossary.terms[0].sounds_like == (NAME,)
    assert config.show.artwork == f"{APART}.jpg"


def test_a_new_episode(tmp_path: Path) -> None:
    """Title, guests, tracks and notes are composed, and so is a title that is a file's name."""
    source = tmp_path / f"{APART}.wav"
    source.write_bytes(b"RIFF")
    library = Library(tmp_path / "episodes", language="hu")
    tracks = [(APART, source, None)]
    slug = create_episode(source, library, guests=(APART,), notes=f"Mit {APART}", tracks=tracks)
    folder = library.folder(slug)
    assert (folder.table.title, folder.table.guests[0].name, folder.table.tracks[0].name) == (
        NAME,
        NAME,
        NAME,
    )
    assert (folder.path / "notes.md").read_text(encoding="utf-8") == f"Mit {NAME}"
    assert create_episode(source, library, guests=(NAME,), notes=f"Mit {APART}") == slug


def test_files_that_a_person_edits(tmp_path: Path) -> None:
    """episode.toml, notes.md and transcript.md of an editor that writes NFD are read in NFC."""
    source = tmp_path / "talk.wav"
    source.write_bytes(b"RIFF")
    library = Library(tmp_path / "episodes", language="hu")
    folder = library.folder(create_episode(source, library, title=NAME))
    path = folder.path / "episode.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(NAME, APART), encoding="utf-8")
    (folder.path / "notes.md").write_text(APART, encoding="utf-8")
    draft = library.folder(folder.slug).load_draft()
    assert (draft.title, draft.notes) == (NAME, NAME)
    document = parse_markdown(
        f"---\nbase: {'0' * 16}\nspeakers:\n  S0: {APART}\n---\n\n**{APART}**\n\n{APART}.\n"
    )
    assert document.speakers == {"S0": NAME}
    assert [(turn.name, turn.paragraphs) for turn in document.turns] == [(NAME, (f"{NAME}.",))]


def test_names_given_to_the_python_api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`transcribe(names=…)` asks for the composed names."""
    asked: list[tuple[str, ...]] = []
    module = "podcast_pipeline.pipeline.words.transcribe"
    monkeypatch.setattr(f"{module}.load_transcriber", lambda *_, **__: None)
    monkeypatch.setattr(
        f"{module}.transcribe_file", lambda *_, **given: asked.append(given["glossary"].names)
    )
    transcribe(tmp_path / "a.wav", names=[APART])
    assert asked == [(NAME,)]
