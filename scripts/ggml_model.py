"""Write whisper.cpp's model file from a CTranslate2 folder, so that all engines of a bench have the same.

Format: models/convert-pt-to-ggml.py of whisper.cpp.
"""

import base64
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import whisper
from numpy.typing import NDArray

from podcast_pipeline.transcription.engines import ct2_to_openai

MAGIC = 0x67676D6C  # "ggml"
F32, F16 = 0, 1
ASSETS = Path(whisper.__file__).parent / "assets"
IN_F32 = ("positional_embedding", "conv1.bias", "conv2.bias")


def write(folder: Path, path: Path) -> Path:
    """Write the model of a CTranslate2 folder to `path` with float16 matrices, once."""
    if not path.exists():
        model = ct2_to_openai.load_openai_model(folder)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            _write_head(file, model.dims)
            for token in _tokens(multilingual=model.is_multilingual):
                file.write(struct.pack("i", len(token)) + token)
            for name, tensor in model.state_dict().items():
                _write_tensor(file, name, tensor.squeeze().numpy())
        part.replace(path)
    return path


def _write_head(file: BinaryIO, dims: Any) -> None:
    numbers = (
        *(dims.n_vocab, dims.n_audio_ctx, dims.n_audio_state, dims.n_audio_head, dims.n_audio_layer),
        *(dims.n_text_ctx, dims.n_text_state, dims.n_text_head, dims.n_text_layer, dims.n_mels, F16),
    )
    file.write(struct.pack("12i", MAGIC, *numbers))
    with np.load(ASSETS / "mel_filters.npz") as filters:
        mel = filters[f"mel_{dims.n_mels}"].astype("<f4")
    file.write(struct.pack("2i", *mel.shape) + mel.tobytes())
    file.write(struct.pack("i", sum(1 for _ in _tokens(multilingual=dims.n_vocab >= 51865))))


def _tokens(*, multilingual: bool) -> Iterator[bytes]:
    name = "multilingual" if multilingual else "gpt2"
    for line in (ASSETS / f"{name}.tiktoken").read_bytes().splitlines():
        if line:
            yield base64.b64decode(line.split()[0])


def _write_tensor(file: BinaryIO, name: str, values: NDArray[np.float32]) -> None:
    data = values.reshape(-1, 1) if name.endswith(("conv1.bias", "conv2.bias")) else values
    kind = F32 if data.ndim < 2 or name.endswith(IN_F32) else F16
    file.write(struct.pack("3i", data.ndim, len(name), kind))
    file.write(struct.pack(f"{data.ndim}i", *reversed(data.shape)) + name.encode())
    file.write(data.astype("<f2" if kind == F16 else "<f4").tobytes())
