"""Read CTranslate2's model.bin into arrays.

Layout (binary version 6): ctranslate2/specs/model_spec.py, `_serialize`. Query, key and value are fused
into one matrix (self attention), key and value into one (cross attention).
"""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.errors import TranscriptionError

HEAD_WIDTH = 64  # of every Whisper
DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}

Variables = Mapping[str, NDArray[np.generic]]
"""Name, like "encoder/layer_0/ffn/linear_0/weight" -> array."""


def read_variables(folder: Path) -> Variables:
    """Return the variables of a CTranslate2 folder.

    Raises:
        TranscriptionError: not a model, or its weights are quantised, which is not reversible.
    """
    try:
        with (folder / "model.bin").open("rb") as file:
            _number(file, "I")  # binary version
            _text(file)  # specification
            _number(file, "I")  # revision of the specification
            variables = dict(_variable(file) for _ in range(_number(file, "I")))
    except (KeyError, ValueError, struct.error, UnicodeDecodeError) as error:
        raise TranscriptionError(folder, "is not a Whisper model in CTranslate2's format") from error
    if "encoder/conv1/weight" not in variables:
        raise TranscriptionError(folder, "is not a Whisper model")
    if variables["decoder/embeddings/weight"].dtype == np.int8:
        raise TranscriptionError(folder, "has quantised weights; give the float16 conversion")
    return variables


def count_layers(variables: Variables, side: str) -> int:
    """Return the number of layers of the "encoder" or the "decoder"."""
    last = "self_attention/layer_norm/gamma"
    return sum(name.startswith(f"{side}/layer_") and name.endswith(last) for name in variables)


def _variable(file: BinaryIO) -> tuple[str, NDArray[np.generic]]:
    name = _text(file)
    shape = [_number(file, "I") for _ in range(_number(file, "B"))]
    dtype = DTYPES[_number(file, "B")]
    return name, np.frombuffer(file.read(_number(file, "I")), dtype).reshape(shape)


def _number(file: BinaryIO, code: str) -> int:
    return int(struct.unpack(f"<{code}", file.read(struct.calcsize(code)))[0])


def _text(file: BinaryIO) -> str:
    return file.read(_number(file, "H"))[:-1].decode()
