"""transcript.md and edits.json: a person's edits, merged over every new transcription.

Every write leaves a folder that the next run can continue from. Before transcript.json or transcript.md is
replaced, the edits in transcript.md are written to edits.json, with the file's hash in `replaces`. A run that
was killed in between is repeated; only a file that a person saved meanwhile stops it.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.errors import CaptionError, EpisodeError
from podcast_pipeline.files import short_sha256, sync_to_disk, write_atomically
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
from podcast_pipeline.transcript.typed.agreement import TranscriptDifference, typed_differences


@dataclass(frozen=True)
class EditedTranscript:
    """The words with names corrected and a person's edits merged.

    Attributes:
        transcript: in recording times.
        correction_note: the producer's public note on the correction; empty without one.
        edits: edits.json: name fixes of the second pass, conflicts, accepted review items.
        differences: between an imported transcript and the engine's words; empty where nothing was imported.
    """

    transcript: Transcript
    correction_note: str
    edits: Edits
    differences: tuple[TranscriptDifference, ...] = ()

    @property
    def conflicts(self) -> tuple[EditConflict, ...]:
        """Edits whose place was not found in the words."""
        return self.edits.conflicts

    @property
    def note_is_idle(self) -> bool:
        """Whether the note was there when there was nothing to correct: it is about something else."""
        return self.edits.idle_note == short_sha256(self.correction_note.encode())


@dataclass(frozen=True)
class EpisodeText:
    """The text files of an episode's folder, read once.

    Attributes:
        transcript: transcript.json; None before the first transcription.
        base: first 16 hex digits of the SHA-256 of transcript.json.
        markdown: the bytes of transcript.md; None where there is none.
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
        """transcript.md as parsed; EpisodeError, with the line, where it is malformed."""
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
        """Whether all edits of transcript.md are in edits.json: a killed run was about to rewrite it."""
        return self.markdown is not None and short_sha256(self.markdown) == self.edits.replaces


def read_episode_text(folder: EpisodeFolder) -> EpisodeText:
    """Read transcript.json, transcript.md and edits.json.

    Raises:
        EpisodeError: edits.json is damaged.
    """
    transcript = _bytes(folder.transcript_json)
    saved_edits = _bytes(folder.edits_json)
    try:
        edits = Edits.model_validate_json(saved_edits) if saved_edits is not None else Edits()
    except ValidationError as error:
        message = f"edits.json cannot be read ({error.errors()[0]['msg']}); put it back from git"
        raise EpisodeError(folder.slug, message) from error
    return EpisodeText(
        folder=folder,
        transcript=(
            transcript_from_json(transcript, str(folder.transcript_json)) if transcript is not None else None
        ),
        base=short_sha256(transcript) if transcript is not None else None,
        markdown=_bytes(folder.transcript_md),
        edits=edits,
    )


def current_edits(episode_text: EpisodeText, now: datetime) -> Edits:
    """Return edits.json updated by the present transcript.md.

    Raises:
        EpisodeError: transcript.md belongs to other words than those in transcript.json.
    """
    if episode_text.document is None or episode_text.replaced:
        return episode_text.edits
    if episode_text.transcript is None or episode_text.document.base != episode_text.base:
        raise EpisodeError(episode_text.slug, _other_words_message(episode_text, episode_text.document.base))
    if episode_text.transcript.words and not episode_text.document.text:
        raise EpisodeError(
            episode_text.slug, "transcript.md has no words left; undo that, or move it away for a new one"
        )
    fixes = episode_text.edits.fixes if episode_text.edits.base == episode_text.base else ()
    return reconcile_edits(
        episode_text.edits, episode_text.document, apply_name_fixes(episode_text.transcript, fixes), now
    )


def _other_words_message(episode_text: EpisodeText, base: str) -> str:
    """Return the message that transcript.md belongs to other words, and where those are."""
    wrong = (
        "is gone" if episode_text.transcript is None else "holds other words than transcript.md was made from"
    )
    backup = episode_text.folder.build / f"transcript.{base}.json"
    place = f"from build/{backup.name}" if backup.is_file() else "from git"
    return f"transcript.json {wrong}; put it back {place}, or move transcript.md away for a new one"


