"""Speech to words: one protocol, an adapter per engine, chosen by name and imported on use."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from podcast_pipeline.model import Report, Transcript


@dataclass(frozen=True)
class Options:
    """What changes the words. Everything here is part of a transcript's cache key and receipt.

    Attributes:
        language: ISO 639-1, None to detect it.
        prompt: names and terms the engine should expect, given to every window.
    """

    language: str | None = None
    prompt: str = ""
    beam_size: int = 5


class Transcriber(Protocol):
    """An engine with its weights loaded."""

    def transcribe(self, recording: Path, *, options: Options, report: Report) -> Transcript:
        """Return the words of an audio file.

        Args:
            recording: anything that ffmpeg reads.
            report: told the audio time done, in seconds.

        Returns:
            A Transcript in recording times with a receipt; no segments when there is no speech.

        Raises:
            AudioError: the file cannot be decoded.
            TranscriptionError: the engine cannot do it (English-only weights, French).
        """
