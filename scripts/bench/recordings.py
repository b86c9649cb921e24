"""The recordings that engines are compared on, and the word error rate."""

import csv
import os
import sys
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

LONG_S = 300
NEAR_S = 1.0  # of a border of our windows
SAMPLE_RATE_HZ = 16_000


class Said(NamedTuple):
    """A word or a longer piece of text; its time where the engine is ours."""

    text: str
    start_s: float | None = None


class Recording(NamedTuple):
    """Speech of which it is known what was said."""

    audio: Path
    language: str
    reference: str


def text_of(said: Sequence[Said]) -> str:
    """Return a transcript as one text."""
    return "".join(one.text for one in said)


def errors(reference: str, text: str, language: str = "en") -> Any:
    """Return jiwer's alignment of two texts, both through Whisper's normaliser.

    Japanese is compared letter by letter: it has no spaces.
    """
    import jiwer
    from whisper.normalizers import BasicTextNormalizer, EnglishTextNormalizer

    letters = language == "ja"
    normal = EnglishTextNormalizer() if language == "en" else BasicTextNormalizer(split_letters=letters)
    return jiwer.process_words(normal(reference), normal(text))


def missed_near(borders: Sequence[float], reference: str, words: Sequence[Said]) -> int:
    """Return how many words of the reference are missing within NEAR_S of one of our window borders.

    A missing word's time is between those of the words around it, which are normalised one by one here.
    """
    from whisper.normalizers import EnglishTextNormalizer

    normal = EnglishTextNormalizer()
    timed = [(part, word.start_s or 0.0) for word in words for part in normal(word.text).split()]
    found = errors(reference, " ".join(part for part, _ in timed))
    missed = 0
    for chunk in found.alignments[0]:
        if chunk.type == "delete" and timed:
            before = timed[max(0, chunk.hyp_start_idx - 1)][1]
            after = timed[min(len(timed) - 1, chunk.hyp_start_idx)][1]
            if any(before - NEAR_S <= border <= after + NEAR_S for border in borders):
                missed += chunk.ref_end_idx - chunk.ref_start_idx
    return missed


def window_borders(audio: Path) -> list[float]:
    """Return where our windows begin and end, in seconds."""
    from podcast_pipeline.transcription.decode import Recording as Source
    from podcast_pipeline.transcription.windows import cut_windows

    return [
        border for window in cut_windows(Source(audio).blocks()) for border in (window.start_s, window.end_s)
    ]


def all_recordings() -> Iterator[Recording]:
    """Yield every recording that has a reference: beside it, or in a table of its folder."""
    for folder in sorted(_speech().iterdir()):
        if (table := folder / "reference.tsv").exists():
            with table.open(encoding="utf-8") as file:
                for row in csv.DictReader(file, delimiter="\t"):
                    yield Recording(folder / row["file"], row["lang"], row["text"])
            continue
        for audio in sorted([*folder.glob("*.flac"), *folder.glob("*.mp3")]):
            beside = audio.with_suffix(".txt")
            reference = beside if beside.exists() else folder / "reference.txt"
            yield Recording(audio, "en", reference.read_text(encoding="utf-8"))


def long_files() -> Iterator[Path]:
    """Yield the audio files of LONG_S or more."""
    for audio in sorted(_speech().glob("*/audio.*")):
        if duration_s(audio) >= LONG_S:
            yield audio


def duration_s(audio: Path) -> float:
    """Return the length of a file."""
    return len(samples_of(audio)) / SAMPLE_RATE_HZ


def samples_of(audio: Path) -> Any:
    """Return a file's samples, float32, 16 kHz mono."""
    import numpy as np

    from podcast_pipeline.transcription.decode import Recording as Source

    return np.concatenate(list(Source(audio).blocks()))


def repeated(audio: Path, seconds: int, path: Path) -> Path:
    """Write this many seconds of a file, from its beginning over and over."""
    speech = (samples_of(audio) * 32767).astype("<i2")
    left = seconds * SAMPLE_RATE_HZ
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        while left > 0:
            file.writeframes(speech[:left].tobytes())
            left -= len(speech)
    return path


def _speech() -> Path:
    folder = os.environ.get("PODCAST_SPEECH_DIR")
    if not folder:
        sys.exit("name audio files, or the folder with the recordings in PODCAST_SPEECH_DIR")
    return Path(folder)
