"""What a person does with the words: listen to what was found, accept or correct it, measure, compare."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tomlkit
from pydantic import ValidationError

from podcast_pipeline.config import Config, TermTable
from podcast_pipeline.episodes import edits
from podcast_pipeline.errors import CaptionError, ConfigError, EpisodeError
from podcast_pipeline.files import write_atomically
from podcast_pipeline.model import Draft, Episode, Transcript
from podcast_pipeline.model.catalog import to_json, transcript_from_json
from podcast_pipeline.pipeline.media import Hearing, findings, names_of
from podcast_pipeline.storage import Reader
from podcast_pipeline.transcript import timeline
from podcast_pipeline.transcript.accuracy import AccuracyReceipt, Trend, accuracy, draw
from podcast_pipeline.transcript.edits import diff
from podcast_pipeline.transcript.markdown import Document, clock, escape, parse
from podcast_pipeline.transcript.markdown_edit import given, renamed, touched_up
from podcast_pipeline.transcript.names import glossary
from podcast_pipeline.transcript.names.glossary import put_right
from podcast_pipeline.transcript.names.learn import learn
from podcast_pipeline.transcript.review import Finding

LEAD_S = 1.0  # played before and after what is doubtful
NAMES = ("near_names", "unknown_names")  # found once for every place where they are said
SAMPLE_FILE = "accuracy.md"  # in an episode's folder, until it was measured
TREND_FILE = "accuracy.json"  # beside show.toml
OPEN, CHECKED = "[ ] every word below was listened to", re.compile(r"^\[[xX]\].*$", re.MULTILINE)


@dataclass(frozen=True)
class Review:
    """An episode's words as they are now, and what to listen to, worst first."""

    draft: Draft
    desk: edits.Desk
    text: edits.Edited
    findings: tuple[Finding, ...]


def review(slug: str, parts: Hearing) -> Review:
    """Return what a person should listen to; writes nothing.

    Raises:
        EpisodeError: nobody has listened yet: there are no words.
    """
    desk = edits.read(parts.library, slug)
    if desk.heard is None:
        raise EpisodeError(slug, f"has no words yet; run `podcast transcribe {slug}`")
    draft = parts.library.load(slug)
    text = edits.edited(
        parts.library,
        draft,
        desk.heard,
        glossary=names_of(draft, parts.config, desk.heard.language),
        out=desk.saved is not None,
        now=parts.clock(),
        keep=False,
    )
    return Review(draft, desk, text, findings(draft, text, parts.config))


def player(source: Path, start_s: float, end_s: float) -> str:
    """Return the command that plays a stretch of a recording, a moment before and after it too."""
    first_s = max(start_s - LEAD_S, 0.0)
    length_s = end_s + LEAD_S - first_s
    return f"ffplay -autoexit -nodisp -ss {first_s:.1f} -t {length_s:.1f} {shlex.quote(str(source))}"


def accept(found: Finding, seen: Review) -> None:
    """Leave a finding as it is, for good; an edit that found no place is given up."""
    conflict = next((c for c in seen.text.conflicts if _is(found, c.at_s, c.reason)), None)
    if found.kind == "conflicts" and conflict:
        edits.drop(seen.desk, conflict)
    else:
        edits.accept(seen.desk, found.key)


def _is(found: Finding, at_s: float, reason: str) -> bool:
    return found.start_s == at_s and found.reason.endswith(reason)


def correct(found: Finding, written: str, seen: Review) -> None:
    """Write what is said, or who says it, into transcript.md: a name everywhere, all else in its place.

    Raises:
        EpisodeError: transcript.md is not written yet, was saved meanwhile, or the place is not sure.
    """
    slug = seen.draft.slug
    if seen.desk.saved is None:
        raise EpisodeError(slug, "has no transcript.md yet; `podcast publish` or `transcribe` writes it")
    try:
        text = _corrected(found, written, seen.desk.saved.decode(), seen.text.words)
    except CaptionError as error:
        raise EpisodeError(slug, str(error)) from error
    edits.rewrite(seen.desk, text)


def _corrected(found: Finding, written: str, markdown: str, words: Transcript) -> str:
    if found.kind != "speakers":
        at_s = None if found.kind in NAMES else found.start_s
        return touched_up(markdown, words, found.text, written, at_s=at_s)
    if not found.suggestion:
        return given(markdown, words, found.text, written, at_s=found.start_s)
    ids = (segment.speaker for segment in words.segments if segment.start_s == found.start_s)
    return renamed(markdown, next(ids) or "", written)  # a proposal is about the voice


def lessons(seen: Review, config: Config) -> tuple[TermTable, ...]:
    """Return the names that a person corrected and the show's glossary does not know."""
    known = glossary.from_show(config.glossary, people=config.show.hosts, language=seen.text.words.language)
    return learn(seen.text.edits.all, known)


def teach(config: Config, terms: Sequence[TermTable]) -> None:
    """Add names to the glossary in show.toml; comments and order stay."""
    path = config.folder / "show.toml"
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    table = document.setdefault("glossary", tomlkit.table())
    entries = table.setdefault("terms", tomlkit.array())
    if not isinstance(entries, tomlkit.items.Array):
        raise ConfigError(path, '[glossary] terms is no list; write terms = ["Ann Example"]')
    for term in terms:
        entries.add_line(_entry(term))
    entries.add_line(indent="")
    write_atomically(path, tomlkit.dumps(document).encode())


