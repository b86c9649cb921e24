"""`podcast transcribe`: words only, for episodes and for any audio file."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import cast, get_args

from podcast_pipeline import transcribers
from podcast_pipeline.cli import DONE, FAILED, reviewing
from podcast_pipeline.cli.session import Session
from podcast_pipeline.config import TranscriptionTable
from podcast_pipeline.errors import AudioError, ConfigError, PodcastError
from podcast_pipeline.files import write_atomically
from podcast_pipeline.model import CaptionFormat, Receipt, Transcript
from podcast_pipeline.transcribers import Options, Transcriber
from podcast_pipeline.transcript import captions, glossary
from podcast_pipeline.transcript.edits import Conflict

TO_STDOUT = "-"


@dataclass(frozen=True)
class Heard:
    """One recording's result: its words, or why there are none."""

    name: str
    words: Transcript | None
    conflicts: tuple[Conflict, ...] = ()
    error: PodcastError | None = None


@dataclass(frozen=True)
class Hearing:
    """The engine for one run, loaded when the first recording needs it."""

    session: Session
    settings: TranscriptionTable

    @cached_property
    def transcriber(self) -> Transcriber:
        """The engine with its weights."""
        cache = self.session.cache_folder
        return transcribers.load(self.settings.engine, self.settings.model, cache=cache)

    def hear(self, name: str) -> Heard:
        """Return the words of a file or an episode; an episode's as a person edited them."""
        path = Path(name)
        if not path.is_file() and self.session.has_episode(name):
            return self._hear_episode(name)
        if not path.exists():
            raise AudioError(name, "is neither a file nor an episode; `podcast list` shows all episodes")
        names = self.session.show_names(self.settings.language)
        options = Options(language=self.settings.language, names=names.names)
        words = self.transcriber.transcribe(path, options=options, report=self.session.output.report)
        fixed, _ = glossary.fix(words, replace(names, language=words.language))
        return Heard(name, fixed)

    def _hear_episode(self, slug: str) -> Heard:
        from podcast_pipeline.stages import bring_audio, edited, hear_again

        parts = replace(self.session.hearing(self.settings), transcriber=lambda: self.transcriber)
        with parts.library.claim(slug):
            draft = parts.library.load(slug)
            if not parts.library.folder(slug).has_recording:
                draft = bring_audio(draft, parts, self.session.store)
            text = edited(draft, hear_again(draft, parts), None, parts)
        return Heard(slug, text.words, text.conflicts)

    def attempt(self, name: str) -> Heard:
        """Hear one of many: an error is a result."""
        try:
            return self.hear(name)
        except PodcastError as error:
            return Heard(name, None, error=error)


def formats(text: str) -> list[CaptionFormat]:
    """Read a comma-separated list of formats; ConfigError names the right ones."""
    known = get_args(CaptionFormat)
    named = [name.strip() for name in text.split(",")]
    for name in named:
        if name not in known:
            raise ConfigError(f"--format {name}", f"is not a format; known are {', '.join(known)}")
    return cast("list[CaptionFormat]", named)


def run(
    session: Session,
    names: list[str],
    *,
    settings: TranscriptionTable,
    wanted: list[CaptionFormat],
    output: str | None,
) -> None:
    """Transcribe each file or episode; one result each, errors included."""
    if output == TO_STDOUT and (len(wanted) > 1 or len(names) > 1 or session.output.as_json):
        raise ConfigError("--output -", "takes one recording and one format, and excludes --json")
    hearing = Hearing(session, settings)
    results = [hearing.attempt(name) for name in names]
    documents = [_deliver(session, heard, wanted, output) for heard in results]
    if output != TO_STDOUT:
        session.output.result({"transcripts": documents}, _lines(documents))
    sys.exit(FAILED if any(heard.error for heard in results) else DONE)


def _deliver(
    session: Session, heard: Heard, wanted: list[CaptionFormat], output: str | None
) -> dict[str, object]:
    if heard.words is None:
        session.output.warn(str(heard.error))
        return {"name": heard.name, "files": [], "word_count": 0, "engine": None, "error": str(heard.error)}
    reviewing.warn_of_conflicts(session, heard.name, heard.conflicts)
    if not heard.words.segments:
        session.output.warn(f"{heard.name}: no speech was found; the transcript is empty")
    receipt = heard.words.receipt
    if receipt and (stopped_s := receipt.options.get("stopped_s")) is not None:
        session.output.warn(
            f"{heard.name}: is damaged; the transcript ends at {stopped_s} s, where it breaks off"
        )
    files = [str(path) for path in _write(heard.name, heard.words, wanted, output)]
    return {
        "name": heard.name,
        "files": files,
        "word_count": len(heard.words.words),
        "engine": _engine(receipt) if receipt else None,
        "error": None,
    }


def _write(name: str, words: Transcript, wanted: list[CaptionFormat], output: str | None) -> Iterator[Path]:
    for format_ in wanted:
        body = captions.render(words, format_)
        if output == TO_STDOUT:
            sys.stdout.buffer.write(body)
            continue
        path = Path(output or ".") / f"{Path(name).stem}.{format_}"
        write_atomically(path, body)
        yield path


def _lines(documents: list[dict[str, object]]) -> Iterator[str]:
    for document in documents:
        if not document["error"]:
            files = ", ".join(cast("list[str]", document["files"]))
            yield f"{document['name']}: {document['word_count']} words → {files} (by {document['engine']})"


def _engine(receipt: Receipt) -> str:
    """Return what heard the words: engine, model, device, numbers."""
    parts = (receipt.engine, receipt.model, receipt.options.get("device"), receipt.options.get("precision"))
    return " ".join(str(part) for part in parts if part)
