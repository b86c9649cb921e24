"""Read CTranslate2's model.bin into arrays.

Layout (binary version 6): ctranslate2/specs/model_spec.py, `_serialize`. Query, key and value are fused
into one matrix (self attention), key and value into one (cross attention).
"""

import math
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.errors import TranscriptionError

HEAD_WIDTH = 64  # of every Whisper
DTYPES: Mapping[int, type[np.generic]] = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}

Variables = Mapping[str, NDArray[np.generic]]
"""Name, like "encoder/layer_0/ffn/linear_0/weight" -> array."""


class VariablePlace(NamedTuple):
    """Where the numbers of a variable are in the file."""

    shape: tuple[int, ...]
    dtype: type[np.generic]
    offset: int


class MappedVariables(Mapping[str, NDArray[np.generic]]):
    """The variables of a file, each mapped into memory while somebody uses it.

    So the numbers of a large model are never in memory all at once.
    """

    def __init__(self, path: Path, places: Mapping[str, VariablePlace]) -> None:
        self._path, self._places = path, places

    def __getitem__(self, name: str) -> NDArray[np.generic]:
        shape, dtype, offset = self._places[name]
        return np.memmap(self._path, dtype, "r", offset, shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def read_variables(folder: Path) -> Variables:
    """Return the variables of a CTranslate2 folder; their numbers are read when they are used.

    Raises:
        TranscriptionError: not a model, or its weights are quantised, which is not reversible.
    """
    path = folder / "model.bin"
    try:
        with path.open("rb") as file:
            _number(file, "I")  # binary version
            _text(file)  # specification
            _number(file, "I")  # revision of the specification
            places = dict(_variable(file) for _ in range(_number(file, "I")))
    except (KeyError, ValueError, struct.error, UnicodeDecodeError) as error:
        raise TranscriptionError(folder, "is not a Whisper model in CTranslate2's format") from error
    variables = MappedVariables(path, places)
    if "encoder/conv1/weight" not in variables:
        raise TranscriptionError(folder, "is not a Whisper model")
    if variables["decoder/embeddings/weight"].dtype == np.int8:
        raise TranscriptionError(folder, "has quantised weights; give the float16 conversion")
    return variables


def count_layers(variables: Variables, side: str) -> int:
    """Return the number of layers of the "encoder" or the "decoder"."""
    last = "self_attention/layer_norm/gamma"
    return sum(name.startswith(f"{side}/layer_") and name.endswith(last) for name in variables)


def _variable(file: BinaryIO) -> tuple[str, VariablePlace]:
    """Return the next variable and leave the file behind it."""
    name = _text(file)
    shape = tuple(_number(file, "I") for _ in range(_number(file, "B")))
    dtype = DTYPES[_number(file, "B")]
    size_bytes, offset = _number(file, "I"), file.tell()
    if size_bytes != math.prod(shape) * np.dtype(dtype).itemsize:
        raise ValueError(name)
    if file.seek(size_bytes, os.SEEK_CUR) > os.fstat(file.fileno()).st_size:
        raise ValueError(name)
    return name, VariablePlace(shape, dtype, offset)


def _number(file: BinaryIO, code: str) -> int:
    return int(struct.unpack(f"<{code}", file.read(struct.calcsize(code)))[0])


def _text(file: BinaryIO) -> str:
    return file.read(_number(file, "H"))[:-1].decode()
