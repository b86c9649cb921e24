"""The faster-whisper engine: CTranslate2, batched windows; the fastest on a GPU."""

import os
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version

import faster_whisper
import numpy as np

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.transcription import this_machine
from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ, Samples
from podcast_pipeline.transcription.engine import DecodingOptions, EngineWord
from podcast_pipeline.transcription.weights import Weights

SLOT_S = 30  # of a window's slot in the audio of a batch


class FasterWhisper:
    """The `faster-whisper` engine: float16 on a GPU, int8 on a CPU. See `Engine`."""

    name = "faster-whisper"
    batch_size = 8
    workers = 1

    def __init__(self, weights: Weights) -> None:
        if not weights.path.is_dir():
            raise TranscriptionError(
                self.name, f"{weights.path} is for --engine openai-whisper; give a CTranslate2 folder"
            )
        device, precision = ("cuda", "float16") if this_machine().cuda else ("cpu", "int8")
        self.version = version("faster-whisper")
        self.weights = weights
        self.settings = {"device": device, "precision": precision}
        self._model = faster_whisper.WhisperModel(
            str(weights.path), device=device, compute_type=precision, cpu_threads=os.cpu_count() or 1
        )
        self.languages = frozenset(self._model.supported_languages)

    def language_probabilities(self, windows: Sequence[Samples]) -> list[Mapping[str, float]]:
        """Return the probability of each language for each window."""
        return [dict(self._model.detect_language(samples)[2]) for samples in windows]

    def transcribe_windows(
        self, windows: Iterable[Samples], task: DecodingOptions
    ) -> list[tuple[EngineWord, ...]]:
        """Return the words of each window."""
        clips = list(windows)
        segments, _ = faster_whisper.BatchedInferencePipeline(self._model).transcribe(
            _concatenate_in_slots(clips),
            language=task.language,
            initial_prompt=task.prompt or None,
            beam_size=task.beam_size,
            word_timestamps=True,
            batch_size=len(clips),
            clip_timestamps=[
                {"start": i * SLOT_S, "end": i * SLOT_S + len(samples) / SAMPLE_RATE_HZ}
                for i, samples in enumerate(clips)
            ],
        )
        window_words: list[list[EngineWord]] = [[] for _ in clips]
        for segment in segments:
            slot = segment.seek // (SLOT_S * 100)  # seek counts frames of 10 ms
            window_words[slot].extend(
                EngineWord(word.word, word.start - slot * SLOT_S, word.end - slot * SLOT_S, word.probability)
                for word in segment.words or ()
            )
        return [tuple(words) for words in window_words]


def _concatenate_in_slots(windows: Sequence[Samples]) -> Samples:
    audio = np.zeros((len(windows), SLOT_S * SAMPLE_RATE_HZ), np.float32)
    for slot, samples in zip(audio, windows, strict=True):
        slot[: len(samples)] = samples
    return audio.reshape(-1)
