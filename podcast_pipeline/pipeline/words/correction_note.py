"""The producer's note on a correction: printed with the correction that it was written for, and no other."""

from podcast_pipeline.episodes import edits
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.model import Episode
from podcast_pipeline.pipeline.context import Context


def note_for(edited: edits.EditedTranscript | None) -> str:
    """Return the note to print with a correction, empty where it was written for none or another one."""
    return "" if edited is None or edited.note_is_idle else edited.correction_note


def settle_note(
    folder: EpisodeFolder,
    edited: edits.EditedTranscript | None,
    known: Episode | None,
    assembled: Episode,
    context: Context,
    *,
    save: bool,
) -> None:
    """Say where the note is not printed, and remember a note for which there was no correction.

    Args:
        known: the episode as it is published, None for a new one.
        save: remember it in edits.json.
    """
    if edited is None:
        return
    note, versions = edited.correction_note, known.transcripts if known else ()
    printed_in = next((version.version for version in versions if version.note == note), None)
    is_correction = bool(versions) and len(assembled.transcripts) > len(versions)
    if note and is_correction and (printed_in or edited.note_is_idle):
        why = f"was printed with version {printed_in}" if printed_in else "was there before this correction"
        context.warn(
            f"{folder.slug}: the note “{note}” {why}, so readers are told “{assembled.transcripts[-1].note}”"
            " instead; change `note:` in transcript.md with the words that it is about"
        )
    is_idle = bool(note) and not is_correction and printed_in is None
    if is_idle and not edited.note_is_idle:
        since = f"was corrected since version {versions[-1].version}" if versions else "was published before"
        context.warn(
            f"{folder.slug}: the note “{note}” is not printed, with this or a later correction: no word"
            f" {since}; change `note:` in transcript.md with the words that it is about"
        )
    if save and ((is_idle and not edited.note_is_idle) or (not note and edited.edits.idle_note)):
        edits.record_idle_note(edits.read_episode_text(folder), note)
