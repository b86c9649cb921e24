#!/usr/bin/env python3
"""Measure the glossary on real recordings: names right without and with it, and what absent names break.

    PODCAST_SPEECH_DIR=… .venv/bin/python scripts/bench_names.py [--model base] [--engine auto] [FILE ...]

names.tsv beside this script says which name is spoken in which file and between which times (those of the
reference's utterance). It was made by hand: every person and place in the reference texts of the read
recordings that a producer would put into a glossary. The recordings stay where they are.

An occurrence is right when the name stands in the words heard in that utterance, as it is written. Each
file is heard three times: without a glossary; with its names; with
300 names that nobody says.
"""

import argparse
import csv
import os
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from jiwer import wer
from whisper.normalizers import EnglishTextNormalizer

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.names.glossary import Glossary, fix_names
from podcast_pipeline.transcript.names.matching import GlossaryTerm
from podcast_pipeline.transcription import Transcriber, TranscriptionOptions, choose_engine, load_transcriber

SLACK_S = 1.0  # around an utterance
FIRSTS = (
    "Abena Birgitta Casimir Dagny Emeka Fenella Gudrun Halvard Ines Jowan"
    " Katinka Lubomir Maelys Nikos Oluchi Piotr Quentin Ragnhild Severin Tomasz"
)
LASTS = (
    "Abernathy Brzezicki Castellanos Dvorak Eszterhazy Fitzwarren Grigoryan Hathersage Iyengar Jankowski"
    " Kowalczyk Lindqvist Mukherjee Nakashima Oyelaran"
)
PEOPLE = product(FIRSTS.split(), LASTS.split())
ABSENT = Glossary(tuple(GlossaryTerm(f"{first} {last}") for first, last in PEOPLE))


@dataclass(frozen=True)
class Spoken:
    """A name, where it is spoken."""

    name: str
    start_s: float
    end_s: float


def spoken() -> dict[str, list[Spoken]]:
    """Return the occurrences of names.tsv by file."""
    found: dict[str, list[Spoken]] = {}
    with Path(__file__).with_name("names.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            place = Spoken(row["name"], float(row["start_s"]), float(row["end_s"]))
            found.setdefault(row["file"], []).append(place)
    return found


def right(transcript: Transcript, names: Sequence[Spoken]) -> list[bool]:
    """Return for each occurrence whether the name stands there."""
    seen: Counter[Spoken] = Counter()
    results = []
    for place in names:
        seen[place] += 1
        said = "".join(
            word.text
            for word in transcript.words
            if place.start_s - SLACK_S <= word.start_s <= place.end_s + SLACK_S
        )
        results.append(len(re.findall(rf"(?<!\w){re.escape(place.name)}(?!\w)", said)) >= seen[place])
    return results


def hear(engine: Transcriber, audio: Path, glossary: Glossary) -> Transcript:
    """Return the words with a glossary in the prompt and in the second pass; without terms plain words."""
    options = TranscriptionOptions(language="en", names=glossary.names)
    heard = engine.transcribe(audio, options=options, report=lambda _: None)
    fixed, fixes = fix_names(heard, glossary)
    for one in fixes:
        print(f"    {one.start_s:7.1f} s  {one.before} -> {one.after}")
    return fixed


def main() -> None:
    """Print one row per file and the sums."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="base")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("files", nargs="*", metavar="FILE", help="folders of names.tsv; all by default")
    wanted = parser.parse_args()
    folder = Path(os.environ["PODCAST_SPEECH_DIR"])
    name = choose_engine(wanted.engine)
    normal = EnglishTextNormalizer()
    rows, wrong, mended, broken, errors, words = [], 0, 0, 0, [0.0, 0.0, 0.0], 0
    with tempfile.TemporaryDirectory() as cache:
        engine = load_transcriber(name, wanted.model, cache=Path(cache))
        for file, names in spoken().items():
            if wanted.files and file not in wanted.files:
                continue
            audio = next((folder / file).glob("audio.*"))
            reference = normal((folder / file / "reference.txt").read_text(encoding="utf-8"))
            own = Glossary(tuple(GlossaryTerm(n) for n in dict.fromkeys(place.name for place in names)))
            runs = [hear(engine, audio, g) for g in (Glossary(), own, ABSENT)]
            without, with_, _ = (right(run, names) for run in runs)
            rates = [wer(reference, normal(run.text)) for run in runs]
            size = len(reference.split())
            words += size
            errors = [e + r * size for e, r in zip(errors, rates, strict=True)]
            wrong += without.count(False)
            mended += sum(b for a, b in zip(without, with_, strict=True) if not a)
            broken += sum(not b for a, b in zip(without, with_, strict=True) if a)
            rows.append((file, len(names), sum(without), sum(with_), *(f"{r:.2%}" for r in rates)))
            missed = {p.name for p, b in zip(names, with_, strict=True) if not b}
            print(f"{rows[-1]}: still wrong: {', '.join(sorted(missed)) or 'none'}", flush=True)
    print(f"\n{name}, {wanted.model}")
    print("| file | names said | right without | right with | WER without | with | with 300 absent |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    sums = ", ".join(f"{e / words:.2%}" for e in errors)
    print(f"wrong without: {wrong}; right with: {mended} ({mended / wrong:.0%}); made wrong: {broken}")
    print(f"WER of all without, with, with 300 absent names: {sums}")


if __name__ == "__main__":
    main()
