"""Read CTranslate2's model.bin into arrays.

Layout (binary version 6): ctranslate2/specs/model_spec.py, `_serialize`. Query, key and value are fused
into one matrix (self attention), key and value into one (cross attention).
"""

import math
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.errors import TranscriptionError

HEAD_WIDTH = 64  # of every Whisper
DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}

Variables = Mapping[str, NDArray[np.generic]]
"""Name, like "encoder/layer_0/ffn/linear_0/weight" -> array."""


class StoredVariable(NamedTuple):
    """The place of a variable in its file."""

    offset_bytes: int
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]


class ModelFile(Mapping[str, NDArray[np.generic]]):
    """The variables of a file, each read when it is asked for: none stays in memory."""

    def __init__(self, path: Path, places: Mapping[str, StoredVariable]) -> None:
        self._path, self._places = path, places

    def __getitem__(self, name: str) -> NDArray[np.generic]:
        offset_bytes, dtype, shape = self._places[name]
        return np.fromfile(self._path, dtype, math.prod(shape), offset=offset_bytes).reshape(shape)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def read_variables(folder: Path) -> Variables:
    """Return the variables of a CTranslate2 folder, which are read when they are asked for.

    Raises:
        TranscriptionError: not a model, or its weights are quantised, which is not reversible.
    """
    path = folder / "model.bin"
    try:
        with path.open("rb") as file:
            _number(file, "I")  # binary version
            _text(file)  # specification
            _number(file, "I")  # revision of the specification
            places = dict(_place(file) for _ in range(_number(file, "I")))
    except (KeyError, ValueError, struct.error, UnicodeDecodeError) as error:
        raise TranscriptionError(folder, "is not a Whisper model in CTranslate2's format") from error
    if "encoder/conv1/weight" not in places:
        raise TranscriptionError(folder, "is not a Whisper model")
    if places["decoder/embeddings/weight"].dtype == np.int8:
        raise TranscriptionError(folder, "has quantised weights; give the float16 conversion")
    return ModelFile(path, places)


def count_layers(variables: Variables, side: str) -> int:
    """Return the number of layers of the "encoder" or the "decoder"."""
    last = "self_attention/layer_norm/gamma"
    return sum(name.startswith(f"{side}/layer_") and name.endswith(last) for name in variables)


def _place(file: BinaryIO) -> tuple[str, StoredVariable]:
    name = _text(file)
    shape = tuple(_number(file, "I") for _ in range(_number(file, "B")))
    dtype: np.dtype[np.generic] = np.dtype(DTYPES[_number(file, "B")])
    size_bytes, offset_bytes = _number(file, "I"), file.tell()
    end_bytes = offset_bytes + size_bytes
    is_cut = file.seek(0, 2) < end_bytes
    if is_cut or size_bytes != math.prod(shape) * dtype.itemsize:
        raise ValueError(name)
    file.seek(end_bytes)
    return name, StoredVariable(offset_bytes, dtype, shape)


def _number(file: BinaryIO, code: str) -> int:
    return int(struct.unpack(f"<{code}", file.read(struct.calcsize(code)))[0])


def _text(file: BinaryIO) -> str:
    return file.read(_number(file, "H"))[:-1].decode()
