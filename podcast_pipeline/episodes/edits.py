"""Owns transcript.md and edits.json: what a person made of the words, over whatever the machine heard since.

Every write leaves a folder that the next run understands. Before transcript.json or transcript.md is
replaced, what transcript.md says is in edits.json, which names that file in `replaces`; so a run that was
killed in between is gone through again, and only a file that somebody saved meanwhile stops it.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.errors import CaptionError, EpisodeError
from podcast_pipeline.files import short_sha256, write_atomically
from podcast_pipeline.model import EpisodeDraft, Transcript
from podcast_pipeline.model.catalog import to_json, transcript_from_json
from podcast_pipeline.transcript.edits import (
    EditConflict,
    Edits,
    NameFix,
    apply_edits,
    reconcile_edits,
    transcript_from_document,
)
from podcast_pipeline.transcript.markdown import MarkdownTranscript, parse_markdown, to_markdown
from podcast_pipeline.transcript.names.glossary import Glossary, apply_name_fixes, find_name_fixes


@dataclass(frozen=True)
class EditedTranscript:
    """The words as a person wants them.

    Attributes:
        words: in recording times.
        note: for the public, on what is corrected; empty where nobody wrote one.
        edits: what edits.json says: the second pass's fixes, conflicts, accepted findings.
    """

    transcript: Transcript
    correction_note: str
    edits: Edits

    @property
    def conflicts(self) -> tuple[EditConflict, ...]:
        """Edits that found no place in the words."""
        return self.edits.conflicts


@dataclass(frozen=True)
class EpisodeText:
    """What lies in an episode's folder, read once.

    Attributes:
        heard: transcript.json, with the first 16 hex digits of its SHA-256 in `base`; None before the first.
        saved: the bytes of transcript.md; None where there is none.
        edits: edits.json.
    """

    folder: EpisodeFolder
    transcript: Transcript | None
    base: str | None
    markdown: bytes | None
    edits: Edits

    @property
    def slug(self) -> str:
        """The episode's slug."""
        return self.folder.slug

    @cached_property
    def document(self) -> MarkdownTranscript | None:
        """transcript.md; EpisodeError where it cannot be read, with its line."""
        if self.markdown is None:
            return None
        try:
            return parse_markdown(self.markdown.decode())
        except UnicodeDecodeError as error:
            raise EpisodeError(self.slug, "transcript.md is not UTF-8; save it as UTF-8") from error
        except CaptionError as error:
            raise EpisodeError(self.slug, str(error)) from error

    @property
    def replaced(self) -> bool:
        """Whether transcript.md is in edits.json whole and was about to be written anew."""
        return self.markdown is not None and short_sha256(self.markdown) == self.edits.replaces


def read_episode_text(folder: EpisodeFolder) -> EpisodeText:
    """Read transcript.json, transcript.md and edits.json.

    Raises:
        EpisodeError: edits.json is damaged.
    """
    heard = _bytes(folder.transcript_json)
    kept = _bytes(folder.edits_json)
    try:
        edits = Edits.model_validate_json(kept) if kept is not None else Edits()
    except ValidationError as error:
        message = f"edits.json cannot be read ({error.errors()[0]['msg']}); put it back from git"
        raise EpisodeError(folder.slug, message) from error
    return EpisodeText(
        folder=folder,
        transcript=transcript_from_json(heard, str(folder.transcript_json)) if heard is not None else None,
        base=short_sha256(heard) if heard is not None else None,
        markdown=_bytes(folder.transcript_md),
        edits=edits,
    )


def current_edits(episode_text: EpisodeText, now: datetime) -> Edits:
    """Return edits.json with what transcript.md says now.

    Raises:
        EpisodeError: transcript.md was made from other words than those in transcript.json.
    """
    if episode_text.document is None or episode_text.replaced:
        return episode_text.edits
    if episode_text.transcript is None or episode_text.document.base != episode_text.base:
        raise EpisodeError(episode_text.slug, _other_words(episode_text, episode_text.document.base))
    if episode_text.transcript.words and not episode_text.document.text:
        raise EpisodeError(
            episode_text.slug, "transcript.md has no words left; undo that, or move it away for a new one"
        )
    fixes = episode_text.edits.fixes if episode_text.edits.base == episode_text.base else ()
    return reconcile_edits(
        episode_text.edits, episode_text.document, apply_name_fixes(episode_text.transcript, fixes), now
    )


def _other_words(desk: EpisodeText, base: str) -> str:
    """Say that transcript.md belongs to other words, and where those are."""
    wrong = "is gone" if desk.transcript is None else "holds other words than transcript.md was made from"
    kept = desk.folder.build / f"transcript.{base}.json"
    place = f"from build/{kept.name}" if kept.is_file() else "from git"
    return f"transcript.json {wrong}; put it back {place}, or move transcript.md away for a new one"


