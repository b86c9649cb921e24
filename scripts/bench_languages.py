#!/usr/bin/env python3
"""Measure two languages in one recording, and the styles.

    PODCAST_SPEECH_DIR=… .venv/bin/python scripts/bench_languages.py [--model base] [--seeds 4] [--styles]

The first table: for each language of multilingual_short, recordings of English chapters (librispeech_*) with
its sentence between them, made by a seed. Time right: of the words, those in a segment of the right language.
Stretches: the recordings whose changes of language are all there, and no others. WER of each language. The
constants of stretches.py were chosen with French, Spanish and librispeech_19_198, then with Italian and
Portuguese (seed 0), Japanese and Korean.

The second table (--styles: only this one): word errors after Whisper's normalisation, word errors of the text
as it was said, and how many of its fillers ("um", "uh") and repeated words are there.
"""

import argparse
import os
import random
import re
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path

import jiwer
import numpy as np
from whisper.normalizers import BasicTextNormalizer, EnglishTextNormalizer

sys.path.append(str(Path(__file__).parent.parent))

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcription import Transcriber, TranscriptionOptions, load_transcriber
from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ, Samples
from tests.support.sounds import ignore_progress, samples_of, write_wav

CACHE = Path(tempfile.gettempdir()) / "podcast-bench"
CHAPTERS = {True: ("librispeech_19_198",), False: ("librispeech_26_496", "librispeech_27_124992")}
"""Whether a language was used to choose the constants -> the English beside it."""

CHOSEN_WITH = ("fr", "es")
SPACED = ("fr", "es", "de", "it", "pt")  # the others have no words to count
SPONTANEOUS = (
    *("spontaneous_mfa/acoustic_corpus", "spontaneous_mfa/cold_corpus", "spontaneous_mfa/cold_corpus3"),
    *("pyannote_sample_2spk/audio", "composite_2spk_MF/audio", "composite_3spk/audio"),
)
FILLERS = frozenset(("um", "umm", "uhm", "uh", "uhh", "er", "erm", "hm", "hmm", "mm", "mhm", "ah"))


@dataclass
class Mix:
    """A recording in two languages.

    Attributes:
        spans: (start, end, language) of each part, in seconds.
        texts: language -> what is said in it.
    """

    parts: list[Samples] = field(default_factory=list)
    spans: list[tuple[float, float, str]] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, samples: Samples, language: str, text: str, draw: random.Random) -> None:
        """Add a part, and a pause with a little noise."""
        start_s = sum(map(len, self.parts)) / SAMPLE_RATE_HZ
        noise = np.random.default_rng(draw.randrange(1 << 30))
        pause = noise.normal(0, 3e-4, int(SAMPLE_RATE_HZ * draw.uniform(0.3, 1.5)))
        self.spans.append((start_s, start_s + len(samples) / SAMPLE_RATE_HZ, language))
        self.texts[language].append(text)
        self.parts += [samples, pause.astype(np.float32)]


