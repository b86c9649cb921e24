"""Measure a piece of Whisper's encoder on this processor, without a model."""

import time

import numpy as np
import openvino as ov

from podcast_pipeline.transcription.engines.ct2 import Variables
from podcast_pipeline.transcription.engines.openvino.encoder import MEL_FRAMES, build_encoder_graph
from podcast_pipeline.transcription.engines.openvino.layers import ENCODER_FRAMES
from podcast_pipeline.transcription.engines.openvino.precision import (
    choose_precision,
    compile_settings,
    layer_builder,
)

WIDTH, N_MELS = 512, 80  # of `base`
RUNS = 3


def encoder_time_ms(precision: str) -> float:
    """Return the milliseconds that an encoder of one layer takes for a window, in one thread."""
    choice = choose_precision(precision, encoder_time_ms)
    graph = build_encoder_graph(layer_builder(choice, _random_variables()))
    compiled = ov.Core().compile_model(graph, "CPU", compile_settings(choice.encoder_hint, streams=1))
    mel = np.zeros((1, N_MELS, MEL_FRAMES), np.float32)
    return 1000 * min(_duration_s(compiled.create_infer_request(), mel) for _ in range(RUNS))


def _duration_s(request: ov.InferRequest, mel: object) -> float:
    begin = time.thread_time()
    request.infer([mel])
    return time.thread_time() - begin


def _random_variables() -> Variables:
    """Return the variables of an encoder of one layer, and of the keys and values for one of the decoder."""
    random, layer = np.random.default_rng(0), "encoder/layer_0"
    matrices = {
        "encoder/conv1": (WIDTH, N_MELS, 3),
        "encoder/conv2": (WIDTH, WIDTH, 3),
        f"{layer}/self_attention/linear_0": (3 * WIDTH, WIDTH),
        f"{layer}/self_attention/linear_1": (WIDTH, WIDTH),
        f"{layer}/ffn/linear_0": (4 * WIDTH, WIDTH),
        f"{layer}/ffn/linear_1": (WIDTH, 4 * WIDTH),
        "decoder/layer_0/attention/linear_1": (2 * WIDTH, WIDTH),
    }
    norms = [f"{layer}/self_attention", f"{layer}/ffn", "encoder", "decoder/layer_0/self_attention"]
    return {
        "encoder/position_encodings/encodings": random.normal(size=(ENCODER_FRAMES, WIDTH)),
        **{f"{name}/weight": random.normal(0, 0.05, shape) for name, shape in matrices.items()},
        **{f"{name}/bias": np.zeros(shape[0]) for name, shape in matrices.items()},
        **{f"{name}/layer_norm/gamma": np.ones(WIDTH) for name in norms},
        **{f"{name}/layer_norm/beta": np.zeros(WIDTH) for name in norms},
    }
