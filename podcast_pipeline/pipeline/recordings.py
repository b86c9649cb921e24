"""What a producer should know of a recording is told before the long work, and noted beside it."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from podcast_pipeline.audio.recording.findings import RecordingFinding
from podcast_pipeline.audio.source import look_at
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.files import make_folder, write_atomically
from podcast_pipeline.model import FrozenModel
from podcast_pipeline.model.catalog import to_json
from podcast_pipeline.pipeline.context import Context

FINDINGS_VERSION = 1  # raised when the same recording is to give other findings


class FindingsNote(FrozenModel):
    """The findings of a recording, as `build/` keeps them."""

    findings: tuple[RecordingFinding, ...]


def tell_recording(folder: EpisodeFolder, context: Context) -> None:
    """Tell what is wrong with an episode's recording; it is read where there is no note of it.

    Nothing is read or told of an imported episode whose audio was never fetched.
    """
    if not folder.source.is_file():
        return
    findings = noted_findings(folder)
    if findings is None:
        findings = look_at(folder.source, report=context.report)
        note_findings(folder, findings)
    tell(folder.slug, findings, context)


def tell(subject: str, findings: Iterable[RecordingFinding], context: Context) -> None:
    """Tell findings of a file or an episode."""
    for finding in findings:
        context.tell(subject, finding)


def noted_findings(folder: EpisodeFolder) -> tuple[RecordingFinding, ...] | None:
    """Return what was found in the recording; None where nobody has looked on this machine."""
    try:
        return FindingsNote.model_validate_json(_note(folder).read_bytes()).findings
    except (FileNotFoundError, ValidationError):
        return None


def note_findings(folder: EpisodeFolder, findings: tuple[RecordingFinding, ...]) -> None:
    """Keep what was found, so that the recording is not read again for it."""
    make_folder(folder.build)
    write_atomically(_note(folder), to_json(FindingsNote(findings=findings)))


def _note(folder: EpisodeFolder) -> Path:
    source = (folder.table.source_sha256 or "imported")[:16]
    return folder.build / f"findings.{FINDINGS_VERSION}.{source}.json"
