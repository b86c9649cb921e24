"""Import of a transcript that somebody typed: its words, with times from the recording, in the folder."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from podcast_pipeline.episodes import edits
from podcast_pipeline.episodes.folder import EpisodeFolder
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
OLD_TRANSCRIPTS = ("vtt", "srt", "json", "html", "txt")
"""Endings of `imported.*`, as `feed import` writes them, the best first."""


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
        file: .docx, .txt, .srt or .vtt.
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
        people = _people(draft, folder, context)
        typed = _read(file, draft, people)
        heard = _recognised_words(folder, draft, known, context)
        return _import(folder, draft, known, typed, heard, people, context, file.name, confirm)


def import_old_transcript(
    folder: EpisodeFolder, draft: EpisodeDraft, context: Context
) -> TranscriptImport | None:
    """Make the transcript that came from another host the words of an episode, once it was transcribed.

    Returns:
        None where there is none, where a person has edited the words, or, with a warning, where it does not
        fit the recording.
    """
    files = (folder.path / f"imported.{ending}" for ending in OLD_TRANSCRIPTS)
    file, text = next(filter(Path.is_file, files), None), edits.read_episode_text(folder)
    if file is None or text.transcript is None or text.edits.typed or count_hand_edits(text, context.clock()):
        return None
    people = _people(draft, folder, context)
    try:
        typed = _read(file, draft, people)
        return _import(folder, draft, None, typed, text.transcript, people, context, file.name, ignore)
    except (CaptionError, EpisodeError) as error:
        context.warn(f"{draft.slug}: the engine's words stay, not those of {file.name}: {error.message}")
        return None


def _check_importable(draft: EpisodeDraft, known: Episode | None, *, replace: bool) -> None:
    if known is not None and known.state == "unpublished":
        raise EpisodeError(draft.slug, "was unpublished and cannot come back, with no other words either")
    if known is not None and known.state == "published" and known.transcript is not None and not replace:
        message = "is published with a transcript; pass --replace to correct it to the file"
        raise EpisodeError(draft.slug, message)


def _people(draft: EpisodeDraft, folder: EpisodeFolder, context: Context) -> KnownPeople:
    guests = [person.name for person in draft.persons if person.role == "guest"]
    hosts = [person.name for person in draft.persons if person.role == "host"]
    tracks = [track.name for track in folder.table.tracks]
    show = [host.name for host in context.show.hosts]
    return people_of(hosts or show, [*guests, *(name for name in tracks if name not in (*hosts, *show))])


def _read(file: Path, draft: EpisodeDraft, people: KnownPeople) -> TypedTranscript:
    if not file.is_file():
        raise CaptionError(file, "is no file; give the typed transcript")
    if file.stat().st_size > LARGEST_BYTES:
        message = f"has more than {LARGEST_BYTES // 1024**2} MB; is it the right file?"
        raise CaptionError(file, message)
    decode = partial(decode_text, language=draft.language)
    return read_typed(file.read_bytes(), str(file), decode=decode, people=people.names)


def _recognised_words(
    folder: EpisodeFolder, draft: EpisodeDraft, known: Episode | None, context: Context
) -> Transcript:
    """Return the engine's words; of an imported episode its audio is fetched first."""
    if not folder.has_recording and folder.load_transcript() is None:
        return transcribe_episode(folder, fetch_imported_audio(folder, draft, context), context)
    words = load_or_transcribe(folder, draft, known, context)
    assert words is not None  # a folder has a recording, or words
    return words


def _import(
    folder: EpisodeFolder,
    draft: EpisodeDraft,
    known: Episode | None,
    typed: TypedTranscript,
    heard: Transcript,
    people: KnownPeople,
    context: Context,
    name: str,
    confirm: Callable[[str], None],
) -> TranscriptImport:
    edited_transcript(folder, draft, heard, known, context)
    text = edits.read_episode_text(folder)
    heard = apply_name_fixes(heard, text.edits.fixes)
    document = typed_document(typed, heard, people, base=text.base or "")
    share = heard_share(align_document(document, heard))
    if share < LEAST_SHARE:
        message = (
            f"is no transcript of this recording: {share:.0%} of its words were heard; give the right file"
        )
        raise EpisodeError(draft.slug, f"{name} {message}")
    words = transcript_from_document(document, heard)
    markdown = to_markdown(words, base=text.base or "", title=draft.title, note=_note(text))
    if text.markdown != markdown.encode() or text.edits.typed is None:
        if text.markdown != markdown.encode() and (count := count_hand_edits(text, context.clock())):
            confirm(
                f"{draft.slug}: {_counted(count)} made by hand in transcript.md would be replaced by the file"
            )
        save_typed_words(text, markdown, heard, now=context.clock())
    return TranscriptImport(
        slug=draft.slug,
        word_count=len(words.words),
        share=share,
        speaker_count=len(set(typed.names)),
        left_out=typed.left_out,
        differences=typed_differences(document, heard, words),
        transcript_md=folder.transcript_md,
    )


def _note(text: edits.EpisodeText) -> str:
    return text.document.note if text.document else ""


def _counted(count: int) -> str:
    return "1 edit" if count == 1 else f"{count} edits"
