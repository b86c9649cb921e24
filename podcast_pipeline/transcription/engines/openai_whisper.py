"""The openai-whisper engine, the reference: PyTorch, unquantised, slow."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import whisper
from whisper.tokenizer import LANGUAGES

from podcast_pipeline.transcription.decode import Samples
from podcast_pipeline.transcription.engine import DecodingOptions, EngineWord
from podcast_pipeline.transcription.engines import ct2_to_openai
from podcast_pipeline.transcription.weights import Weights


class OpenAIWhisper:
    """The `openai-whisper` engine; an OpenAI .pt file works too. See `Engine`."""

    name = "openai-whisper"
    batch_size = workers = 1

    def __init__(self, weights: Weights) -> None:
        self.version = version("openai-whisper")
        self.weights = weights
        self._model = _load(weights).to("cuda" if torch.cuda.is_available() else "cpu")
        self.settings = {
            "device": self._model.device.type,
            "precision": "float16" if self._cuda else "float32",
        }
        self.languages = frozenset(LANGUAGES) if self._model.is_multilingual else frozenset({"en"})

    @property
    def _cuda(self) -> bool:
        return bool(self._model.device.type == "cuda")

    def language_probabilities(self, windows: Sequence[Samples]) -> list[Mapping[str, float]]:
        """Return the probability of each language for each window."""
        mels = (
            whisper.log_mel_spectrogram(whisper.pad_or_trim(samples), self._model.dims.n_mels)
            for samples in windows
        )
        return [self._model.detect_language(mel.to(self._model.device))[1] for mel in mels]

    def transcribe_windows(
        self, windows: Iterable[Samples], task: DecodingOptions
    ) -> list[tuple[EngineWord, ...]]:
        """Return the words of each window."""
        return [self._transcribe_window(samples, task) for samples in windows]

    def _transcribe_window(self, samples: Samples, task: DecodingOptions) -> tuple[EngineWord, ...]:
        torch.manual_seed(0)  # Whisper's fallback decodes at random; the same window must give the same words
        result: dict[str, Any] = self._model.transcribe(
            samples,
            language=task.language,
            initial_prompt=task.prompt or None,
            carry_initial_prompt=True,
            condition_on_previous_text=False,
            beam_size=task.beam_size,
            word_timestamps=True,
            fp16=self._cuda,
        )
        return tuple(
            EngineWord(word["word"], word["start"], word["end"], word["probability"])
            for segment in result["segments"]
            for word in segment["words"]
        )


def _load(weights: Weights) -> whisper.Whisper:
    return (
        ct2_to_openai.load_openai_model(weights.path)
        if weights.path.is_dir()
        else _load_original(weights.path)
    )


def _load_original(path: Path) -> whisper.Whisper:
    model = whisper.load_model(str(path), device="cpu")
    if heads := whisper._ALIGNMENT_HEADS.get(path.stem):  # a model that is loaded by path lacks them
        model.set_alignment_heads(heads)
    return model
