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

from podcast_pipeline.episodes.library import Folder, Library
from podcast_pipeline.errors import CaptionError, EpisodeError
from podcast_pipeline.files import hash16, write_atomically
from podcast_pipeline.model import Draft, Transcript
from podcast_pipeline.model.catalog import to_json, transcript_from_json
from podcast_pipeline.transcript.edits import Conflict, Edits, Fix, align, apply_edits, retake
from podcast_pipeline.transcript.markdown import Document, parse, to_markdown
from podcast_pipeline.transcript.names.glossary import Glossary, near_misses, put_right


@dataclass(frozen=True)
class Edited:
    """The words as a person wants them.

    Attributes:
        words: in recording times.
        note: for the public, on what is corrected; empty where nobody wrote one.
        edits: what edits.json says: the second pass's fixes, conflicts, accepted findings.
    """

    words: Transcript
    note: str
    edits: Edits

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Edits that found no place in the words."""
        return self.edits.conflicts


@dataclass(frozen=True)
class Desk:
    """What lies in an episode's folder, read once.

    Attributes:
        heard: transcript.json, with the first 16 hex digits of its SHA-256 in `base`; None before the first.
        saved: the bytes of transcript.md; None where there is none.
        edits: edits.json.
    """

    folder: Folder
    heard: Transcript | None
    base: str | None
    saved: bytes | None
    edits: Edits

    @property
    def slug(self) -> str:
        """The episode."""
        return self.folder.path.name

    @cached_property
    def document(self) -> Document | None:
        """transcript.md; EpisodeError where it cannot be read, with its line."""
        if self.saved is None:
            return None
        try:
            return parse(self.saved.decode())
        except UnicodeDecodeError as error:
            raise EpisodeError(self.slug, "transcript.md is not UTF-8; save it as UTF-8") from error
        except CaptionError as error:
            raise EpisodeError(self.slug, str(error)) from error

    @property
    def replaced(self) -> bool:
        """Whether transcript.md is in edits.json whole and was about to be written anew."""
        return self.saved is not None and hash16(self.saved) == self.edits.replaces


def read(library: Library, slug: str) -> Desk:
    """Return what lies in an episode's folder.

    Raises:
        EpisodeError: edits.json is damaged.
    """
    folder = library.folder(slug)
    heard = _bytes(folder.transcript)
    kept = _bytes(folder.edits)
    try:
        edits = Edits.model_validate_json(kept) if kept is not None else Edits()
    except ValidationError as error:
        message = f"edits.json cannot be read ({error.errors()[0]['msg']}); put it back from git"
        raise EpisodeError(slug, message) from error
    return Desk(
        folder=folder,
        heard=transcript_from_json(heard, str(folder.transcript)) if heard is not None else None,
        base=hash16(heard) if heard is not None else None,
        saved=_bytes(folder.document),
        edits=edits,
    )


def taken(desk: Desk, now: datetime) -> Edits:
    """Return edits.json with what transcript.md says now.

    Raises:
        EpisodeError: transcript.md was made from other words than those in transcript.json.
    """
    if desk.document is None or desk.replaced:
        return desk.edits
    if desk.heard is None or desk.document.base != desk.base:
        raise EpisodeError(desk.slug, _other_words(desk, desk.document.base))
    if desk.heard.words and not desk.document.text:
        raise EpisodeError(
            desk.slug, "transcript.md has no words left; undo that, or move it away for a new one"
        )
    fixes = desk.edits.fixes if desk.edits.base == desk.base else ()
    return retake(desk.edits, desk.document, put_right(desk.heard, fixes), now)


def _other_words(desk: Desk, base: str) -> str:
    """Say that transcript.md belongs to other words, and where those are."""
    wrong = "is gone" if desk.heard is None else "holds other words than transcript.md was made from"
    kept = desk.folder.build / f"transcript.{base}.json"
    place = f"from build/{kept.name}" if kept.is_file() else "from git"
    return f"transcript.json {wrong}; put it back {place}, or move transcript.md away for a new one"


def renew(library: Library, slug: str, heard: Transcript, *, now: datetime) -> None:
    """Replace transcript.json; what a person wrote over the words before is in edits.json first."""
    desk = read(library, slug)
    if desk.base == hash16(to_json(heard)):
        return
    edits = taken(desk, now)
    if desk.saved is not None:
        _write(desk, edits.model_copy(update={"replaces": hash16(desk.saved)}))
    library.save_transcript(slug, heard)


def edited(
    library: Library,
    draft: Draft,
    heard: Transcript,
    *,
    glossary: Glossary,
    out: bool,
    now: datetime,
    keep: bool = True,
) -> Edited:
    """Return the words with names put right and a person's edits in them.

    transcript.md is written where it is absent, and anew where the words or the names changed under it.

    Args:
        heard: the machine's words, those in transcript.json or about to be.
        out: the episode is in the catalog: its names stay as they were put right.
        keep: what follows in transcript.md and edits.json.
    """
    desk = read(library, draft.slug)
    base = desk.base if desk.base and heard == desk.heard else hash16(to_json(heard))
    edits = taken(desk, now)
    fixes = _fixes(edits, base, heard, glossary, out=out)
    fixed = put_right(heard, fixes)
    document, note = desk.document, desk.document.note if desk.document else ""
    text = None
    if document is None or document.base != base or desk.replaced or fixes != edits.fixes:
        merged = apply_edits(edits.all, fixed)
        edits = edits.model_copy(update={"edits": merged.applied, "conflicts": merged.conflicts})
        text = to_markdown(merged.transcript, base=base, title=draft.title, note=note)
        document = parse(text)
    edits = edits.model_copy(update={"base": base, "fixes": fixes, "replaces": None})
    if keep:
        _save(desk, edits, text)
    return Edited(align(document, fixed), note, edits)


def accept(desk: Desk, key: str) -> None:
    """Remember that a finding was listened to and is left as it is."""
    _write(desk, desk.edits.model_copy(update={"accepted": (*desk.edits.accepted, key)}))


def drop(desk: Desk, conflict: Conflict) -> None:
    """Forget an edit that found no place and is not wanted any more."""
    rest = tuple(other for other in desk.edits.conflicts if other != conflict)
    _write(desk, desk.edits.model_copy(update={"conflicts": rest}))


def rewrite(desk: Desk, text: str) -> None:
    """Replace the transcript.md that was read; it goes to `build/`.

    Raises:
        EpisodeError: somebody has saved it meanwhile.
    """
    path, build = desk.folder.document, desk.folder.build
    part = build / f".transcript.md.{os.getpid()}.part"
    write_atomically(part, text.encode())
    try:
        if desk.saved is not None:
            _move_away(desk, build / f"transcript.{hash16(desk.saved)}.md")
        os.link(part, path)  # fails where an editor has saved one meanwhile
    except FileExistsError as error:
        raise _busy(desk) from error
    finally:
        part.unlink()


def _fixes(edits: Edits, base: str, heard: Transcript, glossary: Glossary, *, out: bool) -> tuple[Fix, ...]:
    """Return what the second pass changes; of an episode that is out, what it changed before it went out."""
    if out and edits.base in (base, None):
        return edits.fixes
    return near_misses(heard, glossary)


def _save(desk: Desk, edits: Edits, text: str | None) -> None:
    replaces = hash16(desk.saved) if desk.saved is not None and text is not None else None
    _write(desk, edits.model_copy(update={"replaces": replaces}))
    if text is None:
        return
    try:
        rewrite(desk, text)
    except EpisodeError:
        _write(desk, desk.edits)  # what is there now was made with the names as they were
        raise
    _write(desk, edits)


def _write(desk: Desk, edits: Edits) -> None:
    data = to_json(edits)
    if _bytes(desk.folder.edits) != data:
        write_atomically(desk.folder.edits, data)


def _move_away(desk: Desk, target: Path) -> None:
    """Move transcript.md to `build/`; back again when it is not what was read."""
    path = desk.folder.document
    path.replace(target)
    if target.read_bytes() != desk.saved:
        os.link(target, path)
        target.unlink()
        raise _busy(desk)


def _busy(desk: Desk) -> EpisodeError:
    return EpisodeError(desk.slug, "transcript.md was saved while this ran; run the same command again")


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
