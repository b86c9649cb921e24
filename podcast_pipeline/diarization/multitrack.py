"""Transcribe each track where its speaker speaks, and merge the words: exact speakers, without a model."""

import tempfile
import wave
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from podcast_pipeline.audio.ffmpeg import Ffmpeg
from podcast_pipeline.audio.tracks import SPEECH_RATE_HZ, Track, extract_track
from podcast_pipeline.diarization.crosstalk import (
    Samples,
    active_stretches,
    merge_tracks,
    mute_crosstalk,
    remove_bleed_words,
    track_levels_db,
)
from podcast_pipeline.diarization.diarize import SPEAKERS_OPTION
from podcast_pipeline.model import ProgressCallback, Segment, Speaker, Transcript
from podcast_pipeline.transcription import Transcriber, TranscriptionOptions
from podcast_pipeline.transcription.decode import Recording

SPEAKERS_SOURCE = "tracks"


def transcribe_tracks(
    tracks: Sequence[Track],
    transcriber: Transcriber,
    *,
    options: TranscriptionOptions,
    source_sha256: str,
    ffmpeg: Ffmpeg,
    report: ProgressCallback,
) -> Transcript:
    """Return the words of all tracks in order of time, each with the speaker of its track.

    Args:
        options: without a language, the first track with speech decides the language of all.
        source_sha256: of the mix that the transcript belongs to.

    Raises:
        AudioError: a track cannot be decoded.
        TranscriptionError: see `Transcriber`.
    """
    transcripts: list[Transcript] = []
    with tempfile.TemporaryDirectory() as work:
        files = [Path(work) / f"track-{number}.wav" for number in range(len(tracks))]
        for track, file in zip(tracks, files, strict=True):
            extract_track(track, file, rate_hz=SPEECH_RATE_HZ, ffmpeg=ffmpeg, report=report)
        for file, stretches in zip(files, active_stretches(_levels(files)), strict=True):
            _write_wav(
                mute_crosstalk(Recording(file).blocks(), stretches), muted := file.with_suffix(".gated.wav")
            )
            words = transcriber.transcribe(muted, options=options, report=report)
            if words.segments and options.language is None:
                options = replace(options, language=words.language)
            transcripts.append(remove_bleed_words(words, stretches))
    return _merge(transcripts, [track.name for track in tracks], source_sha256)


def _levels(files: Sequence[Path]) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    rows = [track_levels_db(Recording(file).blocks()) for file in files]
    shortest = min(map(len, rows))  # recorders stop a moment apart
    return np.stack([row[:shortest] for row in rows])


def _write_wav(blocks: Iterable[Samples], target: Path) -> None:
    with wave.open(str(target), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SPEECH_RATE_HZ)
        for block in blocks:
            file.writeframes((np.clip(block, -1, 1) * 32767).astype("<i2").tobytes())


def _merge(transcripts: Sequence[Transcript], names: Sequence[str], source_sha256: str) -> Transcript:
    segments = merge_tracks(transcripts)
    order = list(dict.fromkeys(segment.speaker for segment in segments))
    ids = {speaker: f"S{number}" for number, speaker in enumerate(order)}
    first = next((words for words in transcripts if words.segments), transcripts[0])
    receipt = first.receipt and first.receipt.model_copy(
        update={
            "audio_sha256": source_sha256,
            "options": dict(sorted({**first.receipt.options, SPEAKERS_OPTION: SPEAKERS_SOURCE}.items())),
        }
    )
    return Transcript(
        language=first.language,
        duration_s=max(words.duration_s for words in transcripts),
        speakers=tuple(Speaker(id=ids[s], name=names[int(s or 0)]) for s in order),
        segments=tuple(_with_speaker_ids(segments, ids)),
        receipt=receipt,
    )


def _with_speaker_ids(segments: Iterable[Segment], ids: dict[str | None, str]) -> Iterator[Segment]:
    return (segment.model_copy(update={"speaker": ids[segment.speaker]}) for segment in segments)
