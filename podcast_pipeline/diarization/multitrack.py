"""Transcribe the tracks of a recording and their mix, and merge the words: speakers without a model."""

import tempfile
import wave
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np

from podcast_pipeline.audio.ffmpeg import Ffmpeg
from podcast_pipeline.audio.tracks import SPEECH_RATE_HZ, Track, check_start, extract_track
from podcast_pipeline.diarization.assign import BACKCHANNEL_WORDS, SPEAKER_DOUBT
from podcast_pipeline.diarization.crosstalk import Activity, Excerpt, Samples, find_activity, track_levels_db
from podcast_pipeline.diarization.diarize import SPEAKERS_OPTION
from podcast_pipeline.diarization.readings import (
    OmittedWord,
    RecognizedWord,
    merge_readings,
    remove_bleed,
    words_of,
)
from podcast_pipeline.model import (
    DroppedWord,
    Progress,
    ProgressCallback,
    Receipt,
    Segment,
    Speaker,
    Transcript,
    Word,
)
from podcast_pipeline.transcription import Transcriber, TranscriptionOptions
from podcast_pipeline.transcription.decode import Recording
from podcast_pipeline.transcription.segments import to_segments

SPEAKERS_SOURCE = "tracks"
SAME_TIME = 0.5  # of the shorter of two sentences, in which both are said
SAME_WORDS = 0.75  # of the shorter one, that the other has, too
SAME_WORDS_LEAST = 3  # fewer are a greeting, or assent
MARGIN_S = 0.16  # of an excerpt around a speaker's turns; whole frames


def transcribe_tracks(
    tracks: Sequence[Track],
    mix: Path,
    transcriber: Transcriber,
    *,
    options: TranscriptionOptions,
    ffmpeg: Ffmpeg,
    report: ProgressCallback,
) -> Transcript:
    """Return the words of all tracks in order of time, each with the speaker of its track.

    Args:
        mix: the recording that the tracks were mixed to; the receipt is that of its transcription.
        options: without a language, the mix decides it.

    Raises:
        AudioError: a track cannot be decoded, or the tracks do not start together.
        TranscriptionError: see `Transcriber`.
    """
    with tempfile.TemporaryDirectory() as work:
        files = [Path(work) / f"track-{number}.wav" for number in range(len(tracks))]
        for track, file in zip(tracks, files, strict=True):
            extract_track(track, file, rate_hz=SPEECH_RATE_HZ, ffmpeg=ffmpeg, report=report)
        check_start(tracks, files)
        activity = find_activity(_levels(files))
        excerpts = [Excerpt.of(stretches, margin_s=MARGIN_S) for stretches in activity.stretches]
        parts = _PartsProgress(report, [activity.duration_s, *(excerpt.duration_s for excerpt in excerpts)])
        mixed = transcriber.transcribe(mix, options=options, report=parts.of(0), announced_s=parts.total_s)
        if mixed.segments and not options.languages:
            options = replace(options, language=mixed.language)
        recognized = [
            _own_words(file, excerpt, number, transcriber, options, mixed.language, parts.of(number + 1))
            for number, (file, excerpt) in enumerate(zip(files, excerpts, strict=True))
        ]
    return _merged(mixed, recognized, activity, [track.name for track in tracks])


class _PartsProgress:
    """Reports several transcriptions, one after the other, as one.

    Args:
        lengths_s: seconds of each part.
    """

    def __init__(self, report: ProgressCallback, lengths_s: Sequence[float]) -> None:
        self._report, self._lengths_s = report, lengths_s
        self.total_s = sum(lengths_s)

    def of(self, part: int) -> ProgressCallback:
        """Return the callback of a part, whose beginning and end are those of its own step."""
        before_s = sum(self._lengths_s[:part])

        def report(event: Progress) -> None:
            share = event.done / event.total if event.total else 1.0
            done_s = before_s + share * self._lengths_s[part]
            self._report(Progress(step=event.step, done=done_s, total=self.total_s, unit="s"))

        return report


def _levels(files: Sequence[Path]) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    rows = [track_levels_db(Recording(file).blocks()) for file in files]
    shortest = min(map(len, rows))  # recorders stop a moment apart
    return np.stack([row[:shortest] for row in rows])


def _own_words(
    file: Path,
    excerpt: Excerpt,
    number: int,
    transcriber: Transcriber,
    options: TranscriptionOptions,
    language: str,
    report: ProgressCallback,
) -> list[RecognizedWord]:
    """Return the words of a track's speaker, in times of the track.

    Args:
        language: that words need no mark for.
    """
    if not excerpt.parts:
        return []
    _write_wav(excerpt.cut(Recording(file).blocks()), cut := file.with_suffix(".own.wav"))
    own = transcriber.transcribe(cut, options=options, report=report, announced_s=0)
    return [
        replace(
            one,
            word=_in_track_times(one.word, excerpt),
            language=None if (spoken := one.language or own.language) == language else spoken,
        )
        for one in words_of(own.segments, number)
    ]


def _in_track_times(word: Word, excerpt: Excerpt) -> Word:
    start_s, end_s = excerpt.to_track_times(word.start_s, word.end_s)
    return word.model_copy(update={"start_s": round(start_s, 3), "end_s": round(end_s, 3)})


