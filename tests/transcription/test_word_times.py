"""Word times against the sound and the reference engine, on recordings that are not in the repository."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from podcast_pipeline.model import Word
from podcast_pipeline.transcription import TranscriptionOptions, load_transcriber
from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ, Samples
from tests.support.sounds import ignore_progress, samples_of, write_wav

SPEECH = os.environ.get("PODCAST_SPEECH_DIR", "")
CHAPTER = Path(SPEECH) / "librispeech_19_198"
LENGTH_S = 75.0
FRAME = SAMPLE_RATE_HZ // 100  # 10 ms
BELOW_PEAK_DB = 28  # the noise of this room lies 35 dB below the loudest
CLOSE_S = 0.1

pytestmark = pytest.mark.skipif(
    not (SPEECH and CHAPTER.is_dir()), reason="PODCAST_SPEECH_DIR has no librispeech_19_198"
)


@pytest.fixture(scope="module")
def excerpt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first LENGTH_S of a read chapter."""
    samples = samples_of(CHAPTER / "audio.flac")[: int(LENGTH_S * SAMPLE_RATE_HZ)]
    return write_wav(tmp_path_factory.mktemp("times") / "excerpt.wav", samples)


@pytest.fixture(scope="module")
def words_by_engine(excerpt: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Word, ...]]:
    """Return the words of the openvino engine and of the reference engine."""
    cache = tmp_path_factory.mktemp("cache")
    return {
        engine: load_transcriber(engine, "tiny.en", cache=cache)
        .transcribe(excerpt, options=TranscriptionOptions(), report=ignore_progress)
        .words
        for engine in ("openvino", "openai-whisper")
    }


def sounding(samples: Samples, start_s: float) -> tuple[float, float]:
    """Return when the sound begins and ends: the frames within BELOW_PEAK_DB of the loudest."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    power = (frames.astype(np.float64) ** 2).mean(axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (-BELOW_PEAK_DB / 10))
    return start_s + loud[0] / 100, start_s + (loud[-1] + 1) / 100


def test_utterances_begin_and_end_where_they_sound(
    excerpt: Path, words_by_engine: dict[str, tuple[Word, ...]]
) -> None:
    """An utterance's first and last word lie where its sound begins and ends, medians within 0.1 s."""
    samples = samples_of(excerpt)
    begins, ends = [], []
    with (CHAPTER / "utterances.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            start_s, end_s = float(row["start"]), float(row["end"])
            inside = [w for w in words_by_engine["openvino"] if start_s <= (w.start_s + w.end_s) / 2 < end_s]
            if end_s < LENGTH_S and inside:
                sound = samples[int(start_s * SAMPLE_RATE_HZ) : int(end_s * SAMPLE_RATE_HZ)]
                onset_s, end_of_sound_s = sounding(sound, start_s)
                begins.append(abs(inside[0].start_s - onset_s))
                ends.append(abs(inside[-1].end_s - end_of_sound_s))
    assert len(begins) >= 5
    assert np.median(begins) <= CLOSE_S
    assert np.median(ends) <= CLOSE_S


def test_word_times_are_the_reference_engines(words_by_engine: dict[str, tuple[Word, ...]]) -> None:
    """The start times of words that both engines recognise differ by at most 0.1 s in the median."""
    differences = [
        abs(ours.start_s - theirs.start_s)
        for ours in words_by_engine["openvino"]
        for theirs in words_by_engine["openai-whisper"]
        if ours.text == theirs.text and abs(ours.start_s - theirs.start_s) < 1
    ]
    assert len(differences) > 0.8 * len(words_by_engine["openvino"])
    assert np.median(differences) <= CLOSE_S
