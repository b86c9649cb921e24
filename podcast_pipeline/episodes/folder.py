"""The folder of one episode: where its files are, reading and writing them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from podcast_pipeline.episodes.conflict_markers import check_markers
from podcast_pipeline.episodes.table import EpisodeTable, TrackTable
from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.files import make_folder, sha256_of, short_sha256, write_atomically
from podcast_pipeline.model import (
    Chapter,
    EpisodeDraft,
    FrozenModel,
    Sha256,
    Soundbite,
    Transcript,
    composed,
)
from podcast_pipeline.model.catalog import to_json, transcript_from_json

IMPORTED_AUDIO = "build/came"
IMPORTED_TRANSCRIPTS = tuple(f"imported.{ending}" for ending in ("vtt", "srt", "json", "html", "txt"))
"""Where `feed import` puts the transcript of another host, the best format first."""
KEY_GLOB = "[0-9a-f]" * 16
LONGEST_NOTES_BYTES = 200_000  # apps show 4,000; a transcript of an hour has 60,000

Result = TypeVar("Result", bound=FrozenModel)


def check_notes_size(size_bytes: int, path: Path) -> None:
    """Raise EpisodeError for what can be no show notes: megabytes of Markdown take minutes in each step."""
    if size_bytes > LONGEST_NOTES_BYTES:
        message = f"has {size_bytes / 1000:.0f} kB; show notes have at most {LONGEST_NOTES_BYTES / 1000:.0f}"
        raise EpisodeError(path, f"{message}, and apps show 4. Is it the right file?")


class BuildNote(FrozenModel):
    """The note beside the file of a stage: which bytes were made, and the stage's result as JSON values."""

    sha256: Sha256
    size_bytes: int
    result: dict[str, Any]

    def describes(self, path: Path) -> bool:
        """Whether a file has these bytes; the name alone is no proof after a power cut."""
        return path.stat().st_size == self.size_bytes and sha256_of(path) == self.sha256


