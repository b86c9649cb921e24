#!/usr/bin/env python3
"""Make conversations out of single speakers: diarization measured on what it was not tuned on.

    PODCAST_SPEECH_DIR=… .venv/bin/python scripts/make_conversations.py DIR [--seeds 1] [--model base]
    PODCAST_SPEECH_DIR=DIR .venv/bin/python scripts/bench_speakers.py

Each recording is heard once, for where its words are. Turns of 0.4 to 12 s, half of them below 3 s, are cut
between words and said by another speaker each time, 0 to 0.8 s apart. One long turn in eight is cut short by
the next one, one in eight has a word of another speaker laid over it. Levels differ by up to 3 dB, noise lies
50 dB below. A folder that ends in "room" has everybody in one room, so that the microphones tell less.

DIR gets a folder each, as bench_speakers.py reads them; a seed gives the same ones again. The words in
turns.tsv are those that the engine heard of that speaker alone: they say who spoke, not what was said.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
import soundfile
from numpy.typing import NDArray

from podcast_pipeline.model import Word
from podcast_pipeline.transcription import TranscriptionOptions, load_transcriber
from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ, Recording

CACHE = Path(tempfile.gettempdir()) / "podcast-bench"
VOICES = {
    "kara": "librispeech_19_198/audio.flac",
    "denny": "librispeech_26_496/audio.flac",
    "sean": "librispeech_27_124992/audio.flac",
    "alvin": "lucier_gentle/audio.mp3",
}
CASTS = (
    ("kara", "denny"),
    ("denny", "sean"),
    ("kara", "sean"),
    ("kara", "denny", "sean"),
    ("kara", "alvin", "sean"),
)
LENGTH_S = 240.0
LOUDNESS = 0.05  # root mean square
BREATH_S = 0.5  # a longer pause ends a turn
ONE_IN = 8
QUIET_DB = -35.0  # below a turn's peak: not speech
FRAME = SAMPLE_RATE_HZ // 100

Samples = NDArray[np.float32]


@dataclass
class Voice:
    """A speaker's recording and the words in it, said from where the last turn ended."""

    name: str
    samples: Samples
    words: Sequence[Word]
    at: int = 0

    def next(self, longest_s: float) -> tuple[Samples, str]:
        """Return the sound and the words of a turn."""
        first = self.words[self.at % len(self.words)]
        said = [first]
        for word in self.words[self.at % len(self.words) + 1 :]:
            if word.end_s - first.start_s > longest_s or word.start_s - said[-1].end_s > BREATH_S:
                break
            said.append(word)
        self.at += len(said)
        sound = self.samples[round(first.start_s * SAMPLE_RATE_HZ) : round(said[-1].end_s * SAMPLE_RATE_HZ)]
        return _trimmed(sound), "".join(word.text for word in said).strip()


@dataclass
class Conversation:
    """What was said so far: sound, and (start, end, speaker, words) of each turn."""

    samples: Samples = field(
        default_factory=lambda: np.zeros(round((LENGTH_S + 20) * SAMPLE_RATE_HZ), np.float32)
    )
    turns: list[tuple[float, float, str, str]] = field(default_factory=list)

    def say(self, start_s: float, voice: Voice, longest_s: float) -> float:
        """Lay a turn over what is there and return when it ends."""
        sound, text = voice.next(longest_s)
        first = round(start_s * SAMPLE_RATE_HZ)
        self.samples[first : first + len(sound)] += sound
        end_s = start_s + len(sound) / SAMPLE_RATE_HZ
        self.turns.append((start_s, end_s, voice.name, text))
        return end_s


