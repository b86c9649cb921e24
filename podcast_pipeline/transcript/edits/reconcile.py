"""What edits.json holds after a person saved: new edits, those the machine agrees with, conflicts."""

from datetime import datetime

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.edits.apply import apply_edits
from podcast_pipeline.transcript.edits.extract import take_edits
from podcast_pipeline.transcript.edits.record import Edit, Edits, told
from podcast_pipeline.transcript.edits.word_times import align
from podcast_pipeline.transcript.markdown import Document


def retake(known: Edits, document: Document, base: Transcript, now: datetime) -> Edits:
    """Return `known` with what a document says now.

    An edit that was there before keeps its instant. One that the machine agrees with by now is no change
    any more; it is kept for the next transcription, which may hear it wrong again. A conflict is settled
    when the document has what the edit wanted.
    """
    taken = [(told(edit), edit) for edit in take_edits(document, base, now)]
    earlier = {told(edit): edit for edit in known.edits}
    words, keys = align(document, base), {key for key, _ in taken}
    agreed = (e for key, e in earlier.items() if key not in keys and holds(e, base) and holds(e, words))
    return known.model_copy(
        update={
            "edits": (*(earlier.get(key, edit) for key, edit in taken), *agreed),
            "conflicts": tuple(c for c in known.conflicts if not holds(c.edit, words)),
        }
    )


def holds(edit: Edit, words: Transcript) -> bool:
    """Tell whether words are already as an edit wants them."""
    merged = apply_edits((edit,), words)
    return bool(merged.applied) and merged.transcript == words
