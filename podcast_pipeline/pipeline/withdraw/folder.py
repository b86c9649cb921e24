"""Clean the machine that a withdrawal runs on: the episode's folder, `build/`, caches of recognised words."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from podcast_pipeline.episodes import withdrawn_words
from podcast_pipeline.episodes.base import BASE_FILE, read_base, words_digest, write_base
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.errors import PodcastError
from podcast_pipeline.files import sync_to_disk
from podcast_pipeline.model import Episode
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.pipeline.withdraw.checks import check_recording
from podcast_pipeline.pipeline.words.accuracy import SAMPLE_FILE
from podcast_pipeline.transcript.leaks.tokens import normalized_words
from podcast_pipeline.transcript.withdrawal.word_hashes import shared_run
from podcast_pipeline.transcription.resume import TranscribedBatch

LOCK_FILE = ".lock"


@dataclass(frozen=True)
class CleanedFolder:
    """What was cleaned here.

    Attributes:
        files: that were written anew or removed, relative to the show's folder.
        failed: why a file could not be cleaned; None where nothing is left.
        in_git: whether the folder is in a git repository, whose history keeps the words.
    """

    files: tuple[str, ...] = ()
    failed: str | None = None
    in_git: bool = False


def clean_folder(context: Context, episode: Episode, *, made_here: bool) -> CleanedFolder:
    """Take withdrawn words out of the episode's folder, where it is on this machine.

    Args:
        made_here: the withdrawal was just made: `build/` and caches have the words or the sound, whatever
            the text files have.
    """
    if not episode.withdrawals:
        return CleanedFolder()
    files: list[str] = []
    failed: str | None = None
    try:
        if context.library.id_of(episode.slug) != episode.id:
            return CleanedFolder()
        with context.library.open(episode.slug) as folder:
            files += _clean(folder, episode, context, made_here=made_here)
    except (PodcastError, OSError) as error:  # the objects are removed all the same
        failed = str(error)
    return CleanedFolder(tuple(files), failed, in_git=_is_in_git(context.library.root / episode.slug))


def _clean(folder: EpisodeFolder, episode: Episode, context: Context, *, made_here: bool) -> Iterator[str]:
    """Clean a folder and yield what was written or removed."""
    passages = [w for w in episode.withdrawals if w.kind == "passage"]
    whole = any(w.kind == "episode" for w in episode.withdrawals)
    needed = made_here or withdrawn_words.holds_withdrawn_words(folder, passages)
    if whole or (needed and passages):
        yield from _remove_derived(folder, context)
    check_recording(folder, passages)
    unedited = _has_published_words(folder)
    for name in withdrawn_words.clean_episode_text(folder, passages, now=context.clock()):
        yield f"episodes/{folder.slug}/{name}"
    if _follow_withdrawal(folder, episode, unedited=unedited):
        yield f"episodes/{folder.slug}/{BASE_FILE}"


def _has_published_words(folder: EpisodeFolder) -> bool:
    """Tell whether a folder's words are those that base.json names: nobody has edited them here since."""
    try:
        base, words = read_base(folder), withdrawn_words.edited_words(folder)
    except PodcastError:  # a damaged file is no reason to leave the words in the others
        return False
    return base is not None and words is not None and base.words == words_digest(words)


def _follow_withdrawal(folder: EpisodeFolder, episode: Episode, *, unedited: bool) -> bool:
    """Let base.json name the newest version left, where it named a withdrawn one that was the newest.

    Where others have published since, it stays, but for the words: what is left of them has no edits either.
    """
    base = read_base(folder)
    withdrawn = {v.document_key: v.version for v in episode.withdrawn_versions}
    if base is None or base.document_key not in withdrawn:
        return False
    by_withdrawals = {w.withdrawn_at for w in episode.withdrawals}
    published = [v.version for v in episode.transcripts if v.published_at not in by_withdrawals]
    if max(published, default=0) <= withdrawn[base.document_key]:
        newest = episode.transcript.document_key if episode.transcript else None
        new = base.model_copy(update={"document_key": newest, "words": None})
    elif unedited and (words := withdrawn_words.edited_words(folder)):
        new = base.model_copy(update={"words": words_digest(words)})
    else:
        return False
    write_base(folder, new)
    return new != base


def _remove_derived(folder: EpisodeFolder, context: Context) -> list[str]:
    """Remove what was derived from the recording and may be made again, without the passage."""
    removed, caches = [], tuple(_window_caches(folder, context))
    for path in (*sorted(folder.build.glob("*")), folder.path / SAMPLE_FILE):
        if path.name == LOCK_FILE or not path.exists():
            continue
        _remove(path)
        removed.append(f"episodes/{folder.slug}/{path.relative_to(folder.path).as_posix()}")
    for path in caches:
        _remove(path)
        removed.append(path.relative_to(context.config.folder).as_posix())
    return removed


def _remove(path: Path) -> None:
    """Remove a file or a folder, on the disk too: the catalog forgets afterwards that there was work left."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    sync_to_disk(path.parent)


def _window_caches(folder: EpisodeFolder, context: Context) -> Iterator[Path]:
    """Yield the folders of finished windows of this recording: those that have a run of its words."""
    transcript = folder.load_transcript()
    if transcript is None:
        return
    words = normalized_words(transcript.text)
    for path in sorted((context.config.state_folder / "cache" / "windows").glob("*")):
        if _is_of(path, words):
            yield path


def _is_of(cache: Path, words: list[str]) -> bool:
    return any(shared_run(words, normalized_words(batch)) for batch in _batch_texts(cache))


def _batch_texts(cache: Path) -> Iterator[str]:
    for path in sorted(cache.glob("*.json")):
        try:
            batch = TranscribedBatch.model_validate_json(path.read_bytes())
        except (OSError, ValueError):
            continue
        yield "".join(word.text for window in batch.words for word in window)


def _is_in_git(path: Path) -> bool:
    return any((parent / ".git").exists() for parent in (path, *path.parents))
