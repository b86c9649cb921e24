"""Simulates two different transcriptions of an interview, and a person's edits of the first.

Both are difficult: phrases are repeated, the second engine repeats words (hallucination), misrecognizes whole
passages, outputs neighbouring words or the words of an edit, and splits turns elsewhere;
the person deletes turns, moves and repeats paragraphs, and writes words that are there already.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise
from random import Random

from podcast_pipeline.model import Receipt, Segment, Speaker, Transcript, Word
from podcast_pipeline.transcript.edits import Edit, WordEdit
from podcast_pipeline.transcript.markdown import HINT

COMMON = tuple(
    re.findall(
        r"\w+",
        "the and a to of in that is it you was for on we with they be this have not but what all so there yes"
        " one about out up know go get like time now people think really just little work house story no",
    )
)
RARE = [
    f"{a}{b}{c}" for a in ("bar", "mel", "tor", "vin", "sel") for b in "aeiou" for c in ("dan", "ric", "mon")
]
HARD = tuple(
    re.findall(
        r"\S+",
        "Zsófia naïve nai\u0308ve O’Brien don't well-known straße İstanbul שלום مرحبا 日本語 蜂の話 🎙️"
        " 15 50 1,000 3.5 50% 1999 fifteen",
    )
)
PHRASES = [
    phrase.split()
    for phrase in ("you know what I mean", "at the end of the day", "no no no no", "the house the house")
]
SPEAKERS = (Speaker(id="S0", name="Ann Example"), Speaker(id="S1"))
STEP_S = 0.4  # from one word to the next; a word lasts half of it
JITTER_S = 0.3  # the largest delay of another engine's times
NEW_WORDS = 3


@dataclass(frozen=True)
class SpokenWord:
    """A word, its speaker, and its index in the first transcription (3.5: invented after 3)."""

    index: float
    text: str
    voice: str


@dataclass(frozen=True)
class Retranscription:
    """A transcription, and for each word its index in the first transcription (3.5: invented after 3)."""

    transcript: Transcript
    origins: tuple[float, ...]


def interview(random: Random, words: int) -> Transcript:
    """Return a made-up interview of two speakers, with many repeated phrases and sentences."""
    texts: list[str] = []
    sentences: list[list[str]] = []
    while len(texts) < words:
        sentences.append(_sentence(random, sentences))
        texts.extend(_punctuated(random, sentences[-1]))
    voices: list[str] = []
    while len(voices) < words:
        voices += [random.choice(SPEAKERS).id] * random.randint(1, 40)
    spoken = [SpokenWord(i, texts[i], voices[i]) for i in range(words)]
    return _transcript(random, spoken, shift_s=0.0, audio="a", speakers=SPEAKERS)


def _sentence(random: Random, earlier: Sequence[list[str]]) -> list[str]:
    throw = random.random()
    if earlier and throw < 0.15:
        return random.choice(earlier)
    if throw < 0.3:
        return random.choice(PHRASES)
    pools = random.choices((COMMON, RARE, HARD), weights=(70, 20, 10), k=random.randint(2, 25))
    return [random.choice(pool) for pool in pools]


def _punctuated(random: Random, sentence: Sequence[str]) -> list[str]:
    first = sentence[0][:1].upper() + sentence[0][1:]
    words = [first, *sentence[1:]]
    return [*words[:-1], words[-1] + random.choice((".", "?", ",", ""))]


def retranscribe(
    random: Random, base: Transcript, edits: Sequence[Edit] = (), *, noise: float, shift_s: float
) -> Retranscription:
    """Return another engine's transcription: wrong, missing and invented words, other speaker ids.

    Args:
        edits: the edits whose words the engine may output by itself.
        noise: share of the words with an error.
        shift_s: 0 is the same recording; any other value is a recording that was cut again.
    """
    other = {"S0": "S1", "S1": "S0"}
    voices = [other[segment.speaker or ""] for segment in base.segments for _ in segment.words]
    texts = [word.text.strip() for word in base.words]
    spoken: list[SpokenWord] = []
    for index, text in enumerate(texts):
        for k, new in enumerate(_variants(random, texts, index, text, noise)):
            spoken.append(SpokenWord(index + k / 50, new, voices[index]))
    for edit in edits:
        if isinstance(edit, WordEdit) and random.random() < noise:
            spoken = _agree_with_edit(edit, base, spoken)
    spoken = _shift_turns(random, _break_passage(random, spoken, noise), noise)
    speakers = (Speaker(id="S0"), Speaker(id="S1"))
    audio = "b" if shift_s else "a"
    transcript = _transcript(random, spoken, shift_s=shift_s, audio=audio, speakers=speakers)
    return Retranscription(transcript, tuple(one.index for one in spoken))


def _variants(random: Random, texts: Sequence[str], index: int, text: str, noise: float) -> list[str]:
    """Return the output for a word: the word, nothing, or another word; then words invented after it."""
    near = texts[max(index - 3, 0) : index + 4]
    strange = random.choice((random.choice(COMMON), random.choice(RARE), random.choice(near), text[::-1]))
    throw = random.random() / noise if noise else 1.0
    if throw < 0.2:
        return [strange]
    if throw < 0.4:
        return []
    if throw < 0.6:
        return [text, strange]
    if throw < 0.7:
        return [text, text]
    return [text.upper() + "," if throw < 0.8 else text]


def _agree_with_edit(edit: WordEdit, base: Transcript, words: list[SpokenWord]) -> list[SpokenWord]:
    """Return the words with those of an edit, as if the engine had recognized them."""
    start, end = word_range(edit, base)
    voice = next((one.voice for one in words if one.index >= start), "S0")
    texts = edit.written.split()
    new = [SpokenWord(start + k * 0.4 / len(texts), text, voice) for k, text in enumerate(texts)]
    kept = [one for one in words if not start <= one.index < max(end, start)]
    if start == end:  # between two words: after the one before
        new = [SpokenWord(one.index - 0.5, one.text, voice) for one in new]
    return sorted([*kept, *new], key=lambda one: one.index)


def _break_passage(random: Random, words: list[SpokenWord], noise: float) -> list[SpokenWord]:
    """Return the words with one passage wrong as a whole: dropped, repeated, or replaced by random words."""
    if not words or random.random() > noise:
        return words
    first = random.randrange(len(words))
    passage = words[first : first + random.randint(2, 15)]
    at, rest = passage[-1].index, words[first + len(passage) :]
    twice = [SpokenWord(at + 0.4 + k / 100, one.text, one.voice) for k, one in enumerate(passage)]
    babble = [SpokenWord(one.index, random.choice(COMMON), one.voice) for one in passage]
    return [*words[:first], *random.choice(([], [*passage, *twice], babble)), *rest]


def _shift_turns(random: Random, spoken: list[SpokenWord], noise: float) -> list[SpokenWord]:
    """Return the words with turns that begin up to three words earlier or later."""
    turned: list[SpokenWord] = []
    for voice, run in groupby(spoken, key=lambda one: one.voice):
        words = list(run)
        late = random.randint(1, 3) if turned and random.random() < noise and len(words) > 4 else 0
        last = turned[-1].voice if turned else voice
        turned += [
            SpokenWord(one.index, one.text, last if k < late else voice) for k, one in enumerate(words)
        ]
    return turned


def word_range(edit: Edit, base: Transcript) -> tuple[int, int]:
    """Return the word range of the first transcription that an edit replaces: first, after the last."""
    starts = [word.start_s for word in base.words]
    start_s, end_s = edit.site.start_s, edit.site.end_s
    if not edit.site.heard:
        return sum(at < start_s for at in starts), sum(at < start_s for at in starts)
    first = sum(word.end_s <= start_s for word in base.words)
    return first, max(sum(at < end_s for at in starts), first)


def _transcript(
    random: Random, words: Sequence[SpokenWord], *, shift_s: float, audio: str, speakers: tuple[Speaker, ...]
) -> Transcript:
    late_s = shift_s + random.uniform(0, JITTER_S)
    starts_s = [late_s + at * STEP_S for at in accumulate((one.index for one in words), max, initial=0.0)][1:]
    ends_s = [min(a + STEP_S / 2, b) for a, b in pairwise([*starts_s, float("inf")])]
    recognized = [
        (one.voice, Word(text=f" {one.text}", start_s=start_s, end_s=end_s))
        for one, start_s, end_s in zip(words, starts_s, ends_s, strict=True)
    ]
    segments = [
        Segment(speaker=voice, words=tuple(word for _, word in spoken[at : at + size]))
        for voice, turn in groupby(recognized, key=lambda row: row[0])
        for spoken, size in [(list(turn), random.randint(4, 20))]
        for at in range(0, len(spoken), size)
    ]
    return Transcript(
        language="en",
        duration_s=shift_s + (words[-1].index if words else 0) * STEP_S + 1,
        speakers=speakers,
        segments=tuple(segments),
        receipt=Receipt(
            engine="e", engine_version="1", model="m", weights_sha256="0" * 64, audio_sha256=audio * 64
        ),
    )


def edit_markdown(random: Random, markdown: str, count: int) -> str:
    """Return a transcript.md after `count` random changes of a person.

    A word that only an edit can contain is like `zq3x1`: the fourth edit, its second word.
    """
    head, hint, body = markdown.partition(HINT)
    blocks = [block for block in body.split("\n\n") if block.strip()]
    for number in range(count):
        blocks = random.choice(CHANGES)(random, blocks, number)
    named = head.replace("S1: Speaker 2", "S1: Bob Guest") if random.random() < 0.5 else head
    return "\n\n".join([named + hint, *blocks]) + "\n"


def _paragraphs(blocks: Sequence[str]) -> list[int]:
    return [i for i, block in enumerate(blocks) if not block.startswith("*")]


def _rewrite(random: Random, blocks: list[str], number: int) -> list[str]:
    """Change, add or delete up to three words somewhere."""
    for i in random.sample(_paragraphs(blocks), k=min(1, len(_paragraphs(blocks)))):
        words = blocks[i].split()
        start = random.randrange(len(words) + 1)
        end = min(start + random.choice((0, 1, 1, 2, 3)), len(words))
        new = list(_new_words(random, words[start:end], number, least=0 if end > start else 1))
        blocks = [*blocks[:i], " ".join([*words[:start], *new, *words[end:]]), *blocks[i + 1 :]]
    return [block for block in blocks if block]


def _new_words(random: Random, old: Sequence[str], number: int, least: int) -> Iterator[str]:
    for k in range(random.randint(least, NEW_WORDS)):
        kind = random.randrange(6)
        if kind == 0 and old:
            yield random.choice(old)[:-1] + "k"  # close to the recognized word
        elif kind == 1:
            yield random.choice((*COMMON, *HARD))
        elif kind == 2 and old:
            yield old[0].title() + random.choice(("", ",", "."))  # the same word, spelled differently
        else:
            yield f"zq{number}x{k}"


def _change_many_words(random: Random, blocks: list[str], number: int) -> list[str]:
    """Change every few words of a paragraph."""
    for i in random.sample(_paragraphs(blocks), k=min(1, len(_paragraphs(blocks)))):
        words = blocks[i].split()
        for k in range(random.randint(0, 2), len(words), random.randint(2, 5)):
            words[k] = random.choice((f"zq{number}x{k}", "", words[k] + " really", words[k - 1]))
        blocks = [*blocks[:i], " ".join(filter(None, words)), *blocks[i + 1 :]]
    return [block for block in blocks if block]


def _move(random: Random, blocks: list[str], number: int) -> list[str]:
    """Move or copy a block, a turn's heading or a paragraph, to a random place."""
    if not blocks:
        return blocks
    i, j = random.randrange(len(blocks)), random.randrange(len(blocks) + 1)
    rest = blocks if random.random() < 0.3 else [*blocks[:i], *blocks[i + 1 :]]
    return [*rest[:j], blocks[i], *rest[j:]]


