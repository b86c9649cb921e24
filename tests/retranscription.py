"""A machine that hears an interview twice, differently, and a person who edits in between."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from random import Random

from podcast_pipeline.model import Receipt, Segment, Speaker, Transcript, Word
from podcast_pipeline.transcript.document import HINT

COMMON = tuple(
    re.findall(
        r"\w+",
        "the and a to of in that is it you was for on we with they be this have not but what all so there"
        " yes one about out up know go get like time now people think really just little work house story",
    )
)
RARE = tuple(
    f"{a}{b}{c}" for a in ("bar", "mel", "tor", "vin", "sel") for b in "aeiou" for c in ("dan", "ric", "mon")
)
SPEAKERS = (Speaker(id="S0", name="Ann Example"), Speaker(id="S1"))
NEAR = 4  # words
STEP_S = 0.4  # from one word to the next; a word lasts half of it


@dataclass(frozen=True)
class Said:
    """A word, by which voice, and which word of the first transcription it is (3.5: invented after 3)."""

    index: float
    text: str
    voice: str


@dataclass(frozen=True)
class Heard:
    """A transcription, and for each word of it, by start and text, which word of the first one it is."""

    transcript: Transcript
    origins: dict[tuple[float, str], float]


def interview(random: Random, words: int) -> Transcript:
    """Return a made-up interview of two voices in sentences of common and rare words."""
    said: list[Said] = []
    while len(said) < words:
        voice = random.choice(SPEAKERS).id
        for _ in range(min(random.randint(3, 40), words - len(said))):
            text = random.choice(COMMON if random.random() < 0.75 else RARE)
            said.append(Said(len(said), text, voice))
    return _transcript(random, said, shift_s=0.0, audio="a", speakers=SPEAKERS)


def heard_again(random: Random, base: Transcript, *, noise: float, shift_s: float) -> Heard:
    """Return what another engine hears: words wrong, missing, invented, other ids, all times shifted.

    Noise never imitates the words beside it and spares words said twice: nobody could tell which is which.

    Args:
        noise: share of the words that go wrong.
        shift_s: 0 is the same recording; anything else one that was cut again.
    """
    other = {"S0": "S1", "S1": "S0"}
    voices = [other[segment.speaker or ""] for segment in base.segments for _ in segment.words]
    texts = [word.text.strip() for word in base.words]
    said: list[Said] = []
    for index, (text, voice) in enumerate(zip(texts, voices, strict=True)):
        near = texts[max(index - NEAR, 0) : index + NEAR + 1]
        wrong = random.choice([word for word in (*COMMON, *RARE) if word not in near])
        throw = random.random() / noise if noise and near.count(text) == 1 else 1.0
        if throw < 0.5:
            said.append(Said(index, wrong, voice))
        elif throw >= 0.75:
            said.append(Said(index, text, voice))
        if 0.75 <= throw < 1.0:
            said.append(Said(index + 0.5, wrong, voice))
    speakers = (Speaker(id="S0"), Speaker(id="S1"))
    audio = "b" if shift_s else "a"
    transcript = _transcript(random, said, shift_s=shift_s, audio=audio, speakers=speakers)
    return Heard(
        transcript, {(w.start_s, w.text): s.index for w, s in zip(transcript.words, said, strict=True)}
    )


def _transcript(
    random: Random, said: Sequence[Said], *, shift_s: float, audio: str, speakers: tuple[Speaker, ...]
) -> Transcript:
    segments = [
        Segment(speaker=voice, words=tuple(_word(random, one, shift_s) for one in spoken[at : at + size]))
        for voice, turn in groupby(said, key=lambda one: one.voice)
        for spoken, size in [(list(turn), random.randint(4, 20))]
        for at in range(0, len(spoken), size)
    ]
    return Transcript(
        language="en",
        duration_s=shift_s + len(said) * STEP_S + 1,
        speakers=speakers,
        segments=tuple(segments),
        receipt=Receipt(
            engine="e", engine_version="1", model="m", weights_sha256="0" * 64, audio_sha256=audio * 64
        ),
    )


def _word(random: Random, said: Said, shift_s: float) -> Word:
    start_s = shift_s + said.index * STEP_S + random.random() * STEP_S / 5
    return Word(text=f" {said.text}", start_s=start_s, end_s=start_s + STEP_S / 2)


def edited(random: Random, markdown: str, count: int) -> str:
    """Return a transcript.md in which a person replaced, inserted and deleted words and moved a turn.

    Every word that the person wrote is like `zq3x1`: the fourth edit, its second word.
    """
    lines = markdown.split("\n")
    first = lines.index(HINT) + 1
    for number in range(count):
        paragraphs = [i for i in range(first, len(lines)) if lines[i] and lines[i][0] != "*"]
        if not paragraphs:
            break
        at = random.choice(paragraphs)
        lines[at] = " ".join(_edited(random, lines[at].split(), number))
    headings = [i for i in range(first, len(lines)) if lines[i].startswith("*")]
    if headings and random.random() < 0.5:
        lines[random.choice(headings)] = random.choice(("**Carl Moved**", "**Ann Example**", "**Speaker 2**"))
    text = "\n".join(lines)
    return text.replace("S1: Speaker 2", "S1: Bob Guest") if random.random() < 0.5 else text


def _edited(random: Random, words: list[str], number: int) -> list[str]:
    start = random.randrange(len(words)) if words else 0
    end = start + random.choice((0, 1, 1, 2, 3))
    written = [f"zq{number}x{k}" for k in range(random.randint(0 if end > start else 1, 3))]
    return [*words[:start], *written, *words[end:]]
