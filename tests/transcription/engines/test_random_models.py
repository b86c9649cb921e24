"""Models of other shapes than the packaged ones load in every engine: v3's spectrogram and vocabulary."""

from collections.abc import Callable
from pathlib import Path

import ctranslate2
import numpy as np
import pytest
import tokenizers

from podcast_pipeline.transcription.engine import DecodingOptions
from podcast_pipeline.transcription.engines import ct2
from podcast_pipeline.transcription.engines.faster_whisper import FasterWhisper
from podcast_pipeline.transcription.engines.openvino.encoder import MEL_FRAMES
from podcast_pipeline.transcription.engines.openvino.engine import OpenVino
from podcast_pipeline.transcription.engines.openvino.mel import log_mel
from podcast_pipeline.transcription.known_models.table import MULTILINGUAL_V3, ModelShape
from podcast_pipeline.transcription.weights import Weights, find_weights
from tests.support import random_whisper

SHAPE = ModelShape(128, MULTILINGUAL_V3, 128, 2, 1)
SECONDS = 20
CHARACTERS = 40  # of the text that is compared: later the 8 bits of our last product may turn a choice
TASK = ("<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>")
YUE, TRANSCRIBE, LAST_TIME = 50358, 50360, 51865


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """Return a model with v3's bins and tokens, two layers and one."""
    folder = tmp_path_factory.mktemp("random")
    base = random_whisper.base_folder(folder / "cache")
    random_whisper.write(folder / "model", SHAPE, base)
    return find_weights(str(folder / "model"), cache=folder / "cache", hub=Path)


def test_its_tokens_are_those_of_v3(weights: Weights) -> None:
    """Cantonese is there, and the tokens after it have moved by one."""
    text = tokenizers.Tokenizer.from_file(str(weights.path / "tokenizer.json"))
    assert [text.token_to_id(token) for token in ("<|yue|>", "<|transcribe|>", "<|endoftext|>")] == [
        YUE,
        TRANSCRIBE,
        random_whisper.END_OF_TEXT,
    ]
    variables = ct2.read_variables(weights.path)
    assert variables["decoder/embeddings/weight"].shape == (LAST_TIME + 1, SHAPE.width)
    assert all(np.isfinite(numbers.astype(np.float32)).all() for numbers in variables.values())


def test_variables_are_read_when_they_are_used(weights: Weights) -> None:
    """A variable is read for whoever asks, and none is lost: a large model is never in memory as a whole."""
    variables = ct2.read_variables(weights.path)
    name = "decoder/embeddings/weight"
    assert variables[name] is not variables[name]
    numbers = sum(variable.nbytes for variable in variables.values())
    size_bytes = (weights.path / "model.bin").stat().st_size
    assert size_bytes * 0.99 < numbers < size_bytes


def test_ctranslate2_takes_it(weights: Weights) -> None:
    """The library whose format it is loads it and finds its spectrogram's bins."""
    model = ctranslate2.models.Whisper(str(weights.path))
    assert (model.n_mels, model.is_multilingual) == (SHAPE.n_mels, True)


@pytest.mark.parametrize("engine", [OpenVino, FasterWhisper])
def test_both_engines_load_it(
    weights: Weights, engine: Callable[[Weights], OpenVino | FasterWhisper]
) -> None:
    """Cantonese is among the languages that each engine knows."""
    assert "yue" in engine(weights).languages


def test_the_greedy_tokens_are_those_of_ctranslate2(weights: Weights) -> None:
    """Ours finds the text that CTranslate2, below faster-whisper, finds in float32 for the same sound."""
    noise = np.random.default_rng(1).normal(0, 0.1, SECONDS * 16_000).astype(np.float32)
    (words,) = OpenVino(weights, "f32").transcribe_windows([noise], DecodingOptions("en", beam_size=1))
    model = ctranslate2.models.Whisper(str(weights.path), compute_type="float32")
    mel = ctranslate2.StorageView.from_array(log_mel(noise, n_mels=SHAPE.n_mels, n_frames=MEL_FRAMES)[None])
    text = tokenizers.Tokenizer.from_file(str(weights.path / "tokenizer.json"))
    (found,) = model.generate(mel, [[text.token_to_id(token) for token in TASK]], beam_size=1)
    theirs = text.decode(found.sequences_ids[0])
    assert "".join(word.text for word in words)[:CHARACTERS] == theirs[:CHARACTERS]
