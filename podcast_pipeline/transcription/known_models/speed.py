"""How long a transcription takes on this machine, from what was transcribed here before.

What is remembered is one small file for each engine and model in the user's cache folder, whatever the show.
A model that was never used here is estimated from the one nearest in work.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from podcast_pipeline.files import user_cache_folder, write_atomically
from podcast_pipeline.model import FrozenModel
from podcast_pipeline.transcription.known_models.table import PUBLISHED_MODELS, ModelShape

COMPARED = ("tiny", "base", "small", "medium", "large-v3-turbo", "distil-large-v3.5", "large-v3")
"""The models whose times `podcast doctor` names."""

HOUR_S = 3600.0
SHORTEST_S = 120.0  # of speech; less says nothing of a speed
LONG_S = 60.0  # of a transcription that is announced
MEL_FRAMES, ENCODER_FRAMES = 3000, 1500  # of a window
TOKENS, BEAMS = 100, 2  # of a window of English conversation
GROWTH = 0.9  # exponent of the time in the work, larger matrices being faster (docs/evidence/performance.md)
DECODER_FACTOR = 4  # a multiplication of the decoder, which waits for memory, in those of an 8-bit encoder


MeasuredSeconds = Annotated[float, Field(ge=1e-9, le=1e9)]
"""Seconds that a clock may have measured; a damaged file may have any number."""


class MeasuredSpeed(FrozenModel):
    """The time that some audio took.

    Attributes:
        audio_s: seconds of audio in the transcribed windows.
        wall_s: seconds that their transcription took.
    """

    engine: str
    model: str
    audio_s: MeasuredSeconds
    wall_s: MeasuredSeconds

    @property
    def hour_s(self) -> float:
        """Seconds that an hour of audio takes."""
        return HOUR_S * self.wall_s / self.audio_s


def remember_speed(measured: MeasuredSpeed) -> None:
    """Keep the speed of an engine with a model; nothing is kept where the folder cannot be written."""
    with suppress(OSError):
        name = f"{measured.engine} {measured.model.replace('/', '--')}.json"
        write_atomically(_folder() / name, measured.model_dump_json(indent=1).encode())


def known_speeds(engine: str) -> list[MeasuredSpeed]:
    """Return the speeds that were measured with an engine on this machine."""
    found = list[MeasuredSpeed]()
    for path in sorted(_folder().glob(f"{engine} *.json")):
        with suppress(OSError, ValidationError):
            found.append(MeasuredSpeed.model_validate_json(path.read_bytes()))
    return found


def estimate_hour_s(model: str, known: Sequence[MeasuredSpeed]) -> float | None:
    """Return the seconds that an hour of audio takes with a model; None where nothing tells it.

    Args:
        known: speeds of the same engine.
    """
    for measured in known:
        if measured.model == model:
            return measured.hour_s
    work = _work(model)
    comparable = [(measured, at) for measured in known if (at := _work(measured.model))]
    if not (work and comparable):
        return None
    nearest, at = min(comparable, key=lambda one: abs(math.log(one[1] / work)))
    return nearest.hour_s * math.pow(work / at, GROWTH)


def encoder_work(shape: ModelShape) -> float:
    """Return the multiplications of the encoder for one window, with the decoder's keys and values."""
    width = shape.width
    convolutions = 3 * shape.n_mels * width * MEL_FRAMES + 3 * width**2 * ENCODER_FRAMES
    layer = 12 * width**2 * ENCODER_FRAMES + 2 * ENCODER_FRAMES**2 * width
    keys_and_values = 2 * width**2 * ENCODER_FRAMES * shape.decoder_layers
    return convolutions + shape.encoder_layers * layer + keys_and_values


def decoder_work(shape: ModelShape) -> float:
    """Return the multiplications of the decoder for one window, in those of the encoder."""
    layer = 14 * shape.width**2 + 2 * ENCODER_FRAMES * shape.width
    token = shape.decoder_layers * layer + shape.vocabulary * shape.width
    return DECODER_FACTOR * TOKENS * BEAMS * token


def about(seconds: float) -> str:
    """Return a duration as a person says it: "40 s", "3 min", "2 h 10 min"."""
    if seconds < 90:
        return f"{max(10, round(seconds, -1)):.0f} s"
    minutes = max(2, round(seconds / 60))
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(round(minutes, -1), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def hour_line(known: Sequence[MeasuredSpeed]) -> str:
    """Return what an hour of audio takes with each compared model; "" where nothing is known."""
    estimates = [(model, estimate_hour_s(model, known)) for model in COMPARED]
    parts = [f"{about(hour_s)} with {model}" for model, hour_s in estimates if hour_s]
    return f"one hour of audio takes about {', '.join(parts)}" if parts else ""


def waiting_line(model: str, audio_s: float, known: Sequence[MeasuredSpeed]) -> str:
    """Return how long a recording will take: "about 3 min for 58 min of audio with base"; "" if unknown."""
    hour_s = estimate_hour_s(model, known)
    wall_s = audio_s / HOUR_S * hour_s if hour_s else 0.0
    if wall_s < LONG_S:
        return ""
    return f"about {about(wall_s)} for {about(audio_s)} of audio with {model}"


def decoder_share(model: str) -> float:
    """Return the decoder's part of a model's work, 0 to 1; 0 for a model that has no name."""
    if model not in PUBLISHED_MODELS:
        return 0.0
    shape = PUBLISHED_MODELS[model].shape
    return decoder_work(shape) / (encoder_work(shape) + decoder_work(shape))


def _work(model: str) -> float | None:
    published = PUBLISHED_MODELS.get(model)
    return encoder_work(published.shape) + decoder_work(published.shape) if published else None


def _folder() -> Path:
    return user_cache_folder() / "speed"