def main() -> None:
    """Make every cast's conversations, dry and in a room."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--model", default="base")
    asked = parser.parse_args()
    voices = {
        name: _voice(name, Path(os.environ["PODCAST_SPEECH_DIR"]) / VOICES[name], asked.model)
        for name in VOICES
    }
    for seed in range(asked.seeds):
        for cast in CASTS:
            name = "-".join((*cast, str(seed)))
            made = _talk(Random(name), [voices[person] for person in cast])  # noqa: S311  a draw, not a secret
            _write(asked.folder / name, made, made.samples)
            _write(asked.folder / f"{name}-room", made, _in_room(made.samples, seed))
            print(f"{name}: {len(made.turns)} turns")


def _voice(name: str, path: Path, model: str) -> Voice:
    transcriber = load_transcriber("auto", model, cache=CACHE)
    heard = transcriber.transcribe(path, options=TranscriptionOptions(language="en"), report=lambda _: None)
    samples = np.concatenate(list(Recording(path).blocks()))
    return Voice(name, samples * np.float32(LOUDNESS / _rms(samples)), heard.words)


def _talk(random: Random, cast: Sequence[Voice]) -> Conversation:
    levels = [10 ** (random.uniform(-3, 3) / 20) for _ in cast]
    people = [
        Voice(one.name, one.samples * np.float32(level), one.words, random.randrange(len(one.words)))
        for one, level in zip(cast, levels, strict=True)
    ]
    made, speaker, now_s = Conversation(), people[0], 0.5
    while now_s < LENGTH_S:
        longest_s = random.choice((random.uniform(0.4, 3), random.uniform(3, 12)))
        end_s = made.say(now_s, speaker, longest_s)
        others = [one for one in people if one is not speaker]
        throw, long = random.randrange(ONE_IN), end_s - now_s > 3
        if long and throw == 0:
            made.say(random.uniform(now_s + 0.5, end_s - 2), random.choice(others), 0.6)
        cut_s = random.uniform(0.3, 1.2) if long and throw == 1 else -random.uniform(0, 0.8)
        speaker, now_s = random.choice(others), end_s - cut_s
    noise = np.random.default_rng(0).normal(0, LOUDNESS / 10 ** (50 / 20), len(made.samples))
    made.samples += noise.astype(np.float32)
    return made


def _in_room(samples: Samples, seed: int) -> Samples:
    """Return samples as they sound from across a small room (a reverberation of 0.35 s)."""
    from scipy.signal import fftconvolve

    times_s = np.arange(round(0.35 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    echo = np.random.default_rng(seed).normal(0, 1, len(times_s)) * 10 ** (-3 * times_s / 0.35)
    echo *= 0.7 / np.sqrt((echo**2).sum())
    echo[0] = 1.0
    wet: Samples = fftconvolve(samples, echo)[: len(samples)].astype(np.float32)
    return wet * np.float32(_rms(samples) / _rms(wet))


def _trimmed(sound: Samples) -> Samples:
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    level = np.sqrt((frames.astype(np.float64) ** 2).mean(axis=1))
    loud = np.flatnonzero(level > level.max(initial=0) * 10 ** (QUIET_DB / 20))
    return sound[loud[0] * FRAME : (loud[-1] + 1) * FRAME] if loud.size else sound


def _rms(samples: Samples) -> float:
    return float(np.sqrt((samples.astype(np.float64) ** 2).mean()))


def _write(folder: Path, made: Conversation, samples: Samples) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    end = round((max(turn[1] for turn in made.turns) + 0.5) * SAMPLE_RATE_HZ)
    soundfile.write(folder / "audio.wav", np.clip(samples[:end], -1, 1), SAMPLE_RATE_HZ)
    rows = sorted(made.turns)
    rttm = "SPEAKER {} 1 {:.3f} {:.3f} <NA> <NA> {} <NA> <NA>\n"
    (folder / "speakers.rttm").write_text(
        "".join(rttm.format(folder.name, start, end - start, who) for start, end, who, _ in rows)
    )
    table = ("\t".join((f"{start:.3f}", f"{end:.3f}", who, "-", text)) for start, end, who, text in rows)
    (folder / "turns.tsv").write_text("\n".join(["start\tend\tspeaker\tid\ttext", *table]) + "\n")


if __name__ == "__main__":
    main()
