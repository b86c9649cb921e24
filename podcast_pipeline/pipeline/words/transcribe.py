"""Transcribe a recording and assign its speakers; an existing transcript of the same inputs is kept."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path

from podcast_pipeline.audio.tracks import Track
from podcast_pipeline.config import Config, TranscriptionTable
from podcast_pipeline.diarization import known_voices
from podcast_pipeline.diarization.diarize import diarize_transcript
from podcast_pipeline.diarization.multitrack import transcribe_tracks
from podcast_pipeline.episodes import edits
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.errors import ConfigError, EpisodeError
from podcast_pipeline.files import sha256_of, user_cache_folder
from podcast_pipeline.model import Episode, EpisodeDraft, ProgressCallback, Transcript, composed
from podcast_pipeline.pipeline import imported
from podcast_pipeline.pipeline.context import Context, ignore
from podcast_pipeline.storage.download import download
from podcast_pipeline.transcript.names.glossary import Glossary, build_glossary, fix_names
from podcast_pipeline.transcript.names.matching import GlossaryTerm
from podcast_pipeline.transcription import Transcriber, TranscriptionOptions, load_transcriber
from podcast_pipeline.transcription.damage import damage_remarks
from podcast_pipeline.transcription.language import LISTED, USUAL, language_remarks, whisper_code
from podcast_pipeline.transcription.style import CLEAN, STYLE

NOT_IN_CATALOG = "was imported and is not in the catalog yet; run `podcast feed import` once more"


def transcribe_file(
    recording: Path,
    transcriber: Transcriber,
    *,
    options: TranscriptionOptions,
    glossary: Glossary,
    report: ProgressCallback,
) -> Transcript:
    """Transcribe an audio file that is no episode; names of the glossary are corrected in a second pass.

    Args:
        options: the names are those of the glossary.

    Raises:
        AudioError: the file cannot be decoded.
        TranscriptionError: the engine or its weights cannot be used.
    """
    options = replace(options, names=glossary.names)
    transcript = transcriber.transcribe(recording, options=options, report=report)
    fixed, _ = fix_names(transcript, replace(glossary, language=transcript.language))
    return fixed


def transcribe(
    recording: Path | str,
    *,
    model: str = "base",
    engine: str = "auto",
    language: str | None = None,
    names: Iterable[str] = (),
    cache: Path | None = None,
    report: ProgressCallback = ignore,
) -> Transcript:
    """Transcribe any audio file; no show is needed.

    Args:
        model: a Whisper size or a folder of weights.
        engine: auto, openvino, faster-whisper or openai-whisper.
        language: ISO 639-1; None to detect it.
        names: people and terms that may be mentioned, the most important first.
        cache: folder of models and finished windows; None: the user's cache.
        report: called with every progress event.

    Raises:
        AudioError: the file cannot be decoded.
        ConfigError: `names` is one text, or has an empty name.
        TranscriptionError: there is no such engine or model, or it cannot be used.
    """
    names = _checked_names(names)
    cache = cache or user_cache_folder() / "cache"
    transcriber = load_transcriber(engine, model, cache=cache, report=report)
    glossary = Glossary(tuple(GlossaryTerm(name) for name in names))
    options = TranscriptionOptions(language=language)
    return transcribe_file(Path(recording), transcriber, options=options, glossary=glossary, report=report)


def _checked_names(names: Iterable[str]) -> tuple[str, ...]:
    listed = () if isinstance(names, str) else tuple(names)
    if isinstance(names, str) or not all(name.strip() for name in listed):
        raise ConfigError("names", f"is {names!r}; give a list of names, such as ['Ann Example']")
    return tuple(map(composed, listed))


def load_or_transcribe(
    folder: EpisodeFolder, draft: EpisodeDraft, known: Episode | None, context: Context, *, save: bool = True
) -> Transcript | None:
    """Return the words in recording times: those in transcript.json, or new ones.

    An episode in the catalog keeps its words whatever engine and model are set now. An imported one has
    none (None) until `podcast transcribe`.

    Args:
        known: the episode in the catalog, None for a new one.
        save: write new words to transcript.json.
    """
    transcript = folder.load_transcript()
    if transcript is not None:
        _tell_other_settings(transcript, folder, context)
    if transcript is not None and _is_published_recording(transcript, known, draft):
        _tell_other_language(transcript, folder, context)
        return transcript
    if not folder.has_recording:
        if transcript is not None:
            message = f"transcript.json was made from other audio; run `podcast transcribe {draft.slug}`"
            raise EpisodeError(draft.slug, message)
        return None
    if transcript is None or not _is_current(transcript, folder, draft, context):
        return transcribe_episode(folder, draft, context, save=save)
    diarized = diarize_episode(transcript, folder, draft, context)
    if save:
        edits.replace_transcript(folder, diarized, now=context.clock())
    return diarized


def transcribe_episode(
    folder: EpisodeFolder,
    draft: EpisodeDraft,
    context: Context,
    *,
    language: str | None = None,
    save: bool = True,
) -> Transcript:
    """Transcribe an episode anew, in recording times; a person's edits are moved to edits.json first.

    Args:
        language: ISO 639-1; None for the one of episode.toml, else of [transcription], else the show's.

    Raises:
        EpisodeError: transcript.md belongs to other words; raised before the work.
    """
    edits.current_edits(edits.read_episode_text(folder), context.clock())
    options = settings_options(
        context.config.transcription,
        language=language or wanted_language(folder, context.config),
        usual_language=whisper_code(context.config.show.language),
    )
    names = episode_glossary(draft, context.config, draft.language).names
    options = replace(options, names=names)
    transcript = _transcribe(folder, draft, options, context)
    remarks = language_remarks(transcript, decides="`language` in its episode.toml")
    for remark in chain(remarks, damage_remarks(transcript.receipt)):
        context.warn(f"{draft.slug}: {remark}")
    if save:
        edits.replace_transcript(folder, transcript, now=context.clock())
    return transcript


def settings_options(
    settings: TranscriptionTable, *, language: str | None, usual_language: str | None
) -> TranscriptionOptions:
    """Return the options of a transcription; a language that is set counts before the list of the settings.

    Args:
        language: ISO 639-1; None to detect it.
        usual_language: of the show; another one counts only where it is heard throughout.
    """
    return TranscriptionOptions(
        language=language,
        usual_language=usual_language,
        languages=() if language else tuple(map(whisper_code, settings.languages)),
        style=settings.style,
    )


def wanted_language(folder: EpisodeFolder, config: Config) -> str | None:
    """Return the language of episode.toml, else the one of [transcription]; None without either."""
    language = folder.table.language
    return whisper_code(language) if language else config.transcription.language


def _transcribe(
    folder: EpisodeFolder, draft: EpisodeDraft, options: TranscriptionOptions, context: Context
) -> Transcript:
    recording, tracks = folder.require_recording(), folder.check_tracks()
    if not tracks:
        transcript = context.transcriber.transcribe(recording, options=options, report=context.report)
        return diarize_episode(transcript, folder, draft, context)
    return transcribe_tracks(
        [Track(track.name, folder.path / track.file, track.channel) for track in tracks],
        recording,
        context.transcriber,
        options=options,
        ffmpeg=context.ffmpeg,
        report=context.report,
    )


def episode_glossary(draft: EpisodeDraft, config: Config, language: str) -> Glossary:
    """Return the names of an episode: its guests, the hosts, the show's terms, the names in the notes."""
    people = [*(person.name for person in draft.persons), *config.show.host_names]
    return build_glossary(config.glossary, people=people, notes=draft.notes, language=language)