@dataclass(frozen=True)
class EpisodeFolder:
    """The folder of one episode; `Library.folder` and `Library.open` read its episode.toml once.

    Attributes:
        table: episode.toml.
        show_language, show_explicit: of an episode whose episode.toml has none.
    """

    path: Path
    table: EpisodeTable
    show_language: str
    show_explicit: bool = False

    @property
    def slug(self) -> str:
        """The slug: the folder's name."""
        return self.table.slug

    @property
    def has_recording(self) -> bool:
        """Whether the episode has a recording of its own; an imported one has none."""
        return self.table.source is not None

    @property
    def source(self) -> Path:
        """The recording; of an imported episode a copy of its audio, there once it was transcribed."""
        return self.path / (self.table.source or IMPORTED_AUDIO)

    @property
    def transcript_json(self) -> Path:
        """The engine's words, in recording times; in git."""
        return self.path / "transcript.json"

    @property
    def transcript_md(self) -> Path:
        """The words as a person edits them."""
        return self.path / "transcript.md"

    @property
    def edits_json(self) -> Path:
        """A person's edits, stored so that they survive another transcription; in git."""
        return self.path / "edits.json"

    @property
    def published_json(self) -> Path:
        """The receipt of the last publication; never read as truth."""
        return self.path / "published.json"

    @property
    def build(self) -> Path:
        """Derived files; may be deleted at any time."""
        return self.path / "build"

    def load_draft(self) -> EpisodeDraft:
        """Return the episode as its folder describes it; an imported one has no source_sha256.

        Raises:
            EpisodeError: the source was not the one ingested, or notes.md is not UTF-8. A missing one is for
                `require_recording`: a clone of the folder may have none.
        """
        if self.has_recording and self.source.exists():
            self._check_source()
        table = self.table
        return EpisodeDraft(
            id=table.id,
            guid=table.guid,
            slug=table.slug,
            title=table.title,
            notes=self.read_notes(),
            language=table.language or self.show_language,
            access=table.access,
            transcript_choice=table.transcript,
            explicit=self.show_explicit if table.explicit is None else table.explicit,
            season=table.season,
            number=table.number,
            type=table.type,
            persons=(
                *(host.to_person("host") for host in table.hosts),
                *(guest.to_person("guest") for guest in table.guests),
            ),
            chapters=tuple(Chapter(**dict(chapter)) for chapter in table.chapters),
            soundbites=tuple(Soundbite(**dict(bite)) for bite in table.soundbites),
            topics=table.topics,
            reviewed_by=table.reviewed_by or "",
            source_sha256=table.source_sha256,
        )

    def require_recording(self) -> Path:
        """Return the recording, for a step that reads it; EpisodeError where it is not here."""
        if not self.source.is_file():
            message = (
                f"{self.source} is not here, as recordings are not in git; copy it from who has it "
                "(docs/how-to/team.md), or publish from that machine; what is published is corrected "
                "without it"
            )
            raise EpisodeError(self.slug, message)
        return self.source

    def _check_source(self) -> None:
        if sha256_of(self.source) != self.table.source_sha256:
            raise EpisodeError(
                self.slug,
                f"{self.source.name} is not the recording that was ingested; put it back, or run"
                f" `podcast publish {self.source} --slug {self.slug} --replace` to replace the audio",
            )

    def read_notes(self) -> str:
        """Return the show notes, in Markdown; "" where there are none."""
        path = self.path / "notes.md"
        if path.is_file():
            check_notes_size(path.stat().st_size, path)
        try:
            text = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
        except UnicodeDecodeError as error:
            raise EpisodeError(self.slug, f"{path} is not UTF-8; save it as UTF-8") from error
        check_markers(text, path, self.slug)
        return composed(text)

    def check_tracks(self) -> tuple[TrackTable, ...]:
        """Return the tracks that the recording was mixed from; none where it was one mix from the start.

        Raises:
            EpisodeError: a track is missing, or is not the one that was ingested.
        """
        for track in self.table.tracks:
            path = self.path / track.file
            if not path.is_file() or sha256_of(path) != track.sha256:
                raise EpisodeError(self.slug, f"{path} is missing or was changed; put back the ingested file")
        return self.table.tracks

    def load_transcript(self) -> Transcript | None:
        """Return the engine's words in recording times, None before the first transcription."""
        path = self.transcript_json
        return transcript_from_json(path.read_bytes(), str(path)) if path.is_file() else None

    def save_transcript(self, transcript: Transcript) -> None:
        """Write transcript.json; the file before it goes to `build/`."""
        if self.transcript_json.is_file():
            previous = self.transcript_json.read_bytes()
            write_atomically(self.build / f"transcript.{short_sha256(previous)}.json", previous)
        write_atomically(self.transcript_json, to_json(transcript))

    def load_receipt(self) -> dict[str, object]:
        """Return published.json; empty where the file is missing or damaged."""
        try:
            receipt = json.loads(self.published_json.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return receipt if isinstance(receipt, dict) else {}

    def save_receipt(self, receipt: Mapping[str, object]) -> None:
        """Write published.json, for people to read."""
        text = json.dumps(receipt, ensure_ascii=False, indent=1, default=str)
        write_atomically(self.published_json, f"{text}\n".encode())

    def build_once(
        self,
        stage: str,
        suffix: str,
        *,
        inputs: Mapping[str, object],
        result_type: type[Result],
        build: Callable[[Path], Result],
        warn: Callable[[str], None],
    ) -> tuple[Path, Result]:
        """Return the file and the result of a stage, built only where there is none for the same inputs.

        A file whose bytes are not those that the note beside it states is built again. What the stage made of
        other inputs is removed when the new file is there.

        Args:
            stage: its name; with `suffix` the file's name in `build/`.
            inputs: all that the result depends on, as plain JSON values.
            build: writes the file, whole, at the path given to it and returns the result.
            warn: called with one line about a damaged file.
        """
        key = short_sha256(json.dumps({"stage": stage, **inputs}, sort_keys=True, default=str).encode())
        target, note = self.build / f"{stage}.{key}{suffix}", self.build / f"{stage}.{key}.json"
        try:
            noted = BuildNote.model_validate_json(note.read_bytes())
            known = result_type.model_validate(noted.result)
        except (FileNotFoundError, ValidationError):
            known = None
        if known is not None and target.is_file():
            if noted.describes(target):
                return target, known
            warn(f"{self.slug}: build/{target.name} is damaged; it is made again")
        note.unlink(missing_ok=True)
        make_folder(self.build, mode=0o700)
        result = build(target)
        fields = {"sha256": sha256_of(target), "size_bytes": target.stat().st_size}
        write_atomically(note, to_json(BuildNote(**fields, result=result.model_dump(mode="json"))))
        for made in (suffix, ".json"):  # of other inputs: nothing refers to them any more
            for old in self.build.glob(f"{stage}.{KEY_GLOB}{made}"):
                if old not in (target, note):
                    old.unlink(missing_ok=True)
        return target, result
