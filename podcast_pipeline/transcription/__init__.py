"""Speech recognition: one protocol, an adapter per engine, chosen by name and imported on use."""

import ctypes
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.extras import has_extra, install_extra
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
"""Name to "module:Class", the best for a CPU first. Each class takes Weights and is an `Engine`.

That of openvino takes a precision, too.
"""

PRECISIONS = (AUTO, "bf16", "f32", "int8")
"""Number types of the openvino engine; `auto` is the fastest on the processor."""

FOR_CUDA = "faster-whisper"
NEEDS = {"openvino": "transcribe", "faster-whisper": "transcribe", "openai-whisper": "whisper"}
"""Name to the extra that has it; to find voice activity all need openvino and a model in faster_whisper."""


@dataclass(frozen=True)
class Machine:
    """The properties of a machine that decide which engine `auto` stands for.

    Attributes:
        installed: names in ENGINES whose packages are installed.
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
        self,
        recording: Path,
        *,
        options: TranscriptionOptions,
        report: ProgressCallback,
        announced_s: float | None = None,
    ) -> Transcript:
        """Return the words of an audio file.

        Args:
            recording: any file that ffmpeg reads.
            report: progress callback, in seconds of audio.
            announced_s: seconds of audio whose time a line tells before the work; None for those of the
                recording, 0 for no line.

        Returns:
            A Transcript in recording times with a receipt; no segments if there is no speech.

        Raises:
            AudioError: the file cannot be decoded.
            TranscriptionError: the model does not support the language (English-only weights, French).
        """


def _drop(_: object) -> None:
    """Drop a progress event or a note."""


def this_machine() -> Machine:
    """Return the properties of this machine, without loading an engine."""
    installed = frozenset(name for name, extra in NEEDS.items() if has_extra(extra))
    return Machine(installed, cuda=_has_cuda())


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
        raise TranscriptionError("speech engine", f"none is installed; {install_extra('transcribe')}")
    if engine not in ENGINES:
        raise TranscriptionError(engine, f"no such engine; known are {', '.join([AUTO, *ENGINES])}")
    if engine not in machine.installed:
        raise TranscriptionError(engine, f"is not installed; {install_extra(NEEDS[engine])}")
    return engine


def load_transcriber(
    engine: str,
    model: str,
    *,
    precision: str = AUTO,
    cache: Path,
    report: ProgressCallback = _drop,
    note: Callable[[str], None] = _drop,
) -> Transcriber:
    """Return an engine loaded with the verified weights of a model.

    Args:
        engine: a name in ENGINES, or `auto`.
        model: a Whisper size ("base"), or a path; see `weights.find_weights`.
        precision: a name in PRECISIONS; the other engines have their own and ignore it.
        cache: folder for derived files that are kept between runs.
        report: called with the progress of fetching the weights.
        note: called with one line before a long transcription: how long it will take.

    Raises:
        TranscriptionError: no such engine, model or precision, or the weights cannot be obtained.
    """
    name = choose_engine(engine)
    if precision not in PRECISIONS:
        raise TranscriptionError(precision, f"no such precision; known are {', '.join(PRECISIONS)}")
    # Imported here: these load numpy, openvino or torch, and a command that prints help must not.
    from podcast_pipeline.transcription import hub, weights
    from podcast_pipeline.transcription.transcriber import EngineTranscriber

    fetch = partial(hub.fetch_from_hub, report=report)
    verified = weights.find_weights(model, cache=cache, hub=fetch)
    module, _, class_name = ENGINES[name].partition(":")
    options = {"precision": precision} if name == "openvino" else {}
    chosen = getattr(import_module(module), class_name)(verified, **options)
    return EngineTranscriber(chosen, cache=cache, note=note)


def _has_cuda() -> bool:
    """Tell whether NVIDIA's driver finds a GPU and cuBLAS can be loaded: CTranslate2 needs both."""
    count = ctypes.c_int()
    try:
        driver = ctypes.CDLL("libcuda.so.1")
        ctypes.CDLL("libcublas.so.12")
    except OSError:
        return False
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