def replace_transcript(folder: EpisodeFolder, transcript: Transcript, *, now: datetime) -> None:
    """Replace transcript.json; what a person wrote over the words before is in edits.json first."""
    desk = read_episode_text(folder)
    if desk.base == short_sha256(to_json(transcript)):
        return
    edits = current_edits(desk, now)
    if desk.markdown is not None:
        _write(desk, edits.model_copy(update={"replaces": short_sha256(desk.markdown)}))
    folder.save_transcript(transcript)


def merge_edits(
    folder: EpisodeFolder,
    draft: EpisodeDraft,
    transcript: Transcript,
    *,
    glossary: Glossary,
    in_catalog: bool,
    now: datetime,
    save: bool = True,
) -> EditedTranscript:
    """Return the words with names put right and a person's edits in them.

    transcript.md is written where it is absent, and anew where the words or the names changed under it.

    Args:
        heard: the machine's words, those in transcript.json or about to be.
        out: the episode is in the catalog: its names stay as they were put right.
        keep: what follows in transcript.md and edits.json.
    """
    desk = read_episode_text(folder)
    base = desk.base if desk.base and transcript == desk.transcript else short_sha256(to_json(transcript))
    edits = current_edits(desk, now)
    fixes = _fixes(edits, base, transcript, glossary, out=in_catalog)
    fixed = apply_name_fixes(transcript, fixes)
    document, note = desk.document, desk.document.note if desk.document else ""
    text = None
    if document is None or document.base != base or desk.replaced or fixes != edits.fixes:
        merged = apply_edits(edits.all, fixed)
        edits = edits.model_copy(update={"edits": merged.applied, "conflicts": merged.conflicts})
        text = to_markdown(merged.transcript, base=base, title=draft.title, note=note)
        document = parse_markdown(text)
    edits = edits.model_copy(update={"base": base, "fixes": fixes, "replaces": None})
    if save:
        _save(desk, edits, text)
    return EditedTranscript(transcript_from_document(document, fixed), note, edits)


def record_acceptance(episode_text: EpisodeText, key: str) -> None:
    """Remember that a finding was listened to and is left as it is."""
    _write(
        episode_text, episode_text.edits.model_copy(update={"accepted": (*episode_text.edits.accepted, key)})
    )


def discard_conflict(episode_text: EpisodeText, conflict: EditConflict) -> None:
    """Forget an edit that found no place and is not wanted any more."""
    rest = tuple(other for other in episode_text.edits.conflicts if other != conflict)
    _write(episode_text, episode_text.edits.model_copy(update={"conflicts": rest}))


def replace_markdown(episode_text: EpisodeText, text: str) -> None:
    """Replace the transcript.md that was read; it goes to `build/`.

    Raises:
        EpisodeError: somebody has saved it meanwhile.
    """
    path, build = episode_text.folder.transcript_md, episode_text.folder.build
    part = build / f".transcript.md.{os.getpid()}.part"
    write_atomically(part, text.encode())
    try:
        if episode_text.markdown is not None:
            _move_away(episode_text, build / f"transcript.{short_sha256(episode_text.markdown)}.md")
        os.link(part, path)  # fails where an editor has saved one meanwhile
    except FileExistsError as error:
        raise _busy(episode_text) from error
    finally:
        part.unlink()


def _fixes(
    edits: Edits, base: str, heard: Transcript, glossary: Glossary, *, out: bool
) -> tuple[NameFix, ...]:
    """Return what the second pass changes; of an episode that is out, what it changed before it went out."""
    if out and edits.base in (base, None):
        return edits.fixes
    return find_name_fixes(heard, glossary)


def _save(desk: EpisodeText, edits: Edits, text: str | None) -> None:
    replaces = short_sha256(desk.markdown) if desk.markdown is not None and text is not None else None
    _write(desk, edits.model_copy(update={"replaces": replaces}))
    if text is None:
        return
    try:
        replace_markdown(desk, text)
    except EpisodeError:
        _write(desk, desk.edits)  # what is there now was made with the names as they were
        raise
    _write(desk, edits)


def _write(desk: EpisodeText, edits: Edits) -> None:
    data = to_json(edits)
    if _bytes(desk.folder.edits_json) != data:
        write_atomically(desk.folder.edits_json, data)


def _move_away(desk: EpisodeText, target: Path) -> None:
    """Move transcript.md to `build/`; back again when it is not what was read."""
    path = desk.folder.transcript_md
    path.replace(target)
    if target.read_bytes() != desk.markdown:
        os.link(target, path)
        target.unlink()
        raise _busy(desk)


def _busy(desk: EpisodeText) -> EpisodeError:
    return EpisodeError(desk.slug, "transcript.md was saved while this ran; run the same command again")


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
