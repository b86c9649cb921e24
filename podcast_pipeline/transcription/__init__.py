"""Speech recognition: one protocol, an adapter per engine, chosen by name and imported on use."""

import ctypes
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.model import ProgressCallback, Transcript

# Importing openvino sends telemetry to its maker; without this module it uses its own stub.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

AUTO = "auto"
Style = Literal["clean", "verbatim"]
ENGINES: Mapping[str, str] = {
    "openvino": "podcast_pipeline.transcription.engines.openvino.engine:OpenVino",
    "faster-whisper": "podcast_pipeline.transcription.engines.faster_whisper:FasterWhisper",
    "openai-whisper": "podcast_pipeline.transcription.engines.openai_whisper:OpenAIWhisper",
}
"""Name to "module:Class", the best for a CPU first. Each class takes Weights and is an `Engine`."""

FOR_CUDA = "faster-whisper"
NEEDS = {"openvino": "openvino", "faster-whisper": "faster_whisper", "openai-whisper": "whisper"}
"""Name to the package that must be installed."""


@dataclass(frozen=True)
class Machine:
    """The properties of a machine that decide which engine `auto` stands for.

    Attributes:
        installed: names in ENGINES whose package is installed.
        cuda: there is a GPU with a driver and the libraries that CTranslate2 needs.
    """

    installed: frozenset[str]
    cuda: bool


@dataclass(frozen=True)
class TranscriptionOptions:
    """Options that change the words. All are part of a transcript's cache key and receipt.

    Attributes:
        language: ISO 639-1, None to detect the language.
        usual_language: of the show, which is listened for unless another one is heard throughout the begin;
            None where there is none.
        languages: ISO 639-1, two or more that are spoken by turns; empty where there is one. `language`
            counts before it.
        style: "clean", or "verbatim" with the fillers and stumbles.
        names: names and terms that may occur, the most important first; the prompt of a window contains
            those that resemble its words.
        beam_size: width of the beam search; None for 2 in English and 5 in other languages.
    """

    language: str | None = None
    usual_language: str | None = None
    languages: tuple[str, ...] = ()
    style: Style = "clean"
    names: tuple[str, ...] = ()
    beam_size: int | None = None


class Transcriber(Protocol):
    """An engine with its weights loaded."""

    def transcribe(
        self, recording: Path, *, options: TranscriptionOptions, report: ProgressCallback
    ) -> Transcript:
        """Return the words of an audio file.

        Args:
            recording: any file that ffmpeg reads.
            report: progress callback, in seconds of audio.

        Returns:
            A Transcript in recording times with a receipt; no segments if there is no speech.

        Raises:
            AudioError: the file cannot be decoded.
            TranscriptionError: the model does not support the language (English-only weights, French).
        """


def this_machine() -> Machine:
    """Return the properties of this machine, without loading an engine."""
    return Machine(frozenset(name for name, package in NEEDS.items() if find_spec(package)), cuda=_has_cuda())


def choose_engine(engine: str, machine: Machine | None = None) -> str:
    """Return the engine that a name stands for; `auto` is the fastest installed one.

    Args:
        machine: None for this machine.

    Raises:
        TranscriptionError: no such engine (the known names are listed), or it is not installed.
    """
    machine = machine or this_machine()
    if engine == AUTO:
        order = [FOR_CUDA, *ENGINES] if machine.cuda else [*ENGINES]
        engine = next((name for name in order if name in machine.installed), "")
    if not engine:
        raise TranscriptionError(AUTO, "no engine is installed; run `pip install podcast-pipeline`")
    if engine not in ENGINES:
        raise TranscriptionError(engine, f"no such engine; known are {', '.join([AUTO, *ENGINES])}")
    if engine not in machine.installed:
        raise TranscriptionError(engine, f"is not installed; run `pip install {engine}`")
    return engine


def load_transcriber(engine: str, model: str, *, cache: Path) -> Transcriber:
    """Return an engine loaded with the verified weights of a model.

    Args:
        engine: a name in ENGINES, or `auto`.
        model: a Whisper size ("base"), or a path; see `weights.find_weights`.
        cache: folder for derived files that are kept between runs.

    Raises:
        TranscriptionError: no such engine or model, or the weights cannot be obtained.
    """
    name = choose_engine(engine)
    # Imported here: these load numpy, openvino or torch, and a command that prints help must not.
    from podcast_pipeline.transcription import hub, weights
    from podcast_pipeline.transcription.transcriber import EngineTranscriber

    verified = weights.find_weights(model, cache=cache, hub=hub.fetch_from_hub)
    module, _, class_name = ENGINES[name].partition(":")
    return EngineTranscriber(getattr(import_module(module), class_name)(verified), cache=cache)


def _has_cuda() -> bool:
    """Tell whether NVIDIA's driver finds a GPU and cuBLAS can be loaded: CTranslate2 needs both."""
    count = ctypes.c_int()
    try:
        driver = ctypes.CDLL("libcuda.so.1")
        ctypes.CDLL("libcublas.so.12")
    except OSError:
        return False
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
