"""The words of a folder, merged three ways with those that another producer has published. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from podcast_pipeline.episodes.conflict_markers import mark_conflicts
from podcast_pipeline.episodes.edits import EditedTranscript
from podcast_pipeline.files import short_sha256
from podcast_pipeline.model import Transcript
from podcast_pipeline.model.catalog import to_json
from podcast_pipeline.transcript.edits import (
    Edit,
    apply_edits,
    diff,
    extract_edits,
    is_satisfied,
    reconcile_edits,
    transcript_from_document,
)
from podcast_pipeline.transcript.edits.three_way import WordConflict, merge_transcripts
from podcast_pipeline.transcript.markdown import parse_markdown, to_markdown
from podcast_pipeline.transcript.names.glossary import apply_name_fixes
from podcast_pipeline.transcript.text.clock import format_clock


@dataclass(frozen=True)
class WordsMerge:
    """The folder's words after the merge.

    Attributes:
        edited: with ours where there is a conflict.
        is_published: whether they are the published words, and no other.
        stays: whether the published version stays as it is.
        taken: a line for each change that came from the published words.
        conflicts: a line for each place that both changed differently.
        markdown: the new transcript.md; None: it stays as it is.
        has_markers: whether it has both values between markers where there is a conflict.
    """

    edited: EditedTranscript
    is_published: bool = False
    stays: bool = False
    taken: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    markdown: str | None = None
    has_markers: bool = False


@dataclass(frozen=True)
class FolderWords:
    """The words of an episode's folder.

    Attributes:
        engine: the engine's words, in transcript.json or about to be.
        edited: with names corrected and a person's edits, in recording times.
        title: of the episode.
    """

    engine: Transcript
    edited: EditedTranscript
    title: str

    @property
    def fixed(self) -> Transcript:
        """The engine's words with names corrected."""
        return apply_name_fixes(self.engine, self.edited.edits.fixes)

    def markdown(self, transcript: Transcript) -> str:
        """Return the words as transcript.md of this folder."""
        base = short_sha256(to_json(self.engine))
        return to_markdown(transcript, base=base, title=self.title, note=self.edited.correction_note)


def merge_words(
    folder: FolderWords, base: Transcript | None, published: Transcript, *, now: datetime
) -> WordsMerge:
    """Merge published words into those of a folder, all in recording times.

    Words of the same transcription are merged place by place; into a new transcription the published changes
    are merged like a person's own edits.

    Args:
        base: the published words that the folder was made from; None where they are not known.
    """
    ours = folder.edited.transcript
    if not diff(ours, published):
        return WordsMerge(folder.edited, is_published=True, stays=True)
    if base is not None:
        folder = _without_overtaken_edits(folder, base, published)
    if base is not None and base.receipt != ours.receipt:
        return _merge_into_new_transcription(folder, base, published, now)
    merged = merge_transcripts(base, ours, published)
    text = folder.markdown(merged.ours)
    if merged.conflicts:
        return WordsMerge(
            folder.edited,
            taken=diff(ours, merged.ours),
            conflicts=tuple(map(_conflict_line, merged.conflicts)),
            markdown=mark_conflicts(text, folder.markdown(merged.theirs)),
            has_markers=True,
        )
    taken = diff(ours, merged.ours)
    if not taken:
        return WordsMerge(folder.edited)
    edited = _edited(folder, text, now)
    same = not diff(edited.transcript, published)
    return WordsMerge(edited, is_published=same, stays=same, taken=taken, markdown=text)


def _without_overtaken_edits(folder: FolderWords, base: Transcript, published: Transcript) -> FolderWords:
    """Drop the edits that are in the base and that somebody has changed since, those without a place too.

    One that finds its place in a later transcription would undo the published change.
    """

    def is_undone(edit: Edit) -> bool:
        again = apply_edits((edit,), published)
        return bool(again.applied) and again.transcript != published and is_satisfied(edit, base)

    def is_overtaken(edit: Edit) -> bool:
        return is_satisfied(edit, base) and not is_satisfied(edit, published)

    edits = folder.edited.edits
    current = edits.model_copy(
        update={
            "edits": tuple(edit for edit in edits.edits if not is_undone(edit)),
            "conflicts": tuple(one for one in edits.conflicts if not is_overtaken(one.edit)),
        }
    )
    return replace(folder, edited=replace(folder.edited, edits=current))


def _merge_into_new_transcription(
    folder: FolderWords, base: Transcript, published: Transcript, now: datetime
) -> WordsMerge:
    changes = extract_edits(
        parse_markdown(to_markdown(published, base="0" * 16, title="published")), base, now
    )
    new = tuple(edit for edit in changes if not is_satisfied(edit, folder.edited.transcript))
    if not new:
        return WordsMerge(folder.edited)
    edits = folder.edited.edits
    merged = apply_edits((*edits.all, *new), folder.fixed)
    text = folder.markdown(merged.transcript)
    edits = edits.model_copy(update={"edits": merged.applied, "conflicts": merged.conflicts})
    words = transcript_from_document(parse_markdown(text), folder.fixed)
    lost = [conflict for conflict in merged.conflicts if _is_one_of(conflict.edit, new)]
    return WordsMerge(
        replace(folder.edited, transcript=words, edits=edits),
        taken=diff(folder.edited.transcript, words),
        conflicts=tuple(
            f"[{format_clock(conflict.at_s)}] {_describe(conflict.edit)}: {conflict.reason}"
            for conflict in lost
        ),
        markdown=text,
    )


def _edited(folder: FolderWords, text: str, now: datetime) -> EditedTranscript:
    document, fixed = parse_markdown(text), folder.fixed
    edits = reconcile_edits(folder.edited.edits, document, fixed, now)
    edits = edits.model_copy(update={"base": document.base, "replaces": None})
    return replace(folder.edited, transcript=transcript_from_document(document, fixed), edits=edits)


def _is_one_of(edit: Edit, edits: Iterable[Edit]) -> bool:
    return any(edit is one for one in edits)


def _describe(edit: Edit) -> str:
    written = getattr(edit, "written", None)
    if written is None:
        return f"the published speaker “{getattr(edit, 'name', None) or getattr(edit, 'speaker', '')}”"
    return f"the published “{written}” for “{edit.site.heard}”"


def _conflict_line(conflict: WordConflict) -> str:
    kind = "the speaker is " if conflict.speaker else ""
    ours, theirs = (f"“{text}”" if text else "nothing" for text in (conflict.ours, conflict.theirs))
    return f"[{format_clock(conflict.at_s)}] {kind}{ours} here and {theirs} published"
