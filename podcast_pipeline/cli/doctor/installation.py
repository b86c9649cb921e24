"""Checks of `podcast doctor`: Python, ffmpeg, the extras, the engine with its weights and its speed."""

import sys
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from podcast_pipeline.cli.doctor.finding import Check, DoctorFinding
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.extras import EXTRAS, has_extra, install_extra

if TYPE_CHECKING:
    from podcast_pipeline.transcription.known_models.speed import MeasuredSpeed

NO_SPEED = "is known for a model that has a name only"
SUPPORTED_PYTHON = ((3, 11), (3, 14))
"""First supported version, first unsupported version."""


def _check_python(_: CliSession) -> Iterator[DoctorFinding]:
    version, (first, end) = sys.version_info[:2], SUPPORTED_PYTHON
    message = f"{version[0]}.{version[1]}; supported are {first[0]}.{first[1]} to {end[0]}.{end[1] - 1}"
    yield DoctorFinding("python", first <= version < end, message)


def _check_ffmpeg(_: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.audio.ffmpeg import find_ffmpeg

    said: list[str] = []
    path = find_ffmpeg(said.append)
    yield DoctorFinding("ffmpeg", True, said[0] if said else str(path))


def _check_weights(session: CliSession) -> Iterator[DoctorFinding]:
    """Find and verify the weights as a transcription does, without loading an engine."""
    from podcast_pipeline import transcription

    settings = session.transcription
    yield DoctorFinding("engine", True, transcription.choose_engine(settings.engine))
    from podcast_pipeline.transcription import hub, weights  # not before: it loads an engine's libraries

    fetch = partial(hub.fetch_from_hub, report=session.output.report)
    found = weights.find_weights(settings.model, cache=session.cache_folder, hub=fetch)
    yield DoctorFinding("weights", True, f"{settings.model}, SHA-256 {found.sha256[:16]}…")


def _check_extras(_: CliSession) -> Iterator[DoctorFinding]:
    """Name the extras that are not installed; a command that needs one says so, too."""
    for name, extra in EXTRAS.items():
        if not has_extra(name):
            message = f"{name} is not installed ({extra.purpose}); {install_extra(name)}"
            yield DoctorFinding("extra", None, message)


def _check_precision(session: CliSession) -> Iterator[DoctorFinding]:
    """Find out in which number type the openvino engine would calculate; an unknown processor is measured."""
    from podcast_pipeline import transcription

    settings = session.transcription
    try:
        engine = transcription.choose_engine(settings.engine)
    except TranscriptionError:  # a finding of `_check_weights`
        return
    if engine == "openvino":
        from podcast_pipeline.transcription.engines.openvino.encoder_speed import encoder_time_ms
        from podcast_pipeline.transcription.engines.openvino.precision import choose_precision

        choice = choose_precision(settings.precision, encoder_time_ms)
        yield DoctorFinding("precision", True, f"{choice.precision}, {choice.reason}")


def _check_speed(session: CliSession) -> Iterator[DoctorFinding]:
    """Say how long an hour of audio takes with each model; measured where nothing was transcribed yet."""
    from podcast_pipeline import transcription
    from podcast_pipeline.transcription.known_models import speed

    try:
        known = speed.known_speeds(transcription.choose_engine(session.transcription.engine))
        if not known:
            known = [_measured_speed(session)]
            speed.remember_speed(known[0])
    except TranscriptionError:  # a finding of `_check_weights`
        return
    yield DoctorFinding("speed", True, speed.hour_line(known) or NO_SPEED)


def _measured_speed(session: CliSession) -> "MeasuredSpeed":
    from podcast_pipeline.transcription import load_transcriber
    from podcast_pipeline.transcription.known_models.measure import measure_speed
    from podcast_pipeline.transcription.transcriber import EngineTranscriber

    settings = session.transcription
    transcriber = load_transcriber(
        settings.engine, settings.model, precision=settings.precision, cache=session.cache_folder
    )
    return measure_speed(cast(EngineTranscriber, transcriber).engine)


CHECKS: dict[str, Check] = {
    "python": _check_python,
    "ffmpeg": _check_ffmpeg,
    "weights": _check_weights,
    "extras": _check_extras,
    "precision": _check_precision,
    "speed": _check_speed,
}
"""Name of a check, for a finding of what it raises -> the check; in this order."""
