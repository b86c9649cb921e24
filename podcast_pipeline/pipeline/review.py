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
from podcast_pipeline.model import Episode, EpisodeDraft, Transcript
from podcast_pipeline.model.catalog import to_json, transcript_from_json
from podcast_pipeline.pipeline.media import Hearing, episode_glossary, find_review_items
from podcast_pipeline.storage import ObjectReader
from podcast_pipeline.transcript import timeline
from podcast_pipeline.transcript.accuracy import AccuracyReceipt, AccuracyTrend, draw_sample, measure_accuracy
from podcast_pipeline.transcript.edits import diff
from podcast_pipeline.transcript.markdown import (
    MarkdownTranscript,
    escape_markdown,
    parse_markdown,
)
from podcast_pipeline.transcript.markdown_edit import reassign_sentence, rename_speaker, replace_words
from podcast_pipeline.transcript.names import glossary
from podcast_pipeline.transcript.names.glossary import apply_name_fixes
from podcast_pipeline.transcript.names.learn import learn_terms
from podcast_pipeline.transcript.review import ReviewItem
from podcast_pipeline.transcript.text.clock import format_clock

LEAD_S = 1.0  # played before and after what is doubtful
NAME_KINDS = ("near_names", "unknown_names")  # found once for every place where they are said
SAMPLE_FILE = "accuracy.md"  # in an episode's folder, until it was measured
TREND_FILE = "accuracy.json"  # beside show.toml
OPEN, CHECKED = "[ ] every word below was listened to", re.compile(r"^\[[xX]\].*$", re.MULTILINE)


@dataclass(frozen=True)
class EpisodeReview:
    """An episode's words as they are now, and what to listen to, worst first."""

    draft: EpisodeDraft
    episode_text: edits.EpisodeText
    edited: edits.EditedTranscript
    items: tuple[ReviewItem, ...]


def load_review(slug: str, parts: Hearing) -> EpisodeReview:
    """Return what a person should listen to; writes nothing.

    Raises:
        EpisodeError: nobody has listened yet: there are no words.
    """
    desk = edits.read_episode_text(parts.library, slug)
    if desk.transcript is None:
        raise EpisodeError(slug, f"has no words yet; run `podcast transcribe {slug}`")
    draft = parts.library.load_draft(slug)
    text = edits.merge_edits(
        parts.library,
        draft,
        desk.transcript,
        glossary=episode_glossary(draft, parts.config, desk.transcript.language),
        in_catalog=desk.markdown is not None,
        now=parts.clock(),
        save=False,
    )
    return EpisodeReview(draft, desk, text, find_review_items(draft, text, parts.config))


def player_command(source: Path, start_s: float, end_s: float) -> str:
    """Return the command that plays a stretch of a recording, a moment before and after it too."""
    first_s = max(start_s - LEAD_S, 0.0)
    length_s = end_s + LEAD_S - first_s
    return f"ffplay -autoexit -nodisp -ss {first_s:.1f} -t {length_s:.1f} {shlex.quote(str(source))}"


def accept_item(item: ReviewItem, review: EpisodeReview) -> None:
    """Leave a finding as it is, for good; an edit that found no place is given up."""
    conflict = next((c for c in review.edited.conflicts if _is(item, c.at_s, c.reason)), None)
    if item.kind == "conflicts" and conflict:
        edits.discard_conflict(review.episode_text, conflict)
    else:
        edits.record_acceptance(review.episode_text, item.key)


def _is(found: ReviewItem, at_s: float, reason: str) -> bool:
    return found.start_s == at_s and found.reason.endswith(reason)


def correct_item(item: ReviewItem, correction: str, review: EpisodeReview) -> None:
    """Write what is said, or who says it, into transcript.md: a name everywhere, all else in its place.

    Raises:
        EpisodeError: transcript.md is not written yet, was saved meanwhile, or the place is not sure.
    """
    slug = review.draft.slug
    if review.episode_text.markdown is None:
        raise EpisodeError(slug, "has no transcript.md yet; `podcast publish` or `transcribe` writes it")
    try:
        text = _corrected(item, correction, review.episode_text.markdown.decode(), review.edited.transcript)
    except CaptionError as error:
        raise EpisodeError(slug, str(error)) from error
    edits.replace_markdown(review.episode_text, text)


def _corrected(found: ReviewItem, written: str, markdown: str, words: Transcript) -> str:
    if found.kind != "speakers":
        at_s = None if found.kind in NAME_KINDS else found.start_s
        return replace_words(markdown, words, found.text, written, at_s=at_s)
    if not found.suggestion:
        return reassign_sentence(markdown, words, found.text, written, at_s=found.start_s)
    ids = (segment.speaker for segment in words.segments if segment.start_s == found.start_s)
    return rename_speaker(markdown, next(ids) or "", written)  # a proposal is about the voice