def main() -> None:
    """Measure and print the tables, in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="base")
    parser.add_argument("--seeds", type=int, default=4, help="recordings for each language")
    parser.add_argument("--styles", action="store_true", help="the second table only")
    asked = parser.parse_args()
    root = Path(os.environ["PODCAST_SPEECH_DIR"])
    transcriber = load_transcriber("auto", asked.model, cache=CACHE)
    if not asked.styles:
        print("| language | recordings | time right | stretches | WER of it | WER of English |")
        print("|---|---|---|---|---|---|")
        for language in SPACED:
            print(_language_row(root, language, asked.seeds, transcriber), flush=True)
    print("\n| recording | style | WER | errors, as said | fillers | repeated words |")
    print("|---|---|---|---|---|---|")
    for name in SPONTANEOUS:
        for row in _style_rows(root, name, transcriber):
            print(row, flush=True)


def _language_row(root: Path, language: str, seeds: int, transcriber: Transcriber) -> str:
    right, whole = Counter[bool](), 0
    said, heard = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for seed in range(seeds):
        mix = _mix(root, language, random.Random(f"{language} {seed}"))  # noqa: S311
        with tempfile.TemporaryDirectory() as folder:
            path = write_wav(Path(folder) / "mix.wav", np.concatenate(mix.parts))
            options = TranscriptionOptions(languages=("en", language))
            transcript = transcriber.transcribe(path, options=options, report=ignore_progress)
        right += Counter(_is_right(mix, transcript))
        runs = [run for run, _ in groupby(s.language or transcript.language for s in transcript.segments)]
        whole += runs == [run for run, _ in groupby(spoken for _, _, spoken in mix.spans)]
        for spoken, texts in mix.texts.items():
            said[spoken] += texts
        for segment in transcript.segments:
            heard[segment.language or transcript.language].append(segment.text)
    rates = [_word_error_rate(name, said[name], heard[name]) for name in (language, "en")]
    share = right[True] / right.total()
    return f"| {language} | {seeds} | {share:.1%} | {whole} of {seeds} | {rates[0]:.1%} | {rates[1]:.1%} |"


def _mix(root: Path, language: str, draw: random.Random) -> Mix:
    """Return English utterances with the language's sentence between them, twice or three times."""
    mix, folder = Mix(), root / "multilingual_short"
    rows = (line.split("\t") for line in (folder / "reference.tsv").read_text(encoding="utf-8").splitlines())
    text = next(row[3] for row in rows if row[1] == language)
    sentence = samples_of(folder / f"test_{language}.wav")
    for _ in range(draw.randrange(2, 4)):
        mix.add(*_english(root, language in CHOSEN_WITH, draw), draw)
        mix.add(sentence, language, text, draw)
    mix.add(*_english(root, language in CHOSEN_WITH, draw), draw)
    return mix


def _english(root: Path, was_chosen_with: bool, draw: random.Random) -> tuple[Samples, str, str]:
    folder = root / draw.choice(CHAPTERS[was_chosen_with])
    lines = (folder / "utterances.tsv").read_text(encoding="utf-8").splitlines()[1:]
    _, start_s, end_s, text = draw.choice([line.split("\t") for line in lines])
    samples = samples_of(folder / "audio.flac")
    return samples[int(float(start_s) * SAMPLE_RATE_HZ) : int(float(end_s) * SAMPLE_RATE_HZ)], "en", text


def _is_right(mix: Mix, transcript: Transcript) -> Iterator[bool]:
    """Yield for each word whether its segment is in the language that is spoken at its middle."""
    for segment in transcript.segments:
        for word in segment.words:
            middle_s = (word.start_s + word.end_s) / 2
            spoken = next((name for start, end, name in mix.spans if start <= middle_s <= end), None)
            if spoken:
                yield spoken == (segment.language or transcript.language)


def _word_error_rate(language: str, said: list[str], heard: list[str]) -> float:
    normal = EnglishTextNormalizer() if language == "en" else BasicTextNormalizer()
    return float(jiwer.wer(normal(" ".join(said)), normal(" ".join(heard))))


def _style_rows(root: Path, name: str, transcriber: Transcriber) -> Iterator[str]:
    path = (root / name).with_suffix(".flac")
    beside = path.with_suffix(".txt")
    reference = (beside if beside.exists() else path.parent / "reference.txt").read_text(encoding="utf-8")
    said, normal = _plain(reference), EnglishTextNormalizer()
    for style in ("clean", "verbatim"):
        options = TranscriptionOptions(language="en", style=style)
        text = transcriber.transcribe(path, options=options, report=ignore_progress).text
        heard = _plain(text)
        errors = jiwer.process_words(" ".join(said), " ".join(heard))
        count = errors.substitutions + errors.deletions + errors.insertions
        fillers, repeats = (f"{found(heard)} of {found(said)}" for found in (_count_fillers, _count_repeats))
        rate = jiwer.wer(normal(reference), normal(text))
        yield f"| {name} | {style} | {rate:.1%} | {count} of {len(said)} | {fillers} | {repeats} |"


def _plain(text: str) -> list[str]:
    return re.sub(r"[^\w' ]+", " ", text.lower().replace("’", "'").replace("\n", " ")).split()


def _count_fillers(words: list[str]) -> int:
    return sum(word in FILLERS for word in words)


def _count_repeats(words: list[str]) -> int:
    return sum(word == after for word, after in pairwise(words))


if __name__ == "__main__":
    main()
