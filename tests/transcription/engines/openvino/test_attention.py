"""Our cross attention against the plain formula, and the voice detector against the library it came with."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from podcast_pipeline.transcription import vad
from podcast_pipeline.transcription.engines.ct2 import HEAD_WIDTH
from podcast_pipeline.transcription.engines.openvino.attention import CrossAttentionCache
from podcast_pipeline.transcription.engines.openvino.layers import ENCODER_FRAMES
from tests.support.sounds import SAMPLE, samples_of

WINDOWS, HEADS = 3, 2
Floats = NDArray[np.float32]


@pytest.fixture(scope="module")
def parts() -> tuple[Floats, Floats]:
    """Return keys and values of some windows, shape (WINDOWS, ENCODER_FRAMES, HEADS, HEAD_WIDTH)."""
    random = np.random.default_rng(2)
    shape = (2, WINDOWS, ENCODER_FRAMES, HEADS, HEAD_WIDTH)
    keys, values = random.normal(0, random.uniform(0.1, 3, (2, 1, 1, HEADS, HEAD_WIDTH)), shape)
    keys[..., 5] = values[..., 7] = 0  # a channel of zeros
    return np.asarray(keys, np.float32), np.asarray(values, np.float32)


@pytest.fixture(scope="module")
def cache(parts: tuple[Floats, Floats]) -> CrossAttentionCache:
    """Return a cache with the same keys and values, in 8 bits."""
    room = CrossAttentionCache.allocate(WINDOWS, HEADS)
    for window, (keys, values) in enumerate(zip(*parts, strict=True)):
        for _ in range(2):  # the second call replaces the first
            rows = halves(values.reshape(ENCODER_FRAMES, -1))
            room.put(window, np.ascontiguousarray(halves(keys.reshape(ENCODER_FRAMES, -1)).T), rows)
    return room


def halves(numbers: Floats) -> NDArray[np.uint16]:
    """Return numbers as bfloat16, truncated."""
    return (np.ascontiguousarray(numbers).view(np.uint32) >> 16).astype(np.uint16)


def plain(keys: Floats, values: Floats, queries: Floats) -> Floats:
    """Return the attention of one window: softmax(queries · keys) · values."""
    scores = np.einsum("qhc,fhc->hqf", queries, keys).astype(np.float64)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return np.asarray(np.einsum("hqf,fhc->qhc", weights, values), np.float32)


def test_keys_are_within_a_quantization_step(
    parts: tuple[Floats, Floats], cache: CrossAttentionCache
) -> None:
    """A key comes back as far off as half an 8-bit step of its channel and bfloat16's own step."""
    for window, keys in enumerate(parts[0]):
        for head in range(HEADS):
            off = np.abs(cache.head_keys(window, head) - keys[:, head])
            assert (off <= cache.key_steps[window, head] / 2 + np.abs(keys[:, head]) / 128).all()


@pytest.mark.parametrize("count", [1, 2, 3, 8])
@pytest.mark.parametrize("sharpness", [0.02, 1.0])
def test_attention_is_that_of_the_formula(cache: CrossAttentionCache, count: int, sharpness: float) -> None:
    """For any number of queries, windows in any order, flat and sharp weights, on the cached numbers."""
    order = np.array([2, 0, 1])
    shape = (WINDOWS, count, HEADS, HEAD_WIDTH)
    queries = np.random.default_rng(3).normal(0, sharpness, shape).astype(np.float32)
    found = cache.attend(order, queries)
    for place, window in enumerate(order):
        keys = np.stack([cache.head_keys(window, head) for head in range(HEADS)], axis=1)
        values = (cache.values[window] * cache.value_steps[window][:, None]).transpose(1, 0, 2)
        assert np.allclose(found[place], plain(keys, values, queries[place]), atol=1e-3)


def test_values_are_within_a_quantization_step(
    parts: tuple[Floats, Floats], cache: CrossAttentionCache
) -> None:
    """A value comes back as far off as half an 8-bit step of its channel and bfloat16's own step."""
    values = parts[1].transpose(0, 2, 1, 3)
    steps = cache.value_steps[:, :, None]
    assert (np.abs(cache.values * steps - values) <= steps / 2 + np.abs(values) / 128).all()


