"""Our engine and its peers, each behind one function that loads it and one that transcribes."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.isa import processor_has
from bench.recordings import Said, samples_of

BOUND = 1e30  # no number in a model reaches it
CACHE = Path(tempfile.gettempdir()) / "podcast-bench"
Hear = Callable[[Path, str], list[Said]]
Load = Callable[[str, bool], Hear]


def ours(precision: str = "auto") -> Load:
    """Return the loader of our engine for a processor, with the second pass; it always makes word times.

    Args:
        precision: pinned, whatever is the fastest on the processor.
    """

    def load(model: str, _words: bool) -> Hear:
        from podcast_pipeline.transcript.names.glossary import Glossary, fix_names
        from podcast_pipeline.transcription import TranscriptionOptions, load_transcriber

        limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "native")
        if limit.startswith("AVX2") and processor_has("avx512f"):
            _keep_from_mlas()
        cache = CACHE / limit / precision  # graphs that were compiled so, windows that were made so
        transcriber = load_transcriber("openvino", model, precision=precision, cache=cache)
        shutil.rmtree(cache / "windows", ignore_errors=True)  # nothing kept from another run

        def hear(audio: Path, language: str) -> list[Said]:
            options = TranscriptionOptions(language=language)
            heard = transcriber.transcribe(audio, options=options, report=lambda _: None)
            fixed, _ = fix_names(heard, Glossary(language=language))
            return [Said(word.text, word.start_s) for word in fixed.words]

        return hear

    return load


def _keep_from_mlas() -> None:
    """Build products in float32 so that OpenVINO leaves them to oneDNN, which keeps to limits.

    MLAS, a part of OpenVINO, asks the processor itself and takes AVX-512 under every limit. It calculates
    the decoder's attention, which has a mask, and products to which nothing is fused. On a processor with
    AVX2 it would be the faster. The encoder's attention is code of OpenVINO that keeps to limits.
    """
    from openvino import opset13 as op

    from podcast_pipeline.transcription.engines.ct2 import HEAD_WIDTH

    matmul, without_mask = op.matmul, op.scaled_dot_product_attention

    def bounded(*factors: Any, **options: Any) -> Any:
        return op.clamp(matmul(*factors, **options), -BOUND, BOUND)

    def attention(query: Any, key: Any, value: Any, mask: Any = None) -> Any:
        if mask is None:
            return without_mask(query, key, value)
        scaled = op.multiply(query, np.float32(HEAD_WIDTH**-0.5))
        scores = matmul(scaled, key, transpose_a=False, transpose_b=True)
        weights = op.softmax(op.add(scores, mask), axis=-1)
        return matmul(weights, value, transpose_a=False, transpose_b=False)

    op.matmul, op.scaled_dot_product_attention = bounded, attention


def openai_whisper(model: str, words: bool) -> Hear:
    """Return openai-whisper's own `transcribe`, as its documentation calls it."""
    from podcast_pipeline.transcription.engines import ct2_to_openai

    loaded = ct2_to_openai.load_openai_model(_folder(model))

    def hear(audio: Path, language: str) -> list[Said]:
        result = loaded.transcribe(samples_of(audio), language=language, fp16=False, word_timestamps=words)
        return [Said(result["text"])]

    return hear


def faster_whisper(*, batched: bool) -> Load:
    """Return the loader of faster-whisper: int8, beam 5, all cores."""

    def load(model: str, words: bool) -> Hear:
        from faster_whisper import BatchedInferencePipeline, WhisperModel

        loaded: Any = WhisperModel(
            str(_folder(model)), device="cpu", compute_type="int8", cpu_threads=os.cpu_count() or 1
        )
        if batched:
            loaded = BatchedInferencePipeline(loaded)

        def hear(audio: Path, language: str) -> list[Said]:
            segments, _ = loaded.transcribe(str(audio), language=language, beam_size=5, word_timestamps=words)
            return [Said(f" {segment.text}") for segment in segments]

        return hear

    return load


def whisper_cpp(model: str, words: bool) -> Hear:
    """Return whisper.cpp with float16 weights and beam 5, as its own command line has it."""
    import ggml_model
    from pywhispercpp.model import Model

    CACHE.mkdir(exist_ok=True)
    loaded = Model(
        str(ggml_model.write(_folder(model), CACHE / f"ggml-{model}.bin")),
        params_sampling_strategy=1,
        beam_search={"beam_size": 5, "patience": -1.0},
        n_threads=os.cpu_count() or 1,
        token_timestamps=words,
        print_progress=False,
    )

    def hear(audio: Path, language: str) -> list[Said]:
        segments = loaded.transcribe(samples_of(audio), language=language)
        return [Said(f" {segment.text}") for segment in segments]

    return hear


OURS, OURS_F32, REFERENCE = "ours", "ours, f32", "openai-whisper"
BATCHED = "faster-whisper batched, beam 5"
ENGINES: dict[str, Load] = {
    REFERENCE: openai_whisper,
    "whisper.cpp, beam 5": whisper_cpp,
    "faster-whisper, beam 5": faster_whisper(batched=False),
    BATCHED: faster_whisper(batched=True),
    OURS: ours(),
    OURS_F32: ours("f32"),
}


def _folder(model: str) -> Path:
    from podcast_pipeline.transcription import hub, weights

    return weights.find_weights(model, cache=CACHE, hub=hub.fetch_from_hub).path
