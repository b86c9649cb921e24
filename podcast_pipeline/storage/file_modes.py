"""Who may read a show's files on a machine with several users: their owner, and a web server where asked for.

show/            the producer's own permissions; git's
  episodes/      0700: recordings, drafts and words; 0770 where the producer has opened it to a group
  .podcast/      0700: store, database, key, caches         with web_server_reads: 0711, down to
    store/       0700                                       0711
      public/    0700, links to bodies                      0755
      private/   0700, links to bodies                      0700
      .objects/  0700, files 0600                           0711; public/ 0711, bodies in it 0644
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePath
from stat import S_IMODE, S_ISDIR, S_ISLNK

from podcast_pipeline.config import Config

CLOSED_FOLDER, CLOSED_FILE = 0o700, 0o600
PASSAGE = 0o711  # a folder whose names cannot be listed
OPEN_FOLDER, OPEN_FILE = 0o755, 0o644
OTHERS, GROUP_WRITES, EVERYBODY_ELSE = 0o007, 0o020, 0o077


def store_mode(place: PurePath, *, is_folder: bool, web_server_reads: bool) -> int:
    """Return the permissions of a folder or a file of the local store; links have none.

    Args:
        place: relative to the store's folder, like `.objects/public/feed.xml@1f/body`.
    """
    parts = place.parts
    if web_server_reads and is_folder and parts[:1] == ("public",):
        return OPEN_FOLDER
    if (
        web_server_reads
        and is_folder
        and (parts in ((), (".objects",)) or parts[:2] == (".objects", "public"))
    ):
        return PASSAGE
    if web_server_reads and parts[:2] == (".objects", "public") and parts[-1] == "body":
        return OPEN_FILE
    return CLOSED_FOLDER if is_folder else CLOSED_FILE


def restrict_files(config: Config) -> tuple[str, ...]:
    """Give the show's folders their permissions where an earlier release, a copy or git has left others.

    Below `.podcast` all is looked at only where that folder itself is not as it should be, which it is from
    then on: one run looks at each file, every other at two folders. It is closed first and opened last, so
    that a killed run leaves nothing open.

    Returns:
        A line for each folder that was changed; none where this is not possible, which `podcast doctor` says.
    """
    state, episodes = config.state_folder, config.episodes_folder
    lines = []
    is_state, wanted = _mode(state), wanted_mode(config, state, is_folder=True)
    if is_state not in (None, wanted) and _change(state, CLOSED_FOLDER):
        for path, is_folder, mode in _walk(state):
            _change(path, wanted_mode(config, path, is_folder=is_folder), is_now=mode)
        _change(state, wanted)
        lines.append(_line(config, was_open=bool((is_state or 0) & EVERYBODY_ELSE)))
    is_episodes = _mode(episodes) or 0
    if _change(episodes, is_episodes & ~_too_open(is_episodes), is_now=is_episodes):
        lines.append(f"{episodes}: other users of this machine could read it; now only you")
    return tuple(lines)


def find_open_files(config: Config) -> Iterator[Path]:
    """Yield the folders and files that somebody may read who should not."""
    state, episodes = config.state_folder, config.episodes_folder
    if _too_open(_mode(episodes) or 0):
        yield episodes
    if (_mode(state) or 0) & ~wanted_mode(config, state, is_folder=True):
        yield state
    if config.storage.web_server_reads:
        for path, is_folder, mode in _walk(state, reachable=True):
            if mode & ~wanted_mode(config, path, is_folder=is_folder):
                yield path


def find_closed_folder(config: Config) -> Path | None:
    """Return the first folder above `.podcast` that a web server cannot pass, None where it can."""
    return next((folder for folder in config.state_folder.parents if not (_mode(folder) or 0) & 0o001), None)


def wanted_mode(config: Config, path: Path, *, is_folder: bool) -> int:
    """Return the permissions of a folder or a file in `.podcast`."""
    store, reads = config.local_store_folder, config.storage.web_server_reads
    if path.is_relative_to(store):
        return store_mode(path.relative_to(store), is_folder=is_folder, web_server_reads=reads)
    if reads and store.is_relative_to(path):
        return PASSAGE
    return CLOSED_FOLDER if is_folder else CLOSED_FILE


def _too_open(mode: int) -> int:
    """Return the bits of `episodes/` to take away; a folder in which a group may write was given to it."""
    return mode & (OTHERS if mode & GROUP_WRITES else EVERYBODY_ELSE)


def _line(config: Config, *, was_open: bool) -> str:
    state = config.state_folder
    if config.storage.web_server_reads:
        return f"{state}: closed to other users, but for store/public, which a web server can read"
    advice = "where a web server reads store/public, set web_server_reads = true under [storage]"
    if was_open:
        return f"{state}: other users of this machine could read it, transcripts too; now only you; {advice}"
    return f"{state}: its permissions are mended"


def _mode(path: Path) -> int | None:
    try:
        return S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def _change(path: Path, mode: int, *, is_now: int | None = None) -> bool:
    """Return whether a file has other permissions now: a disk may keep none, the file may be another's."""
    if mode == is_now:
        return False
    with suppress(OSError):
        path.chmod(mode)
    return _mode(path) == mode


def _walk(folder: Path, *, reachable: bool = False) -> Iterator[tuple[Path, bool, int]]:
    """Yield (path, is a folder, permissions) of all below a folder; links are neither yielded nor followed.

    Args:
        reachable: leave out what is in a folder that others cannot enter.
    """
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            with suppress(OSError):  # removed by another process
                mode = path.lstat().st_mode
                if not S_ISLNK(mode):
                    yield path, S_ISDIR(mode), S_IMODE(mode)
        if reachable:
            folders[:] = [name for name in folders if (_mode(Path(parent, name)) or 0) & 0o011]
