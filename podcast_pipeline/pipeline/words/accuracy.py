"""Measure the accuracy of a transcript on passages that a person corrects, and keep the show's trend."""

import re
from pathlib import Path

from pydantic import ValidationError

from podcast_pipeline.audio.player import play_line
from podcast_pipeline.config import Config
from podcast_pipeline.episodes.edits import EditedTranscript
from podcast_pipeline.errors import CaptionError, ConfigError, EpisodeError
from podcast_pipeline.files import write_atomically
from podcast_pipeline.model import Transcript, TranscriptProvenance
from podcast_pipeline.model.catalog import to_json
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.pipeline.words.review import EpisodeReview
from podcast_pipeline.pipeline.words.transcribe import episode_glossary
from podcast_pipeline.transcript.accuracy import (
    AccuracyReceipt,
    AccuracySample,
    AccuracyTrend,
    draw_sample,
    measure_accuracy,
)
from podcast_pipeline.transcript.markdown import (
    MarkdownTranscript,
    escape_markdown,
    parse_markdown,
)
from podcast_pipeline.transcript.names.glossary import apply_name_fixes
from podcast_pipeline.transcript.text.clock import format_clock

SAMPLE_FILE = "accuracy.md"  # in an episode's folder, until it was measured
TREND_FILE = "accuracy.json"  # beside show.toml
UNTICKED, TICKED = "[ ] every word below was listened to", re.compile(r"^\[[xX]\].*$", re.MULTILINE)


def sample_accuracy(review: EpisodeReview, context: Context, *, sample_s: float) -> Path | AccuracyReceipt:
    """Draw passages for a person to correct, or measure the corrected ones.

    Args:
        sample_s: length of all passages together.

    Returns:
        The file to correct; once its box is ticked the receipt, which is then part of the show's trend.

    Raises:
        EpisodeError: there are no words yet, or the file has other passages than were drawn.
    """
    path = review.episode_text.folder.path / SAMPLE_FILE
    transcript = apply_name_fixes(_transcript(review), review.edited.edits.fixes)
    seed = int(str(review.edited.edits.base)[:8], 16)
    sample = draw_sample(transcript, sample_s=sample_s, seed=seed)
    if not path.exists():
        write_atomically(path, _to_correct(review, sample).encode())
        return path
    document = _read_corrected(path, review.draft.slug)
    if document is None:
        return path
    if document.base != review.edited.edits.base or len(document.turns) != len(sample.passages):
        message = (
            f"{SAMPLE_FILE} is of other words or another length; finish it as it was begun, or delete it"
        )
        raise EpisodeError(review.draft.slug, message)
    references = (" ".join(turn.paragraphs) for turn in document.turns)
    accuracy = measure_accuracy(
        [(reference, passage.text) for reference, passage in zip(references, sample.passages, strict=True)],
        names=episode_glossary(review.draft, context.config, transcript.language).names,
        passage_count=sample.passage_count,
    )
    receipt = AccuracyReceipt(
        slug=review.draft.slug,
        measured_at=context.clock(),
        model=transcript.receipt.model if transcript.receipt else "unknown",
        seed=seed,
        sample_s=sample_s,
        **vars(accuracy),
    )
    write_atomically(_trend_path(context.config), to_json(load_trend(context.config).with_receipt(receipt)))
    path.unlink()
    return receipt


def _to_correct(review: EpisodeReview, sample: AccuracySample) -> str:
    source = review.episode_text.folder.source
    turns = [
        f"[{format_clock(s.start_s)}]\n<!-- {_how_to_listen(source, s.start_s, s.end_s)} -->\n\n"
        f"{escape_markdown(s.text)}"
        for s in sample.passages
    ]
    front = f"---\nbase: {review.edited.edits.base}\n---"
    return "\n\n".join([front, UNTICKED, *turns]) + "\n"


def _how_to_listen(source: Path, start_s: float, end_s: float) -> str:
    until = f"{source.name} from {format_clock(start_s)} to {format_clock(end_s)}"
    return play_line(source, start_s, end_s) or until


def _read_corrected(path: Path, slug: str) -> MarkdownTranscript | None:
    """Read the corrected passages; None until the box is ticked."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return parse_markdown(TICKED.sub("", text)) if TICKED.search(text) else None
    except UnicodeDecodeError as error:
        raise EpisodeError(slug, f"{SAMPLE_FILE} is not UTF-8; save it as UTF-8") from error
    except CaptionError as error:
        raise EpisodeError(slug, str(error).replace("transcript.md", SAMPLE_FILE)) from error


def provenance_of(edited: EditedTranscript, slug: str, config: Config) -> TranscriptProvenance | None:
    """Return who wrote an episode's words down; None for words without a receipt of an engine.

    The newest accuracy receipt of the episode counts if it is of the model that the words are of.
    """
    receipt = edited.transcript.receipt
    if edited.edits.typed is not None:
        return TranscriptProvenance(made_by="person")
    if receipt is None:
        return None
    measured = [r.wer for r in load_trend(config).receipts if (r.slug, r.model) == (slug, receipt.model)]
    return TranscriptProvenance(made_by="machine", word_errors=measured[-1] if measured else None)


def load_trend(config: Config) -> AccuracyTrend:
    """Return every accuracy receipt of the show, oldest first.

    Raises:
        ConfigError: the file is damaged.
    """
    path = _trend_path(config)
    try:
        return AccuracyTrend.model_validate_json(path.read_bytes()) if path.is_file() else AccuracyTrend()
    except ValidationError as error:
        message = f"cannot be read ({error.errors()[0]['msg']}); put it back from git"
        raise ConfigError(path, message) from error


def _trend_path(config: Config) -> Path:
    return config.folder / TREND_FILE


def _transcript(review: EpisodeReview) -> Transcript:
    if review.episode_text.transcript is None:
        raise EpisodeError(review.draft.slug, "has no words yet")
    return review.episode_text.transcript
