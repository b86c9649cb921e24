"""Put another recording into an episode's folder; the episode stays the one that apps know.

The new files lie beside the old ones under names of their own before episode.toml names them, so that a run
that was killed is run again. Nothing is deleted: the old recording stays until a person removes it.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from podcast_pipeline.episodes.create import recording_suffix
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.episodes.table import EPISODE_FILE, TrackTable
from podcast_pipeline.episodes.table_edit import check_toml, read_toml, set_keys
from podcast_pipeline.files import atomic_path, sha256_of, write_atomically


def replace_recording(
    folder: EpisodeFolder, source: Path, *, tracks: Sequence[tuple[str, Path, int | None]] = ()
) -> tuple[str, ...]:
    """Make `source` the recording of an episode; return the names of the files that it is made from no more.

    Idempotent: for the recording that the episode has already nothing is written.

    Args:
        folder: of an episode with a recording, locked.
        tracks: (speaker, file, channel from 1) that `source` was mixed from; without any the tracks of the
            old recording go, too.

    Raises:
        OSError: a file cannot be read or written; the folder has its old recording.
    """
    sha256, table = sha256_of(source), folder.table
    copied = _copy_tracks(tracks, folder)
    is_same = table.source_sha256 == sha256 and _who_and_what(table.tracks) == _who_and_what(copied)
    if is_same and folder.source.is_file():
        return ()
    name = _copy(source, folder, "source", sha256)
    rows = [track.model_dump(exclude_none=True) for track in copied]
    values: Mapping[str, Any] = {"source": name, "source_sha256": sha256, "tracks": rows}
    text = set_keys(read_toml(folder), values)
    check_toml(text, folder)
    write_atomically(folder.path / EPISODE_FILE, text.encode())
    used = {name, *(track.file for track in copied)}
    before = dict.fromkeys([str(table.source), *(track.file for track in table.tracks)])
    return tuple(old for old in before if old not in used and (folder.path / old).is_file())


def _copy_tracks(
    tracks: Sequence[tuple[str, Path, int | None]], folder: EpisodeFolder
) -> tuple[TrackTable, ...]:
    """Copy the files of the tracks, each once, and return the [[tracks]] of episode.toml."""
    files = list(dict.fromkeys(path for _, path, _ in tracks))
    sha256s = {path: sha256_of(path) for path in files}
    names = {path: _copy(path, folder, f"track-{n}", sha256s[path]) for n, path in enumerate(files, start=1)}
    return tuple(
        TrackTable(name=name, file=names[path], channel=channel, sha256=sha256s[path])
        for name, path, channel in tracks
    )


def _who_and_what(tracks: Sequence[TrackTable]) -> list[tuple[str, int | None, str]]:
    return [(track.name, track.channel, track.sha256) for track in tracks]


def _copy(source: Path, folder: EpisodeFolder, stem: str, sha256: str) -> str:
    """Copy a file under a name with its hash and return the name; one that lies in the folder stays."""
    if source.resolve().parent == folder.path.resolve():
        return source.name
    target = folder.path / f"{stem}.{sha256[:8]}{recording_suffix(source)}"
    if not (target.is_file() and sha256_of(target) == sha256):
        with atomic_path(target) as part:
            shutil.copyfile(source, part)
    return target.name
