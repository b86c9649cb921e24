"""The fast engine for a processor: Whisper in OpenVINO, no torch, beams that share what they read.

Every lane is one thread on one core that takes a batch of windows from spectrogram to words, so no
thread waits for another (docs/performance.md has the numbers).
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import openvino as ov
import tokenizers
from faster_whisper.tokenizer import _LANGUAGE_CODES, Tokenizer

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.transcript.names import spelling
from podcast_pipeline.transcription.decode import Samples
from podcast_pipeline.transcription.engine import DecodingOptions, EngineWord
from podcast_pipeline.transcription.engines import ct2
from podcast_pipeline.transcription.engines.ct2 import Variables
from podcast_pipeline.transcription.engines.openvino import (
    attention,
    decoder,
    encoder,
    top_k,
    word_times,
)
from podcast_pipeline.transcription.engines.openvino import (
    layers as openvino_layers,
)
from podcast_pipeline.transcription.engines.openvino.beam_search import Hypothesis, beam_search
from podcast_pipeline.transcription.engines.openvino.kernels import Floats
from podcast_pipeline.transcription.engines.openvino.malloc import tune_malloc
from podcast_pipeline.transcription.engines.openvino.mel import HOP_SAMPLES, Mel, log_mel
from podcast_pipeline.transcription.engines.openvino.words import (
    CONTEXT_TOKENS,
    TimedWord,
    merge_punctuation,
    replace_nonwords,
)
from podcast_pipeline.transcription.engines.openvino.worker import CompiledGraphs, InferenceWorker
from podcast_pipeline.transcription.weights import Weights

FRAME_S = 0.02  # of the encoder's output: two mel frames
LONGEST_PROMPT = CONTEXT_TOKENS // 2 - 1  # less the mark before it
LONGEST_TEXT = CONTEXT_TOKENS // 2
MOST_BEAMS = top_k.TOP_K // 2
ENGLISH_VOCABULARY = 51864
LARGEST_BATCH, SMALLEST_BATCH = 12, 4  # windows
ROOM_BYTES = 300e6  # for the keys and values of a batch, a byte each
WEIGHT_BYTES = 2  # of a number in bf16


class OpenVino:
    """The `openvino` engine. See `Engine`."""

    name = "openvino"

    def __init__(self, weights: Weights) -> None:
        if not weights.path.is_dir():
            raise TranscriptionError(
                self.name, f"{weights.path} is for --engine openai-whisper; give a folder"
            )
        tune_malloc()
        self.weights = weights
        self.version = version("openvino")
        self.workers = os.cpu_count() or 1
        variables = ct2.read_variables(weights.path)
        self._config = json.loads((weights.path / "config.json").read_text())
        self._n_mels = variables["encoder/conv1/weight"].shape[1]
        known, width = variables[decoder.EMBEDDINGS].shape
        layers = ct2.count_layers(variables, "decoder")
        self.batch_size = _batch(layers * 2 * openvino_layers.ENCODER_FRAMES * width)
        self._text = tokenizers.Tokenizer.from_file(str(weights.path / "tokenizer.json"))
        self._is_multilingual = known > ENGLISH_VOCABULARY
        self.settings = {"device": "cpu", "precision": openvino_layers.inference_precision()}
        self.languages = frozenset(_LANGUAGE_CODES if self._is_multilingual else ["en"])
        heads = width // ct2.HEAD_WIDTH
        asked = [
            (layer, head) for layer, head in self._config.get("alignment_heads") or _upper(layers, heads)
        ]
        self._suppressed_first = frozenset(self._config["suppress_ids_begin"])
        attention.warm_up()
        top_k.warm_up()
        word_times.warm_up()
        spelling.load_word_frequencies()
        self._lanes: SimpleQueue[InferenceWorker] = SimpleQueue()
        for compiled in _compiled(variables, self._config["suppress_ids"], self.workers, weights.derived):
            self._lanes.put(
                InferenceWorker(compiled, slots=self.batch_size, heads=heads, alignment_heads=asked)
            )

    def detect_language(self, samples: Samples) -> str:
        """Return the language of a window."""
        with self._lane([samples]) as (lane, _):
            scores = lane.next_token_scores([[self._tokenizer("en").sot]])[0]
        token = max(self._config["lang_ids"], key=lambda token: float(scores[token]))
        return str(self._text.id_to_token(token)).strip("<|>")

    def transcribe_windows(
        self, windows: Iterable[Samples], task: DecodingOptions
    ) -> list[tuple[EngineWord, ...]]:
        """Return the words of each window; may run in several threads at once."""
        tokenizer = self._tokenizer(task.language)
        start = _start(tokenizer, task.prompt)
        with self._lane(windows) as (lane, lengths):
            texts, order = beam_search(
                lane,
                [start] * len(lengths),
                beam_size=min(task.beam_size, MOST_BEAMS),
                max_tokens=min(LONGEST_TEXT, CONTEXT_TOKENS - len(start)),
                end_token=tokenizer.eot,
                suppressed_first=self._suppressed_first,
            )
            scores = lane.cross_attention_scores(
                1 + len(tokenizer.sot_sequence),
                [texts[window] for window in order],
                [min(lengths[window] // HOP_SAMPLES, encoder.MEL_FRAMES) // 2 for window in order],
            )
            said: list[tuple[EngineWord, ...]] = [()] * len(lengths)
            for place, (window, heard) in enumerate(zip(order, scores, strict=True)):
                words = list(_words(tokenizer, texts[window], heard))
                spelled = replace_nonwords(
                    words,
                    start,
                    task.spelling,
                    encode=tokenizer.encode,
                    log_likelihoods=partial(lane.log_likelihoods, place),
                )
                said[window] = tuple(merge_punctuation(spelled))
        return said

    def _tokenizer(self, language: str) -> Tokenizer:
        return Tokenizer(self._text, self._is_multilingual, task="transcribe", language=language)

    @contextmanager
    def _lane(self, windows: Iterable[Samples]) -> Iterator[tuple[InferenceWorker, list[int]]]:
        """Lend a lane with the windows in its slots, and how many samples each has."""
        lane, lengths = self._lanes.get(), list[int]()

        def mels() -> Iterator[Mel]:
            for samples in windows:
                lengths.append(len(samples))
                yield log_mel(samples, n_mels=self._n_mels, n_frames=encoder.MEL_FRAMES)

        try:
            lane.encode(mels())
            yield lane, lengths
        finally:
            self._lanes.put(lane)


def _compiled(
    variables: Variables, suppressed: Sequence[int], lanes: int, folder: Path
) -> Iterator[CompiledGraphs]:
    """Yield the graphs for this processor, for each lane.

    OpenVINO hands the work of graphs with more than one stream to threads of its own, which costs the short
    steps of the decoder a tenth. So a lane of a small model has graphs of its own; those of a large one,
    whose steps are long, are shared.

    Args:
        folder: the compiled graphs are kept in it between runs.
    """
    core = ov.Core()
    shared = sum(variable.size for variable in variables.values()) * WEIGHT_BYTES > ROOM_BYTES
    streams = lanes if shared else 1
    settings = {
        "INFERENCE_PRECISION_HINT": openvino_layers.inference_precision(),
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": streams,
        "ENABLE_CPU_PINNING": False,  # a stream waits for the lane that feeds it, wherever that runs
        "CACHE_DIR": str(folder / "openvino"),
    }
    embedding = decoder.token_embedding(variables)
    closed = [token for token in suppressed if token >= 0]
    models = (encoder.build_encoder_graph(variables), *decoder.build_decoder_graphs(variables, closed))
    for _ in range(1 if shared else lanes):
        first, *layers, last = (core.compile_model(model, "CPU", settings) for model in models)
        yield from [CompiledGraphs(first, embedding, layers, last)] * (lanes if shared else 1)


def _batch(window_bytes: int) -> int:
    """Return how many windows are heard together, the same on every machine."""
    return int(min(max(ROOM_BYTES / window_bytes, SMALLEST_BATCH), LARGEST_BATCH))


def _upper(layers: int, heads: int) -> list[tuple[int, int]]:
    """Return the heads that tell the time where a model does not say which: whisper/model.py."""
    return [(layer, head) for layer in range(layers // 2, layers) for head in range(heads)]


def _start(tokenizer: Tokenizer, prompt: str) -> list[int]:
    before = tokenizer.encode(f" {prompt.strip()}")[-LONGEST_PROMPT:] if prompt.strip() else []
    mark = [tokenizer.sot_prev] if before else []
    return [*mark, *before, *tokenizer.sot_sequence, tokenizer.no_timestamps]


def _words(tokenizer: Tokenizer, text: Hypothesis, scores: Floats) -> Iterator[TimedWord]:
    """Yield the words of one window; each lasts from its first token to the next word's.

    Args:
        scores: of the tokens that tell the task, and of those of the text; see `Lane.heard`.
    """
    spoken = [place for place, token in enumerate(text.tokens) if token < tokenizer.eot]
    first = len(tokenizer.sot_sequence)
    rows = [*range(first), *(first + place for place in (*spoken, len(text.tokens)))]
    begins = word_times.token_start_frames(scores[:, rows], first) * FRAME_S
    texts, tokens = tokenizer.split_to_word_tokens([*(text.tokens[place] for place in spoken), tokenizer.eot])
    probabilities = np.exp([text.log_probabilities[place] for place in spoken])
    token = 0
    for word, ids in zip(texts[:-1], tokens[:-1], strict=True):
        end = token + len(ids)
        confidence = float(probabilities[token:end].mean())
        yield TimedWord(word, tuple(ids), float(begins[token]), float(begins[end]), confidence)
        token = end
