"""Measure in a few seconds how fast this machine transcribes, for `podcast doctor` on a new one."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ
from podcast_pipeline.transcription.engine import DecodingOptions, Engine
from podcast_pipeline.transcription.known_models.speed import MeasuredSpeed, decoder_share

WINDOW_S = 30.0
FAINT = 0.001  # of full scale: noise in which a model finds few words or none


def measure_speed(engine: Engine) -> MeasuredSpeed:
    """Return an engine's speed from one window for each of its workers.

    The windows have no words, so the time is that of the encoder; the decoder's is added by calculation.
    """
    noise = np.random.default_rng(0).normal(0, FAINT, int(WINDOW_S * SAMPLE_RATE_HZ)).astype(np.float32)
    options = DecodingOptions(min(engine.languages & {"en"} or engine.languages), beam_size=1)
    with ThreadPoolExecutor(engine.workers) as pool:
        for _ in range(2):  # the first round warms up
            begin_s = time.perf_counter()
            list(pool.map(lambda _: engine.transcribe_windows([noise], options), range(engine.workers)))
            encoder_s = time.perf_counter() - begin_s
    model = engine.weights.model
    return MeasuredSpeed(
        engine=engine.name,
        model=model,
        audio_s=WINDOW_S * engine.workers,
        wall_s=encoder_s / (1 - decoder_share(model)),
    )
