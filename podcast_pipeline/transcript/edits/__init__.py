"""Human edits: extracted from transcript.md, stored in edits.json, merged into every new transcription."""

from podcast_pipeline.transcript.edits.apply import MergeResult, apply_edits
from podcast_pipeline.transcript.edits.changelog import count_changed_words, diff
from podcast_pipeline.transcript.edits.extract import extract_edits
from podcast_pipeline.transcript.edits.reconcile import is_satisfied, reconcile_edits
from podcast_pipeline.transcript.edits.record import (
    Edit,
    EditConflict,
    Edits,
    NameEdit,
    NameFix,
    TextQuote,
    TurnEdit,
    WordEdit,
)
from podcast_pipeline.transcript.edits.word_times import transcript_from_document

__all__ = [
    "Edit",
    "EditConflict",
    "Edits",
    "MergeResult",
    "NameEdit",
    "NameFix",
    "TextQuote",
    "TurnEdit",
    "WordEdit",
    "apply_edits",
    "count_changed_words",
    "diff",
    "extract_edits",
    "is_satisfied",
    "reconcile_edits",
    "transcript_from_document",
]
