"""Files that a library derives are believed only if they are as they were written."""

import os
from pathlib import Path

import pytest

from podcast_pipeline.transcription.derived_files import LIST_NAME, verified_files

GRAPH = bytes(range(256)) * 64


def derive(folder: Path, *names: str) -> list[str]:
    """Return the names that a library had to derive."""
    derived = []
    with verified_files(folder):
        folder.mkdir(exist_ok=True)
        for name in names:
            if not (folder / name).exists():
                (folder / name).write_bytes(GRAPH)
                derived.append(name)
    return derived


def test_whole_files_are_used_again(tmp_path: Path) -> None:
    """What is on the disk as it is listed is kept; a further one is added to the list."""
    assert derive(tmp_path / "new", "a", "b") == ["a", "b"]
    assert derive(tmp_path / "new", "a", "b", "c") == ["c"]
    assert derive(tmp_path / "new", "a", "b", "c") == []


@pytest.mark.parametrize("damaged", [b"", GRAPH[:100], bytes(len(GRAPH)), GRAPH[:-256] + bytes(256)])
def test_a_damaged_file_is_derived_again(tmp_path: Path, damaged: bytes) -> None:
    """Empty, cut, or with zeros in it: it is removed before the library sees it, the others stay."""
    derive(tmp_path, "a", "b")
    (tmp_path / "a").write_bytes(damaged)
    assert derive(tmp_path, "a", "b") == ["a"]
    assert (tmp_path / "a").read_bytes() == GRAPH
    assert derive(tmp_path, "a", "b") == []


@pytest.mark.parametrize("text", [None, b"", b'{"files"'])
def test_without_its_list_nothing_is_believed(tmp_path: Path, text: bytes | None) -> None:
    """Files of a killed run, or of an earlier release, are derived again."""
    derive(tmp_path, "a")
    if text is None:
        (tmp_path / LIST_NAME).unlink()
    else:
        (tmp_path / LIST_NAME).write_bytes(text)
    assert derive(tmp_path, "a") == ["a"]


def test_files_are_on_the_disk_before_they_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is flushed before the list is."""
    flushed: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda handle: flushed.append(Path(f"/proc/self/fd/{handle}").readlink().name)
    )
    derive(tmp_path, "a", "b")
    assert flushed[:2] == ["a", "b"]
    assert flushed[2].startswith(f".{LIST_NAME}.")