def test_large_scores_do_not_overflow(cache: CrossAttentionCache) -> None:
    """A frame with a score far above all others is the output."""
    keys = np.zeros((ENCODER_FRAMES, HEADS, HEAD_WIDTH), np.float32)
    values = np.random.default_rng(4).normal(size=keys.shape).astype(np.float32)
    keys[700] = 100
    room = CrossAttentionCache.allocate(1, HEADS)
    room.put(
        0,
        np.ascontiguousarray(halves(keys.reshape(ENCODER_FRAMES, -1)).T),
        halves(values.reshape(ENCODER_FRAMES, -1)),
    )
    found = room.attend(np.zeros(1, np.int64), np.full((1, 1, HEADS, HEAD_WIDTH), 50, np.float32))
    assert np.allclose(found[0, 0], values[700], atol=0.05)


FOUND = """
import sys, numba, numpy as np
if sys.argv[1:]:
    numba.njit(lambda number: number + 1)(1)
from podcast_pipeline.transcription.engines.openvino.attention import CrossAttentionCache, warm_up
warm_up()
room, random = CrossAttentionCache.allocate(1, 1), np.random.default_rng(0)
keys, values = random.integers(16_000, 16_400, (2, 64 * 1500), np.uint16)
room.put(0, keys.reshape(64, 1500), values.reshape(1500, 64))
found = room.attend(np.zeros(1, np.int64), random.normal(size=(1, 2, 1, 64)).astype(np.float32))
print(found.tobytes().hex())
"""


def found_in_a_process(*before: str, **environment: str) -> Floats:
    """Return the attention output of FOUND; `before` as its arguments."""
    command = [sys.executable, "-c", FOUND, *before]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    return np.frombuffer(bytes.fromhex(done.stdout), np.float32)


def test_an_earlier_use_of_numba_changes_nothing() -> None:
    """A process in which another library has compiled with Numba first computes the same bits."""
    assert found_in_a_process("after another").tobytes() == found_in_a_process().tobytes() != b""


def test_a_processor_without_wide_registers_computes_the_same() -> None:
    """The kernels for the least processor of this architecture give the same output within rounding."""
    generic = found_in_a_process(NUMBA_CPU_NAME="generic")
    assert np.allclose(generic, found_in_a_process(), rtol=1e-4, atol=1e-6)


def test_a_kernel_is_not_taken_from_another_processor(tmp_path: Path) -> None:
    """Two sets of processor flags have a compiled kernel each in the cache, and one set keeps its own."""
    use = "from podcast_pipeline.transcription.engines.openvino.kernels import fast_exp; fast_exp(-1.0)"
    counts = []
    for name in ("generic", "", ""):
        environment = {
            **os.environ,
            "NUMBA_CACHE_DIR": str(tmp_path),
            **({"NUMBA_CPU_NAME": name} if name else {}),
        }
        subprocess.run([sys.executable, "-c", use], check=True, env=environment)
        counts.append(len([*tmp_path.rglob("*.nbc")]))
    assert counts == [1, 2, 2]


def test_the_voice_detector_is_onnxruntimes() -> None:
    """Block by block, the probabilities are those of the same model in the library it was made for."""
    samples = samples_of(SAMPLE)[: 300 * vad.FRAME_SAMPLES]
    ours = vad.VoiceActivityDetector()
    probabilities = np.concatenate([ours.speech_probabilities(block) for block in np.split(samples, 3)])
    frames = samples.reshape(-1, vad.FRAME_SAMPLES)
    before = np.vstack([np.zeros((1, vad.CONTEXT_SAMPLES)), frames[:-1, -vad.CONTEXT_SAMPLES :]])
    state = np.zeros(vad.STATE_SHAPE, np.float32)
    session = onnxruntime.InferenceSession(vad._asset(), providers=["CPUExecutionProvider"])
    feeds = {"input": np.hstack([before, frames]).astype(np.float32), "h": state, "c": state}
    assert np.abs(probabilities - session.run(None, feeds)[0].reshape(-1)).max() < 1e-4