def names_to_learn(review: EpisodeReview, config: Config) -> tuple[TermTable, ...]:
    """Return the names that a person corrected and the show's glossary does not know."""
    known = glossary.build_glossary(
        config.glossary, people=config.show.hosts, language=review.edited.transcript.language
    )
    return learn_terms(review.edited.edits.all, known)


def add_to_glossary(config: Config, terms: Sequence[TermTable]) -> None:
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


def sample_accuracy(review: EpisodeReview, parts: Hearing, *, sample_s: float) -> Path | AccuracyReceipt:
    """Draw stretches to be corrected, or measure those that were.

    Returns:
        The file to correct; once its box is ticked the receipt, which is in the show's trend then.

    Raises:
        EpisodeError: the file has other stretches than were drawn.
    """
    path = review.episode_text.folder.path / SAMPLE_FILE
    heard = apply_name_fixes(_heard(review), review.edited.edits.fixes)
    seed = int(str(review.edited.edits.base)[:8], 16)
    drawn = draw_sample(heard, sample_s=sample_s, seed=seed)
    stretches = drawn.passages
    if not path.exists():
        source = review.episode_text.folder.source
        turns = [
            f"[{format_clock(s.start_s)}]\n<!-- {player_command(source, s.start_s, s.end_s)} -->\n\n"
            f"{escape_markdown(s.text)}"
            for s in stretches
        ]
        front = f"---\nbase: {review.edited.edits.base}\n---"
        write_atomically(path, ("\n\n".join([front, OPEN, *turns]) + "\n").encode())
        return path
    document = _corrected_sample(path, review.draft.slug)
    if document is None:
        return path
    if document.base != review.edited.edits.base or len(document.turns) != len(stretches):
        message = (
            f"{SAMPLE_FILE} is of other words or another length; finish it as it was begun, or delete it"
        )
        raise EpisodeError(review.draft.slug, message)
    references = (" ".join(turn.paragraphs) for turn in document.turns)
    names = episode_glossary(review.draft, parts.config, heard.language).names
    measured = measure_accuracy(
        [(reference, s.text) for reference, s in zip(references, stretches, strict=True)],
        names=names,
        passage_count=drawn.passage_count,
    )
    receipt = AccuracyReceipt(
        slug=review.draft.slug,
        measured_at=parts.clock(),
        model=heard.receipt.model if heard.receipt else "unknown",
        seed=seed,
        sample_s=sample_s,
        **vars(measured),
    )
    write_atomically(_trend(parts.config), to_json(load_trend(parts.config).with_receipt(receipt)))
    path.unlink()
    return receipt


def _corrected_sample(path: Path, slug: str) -> MarkdownTranscript | None:
    """Return what a person made of the drawn stretches, None until the box is ticked."""
    try:
        saved = path.read_text(encoding="utf-8-sig")
        return parse_markdown(CHECKED.sub("", saved)) if CHECKED.search(saved) else None
    except UnicodeDecodeError as error:
        raise EpisodeError(slug, f"{SAMPLE_FILE} is not UTF-8; save it as UTF-8") from error
    except CaptionError as error:
        raise EpisodeError(slug, str(error).replace("transcript.md", SAMPLE_FILE)) from error


def load_trend(config: Config) -> AccuracyTrend:
    """Return every accuracy receipt of the show, oldest first.

    Raises:
        ConfigError: the file is damaged.
    """
    path = _trend(config)
    try:
        return AccuracyTrend.model_validate_json(path.read_bytes()) if path.is_file() else AccuracyTrend()
    except ValidationError as error:
        message = f"cannot be read ({error.errors()[0]['msg']}); put it back from git"
        raise ConfigError(path, message) from error


def _trend(config: Config) -> Path:
    return config.folder / TREND_FILE


def _heard(seen: EpisodeReview) -> Transcript:
    if seen.episode_text.transcript is None:
        raise EpisodeError(seen.draft.slug, "has no words yet")
    return seen.episode_text.transcript


def diff_versions(
    slug: str, known: Episode | None, parts: Hearing, store: ObjectReader, *, old: int | None, new: int | None
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
    now = timeline.map_transcript(
        load_review(slug, parts).edited.transcript,
        known.timeline,
        duration_s=enclosure.duration_s,
        media_sha256=enclosure.sha256 or "",
    )
    return diff(before, now)


def _version(known: Episode, number: int, store: ObjectReader) -> Transcript:
    for version in known.transcripts:
        if version.version == number:
            return transcript_from_json(store.get(version.document_key)[1], version.document_key)
    numbers = ", ".join(str(version.version) for version in known.transcripts)
    raise EpisodeError(known.slug, f"has no version {number}; published are {numbers}")