def _write_wav(blocks: Iterable[Samples], target: Path) -> None:
    with wave.open(str(target), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SPEECH_RATE_HZ)
        for block in blocks:
            file.writeframes((np.clip(block, -1, 1) * 32767).astype("<i2").tobytes())


def _merged(
    mixed: Transcript,
    recognized: Sequence[Sequence[RecognizedWord]],
    activity: Activity,
    names: Sequence[str],
) -> Transcript:
    own, bleed = remove_bleed(recognized, activity)
    merged, unplaced = merge_readings(words_of(mixed.segments), own, activity)
    by_track = [
        (segment, number)
        for number, words in enumerate(merged)
        for segment in _segments(words, _all_but(merged, number), mixed.language)
    ]
    by_track.sort(key=lambda pair: (pair[0].start_s, pair[0].end_s))
    by_track = _with_doubts(by_track, activity)
    ids = {track: f"S{place}" for place, track in enumerate(dict.fromkeys(track for _, track in by_track))}
    left_out = sorted([*bleed, *unplaced], key=lambda one: one.word.start_s)
    return mixed.model_copy(
        update={
            "speakers": tuple(Speaker(id=speaker, name=names[track]) for track, speaker in ids.items()),
            "segments": tuple(s.model_copy(update={"speaker": ids[track]}) for s, track in by_track),
            "dropped": tuple(_dropped(one, ids) for one in left_out),
            "receipt": mixed.receipt and _with_speakers_source(mixed.receipt),
        }
    )


def _with_doubts(by_track: Sequence[tuple[Segment, int]], activity: Activity) -> list[tuple[Segment, int]]:
    """Return the sentences, a doubt on those which may be the voice of another track's speaker."""
    doubtful = _said_twice(by_track)
    doubtful |= {
        place
        for place, (segment, track) in enumerate(by_track)
        if activity.may_be_muted(track, segment.start_s, segment.end_s)
    }
    return [
        (_with_speaker_doubt(segment) if place in doubtful else segment, track)
        for place, (segment, track) in enumerate(by_track)
    ]


def _with_speaker_doubt(segment: Segment) -> Segment:
    return segment.model_copy(update={"doubts": (*segment.doubts, SPEAKER_DOUBT)})


def _said_twice(by_track: Sequence[tuple[Segment, int]]) -> set[int]:
    """Return the places of sentences that two speakers have at the same time, in nearly the same words."""
    found: set[int] = set()
    for place, (segment, track) in enumerate(by_track):
        for later in range(place + 1, len(by_track)):
            other, other_track = by_track[later]
            if other.start_s >= segment.end_s:
                break
            if other_track != track and _is_same_sentence(segment, other):
                found |= {place, later}
    return found


def _is_same_sentence(a: Segment, b: Segment) -> bool:
    common_s = min(a.end_s, b.end_s) - max(a.start_s, b.start_s)
    if common_s < SAME_TIME * min(a.end_s - a.start_s, b.end_s - b.start_s):
        return False
    ours, theirs = ([one.key for one in words_of([segment])] for segment in (a, b))
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    least = max(SAME_WORDS * min(len(ours), len(theirs)), SAME_WORDS_LEAST)
    return sum(block.size for block in matcher.get_matching_blocks()) >= least


def _dropped(one: OmittedWord, ids: Mapping[int, str]) -> DroppedWord:
    speaker, louder = (None if track is None else ids.get(track) for track in (one.track, one.louder))
    return DroppedWord(word=one.word, speaker=speaker, louder=louder)


def _with_speakers_source(receipt: Receipt) -> Receipt:
    options = {**receipt.options, SPEAKERS_OPTION: SPEAKERS_SOURCE}
    return receipt.model_copy(update={"options": dict(sorted(options.items()))})


def _all_but(merged: Sequence[Sequence[RecognizedWord]], number: int) -> list[RecognizedWord]:
    return [recognized for other, words in enumerate(merged) if other != number for recognized in words]


def _segments(
    words: Sequence[RecognizedWord], others: Sequence[RecognizedWord], language: str
) -> Iterator[Segment]:
    """Yield the sentences of one speaker; where others speak in a pause, a sentence ends there."""
    for turn in _turns(words, others):
        doubts = {place: recognized.doubt for place, recognized in enumerate(turn) if recognized.doubt}
        own = {place: recognized.language for place, recognized in enumerate(turn) if recognized.language}
        spoken = [recognized.word for recognized in turn]
        yield from to_segments(spoken, doubts, language=language, others=own)


def _turns(
    words: Sequence[RecognizedWord], others: Sequence[RecognizedWord]
) -> Iterator[list[RecognizedWord]]:
    middles_s = sorted((h.word.start_s + h.word.end_s) / 2 for h in others)
    turn: list[RecognizedWord] = []
    for recognized in words:
        if turn:
            first = bisect_left(middles_s, turn[-1].word.end_s)
            if bisect_left(middles_s, recognized.word.start_s) - first > BACKCHANNEL_WORDS:
                yield turn
                turn = []
        turn.append(recognized)
    if turn:
        yield turn
