"""`podcast transcribe`: words only, for episodes and for any audio file."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast, get_args

from podcast_pipeline import transcription
from podcast_pipeline.cli import os_error_message
from podcast_pipeline.cli.commands import review
from podcast_pipeline.cli.exit_codes import DONE, FAILED
from podcast_pipeline.cli.output import printable
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.config import TranscriptionTable
from podcast_pipeline.errors import AudioError, ConfigError, PodcastError
from podcast_pipeline.files import write_atomically
from podcast_pipeline.model import CaptionFormat, Receipt, Transcript
from podcast_pipeline.pipeline.text import edited_transcript
from podcast_pipeline.pipeline.transcribe import fetch_imported_audio, transcribe_episode, transcribe_file
from podcast_pipeline.transcript.captions import formats as captions_formats
from podcast_pipeline.transcript.edits import EditConflict
from podcast_pipeline.transcription import Transcriber

TO_STDOUT = "-"
FAULTS = {
    "skipped_s": "what cannot be decoded at {} s is left out",
    "stopped_s": "the transcript ends at {} s, where it breaks off",
}
OutputFiles = dict[CaptionFormat, Path]


@dataclass(frozen=True)
class TranscriptionResult:
    """One recording's result: its words, or why there are none."""

    name: str
    transcript: Transcript | None
    conflicts: tuple[EditConflict, ...] = ()
    error: PodcastError | None = None


@dataclass(frozen=True)
class TranscriptionRun:
    """One run of the command: the engine is loaded when the first recording needs it."""

    session: CliSession
    settings: TranscriptionTable

    @cached_property
    def transcriber(self) -> Transcriber:
        """The engine with its weights."""
        cache = self.session.cache_folder
        return transcription.load_transcriber(self.settings.engine, self.settings.model, cache=cache)

    def transcribe(self, name: str) -> TranscriptionResult:
        """Transcribe a file or an episode; a person's edits are merged into an episode's words."""
        path = Path(name)
        if not path.is_file() and self.session.has_episode(name):
            return self._transcribe_episode(name)
        if not path.exists():
            raise AudioError(name, "is neither a file nor an episode; `podcast list` shows all episodes")
        transcript = transcribe_file(
            path,
            self.transcriber,
            language=self.settings.language,
            glossary=self.session.show_glossary(self.settings.language),
            report=self.session.output.report,
        )
        return TranscriptionResult(name, transcript)

    def _transcribe_episode(self, slug: str) -> TranscriptionResult:
        context = self.session.context_with(self.settings)
        context.transcriber = self.transcriber
        with context.library.open(slug) as folder:
            draft = folder.load_draft()
            if not folder.has_recording:
                draft = fetch_imported_audio(folder, draft, context)
            transcript = transcribe_episode(folder, draft, context)
            edited = edited_transcript(folder, draft, transcript, None, context)
        return TranscriptionResult(slug, edited.transcript, edited.conflicts)

    def attempt(self, name: str) -> TranscriptionResult:
        """Transcribe one of many: an error is a result."""
        try:
            return self.transcribe(name)
        except PodcastError as error:
            return TranscriptionResult(name, None, error=error)


def parse_formats(text: str) -> list[CaptionFormat]:
    """Read a comma-separated list of formats; ConfigError names the right ones."""
    known = get_args(CaptionFormat)
    named = [name.strip() for name in text.split(",")]
    for name in named:
        if name not in known:
            raise ConfigError(f"--format {name}", f"is not a format; known are {', '.join(known)}")
    return cast("list[CaptionFormat]", named)


def transcribe_all(
    session: CliSession,
    names: list[str],
    *,
    settings: TranscriptionTable,
    formats: list[CaptionFormat],
    output: str | None,
) -> None:
    """Transcribe each file or episode; one result each, errors included."""
    if output == TO_STDOUT and (len(formats) > 1 or len(names) > 1 or session.output.as_json):
        raise ConfigError("--output -", "takes one recording and one format, and excludes --json")
    run = TranscriptionRun(session, settings)
    if output == TO_STDOUT:
        heard = run.attempt(names[0])
        _warn(session, heard)
        if heard.transcript:
            sys.stdout.buffer.write(captions_formats.render_captions(heard.transcript, formats[0]))
        sys.exit(FAILED if heard.error else DONE)
    folder, taken = Path(output or "."), {Path(name).absolute() for name in names}
    documents = []
    for name in names:
        files = {format_: folder / f"{Path(name).stem}.{format_}" for format_ in formats}
        documents.append(_deliver(session, _heard_into(run, name, files, taken), files))
    session.output.result({"transcripts": documents}, _lines(documents))
    sys.exit(FAILED if any(document["error"] for document in documents) else DONE)


def _heard_into(
    run: TranscriptionRun, name: str, files: OutputFiles, taken: set[Path]
) -> TranscriptionResult:
    """Hear a recording unless its files would overwrite another's, or a recording.

    Args:
        taken: the files that may not be written again in this run; those of this recording join them.
    """
    wanted = {path.absolute(): path for path in files.values()}
    if found := taken & wanted.keys():
        path = wanted[min(found)]
        return TranscriptionResult(
            name, None, error=AudioError(name, f"would overwrite {path}; run it with another --output")
        )
    taken.update(wanted)
    return run.attempt(name)


def _deliver(session: CliSession, heard: TranscriptionResult, files: OutputFiles) -> dict[str, object]:
    """Write a recording's files and return what is said of it; what the system refuses is a result too."""
    written, error = list[str](), heard.error and str(heard.error)
    _warn(session, heard)
    if heard.transcript is not None:
        try:
            for format_, path in files.items():
                write_atomically(path, captions_formats.render_captions(heard.transcript, format_))
                written.append(str(path))
        except OSError as refused:
            session.output.warn(error := f"{heard.name}: {os_error_message(refused)}")
    receipt = heard.transcript.receipt if heard.transcript else None
    return {
        "name": heard.name,
        "files": written,
        "word_count": len(heard.transcript.words) if heard.transcript else 0,
        "engine": _engine(receipt) if receipt else None,
        "error": error,
    }


def _warn(session: CliSession, heard: TranscriptionResult) -> None:
    """Tell what is wrong with a recording or its words."""
    if heard.transcript is None:
        session.output.warn(str(heard.error))
        return
    review.warn_of_conflicts(session, heard.name, heard.conflicts)
    if not heard.transcript.segments:
        session.output.warn(f"{heard.name}: no speech was found; the transcript is empty")
    found = heard.transcript.receipt.options if heard.transcript.receipt else {}
    for fault, text in FAULTS.items():
        if (at_s := found.get(fault)) is not None:
            session.output.warn(f"{heard.name}: is damaged; {text.format(at_s)}")


def _lines(documents: list[dict[str, object]]) -> Iterator[str]:
    for document in documents:
        if not document["error"]:
            files = ", ".join(cast("list[str]", document["files"]))
            said = f"{document['name']}: {document['word_count']} words → {files} (by {document['engine']})"
            yield printable(said)


def _engine(receipt: Receipt) -> str:
    """Return what heard the words: engine, model, device, numbers."""
    parts = (receipt.engine, receipt.model, receipt.options.get("device"), receipt.options.get("precision"))
    return " ".join(str(part) for part in parts if part)
