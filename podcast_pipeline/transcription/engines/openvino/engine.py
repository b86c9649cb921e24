"""The openvino engine, the fastest on a CPU: Whisper in OpenVINO, without torch; beams share memory reads.

Each worker is one thread on one core that takes a batch of windows from spectrogram to words, so no
thread waits for another (measured in docs/evidence/performance.md).
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from podcast_pipeline.transcription import AUTO
from podcast_pipeline.transcription.decode import Samples
from podcast_pipeline.transcription.derived_files import verified_files
from podcast_pipeline.transcription.engine import DecodingOptions, EngineWord
from podcast_pipeline.transcription.engines import ct2
from podcast_pipeline.transcription.engines.openvino import (
    attention,
    decoder,
    encoder,
    top_k,
    word_times,
)
from podcast_pipeline.transcription.engines.openvino.beam_search import Hypothesis, beam_search
from podcast_pipeline.transcription.engines.openvino.encoder_speed import encoder_time_ms
from podcast_pipeline.transcription.engines.openvino.kernels import Floats
from podcast_pipeline.transcription.engines.openvino.layers import ENCODER_FRAMES, LayerBuilder
from podcast_pipeline.transcription.engines.openvino.malloc import tune_malloc
from podcast_pipeline.transcription.engines.openvino.mel import HOP_SAMPLES, Mel, log_mel
from podcast_pipeline.transcription.engines.openvino.precision import (
    PrecisionChoice,
    choose_precision,
    compile_settings,
    layer_builder,
)
from podcast_pipeline.transcription.engines.openvino.words import (
    CONTEXT_TOKENS,
    TimedWord,
    merge_punctuation,
    replace_nonwords,
)
from podcast_pipeline.transcription.engines.openvino.worker import CompiledGraphs, InferenceWorker
from podcast_pipeline.transcription.weights import MODEL_FILE, Weights

FRAME_S = 0.02  # of the encoder's output: two mel frames
LONGEST_PROMPT = CONTEXT_TOKENS // 2 - 1  # without the start-of-previous token
LONGEST_TEXT = CONTEXT_TOKENS // 2
MOST_BEAMS = top_k.TOP_K // 2
ENGLISH_VOCABULARY = 51864
LARGEST_BATCH, SMALLEST_BATCH = 12, 4  # windows
ROOM_BYTES = 300e6  # for the keys and values of a batch, one byte each
SIZE = {"bf16": 1.0, "f32": 2.0, "int8": 0.5}  # of the weights in memory, by their float16 file


class OpenVino:
    """The `openvino` engine. See `Engine`.

    Args:
        precision: a name in PRECISIONS, see precision.py; one precision gives the same words in every run.
    """

    name = "openvino"

    def __init__(self, weights: Weights, precision: str = AUTO) -> None:
        if not weights.path.is_dir():
            raise TranscriptionError(
                self.name, f"{weights.path} is for --engine openai-whisper; give a folder"
            )
        choice = choose_precision(precision, encoder_time_ms)
        tune_malloc()
        self.weights = weights
        self.version = version("openvino")
        self.workers = os.cpu_count() or 1
        variables = ct2.read_variables(weights.path)
        self._config = json.loads((weights.path / "config.json").read_text())
        self._n_mels = variables["encoder/conv1/weight"].shape[1]
        vocabulary, width = variables[decoder.EMBEDDINGS].shape
        layers = ct2.count_layers(variables, "decoder")
        self.batch_size = _batch_size(layers * 2 * ENCODER_FRAMES * width)
        self._text = tokenizers.Tokenizer.from_file(str(weights.path / "tokenizer.json"))
        self._is_multilingual = vocabulary > ENGLISH_VOCABULARY
        self.settings = {
            "device": "cpu",
            "precision": choice.precision,
            "precision_reason": choice.reason,
        }
        self.languages = frozenset(_LANGUAGE_CODES if self._is_multilingual else ["en"])
        heads = width // ct2.HEAD_WIDTH
        alignment_heads = [
            (layer, head)
            for layer, head in self._config.get("alignment_heads") or _default_alignment_heads(layers, heads)
        ]
        self._suppressed_first = frozenset(self._config["suppress_ids_begin"])
        attention.warm_up()
        top_k.warm_up()
        word_times.warm_up()
        spelling.load_word_frequencies()
        self._idle_workers: SimpleQueue[InferenceWorker] = SimpleQueue()
        cache = weights.derived / "openvino"
        with verified_files(cache):
            suppressed = [token for token in self._config["suppress_ids"] if token >= 0]
            is_large = (weights.path / MODEL_FILE).stat().st_size * SIZE[choice.precision] > ROOM_BYTES
            for compiled in _compile_graphs(
                layer_builder(choice, variables), suppressed, choice, self.workers, is_large, cache
            ):
                worker = InferenceWorker(
                    compiled, slots=self.batch_size, heads=heads, alignment_heads=alignment_heads
                )
                self._idle_workers.put(worker)

    def language_probabilities(self, windows: Sequence[Samples]) -> list[Mapping[str, float]]:
        """Return the probability of each language for each window; thread-safe."""
        tokens = self._config["lang_ids"]
        languages = [str(self._text.id_to_token(token)).strip("<|>") for token in tokens]
        with self._borrow_worker(windows) as (worker, lengths):
            scores = worker.next_token_scores([[self._tokenizer("en").sot]] * len(lengths))[:, tokens]
        likelihoods = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares = likelihoods / likelihoods.sum(axis=1, keepdims=True)
        return [dict(zip(languages, map(float, row), strict=True)) for row in shares]

    def transcribe_windows(
        self, windows: Iterable[Samples], task: DecodingOptions
    ) -> list[tuple[EngineWord, ...]]:
        """Return the words of each window; thread-safe."""
        tokenizer = self._tokenizer(task.language)
        prompt = _prompt_tokens(tokenizer, task.prompt)
        with self._borrow_worker(windows) as (worker, lengths):
            hypotheses, order = beam_search(
                worker,
                [prompt] * len(lengths),
                beam_size=min(task.beam_size, MOST_BEAMS),
                max_tokens=min(LONGEST_TEXT, CONTEXT_TOKENS - len(prompt)),
                end_token=tokenizer.eot,
                suppressed_first=self._suppressed_first,
            )
            scores = worker.cross_attention_scores(
                1 + len(tokenizer.sot_sequence),
                [hypotheses[window] for window in order],
                [min(lengths[window] // HOP_SAMPLES, encoder.MEL_FRAMES) // 2 for window in order],
            )
            words_by_window: list[tuple[EngineWord, ...]] = [()] * len(lengths)
            for place, (window, window_scores) in enumerate(zip(order, scores, strict=True)):
                timed = list(_timed_words(tokenizer, hypotheses[window], window_scores))
                spelled = replace_nonwords(
                    timed,
                    prompt,
                    task.spelling,
                    encode=tokenizer.encode,
                    log_likelihoods=partial(worker.log_likelihoods, place),
                )
                words_by_window[window] = tuple(merge_punctuation(spelled))
        return words_by_window

    def _tokenizer(self, language: str) -> Tokenizer:
        return Tokenizer(self._text, self._is_multilingual, task="transcribe", language=language)

    @contextmanager
    def _borrow_worker(self, windows: Iterable[Samples]) -> Iterator[tuple[InferenceWorker, list[int]]]:
        """Yield an idle worker with the windows in its slots, and the sample count of each window."""
        worker, lengths = self._idle_workers.get(), list[int]()

        def mels() -> Iterator[Mel]:
            for samples in windows:
                lengths.append(len(samples))
                yield log_mel(samples, n_mels=self._n_mels, n_frames=encoder.MEL_FRAMES)

        try:
            worker.encode(mels())
            yield worker, lengths
        finally:
            self._idle_workers.put(worker)


def _compile_graphs(
    parts: LayerBuilder,
    suppressed: Sequence[int],
    choice: PrecisionChoice,
    workers: int,
    shared: bool,
    folder: Path,
) -> Iterator[CompiledGraphs]:
    """Yield the graphs compiled for this CPU, for each worker.

    OpenVINO runs graphs with more than one stream in threads of its own, which costs the short steps of the
    decoder a tenth. So each worker of a small model has its own graphs; a large model, whose steps are
    long, has shared ones.

    Args:
        shared: the model is large.
        folder: cache of the compiled graphs between runs.
    """
    core, streams = ov.Core(), workers if shared else 1
    encoder_settings, decoder_settings = (
        {**compile_settings(hint, streams), "CACHE_DIR": str(folder)}
        for hint in (choice.encoder_hint, choice.decoder_hint)
    )
    embedding = decoder.token_embedding(parts.variables)
    for _ in range(1 if shared else workers):
        first = core.compile_model(encoder.build_encoder_graph(parts), "CPU", encoder_settings)
        *layers, last = (
            core.compile_model(graph, "CPU", decoder_settings)
            for graph in decoder.build_decoder_graphs(parts, suppressed)
        )
        yield from [CompiledGraphs(first, embedding, layers, last)] * (workers if shared else 1)


def _batch_size(window_bytes: int) -> int:
    """Return the number of windows in a batch, the same on every machine."""
    return int(min(max(ROOM_BYTES / window_bytes, SMALLEST_BATCH), LARGEST_BATCH))


def _default_alignment_heads(layers: int, heads: int) -> list[tuple[int, int]]:
    """Return the alignment heads of a model whose config lists none: whisper/model.py."""
    return [(layer, head) for layer in range(layers // 2, layers) for head in range(heads)]


def _prompt_tokens(tokenizer: Tokenizer, prompt: str) -> list[int]:
    previous = tokenizer.encode(f" {prompt.strip()}")[-LONGEST_PROMPT:] if prompt.strip() else []
    start_of_previous = [tokenizer.sot_prev] if previous else []
    return [*start_of_previous, *previous, *tokenizer.sot_sequence, tokenizer.no_timestamps]


def _timed_words(tokenizer: Tokenizer, hypothesis: Hypothesis, scores: Floats) -> Iterator[TimedWord]:
    """Yield the words of one window; each lasts from its first token to the next word's.

    Args:
        scores: of the tokens of the task and of the text; see `InferenceWorker.cross_attention_scores`.
    """
    text_places = [place for place, token in enumerate(hypothesis.tokens) if token < tokenizer.eot]
    first = len(tokenizer.sot_sequence)
    rows = [*range(first), *(first + place for place in (*text_places, len(hypothesis.tokens)))]
    starts_s = word_times.token_start_frames(scores[:, rows], first) * FRAME_S
    texts, tokens = tokenizer.split_to_word_tokens(
        [*(hypothesis.tokens[place] for place in text_places), tokenizer.eot]
    )
    probabilities = np.exp([hypothesis.log_probabilities[place] for place in text_places])
    token = 0
    for word, ids in zip(texts[:-1], tokens[:-1], strict=True):
        end = token + len(ids)
        confidence = float(probabilities[token:end].mean())
        yield TimedWord(word, tuple(ids), float(starts_s[token]), float(starts_s[end]), confidence)
        token = end