def diarize_episode(
    transcript: Transcript, folder: EpisodeFolder, draft: EpisodeDraft, context: Context
) -> Transcript:
    """Assign speakers to the words; unchanged with separate tracks or without a diarization engine."""
    if folder.table.tracks:
        return transcript
    return diarize_transcript(
        transcript,
        folder,
        engine=context.config.speakers.engine,
        speaker_count=folder.table.speakers,
        known=known_voices.read_voice_book(context.config.voices_file).voices,
        guests=[person.name for person in draft.persons if person.role == "guest"],
        report=context.report,
        warn=context.warn,
    )


def fetch_imported_audio(folder: EpisodeFolder, draft: EpisodeDraft, context: Context) -> EpisodeDraft:
    """Download the audio of an imported episode to be transcribed; return the draft with its SHA-256.

    Raises:
        EpisodeError: the episode is not in the catalog, or its audio is at another host.
    """
    catalog = context.catalog()
    known = catalog.by_id(draft.id) if catalog else None
    if known is None:
        raise EpisodeError(draft.slug, NOT_IN_CATALOG)
    if known.enclosure.key is None:
        where = known.enclosure.external_url
        raise EpisodeError(
            draft.slug, f"its audio is still at {where}; only imported audio can be transcribed"
        )
    if not (folder.source.is_file() and sha256_of(folder.source) == known.enclosure.sha256):
        download(context.store, known.enclosure.key, folder.source, sha256=known.enclosure.sha256)
    return imported.merge_imported(draft, known)


def _is_current(transcript: Transcript, folder: EpisodeFolder, draft: EpisodeDraft, context: Context) -> bool:
    """Whether the words are of this recording, by the engine, model and language that are set now."""
    receipt, settings = transcript.receipt, context.config.transcription
    language, usual = wanted_language(folder, context.config), whisper_code(context.config.show.language)
    return (
        receipt is not None
        and receipt.audio_sha256 == draft.source_sha256
        and (receipt.engine, receipt.model) == (context.engine, settings.model)
        and (transcript.language == language if language else receipt.options.get(USUAL, usual) == usual)
    )


def _tell_other_settings(transcript: Transcript, folder: EpisodeFolder, context: Context) -> None:
    """Say that the words were written in another style, or for other languages, than is set now."""
    if transcript.receipt is None:
        return
    had, config = transcript.receipt.options, context.config
    wanted = settings_options(
        config.transcription, language=wanted_language(folder, config), usual_language=None
    )
    style, languages = had.get(STYLE, CLEAN), ", ".join(wanted.languages)
    remarks = []
    if style != wanted.style:
        remarks.append(f"its words are {style}, not {wanted.style} as `style` in [transcription] says")
    if languages and had.get(LISTED) != languages:
        remarks.append(f"its words are not of {languages} as `languages` in [transcription] says")
    for remark in remarks:
        context.warn(f"{folder.slug}: {remark}; `podcast transcribe {folder.slug}` writes them anew")


def _tell_other_language(transcript: Transcript, folder: EpisodeFolder, context: Context) -> None:
    """Say that published words, which stay, are marked as another language than is set now."""
    wanted = wanted_language(folder, context.config)
    if wanted and transcript.language != wanted:
        context.warn(
            f"{folder.slug}: its words are marked as {transcript.language}, not {wanted} as `language` says:"
            f" pages and search take them for that; `podcast transcribe {folder.slug}` writes them anew"
        )


def _is_published_recording(transcript: Transcript, known: Episode | None, draft: EpisodeDraft) -> bool:
    """Whether the episode is in the catalog and the words are of its recording."""
    receipt = transcript.receipt
    return known is not None and (
        receipt is None or receipt.audio_sha256 in (draft.source_sha256, known.enclosure.sha256)
    )  # the latter: imported audio of which a passage was silenced
