"""`podcast transcribe`: transcripts of episodes and of any audio file, without publishing."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast, get_args

from podcast_pipeline import transcription
from podcast_pipeline.audio.source import look_at
from podcast_pipeline.cli import os_error_message
from podcast_pipeline.cli.commands import review, typed
from podcast_pipeline.cli.commands.publish import NO_SPEECH
from podcast_pipeline.cli.exit_codes import DONE, FAILED
from podcast_pipeline.cli.output import printable
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.config import TranscriptionTable
from podcast_pipeline.diarization import AUTO, need_diarizer
from podcast_pipeline.diarization.diarize import diarize_file
from podcast_pipeline.diarization.known_voices import read_voice_book
from podcast_pipeline.errors import AudioError, ConfigError, PodcastError
from podcast_pipeline.files import write_atomically
from podcast_pipeline.model import CaptionFormat, Receipt, Transcript
from podcast_pipeline.pipeline.checks import check_engines
from podcast_pipeline.pipeline.recordings import tell_recording
from podcast_pipeline.pipeline.words.text import edited_transcript
from podcast_pipeline.pipeline.words.transcribe import (
    fetch_imported_audio,
    settings_options,
    transcribe_episode,
    transcribe_file,
)
from podcast_pipeline.pipeline.words.typed_transcript import import_old_transcript
from podcast_pipeline.transcript.captions.formats import render_captions
from podcast_pipeline.transcript.edits import EditConflict
from podcast_pipeline.transcription import Transcriber
from podcast_pipeline.transcription.damage import damage_remarks
from podcast_pipeline.transcription.language import language_remarks

TO_STDOUT = "-"
OutputFiles = dict[CaptionFormat, Path]


@dataclass(frozen=True)
class TranscriptionResult:
    """The transcript of one file or episode, or the error.

    Attributes:
        markdown: the transcript.md of an episode.
    """

    name: str
    transcript: Transcript | None
    conflicts: tuple[EditConflict, ...] = ()
    markdown: Path | None = None
    error: PodcastError | None = None


@dataclass(frozen=True)
class TranscriptionRun:
    """One run of the command; the engine is loaded for the first recording.

    Attributes:
        language: given on the command line, which counts before that of episode.toml and show.toml.
        speakers: find who speaks in a file that is no episode.
    """

    session: CliSession
    settings: TranscriptionTable
    language: str | None
    speakers: bool

    @cached_property
    def transcriber(self) -> Transcriber:
        """The engine with its weights."""
        settings, output = self.settings, self.session.output
        return transcription.load_transcriber(
            settings.engine,
            settings.model,
            precision=settings.precision,
            cache=self.session.cache_folder,
            report=output.report,
            note=output.note,
        )

    @cached_property
    def diarizer(self) -> str | None:
        """The name of the engine that finds who speaks in a file; None where that was not asked for."""
        engine = self.session.config.speakers.engine if self.session.in_show else AUTO
        return need_diarizer(engine, "--speakers") if self.speakers else None

    def is_episode(self, name: str) -> bool:
        """Return whether a name is an episode's, and no file's."""
        return not Path(name).is_file() and self.session.has_episode(name)

    def transcribe(self, name: str) -> TranscriptionResult:
        """Transcribe a file or an episode; a person's edits are merged into an episode's transcript."""
        path = Path(name)
        if self.is_episode(name):
            return self._transcribe_episode(name)
        if not path.exists():
            raise AudioError(name, "is neither a file nor an episode; `podcast list` shows all episodes")
        if not path.is_file():
            raise AudioError(name, "is a folder, a pipe or a device; give the file of a recording")
        transcription.choose_engine(self.settings.engine)
        diarizer = self.diarizer
        for finding in look_at(path, report=self.session.output.report):
            self.session.tell(name, finding)
        language = self.language or self.settings.language
        transcript = transcribe_file(
            path,
            self.transcriber,
            options=settings_options(
                self.settings, language=language, usual_language=self.session.usual_language
            ),
            glossary=self.session.show_glossary(language),
            report=self.session.output.report,
        )
        for remark in language_remarks(transcript, decides="--language"):
            self.session.output.warn(f"{name}: {remark}")
        return TranscriptionResult(name, self._with_speakers(transcript, path, diarizer))

    def _with_speakers(self, transcript: Transcript, recording: Path, diarizer: str | None) -> Transcript:
        if diarizer is None:
            return transcript
        session = self.session
        known = read_voice_book(session.config.voices_file).voices if session.in_show else ()
        return diarize_file(transcript, recording, engine=diarizer, known=known, report=session.output.report)

    def _transcribe_episode(self, slug: str) -> TranscriptionResult:
        context = self.session.context_with(self.settings)
        context.transcriber = self.transcriber
        with context.library.open(slug) as folder:
            draft = folder.load_draft()
            if not folder.has_recording:
                draft = fetch_imported_audio(folder, draft, context)
            check_engines(folder, context)
            tell_recording(folder, context)
            transcript = transcribe_episode(folder, draft, context, language=self.language)
            edited = edited_transcript(folder, draft, transcript, None, context)
            if not folder.has_recording and (old := import_old_transcript(folder, draft, context)):
                for line in typed.import_lines(old):
                    self.session.output.warn(line)
                edited = edited_transcript(folder, draft, transcript, None, context)
        return TranscriptionResult(slug, edited.transcript, edited.conflicts, folder.transcript_md)

    def attempt(self, name: str) -> TranscriptionResult:
        """Transcribe a file or an episode; a PodcastError becomes part of the result."""
        try:
            return self.transcribe(name)
        except PodcastError as error:
            return TranscriptionResult(name, None, error=error)


def parse_formats(text: str) -> list[CaptionFormat]:
    """Parse a comma-separated list of formats; an unknown one raises ConfigError."""
    known = get_args(CaptionFormat)
    formats = [name.strip() for name in text.split(",")]
    for name in formats:
        if name not in known:
            raise ConfigError(f"--format {name}", f"is not a format; known are {', '.join(known)}")
    return cast("list[CaptionFormat]", formats)


def transcribe_all(
    session: CliSession,
    names: list[str],
    *,
    settings: TranscriptionTable,
    language: str | None,
    speakers: bool,
    formats: list[CaptionFormat] | None,
    output: str | None,
) -> None:
    """Transcribe each file or episode, write its files and print one result each, errors included.

    Args:
        formats: None: json for an audio file, no files beside those of its folder for an episode.
        output: a folder, "-" for stdout; None: here, and for an episode as `formats` says.
    """
    is_asked, formats = formats is not None or output is not None, formats or ["json"]
    if output == TO_STDOUT and (len(formats) > 1 or len(names) > 1 or session.output.as_json):
        raise ConfigError(
            "--output -", "takes one recording and one format, without --json; use a folder for more"
        )
    run = TranscriptionRun(session, settings, language, speakers)
    if output == TO_STDOUT:
        result = run.attempt(names[0])
        _warn(session, result)
        if result.transcript:
            sys.stdout.buffer.write(render_captions(result.transcript, formats[0]))
        sys.exit(FAILED if result.error else DONE)
    folder, protected = Path(output or "."), {Path(name).absolute() for name in names}
    documents = []
    for name in names:
        wanted = formats if is_asked or not run.is_episode(name) else ()
        files = {format_: folder / f"{Path(name).stem}.{format_}" for format_ in wanted}
        documents.append(_write_files(session, _transcribe_to(run, name, files, protected), files))
    session.output.result({"transcripts": documents}, _lines(documents))
    sys.exit(FAILED if any(document["error"] for document in documents) else DONE)


def _transcribe_to(
    run: TranscriptionRun, name: str, files: OutputFiles, protected: set[Path]
) -> TranscriptionResult:
    """Transcribe a recording unless its files would overwrite a recording or the files of another.

    Args:
        protected: absolute paths that this run must not overwrite; the files of this recording are added.
    """
    targets = {path.absolute(): path for path in files.values()}
    if collisions := protected & targets.keys():
        path = targets[min(collisions)]
        message = f"would overwrite {path}; run it with another --output"
        return TranscriptionResult(name, None, error=AudioError(name, message))
    protected.update(targets)
    return run.attempt(name)


def _write_files(session: CliSession, result: TranscriptionResult, files: OutputFiles) -> dict[str, object]:
    """Write a transcript's files and return its JSON summary; an OSError becomes the summary's error."""
    written, message = list[str](), result.error and str(result.error)
    _warn(session, result)
    if result.transcript is not None:
        try:
            for format_, path in files.items():
                write_atomically(path, render_captions(result.transcript, format_))
                written.append(str(path))
        except OSError as error:
            session.output.warn(message := f"{result.name}: {os_error_message(error)}")
        if not files and result.markdown:
            written.append(str(result.markdown))
    receipt = result.transcript.receipt if result.transcript else None
    return {
        "name": result.name,
        "files": written,
        "word_count": len(result.transcript.words) if result.transcript else 0,
        "engine": _engine(receipt) if receipt else None,
        "findings": session.told(result.name),
        "error": message,
    }


def _warn(session: CliSession, result: TranscriptionResult) -> None:
    """Print the faults of a transcript, and of a recording that is no episode."""
    if result.transcript is None:
        session.output.warn(str(result.error))
        return
    review.warn_of_conflicts(session, result.name, result.conflicts)
    if not result.transcript.segments:
        session.output.warn(f"{result.name}: {NO_SPEECH}")
    if result.markdown is None:
        for remark in damage_remarks(result.transcript.receipt):
            session.output.warn(f"{result.name}: {remark}")


def _lines(documents: list[dict[str, object]]) -> Iterator[str]:
    for document in documents:
        if not document["error"]:
            files = ", ".join(cast("list[str]", document["files"]))
            line = f"{document['name']}: {document['word_count']} words → {files} (by {document['engine']})"
            yield printable(line)


def _engine(receipt: Receipt) -> str:
    """Return engine, model, device and precision of a transcription."""
    parts = (receipt.engine, receipt.model, receipt.options.get("device"), receipt.options.get("precision"))
    return " ".join(str(part) for part in parts if part)
