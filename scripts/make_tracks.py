"""Make conversations with a microphone for each speaker, out of recordings whose words are known.

`composite` cuts the turns of a folder's speakers.rttm onto tracks; `talk` lets readers of LibriSpeech answer
each other, one turn in three begun before the last one ended. `microphones` adds noise at -60 dBFS and the
bleed of the others, 3 ms later: microphones without a room. The same arguments give the same samples.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ, Recording

READERS = {
    "kara": "librispeech_19_198",
    "denny": "librispeech_26_496",
    "sean": "librispeech_27_124992",
}
LOUDNESS = 0.05  # root mean square
NOISE = 1e-3  # -60 dBFS
BLEED_DELAY = SAMPLE_RATE_HZ * 3 // 1000
OVERLAPPED = 0.35  # of the turns

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Voices:
    """What everybody said, and their voices alone.

    Attributes:
        turns: (speaker, words), in order of their start.
        samples: speaker -> the voice, each of the same length.
    """

    turns: tuple[tuple[str, str], ...]
    samples: Mapping[str, Samples]


def composite(folder: Path) -> Voices:
    """Return the voices of a recording of turns that do not overlap."""
    whole = _samples(next(folder.glob("audio.*")))
    rows = [line.split() for line in (folder / "speakers.rttm").read_text().splitlines() if line]
    turns = [(float(row[3]), float(row[3]) + float(row[4]), row[7]) for row in rows]
    voices = {who: np.zeros_like(whole) for *_, who in sorted(turns)}
    for start_s, end_s, who in turns:
        turn = slice(int(start_s * SAMPLE_RATE_HZ), int(end_s * SAMPLE_RATE_HZ))
        voices[who][turn] = whole[turn]
    table = [line.split("\t") for line in (folder / "turns.tsv").read_text().splitlines()[1:]]
    return Voices(tuple((row[2], row[4]) for row in table), voices)


def talk(cast: Sequence[str], seed: int, *, length_s: float, overlap: bool) -> Voices:
    """Return readers who take turns of an utterance each."""
    random = Random(f"{tuple(cast)}{seed}")  # noqa: S311  a draw, not a secret
    speech = Path(os.environ["PODCAST_SPEECH_DIR"])
    readings = {who: _reading(speech / READERS[who]) for who in cast}
    at = {who: random.randrange(1, 10) for who in cast}
    voices = {who: np.zeros(int((length_s + 25) * SAMPLE_RATE_HZ), np.float32) for who in cast}
    turns: list[tuple[float, float, str, str]] = []
    now_s, number = 0.5, 0
    while now_s < length_s:
        who = cast[number % len(cast)]
        number += 1
        samples, rows = readings[who]
        start_s, end_s, text = rows[at[who]]
        at[who] += 1
        if not text:
            continue
        turn = samples[int(start_s * SAMPLE_RATE_HZ) : int(end_s * SAMPLE_RATE_HZ)]
        first = int(now_s * SAMPLE_RATE_HZ)
        voices[who][first : first + len(turn)] += turn
        turns.append((now_s, now_s + len(turn) / SAMPLE_RATE_HZ, who, text))
        now_s = turns[-1][1]
        cut_in = overlap and random.random() < OVERLAPPED
        now_s += -random.uniform(0.4, 1.5) if cut_in else random.uniform(0.1, 0.8)
    end = int((max(turn[1] for turn in turns) + 0.5) * SAMPLE_RATE_HZ)
    return Voices(
        tuple((who, text) for *_, who, text in sorted(turns)),
        {who: voice[:end] for who, voice in voices.items()},
    )


def microphones(voices: Mapping[str, Samples], bleed_db: float | None) -> dict[str, Samples]:
    """Return what each speaker's microphone records; without bleed for None."""
    generator, bleed = np.random.default_rng(0), 0.0 if bleed_db is None else 10 ** (bleed_db / 20)
    tracks = {}
    for who, voice in voices.items():
        track = voice + generator.normal(0, NOISE, len(voice))
        for other, heard in voices.items():
            if other != who and bleed:
                track = track + bleed * np.roll(heard, BLEED_DELAY)
        tracks[who] = track.astype(np.float32)
    return tracks


def _reading(folder: Path) -> tuple[Samples, list[tuple[float, float, str]]]:
    samples = _samples(folder / "audio.flac")
    samples = samples * (LOUDNESS / np.sqrt((samples**2).mean()))
    lines = [line.split("\t") for line in (folder / "utterances.tsv").read_text().splitlines()]
    rows = [(0.0, 0.0, "") if row[1] == "start" else (float(row[1]), float(row[2]), row[3]) for row in lines]
    return samples, rows


def _samples(path: Path) -> Samples:
    return np.concatenate(list(Recording(path).blocks()))
