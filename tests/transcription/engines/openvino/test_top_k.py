"""The best next tokens against NumPy's sort and softmax."""

import numpy as np
import pytest

from podcast_pipeline.transcription.engines.openvino.top_k import SCORE_BLOCK, TOP_K, top_k

TOKENS = 9 * SCORE_BLOCK


@pytest.mark.parametrize("scale", [0.02, 1.0, 30.0])
def test_candidates_are_the_best_with_their_probabilities(scale: float) -> None:
    """Flat or sharp: NumPy's best tokens in its order, and the logarithms of a softmax over all."""
    scores = np.random.default_rng(1).normal(0, 2, (5, TOKENS)).astype(np.float32)
    scores[:, 40:60] = -1e9  # suppressed
    scales = np.full((5, 1), scale, np.float32)
    found = top_k(scores, scales)
    scaled = scores.astype(np.float64) * scale
    probabilities = np.exp(scaled - scaled.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    expected = np.argsort(-scaled, axis=1, kind="stable")[:, :TOP_K]
    assert (found.tokens == expected).all()
    logarithms = np.log(np.take_along_axis(probabilities, expected, axis=1))
    assert np.abs(found.log_probabilities - logarithms).max() < 1e-3


def test_equal_scores_come_in_the_order_of_their_tokens() -> None:
    """A tie across blocks and within one is always broken the same way."""
    scores = np.zeros((1, TOKENS), np.float32)
    scores[0, [500, 70, 64, 3]] = 1
    found = top_k(scores, np.ones((1, 1), np.float32))
    assert found.tokens[0].tolist() == [3, 64, 70, 500, *[token for token in range(13) if token != 3]]
