"""Update edits.json after a person saved transcript.md."""

from datetime import datetime

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.edits.apply import satisfied_edits
from podcast_pipeline.transcript.edits.extract import extract_edits
from podcast_pipeline.transcript.edits.record import Edit, Edits, edit_key
from podcast_pipeline.transcript.edits.word_times import transcript_from_document
from podcast_pipeline.transcript.markdown import MarkdownTranscript


def reconcile_edits(edits: Edits, document: MarkdownTranscript, base: Transcript, now: datetime) -> Edits:
    """Return `edits` updated with the edits of a document.

    An edit that was there before keeps its instant. An edit that the engine agrees with is no longer a
    difference; it is kept for the next transcription, which may have the mistake again. A conflict is
    resolved if the document has the words of the edit.
    """
    extracted = [(edit_key(edit), edit) for edit in extract_edits(document, base, now)]
    earlier = {edit_key(edit): edit for edit in edits.edits}
    words, keys = transcript_from_document(document, base), {key for key, _ in extracted}
    gone = (edit for key, edit in earlier.items() if key not in keys)
    agreed = satisfied_edits(satisfied_edits(gone, base), words)
    resolved = {id(edit) for edit in satisfied_edits((c.edit for c in edits.conflicts), words)}
    return edits.model_copy(
        update={
            "edits": (*(earlier.get(key, edit) for key, edit in extracted), *agreed),
            "conflicts": tuple(c for c in edits.conflicts if id(c.edit) not in resolved),
        }
    )


def is_satisfied(edit: Edit, transcript: Transcript) -> bool:
    """Return whether a transcript already has an edit's change."""
    return bool(satisfied_edits((edit,), transcript))