def _drop_turn(random: Random, blocks: list[str], number: int) -> list[str]:
    """Delete a turn, with or without its heading."""
    headings = [i for i, block in enumerate(blocks) if block.startswith("*")]
    if len(headings) < 2:
        return blocks
    k = random.randrange(len(headings))
    end = headings[k + 1] if k + 1 < len(headings) else len(blocks)
    return [*blocks[: headings[k] + random.randint(0, 1)], *blocks[end:]]


def _reassign_turn(random: Random, blocks: list[str], number: int) -> list[str]:
    """Reassign a turn to another speaker, split it, or join it with the turn before; edit some words."""
    if not blocks:
        return blocks
    i = random.randrange(len(blocks))
    name = random.choice(("**Carl Moved**", "**Ann Example**", "**Speaker 2**", "**Bob Guest**"))
    if blocks[i].startswith("*"):
        blocks = [*blocks[:i], *random.choice(([name], [])), *blocks[i + 1 :]]
    else:
        words = blocks[i].split()
        at = random.randrange(len(words))
        parts = [" ".join(words[:at]), name, f"zq{number}x0 {' '.join(words[at:])}"]
        blocks = [*blocks[:i], *filter(None, parts), *blocks[i + 1 :]]
    return _rewrite(random, blocks, number) if random.random() < 0.5 else blocks


def _paste(random: Random, blocks: list[str], number: int) -> list[str]:
    """Paste a paragraph that no engine recognized."""
    i = random.randrange(len(blocks) + 1)
    return [*blocks[:i], " ".join(f"zq{number}x{k}" for k in range(random.randint(1, 30))), *blocks[i:]]


CHANGES = (
    _rewrite,
    _rewrite,
    _rewrite,
    _rewrite,
    _change_many_words,
    _move,
    _drop_turn,
    _reassign_turn,
    _reassign_turn,
    _paste,
)