def _entry(term: TermTable) -> object:
    if not term.sounds_like:
        return term.name
    entry = tomlkit.inline_table()
    entry.update({"name": term.name, "sounds_like": list(term.sounds_like)})
    return entry


def sample(seen: Review, parts: Hearing, *, sample_s: float) -> Path | AccuracyReceipt:
    """Draw stretches to be corrected, or measure those that were.

    Returns:
        The file to correct; once its box is ticked the receipt, which is in the show's trend then.

    Raises:
        EpisodeError: the file has other stretches than were drawn.
    """
    path = seen.desk.folder.path / SAMPLE_FILE
    heard = put_right(_heard(seen), seen.text.edits.fixes)
    seed = int(str(seen.text.edits.base)[:8], 16)
    drawn = draw(heard, sample_s=sample_s, seed=seed)
    stretches = drawn.stretches
    if not path.exists():
        source = seen.desk.folder.source
        turns = [
            f"[{clock(s.start_s)}]\n<!-- {player(source, s.start_s, s.end_s)} -->\n\n{escape(s.text)}"
            for s in stretches
        ]
        front = f"---\nbase: {seen.text.edits.base}\n---"
        write_atomically(path, ("\n\n".join([front, OPEN, *turns]) + "\n").encode())
        return path
    document = _corrected_sample(path, seen.draft.slug)
    if document is None:
        return path
    if document.base != seen.text.edits.base or len(document.turns) != len(stretches):
        message = (
            f"{SAMPLE_FILE} is of other words or another length; finish it as it was begun, or delete it"
        )
        raise EpisodeError(seen.draft.slug, message)
    references = (" ".join(turn.paragraphs) for turn in document.turns)
    names = names_of(seen.draft, parts.config, heard.language).names
    measured = accuracy(
        [(reference, s.text) for reference, s in zip(references, stretches, strict=True)],
        names=names,
        of=drawn.of,
    )
    receipt = AccuracyReceipt(
        slug=seen.draft.slug,
        measured_at=parts.clock(),
        model=heard.receipt.model if heard.receipt else "unknown",
        seed=seed,
        sample_s=sample_s,
        **vars(measured),
    )
    write_atomically(_trend(parts.config), to_json(trend(parts.config).with_receipt(receipt)))
    path.unlink()
    return receipt


def _corrected_sample(path: Path, slug: str) -> Document | None:
    """Return what a person made of the drawn stretches, None until the box is ticked."""
    try:
        saved = path.read_text(encoding="utf-8-sig")
        return parse(CHECKED.sub("", saved)) if CHECKED.search(saved) else None
    except UnicodeDecodeError as error:
        raise EpisodeError(slug, f"{SAMPLE_FILE} is not UTF-8; save it as UTF-8") from error
    except CaptionError as error:
        raise EpisodeError(slug, str(error).replace("transcript.md", SAMPLE_FILE)) from error


def trend(config: Config) -> Trend:
    """Return every accuracy receipt of the show, oldest first.

    Raises:
        ConfigError: the file is damaged.
    """
    path = _trend(config)
    try:
        return Trend.model_validate_json(path.read_bytes()) if path.is_file() else Trend()
    except ValidationError as error:
        message = f"cannot be read ({error.errors()[0]['msg']}); put it back from git"
        raise ConfigError(path, message) from error


def _trend(config: Config) -> Path:
    return config.folder / TREND_FILE


def _heard(seen: Review) -> Transcript:
    if seen.desk.heard is None:
        raise EpisodeError(seen.draft.slug, "has no words yet")
    return seen.desk.heard


def changes(
    slug: str, known: Episode | None, parts: Hearing, store: Reader, *, old: int | None, new: int | None
) -> tuple[str, ...]:
    """Return what differs between two published versions, or the newest one and the folder.

    Args:
        old: a version's number; None: the newest, or the one before `new`.
        new: a version's number; None: the words in the folder.

    Raises:
        EpisodeError: it has not left the laptop, or has no such version.
    """
    if known is None or known.transcript is None:
        raise EpisodeError(slug, "has no published transcript to compare with; `podcast list` shows all")
    newest = known.transcript.version
    before = _version(known, old or (new - 1 if new else newest), store)
    if new is not None:
        return diff(before, _version(known, new, store))
    enclosure = known.enclosure
    now = timeline.apply(
        review(slug, parts).text.words,
        known.timeline,
        duration_s=enclosure.duration_s,
        media_sha256=enclosure.sha256 or "",
    )
    return diff(before, now)


def _version(known: Episode, number: int, store: Reader) -> Transcript:
    for version in known.transcripts:
        if version.version == number:
            return transcript_from_json(store.get(version.document_key)[1], version.document_key)
    numbers = ", ".join(str(version.version) for version in known.transcripts)
    raise EpisodeError(known.slug, f"has no version {number}; published are {numbers}")
