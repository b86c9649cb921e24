"""Human edits: laid on the recognised words, kept in edits.json, merged over every new transcription."""

from podcast_pipeline.transcript.edits.align import align
from podcast_pipeline.transcript.edits.apply import Merged, apply_edits
from podcast_pipeline.transcript.edits.changelog import diff
from podcast_pipeline.transcript.edits.record import (
    Conflict,
    Edit,
    Edits,
    NameEdit,
    Site,
    TurnEdit,
    WordEdit,
)
from podcast_pipeline.transcript.edits.take import take_edits

__all__ = [
    "Conflict",
    "Edit",
    "Edits",
    "Merged",
    "NameEdit",
    "Site",
    "TurnEdit",
    "WordEdit",
    "align",
    "apply_edits",
    "diff",
    "take_edits",
]
