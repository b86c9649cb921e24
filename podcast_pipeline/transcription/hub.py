"""Get models by name from the Hugging Face hub's cache or the hub, through faster-whisper's own loader."""

from pathlib import Path

import httpx
from faster_whisper.utils import available_models, download_model

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.transcription.weights import install_hint


def fetch_from_hub(model: str) -> Path:
    """Return the folder of a model, downloaded if it is not in the cache.

    Raises:
        TranscriptionError: unknown name, or not in the cache and no network.
    """
    if "/" not in model and model not in available_models():
        raise TranscriptionError(
            model, f"no such model; known are {', '.join(available_models())}, or a folder"
        )
    try:
        return Path(download_model(model, local_files_only=True))
    except (OSError, ValueError):
        pass  # not in the cache
    try:
        return Path(download_model(model))
    except (OSError, ValueError, httpx.HTTPError) as error:
        raise TranscriptionError(
            model, f"its weights are not on this machine; {install_hint(model)}"
        ) from error
