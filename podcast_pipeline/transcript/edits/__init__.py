"""Human edits: laid on the recognised words, kept in edits.json, merged over every new transcription."""

from podcast_pipeline.transcript.edits.apply import Merged, apply_edits
from podcast_pipeline.transcript.edits.changelog import changed_words, diff
from podcast_pipeline.transcript.edits.extract import take_edits
from podcast_pipeline.transcript.edits.reconcile import holds, retake
from podcast_pipeline.transcript.edits.record import (
    Conflict,
    Edit,
    Edits,
    Fix,
    NameEdit,
    Site,
    TurnEdit,
    WordEdit,
)
from podcast_pipeline.transcript.edits.word_times import align

__all__ = [
    "Conflict",
    "Edit",
    "Edits",
    "Fix",
    "Merged",
    "NameEdit",
    "Site",
    "TurnEdit",
    "WordEdit",
    "align",
    "apply_edits",
    "changed_words",
    "diff",
    "holds",
    "retake",
    "take_edits",
]
