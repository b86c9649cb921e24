"""Import of a transcript that somebody typed: its words, with times from the recording, in the folder."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from podcast_pipeline.episodes import edits
from podcast_pipeline.episodes.folder import IMPORTED_TRANSCRIPTS, EpisodeFolder
from podcast_pipeline.episodes.typed_words import count_hand_edits, save_typed_words
from podcast_pipeline.errors import CaptionError, EpisodeError
from podcast_pipeline.feed.untrusted.charset import decode_text
from podcast_pipeline.model import Episode, EpisodeDraft, Transcript
from podcast_pipeline.pipeline.context import Context, ignore
from podcast_pipeline.pipeline.words.text import edited_transcript
from podcast_pipeline.pipeline.words.transcribe import (
    fetch_imported_audio,
    load_or_transcribe,
    transcribe_episode,
)
from podcast_pipeline.transcript.edits import transcript_from_document
from podcast_pipeline.transcript.edits.word_times import align_document
from podcast_pipeline.transcript.markdown import to_markdown
from podcast_pipeline.transcript.names.glossary import apply_name_fixes
from podcast_pipeline.transcript.typed.agreement import (
    LEAST_SHARE,
    TranscriptDifference,
    heard_share,
    typed_differences,
)
from podcast_pipeline.transcript.typed.read import check_ending, read_typed
from podcast_pipeline.transcript.typed.speaker_names import KnownPeople, people_of, typed_document
from podcast_pipeline.transcript.typed.turns import TypedTranscript

LARGEST_BYTES = 20 * 1024**2


@dataclass(frozen=True)
class TranscriptImport:
    """What an import has put into the folder.

    Attributes:
        word_count: of the file, all of them with times now.
        share: of the file's words that were heard, 0 to 1.
        speaker_count: whom the file names.
        left_out: what was no speech -> how many.
        differences: the passages that only the file has, and those that only the engine heard.
    """

    slug: str
    word_count: int
    share: float
    speaker_count: int
    left_out: Mapping[str, int]
    differences: tuple[TranscriptDifference, ...]
    transcript_md: Path


def import_transcript(
    context: Context,
    slug: str,
    file: Path,
    *,
    replace: bool = False,
    confirm: Callable[[str], None] = ignore,
) -> TranscriptImport:
    """Make a typed transcript the words of an episode; publishes nothing.

    The recording is transcribed where it was not yet. The result is the same as if a person had corrected
    transcript.md to the file. An interrupted run is run again.

    Args:
        file: .docx, .txt, .md, .srt or .vtt.
        replace: the words of a published episode may be replaced.
        confirm: called with one line before a person's edits are replaced; raises to stop.

    Raises:
        CaptionError: the file cannot be read, or has no words.
        EpisodeError: the episode is published or was unpublished, or the file is another recording's.
    """
    check_ending(file.name)
    with context.library.open(slug) as folder:
        draft, catalog = folder.load_draft(), context.catalog()
        known = catalog.by_id(draft.id) if catalog else None
        _check_importable(draft, known, replace=replace)
        target = _Target(folder, draft, known, context)
        typed = target.read(file)
        return target.take(typed, target.recognised_words(), name=file.name, confirm=confirm)


def import_old_transcript(
    folder: EpisodeFolder, draft: EpisodeDraft, context: Context
) -> TranscriptImport | None:
    """Make the transcript that came from another host the words of an episode, once it was transcribed.

    Returns:
        None where there is none, where a person has edited the words, or, with a warning, where it does not
        fit the recording.
    """
    files = (folder.path / name for name in IMPORTED_TRANSCRIPTS)
    file, text = next(filter(Path.is_file, files), None), edits.read_episode_text(folder)
    if file is None or text.transcript is None or text.edits.typed or count_hand_edits(text, context.clock()):
        return None
    target = _Target(folder, draft, None, context)
    try:
        return target.take(target.read(file), text.transcript, name=file.name, confirm=ignore)
    except (CaptionError, EpisodeError) as error:
        context.warn(f"{draft.slug}: the engine's words stay, not those of {file.name}: {error.message}")
        return None


def _check_importable(draft: EpisodeDraft, known: Episode | None, *, replace: bool) -> None:
    if known is not None and known.state == "unpublished":
        raise EpisodeError(draft.slug, "was unpublished and cannot come back, with no other words either")
    if known is not None and known.state == "published" and known.transcript is not None and not replace:
        message = "is published with a transcript; pass --replace to correct it to the file"
        raise EpisodeError(draft.slug, message)


@dataclass(frozen=True)
class _Target:
    """The episode whose words are to be those of a file.

    Attributes:
        known: the episode in the catalog, None for a new one.
    """

    folder: EpisodeFolder
    draft: EpisodeDraft
    known: Episode | None
    context: Context

    @cached_property
    def people(self) -> KnownPeople:
        """The hosts of the episode, else of the show; its guests, and the names of other tracks."""
        persons, show = self.draft.persons, [host.name for host in self.context.show.hosts]
        hosts = [person.name for person in persons if person.role == "host"] or show
        guests = [person.name for person in persons if person.role == "guest"]
        tracks = [track.name for track in self.folder.table.tracks if track.name not in (*hosts, *show)]
        return people_of(hosts, [*guests, *tracks])

    def read(self, file: Path) -> TypedTranscript:
        """Return the turns of a file; CaptionError where it cannot be read."""
        if not file.is_file():
            raise CaptionError(file, "is no file; give the typed transcript")
        with file.open("rb") as opened:
            data = opened.read(LARGEST_BYTES + 1)  # a file may grow, or not know its size
        if len(data) > LARGEST_BYTES:
            message = f"has more than {LARGEST_BYTES // 1024**2} MB; is it the right file?"
            raise CaptionError(file, message)
        decode = partial(decode_text, language=self.draft.language)
        return read_typed(data, str(file), decode=decode, people=self.people.names)

    def recognised_words(self) -> Transcript:
        """Return the engine's words; of an imported episode its audio is fetched first."""
        folder, draft, context = self.folder, self.draft, self.context
        if not folder.has_recording and folder.load_transcript() is None:
            return transcribe_episode(folder, fetch_imported_audio(folder, draft, context), context)
        words = load_or_transcribe(folder, draft, self.known, context)
        assert words is not None  # a folder has a recording, or words
        return words

    def take(
        self, typed: TypedTranscript, recognised: Transcript, *, name: str, confirm: Callable[[str], None]
    ) -> TranscriptImport:
        """Align a file with the recognised words and write it into the folder."""
        edited_transcript(self.folder, self.draft, recognised, self.known, self.context)
        text = edits.read_episode_text(self.folder)
        heard = apply_name_fixes(recognised, text.edits.fixes)
        document = typed_document(typed, heard, self.people, base=text.base or "")
        share = heard_share(align_document(document, heard))
        if share < LEAST_SHARE:
            told = f"{name} is no transcript of this recording: {share:.0%} of its words were heard"
            larger = f"`podcast transcribe {self.draft.slug} --model small`, or a larger model"
            raise EpisodeError(self.draft.slug, f"{told}; give the right file, or, if it is, run {larger}")
        words = transcript_from_document(document, heard)
        self._write(text, words, heard, confirm)
        return TranscriptImport(
            slug=self.draft.slug,
            word_count=len(words.words),
            share=share,
            speaker_count=len(set(typed.names)),
            left_out=typed.left_out,
            differences=typed_differences(document, heard, words),
            transcript_md=self.folder.transcript_md,
        )

    def _write(
        self, text: edits.EpisodeText, words: Transcript, heard: Transcript, confirm: Callable[[str], None]
    ) -> None:
        """Write the words where they are not there already; ask where a person's edits would be lost."""
        note, now = text.document.note if text.document else "", self.context.clock()
        markdown = to_markdown(words, base=text.base or "", title=self.draft.title, note=note)
        is_there = text.markdown == markdown.encode()
        if is_there and text.edits.typed:
            return
        if not is_there and (count := count_hand_edits(text, now)):
            counted = "1 edit" if count == 1 else f"{count} edits"
            lost = "changes since the last import" if text.edits.typed else counted
            confirm(f"{self.draft.slug}: {lost} made by hand in transcript.md would be replaced by the file")
        save_typed_words(text, markdown, heard, now=now)
