"""Voice activity detection: Silero's model, streamed.

The model is the ONNX file that comes with faster-whisper, read as data; the package is not imported.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.extras import install_extra
from podcast_pipeline.transcription.decode import Samples

FRAME_SAMPLES = 512  # 32 ms at 16 kHz
CONTEXT_SAMPLES = 64  # of the frame before, in front of every frame
STATE_SHAPE = (1, 1, 128)
SETTINGS = {"INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1}
ASSET = "assets/silero_vad_v6.onnx"


class VoiceActivityDetector:
    """Voice activity detection of one recording: blocks in order, the model's state kept between them."""

    def __init__(self) -> None:
        import openvino as ov  # here: a server without engines imports this module

        model = ov.Core().compile_model(_asset(), "CPU", SETTINGS)
        self._detector = model.create_infer_request()
        self._hidden = self._cell = np.zeros(STATE_SHAPE, np.float32)
        self._context = np.zeros(CONTEXT_SAMPLES, np.float32)

    def speech_probabilities(self, block: Samples) -> NDArray[np.float32]:
        """Return the probability of speech in each frame, shape (n_frames,); the last is zero-filled."""
        frames = np.pad(block, (0, -len(block) % FRAME_SAMPLES)).reshape(-1, FRAME_SAMPLES)
        tails = frames[:, -CONTEXT_SAMPLES:]
        contexts = np.vstack([self._context, tails[:-1]])
        self._context = tails[-1]
        feeds = {"input": np.hstack([contexts, frames]), "h": self._hidden, "c": self._cell}
        self._detector.infer(feeds)
        speech, self._hidden, self._cell = (np.array(output.data) for output in self._detector.output_tensors)
        return np.asarray(speech, np.float32).reshape(-1)


def _asset() -> str:
    spec = find_spec("faster_whisper")
    if spec is None or spec.origin is None:
        raise TranscriptionError(
            "voice activity detection", f"faster-whisper is not installed; {install_extra('transcribe')}"
        )
    return str(Path(spec.origin).parent / ASSET)
