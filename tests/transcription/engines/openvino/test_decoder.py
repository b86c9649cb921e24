"""The openvino engine's decoder against CTranslate2's, with the same real weights."""

import re
from collections.abc import Sequence
from itertools import pairwise

import ctranslate2
import numpy as np
import pytest

from podcast_pipeline.transcript.names.spelling import SpellingChecker
from podcast_pipeline.transcription import hub, weights
from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ, Samples
from podcast_pipeline.transcription.engine import DecodingOptions, EngineWord
from podcast_pipeline.transcription.engines.openvino.beam_search import beam_search
from podcast_pipeline.transcription.engines.openvino.engine import OpenVino, _prompt_tokens
from podcast_pipeline.transcription.engines.openvino.mel import log_mel
from tests.support.sounds import SAMPLE, samples_of

MODEL = "tiny.en"
NAMES = "Jarvis Lorry, Mrs. Southcott, Cock-lane"


def load(tmp_path_factory: pytest.TempPathFactory, precision: str) -> OpenVino:
    """Return the engine with a small model."""
    cache = tmp_path_factory.mktemp("cache")
    return OpenVino(weights.find_weights(MODEL, cache=cache, hub=hub.fetch_from_hub), precision)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> OpenVino:
    """Return the engine as it runs on this processor."""
    return load(tmp_path_factory, "auto")


@pytest.fixture(scope="module")
def exact_engine(tmp_path_factory: pytest.TempPathFactory) -> OpenVino:
    """Return the engine in the number type of the peer."""
    return load(tmp_path_factory, "f32")


@pytest.fixture(scope="module")
def windows() -> list[Samples]:
    """Return three windows of the sample, of different lengths."""
    samples = samples_of(SAMPLE)
    bounds = [int(second * SAMPLE_RATE_HZ) for second in (0, 8.4, 17.5, 38.2)]
    return [samples[a:b] for a, b in pairwise(bounds)]


def transcribe(
    engine: OpenVino, windows: Sequence[Samples], beams: int, prompt: str = ""
) -> list[tuple[EngineWord, ...]]:
    return engine.transcribe_windows(windows, DecodingOptions("en", beams, prompt))


def text(words: Sequence[EngineWord]) -> str:
    return "".join(word.text for word in words)


def plain(words: Sequence[EngineWord]) -> list[str]:
    return re.findall(r"\w+", text(words).lower())


@pytest.mark.parametrize("prompt", ["", NAMES])
def test_the_same_words_as_ctranslate2(exact_engine: OpenVino, windows: list[Samples], prompt: str) -> None:
    """With greedy decoding both return the same words for every window, with a prompt and without."""
    engine = exact_engine
    peer = ctranslate2.models.Whisper(str(engine.weights.path), device="cpu", compute_type="float32")
    mels = np.stack([log_mel(window, n_mels=80, n_frames=3000) for window in windows])
    starts = [_prompt_tokens(engine._tokenizer("en"), prompt)] * len(windows)
    results = peer.generate(ctranslate2.StorageView.from_array(mels), starts, beam_size=1)
    theirs = [engine._text.decode(result.sequences_ids[0]) for result in results]
    ours = transcribe(engine, windows, 1, prompt)
    assert [plain(words) for words in ours] == [re.findall(r"\w+", said.lower()) for said in theirs]


@pytest.mark.parametrize("beams", [1, 2, 5])
def test_windows_have_the_same_words_alone(engine: OpenVino, windows: list[Samples], beams: int) -> None:
    """A window's words do not depend on what else is in its batch, nor on its place."""
    together = transcribe(engine, [*windows, windows[0]], beams)
    assert together[0] == together[3]
    for window, words in zip(windows, together[:3], strict=True):
        (alone,) = transcribe(engine, [window], beams)
        assert text(alone) == text(words)
        assert np.allclose([w.start_s for w in alone], [w.start_s for w in words], atol=0.1)


def test_two_runs_are_the_same(engine: OpenVino, windows: list[Samples]) -> None:
    """The same batch gives the same numbers, whatever its worker transcribed before."""
    first = transcribe(engine, windows, 2)
    transcribe(engine, windows[:1], 5, NAMES)
    assert all(transcribe(engine, windows, 2) == first for _ in range(engine.workers + 1))


def test_prompts_of_different_lengths_in_a_batch(engine: OpenVino, windows: list[Samples]) -> None:
    """A window whose prompt is shorter than its neighbour's has the scores that it has alone."""
    tokenizer = engine._tokenizer("en")
    starts = [[*tokenizer.sot_sequence, tokenizer.no_timestamps]]
    starts.append([tokenizer.sot_prev, *tokenizer.encode(f" {NAMES}"), *starts[0]])
    with engine._borrow_worker(windows[:1] * 2) as (worker, _):
        both = worker.next_token_scores(starts)
        apart = [worker.next_token_scores([start])[0] for start in starts]
    for row, alone in zip(both, apart, strict=True):
        assert int(np.argmax(row)) == int(np.argmax(alone))
        assert np.abs(row - alone).mean() < 0.05 * np.abs(alone).mean()


def test_text_is_not_longer_than_the_context(engine: OpenVino) -> None:
    """A window of noise ends, at the latest when the text's context is full."""
    noise = np.random.default_rng(0).normal(0, 0.3, 5 * SAMPLE_RATE_HZ).astype(np.float32)
    (words,) = transcribe(engine, [noise], 2, ", ".join([NAMES] * 40))
    assert len(words) <= 224


def test_log_likelihoods_agree_with_the_search(engine: OpenVino, windows: list[Samples]) -> None:
    """In every slot, for the whole text and for an ending; a text with an extra word is less likely."""
    tokenizer = engine._tokenizer("en")
    start = _prompt_tokens(tokenizer, "")
    with engine._borrow_worker(windows) as (worker, _):
        texts, order = beam_search(
            worker,
            [start] * 3,
            beam_size=2,
            max_tokens=100,
            end_token=tokenizer.eot,
            suppressed_first=engine._suppressed_first,
        )
        for place, window in enumerate(order):
            tokens = [*texts[window].tokens, tokenizer.eot]
            whole, more = worker.log_likelihoods(
                place, start, [tokens, [*tokens[:6], tokens[9], *tokens[6:]]]
            )
            (ending,) = worker.log_likelihoods(place, [*start, *tokens[:5]], [tokens[5:]])
            assert whole == pytest.approx(texts[window].total, abs=1.0)
            assert ending == pytest.approx(whole - sum(texts[window].log_probabilities[:5]), abs=1.0)
            assert more < whole - 3


def test_a_spoken_word_is_not_replaced_by_a_homophone(engine: OpenVino, windows: list[Samples]) -> None:
    """The engine finds the spoken word likelier than other words."""

    class Doubting(SpellingChecker):
        def homophones(self, word: str, confidence: float) -> tuple[str, ...]:
            assert 0 < confidence <= 1
            return ("kingdom", "freedom") if word == "wisdom" else ()

    plain, doubted = (
        text(engine.transcribe_windows(windows, DecodingOptions("en", 2, spelling=spelling))[0])
        for spelling in (SpellingChecker(), Doubting())
    )
    assert doubted == plain
    assert "wisdom" in plain
