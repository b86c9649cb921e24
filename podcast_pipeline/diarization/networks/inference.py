"""Run the two networks, each in as many threads as there are workers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from podcast_pipeline.diarization.fbank import Features, Samples
from podcast_pipeline.diarization.networks.campplus import EMBEDDING_SIZE, build_voice_graph
from podcast_pipeline.diarization.networks.canvases import (
    CANVAS_FRAMES,
    MOST_PIECES,
    lay_pieces,
    place_pieces,
)
from podcast_pipeline.diarization.networks.checkpoint import read_checkpoint
from podcast_pipeline.diarization.networks.segmentation import build_activity_graph, build_filter_graph

BATCH = 16  # windows whose LSTMs run at once: the same on every machine

Scores = NDArray[np.float32]
"""float32, shape (n_windows, n_frames, 7): of each class of the powerset."""

Voices = NDArray[np.float32]
"""float32, shape (n, EMBEDDING_SIZE), not normalised."""


class SpeakerNetworks:
    """segmentation-3.0 and CAM++, for the number of threads that may call at once."""

    def __init__(self, segmentation: Path, embedding: Path, *, workers: int) -> None:
        speech, voice = read_checkpoint(segmentation), read_checkpoint(embedding)
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "NUM_STREAMS": workers,
            "INFERENCE_NUM_THREADS": workers,
            "ENABLE_CPU_PINNING": False,
        }
        core = ov.Core()
        models = [
            core.compile_model(model, "CPU", settings)
            for model in (
                build_filter_graph(speech),
                build_activity_graph(speech, BATCH),
                build_voice_graph(voice, CANVAS_FRAMES, MOST_PIECES),
            )
        ]
        self._idle: SimpleQueue[list[ov.InferRequest]] = SimpleQueue()
        for _ in range(workers):
            self._idle.put([model.create_infer_request() for model in models])

    def segment(self, windows: Sequence[Samples]) -> Scores:
        """Return the scores of up to BATCH windows of WINDOW_SAMPLES."""
        with self._borrow() as (filters, activity, _):
            features = np.zeros(activity.input_tensors[0].shape, np.float32)
            for place, window in enumerate(windows):
                features[place] = _infer(filters, [window[None]])[0]
            return _infer(activity, [features])[: len(windows)].copy()

    def embed(self, pieces: Sequence[Features]) -> Voices:
        """Return the embedding of each piece; lengths as in `place_pieces`."""
        with self._borrow() as (*_, voices):
            embeddings = np.empty((len(pieces), EMBEDDING_SIZE), np.float32)
            for places in place_pieces([len(piece) for piece in pieces]):
                found = _infer(voices, lay_pieces(pieces, places))[0].T
                embeddings[list(places)] = found[: len(places)]
        return embeddings

    @contextmanager
    def _borrow(self) -> Iterator[list[ov.InferRequest]]:
        requests = self._idle.get()
        try:
            yield requests
        finally:
            self._idle.put(requests)


def _infer(request: ov.InferRequest, inputs: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:
    """Return the output of a graph; the next call overwrites it."""
    for place, value in enumerate(inputs):
        request.set_input_tensor(place, ov.Tensor(np.ascontiguousarray(value), shared_memory=True))
    request.infer()
    output: NDArray[np.float32] = request.get_output_tensor().data
    return output