def replace_transcript(folder: EpisodeFolder, transcript: Transcript, *, now: datetime) -> None:
    """Replace transcript.json; the edits in transcript.md are written to edits.json first."""
    episode_text = read_episode_text(folder)
    if episode_text.base == short_sha256(to_json(transcript)):
        return
    edits = current_edits(episode_text, now)
    if episode_text.markdown is not None:
        _write(episode_text, edits.model_copy(update={"replaces": short_sha256(episode_text.markdown)}))
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
    """Return the words with names corrected and a person's edits merged.

    transcript.md is written where it is absent, and rewritten where the words or the names changed.

    Args:
        transcript: the engine's words, in transcript.json or about to be.
        in_catalog: the episode is published or scheduled: its name fixes stay as they are.
        save: write transcript.md and edits.json.
    """
    episode_text = read_episode_text(folder)
    base = (
        episode_text.base
        if episode_text.base and transcript == episode_text.transcript
        else short_sha256(to_json(transcript))
    )
    edits = current_edits(episode_text, now)
    fixes = _fixes(edits, base, transcript, glossary, in_catalog=in_catalog)
    fixed = apply_name_fixes(transcript, fixes)
    document, note = episode_text.document, episode_text.document.note if episode_text.document else ""
    text = None
    if document is None or document.base != base or episode_text.replaced or fixes != edits.fixes:
        merged = apply_edits(edits.all, fixed)
        edits = edits.model_copy(update={"edits": merged.applied, "conflicts": merged.conflicts})
        text = to_markdown(merged.transcript, base=base, title=draft.title, note=note)
        document = parse_markdown(text)
    edits = edits.model_copy(update={"base": base, "fixes": fixes, "replaces": None})
    if save:
        _save(episode_text, edits, text)
    edited = transcript_from_document(document, fixed)
    differ = typed_differences(document, fixed, edited) if edits.typed else ()
    return EditedTranscript(edited, note, edits, differ)


def record_acceptance(episode_text: EpisodeText, key: str) -> None:
    """Record that a person accepted a review item as it is."""
    _write(
        episode_text, episode_text.edits.model_copy(update={"accepted": (*episode_text.edits.accepted, key)})
    )


def record_idle_note(episode_text: EpisodeText, note: str) -> None:
    """Record that a correction note has no correction, "" that there is none: a later one is not its own."""
    idle = short_sha256(note.encode()) if note else None
    _write(episode_text, episode_text.edits.model_copy(update={"idle_note": idle}))


def discard_conflict(episode_text: EpisodeText, conflict: EditConflict) -> None:
    """Delete an edit whose place was not found."""
    rest = tuple(other for other in episode_text.edits.conflicts if other != conflict)
    _write(episode_text, episode_text.edits.model_copy(update={"conflicts": rest}))


def replace_markdown(episode_text: EpisodeText, text: str) -> None:
    """Replace the transcript.md that was read; the old file goes to `build/`.

    Raises:
        EpisodeError: a person has saved transcript.md meanwhile.
    """
    path, build = episode_text.folder.transcript_md, episode_text.folder.build
    part = build / f".transcript.md.{os.getpid()}.part"
    write_atomically(part, text.encode())
    try:
        if episode_text.markdown is not None:
            _move_away(episode_text, build / f"transcript.{short_sha256(episode_text.markdown)}.md")
        os.link(part, path)  # fails where an editor has saved the file meanwhile
        sync_to_disk(path.parent)
    except FileExistsError as error:
        raise _saved_meanwhile(episode_text) from error
    finally:
        part.unlink()


def save_words(episode_text: EpisodeText, edits: Edits, text: str) -> None:
    """Write edits.json and a new transcript.md; the old file goes to `build/`.

    Raises:
        EpisodeError: a person has saved transcript.md meanwhile.
    """
    _save(episode_text, edits, text)


def _fixes(
    edits: Edits, base: str, transcript: Transcript, glossary: Glossary, *, in_catalog: bool
) -> tuple[NameFix, ...]:
    """Return the name fixes of the second pass; of an episode in the catalog those from before."""
    if in_catalog and edits.base in (base, None):
        return edits.fixes
    return find_name_fixes(transcript, glossary)


def _save(episode_text: EpisodeText, edits: Edits, text: str | None) -> None:
    replaces = (
        short_sha256(episode_text.markdown)
        if episode_text.markdown is not None and text is not None
        else None
    )
    _write(episode_text, edits.model_copy(update={"replaces": replaces}))
    if text is None:
        return
    try:
        replace_markdown(episode_text, text)
    except EpisodeError:
        _write(episode_text, episode_text.edits)  # the saved file was made with the old names
        raise
    _write(episode_text, edits)


def _write(episode_text: EpisodeText, edits: Edits) -> None:
    data = to_json(edits)
    if _bytes(episode_text.folder.edits_json) != data:
        write_atomically(episode_text.folder.edits_json, data)


def _move_away(episode_text: EpisodeText, target: Path) -> None:
    """Move transcript.md to `build/`; back again when it differs from the bytes that were read."""
    path = episode_text.folder.transcript_md
    path.replace(target)
    sync_to_disk(target.parent)  # before the new transcript.md can be on the disk
    if target.read_bytes() != episode_text.markdown:
        os.link(target, path)
        sync_to_disk(path.parent)
        target.unlink()
        raise _saved_meanwhile(episode_text)


def _saved_meanwhile(episode_text: EpisodeText) -> EpisodeError:
    return EpisodeError(
        episode_text.slug, "transcript.md was saved while this ran; run the same command again"
    )


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
