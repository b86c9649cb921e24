"""The fast engine for a processor: Whisper's encoder in OpenVINO, its decoder in CTranslate2, no torch.

Every worker is one thread on one core that takes a batch of windows from spectrogram to words, so no
thread waits for another (docs/performance.md has the numbers).
"""

import os
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

import ctranslate2
import numpy as np
import tokenizers
from faster_whisper.tokenizer import _LANGUAGE_CODES, Tokenizer
from faster_whisper.transcribe import merge_punctuations

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.transcribers import encoder, model_file
from podcast_pipeline.transcribers.decode import Samples
from podcast_pipeline.transcribers.engine import Heard
from podcast_pipeline.transcribers.mel import HOP, log_mel
from podcast_pipeline.transcribers.weights import Weights

FRAME_S = 0.02  # of the encoder's output: two mel frames
LONGEST_PROMPT = 223  # tokens: half of Whisper's text context, less the mark before it
LONGEST_TEXT = 448
PREPENDED, APPENDED = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"


class OpenVino:
    """The `openvino` engine. See `Engine`."""

    name = "openvino"
    batch = 8

    def __init__(self, weights: Weights) -> None:
        if not weights.path.is_dir():
            raise TranscriptionError(
                self.name, f"{weights.path} is for --engine openai-whisper; give a folder"
            )
        self.weights = weights
        self.version = version("openvino")
        self.workers = os.cpu_count() or 1
        variables = model_file.read(weights.path)
        self._n_mels = variables["encoder/conv1/weight"].shape[1]
        self._encoder = encoder.compiled(variables, streams=self.workers, cache=weights.derived / "openvino")
        self._decoder = ctranslate2.models.Whisper(
            str(weights.path), device="cpu", compute_type="int8", inter_threads=self.workers, intra_threads=1
        )
        self._text = tokenizers.Tokenizer.from_file(str(weights.path / "tokenizer.json"))
        self.settings = {"device": "cpu", "precision": encoder.precision(), "decoder_precision": "int8"}
        self.languages = frozenset(_LANGUAGE_CODES if self._decoder.is_multilingual else ["en"])

    def detect(self, samples: Samples) -> str:
        """Return the language of a window."""
        token, _ = self._decoder.detect_language(_storage(self._encode([samples])))[0][0]
        return str(token).strip("<|>")

    def hear(
        self, windows: Sequence[Samples], *, language: str, prompt: str, beam_size: int
    ) -> list[tuple[Heard, ...]]:
        """Return the words of each window; may run in several threads at once."""
        tokenizer = Tokenizer(self._text, self._decoder.is_multilingual, task="transcribe", language=language)
        encoded = _storage(self._encode(windows))
        results = self._decoder.generate(
            encoded,
            [_start(tokenizer, prompt)] * len(windows),
            beam_size=beam_size,
            max_length=LONGEST_TEXT,
            suppress_blank=True,
        )
        texts = [[t for t in result.sequences_ids[0] if t < tokenizer.eot] for result in results]
        aligned = self._decoder.align(
            encoded,
            tokenizer.sot_sequence,
            texts,
            [min(len(samples) // HOP, encoder.MEL_FRAMES) for samples in windows],
            median_filter_width=7,
        )
        return [tuple(_words(tokenizer, text, found)) for text, found in zip(texts, aligned, strict=True)]

    def _encode(self, windows: Sequence[Samples]) -> Samples:
        """Return the encoder's output, float32, shape (len(windows), 1500, width)."""
        request = self._encoder.create_infer_request()
        mels = (log_mel(samples, n_mels=self._n_mels, n_frames=encoder.MEL_FRAMES) for samples in windows)
        return np.concatenate([request.infer([mel[None]])[0] for mel in mels])


def _storage(encoded: Samples) -> ctranslate2.StorageView:
    return ctranslate2.StorageView.from_array(encoded)


def _start(tokenizer: Tokenizer, prompt: str) -> list[int]:
    before = tokenizer.encode(f" {prompt.strip()}")[-LONGEST_PROMPT:] if prompt.strip() else []
    mark = [tokenizer.sot_prev] if before else []
    return [*mark, *before, *tokenizer.sot_sequence, tokenizer.no_timestamps]


def _words(tokenizer: Tokenizer, text: list[int], aligned: Any) -> Iterator[Heard]:
    """Yield the words of one window: each begins where the alignment path reaches its first token."""
    texts, tokens = tokenizer.split_to_word_tokens([*text, tokenizer.eot])
    path = np.array(aligned.alignments).reshape(-1, 2)
    begins = path[np.diff(path[:, 0], prepend=-1) > 0, 1] * FRAME_S
    probabilities = np.array(aligned.text_token_probs)
    words: list[dict[str, Any]] = []
    token = 0
    for word, ids in zip(texts[:-1], tokens[:-1], strict=True):
        end = token + len(ids)
        confidence = float(probabilities[token:end].mean())
        words.append({"word": word, "tokens": ids, "heard": (begins[token], begins[end], confidence)})
        token = end
    merge_punctuations(words, PREPENDED, APPENDED)
    for merged in words:
        start_s, end_s, confidence = map(float, merged["heard"])
        yield Heard(merged["word"], start_s, end_s, confidence)
