#!/usr/bin/env python3
"""Measure how well typed words are aligned to recognised ones, and how long three hours take.

    PODCAST_SPEECH_DIR=… .venv/bin/python scripts/bench_typed.py [--model base] [--seeds 20] [FOLDER ...]

A folder has a recording `audio.*`, which is transcribed with word times. A typed transcript is made of the
recognised words: a tenth of them changed, lost or followed by an added one; and the same with a sixth of the
recording cut out and an introduction that nobody said. Counted are the words that have a recognised
counterpart: the share whose start is within 0.3 s of it, in the worst and the mean of all seeds. Then the
transcript of each recording is offered to each other one. Times are seconds of the processor.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from statistics import fmean
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parents[1]))

from podcast_pipeline import Transcript, transcribe
from podcast_pipeline.pipeline.context import user_cache_folder
from podcast_pipeline.transcript.edits import transcript_from_document
from podcast_pipeline.transcript.edits.units import units_of
from podcast_pipeline.transcript.edits.word_times import align_document
from podcast_pipeline.transcript.markdown import MarkdownTranscript
from podcast_pipeline.transcript.typed.agreement import heard_share
from podcast_pipeline.transcript.typed.plain_text import text_lines
from podcast_pipeline.transcript.typed.speaker_names import KnownPeople, typed_document
from podcast_pipeline.transcript.typed.turns import turns_of
from tests.support.typed_transcripts import INTRODUCTION, long_interview, share_in_time, typed_from

SHARE = 0.1  # of the words
LONG_WORDS = 30_000  # three hours
FOLDERS = (
    "librispeech_19_198",
    "librispeech_26_496",
    "librispeech_27_124992",
    "composite_3spk",
    "composite_2spk_MF",
)
Made = TypeVar("Made")


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--model", default="base")
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    root = Path(os.environ.get("PODCAST_SPEECH_DIR", "."))
    folders = options.folders or [root / name for name in FOLDERS]
    heard = {folder.name: _transcribed(folder, options.model) for folder in folders}
    print("| recording | words | worst | mean | with a cut: worst | mean |\n|---|---|---|---|---|---|")
    for name, transcript in heard.items():
        print(f"| {name} | {len(transcript.words)} | {' | '.join(_shares(transcript, options.seeds))} |")
    print(f"\nanother recording's transcript: at most {max(_other_shares(heard)):.3f} of the words are heard")
    _long([one.text for one in heard.values()])


def _transcribed(folder: Path, model: str) -> Transcript:
    return transcribe(next(folder.glob("audio.*")), model=model, cache=user_cache_folder())


def _shares(heard: Transcript, seeds: int) -> Iterator[str]:
    units = len(units_of(heard))
    for cut, introduction in ((range(0), ""), (range(units // 3, units // 2), INTRODUCTION)):
        shares = []
        for seed in range(seeds):
            typed = typed_from(heard, seed, share=SHARE, cut=cut, introduction=introduction)
            shares.append(
                share_in_time(typed, transcript_from_document(_document(typed.text, heard), heard), heard)
            )
        yield from (f"{min(shares):.2%}", f"{fmean(shares):.2%}")


def _document(text: str, heard: Transcript) -> MarkdownTranscript:
    return typed_document(turns_of(text_lines(text)), heard, KnownPeople(), base="0" * 16)


def _other_shares(heard: dict[str, Transcript]) -> Iterator[float]:
    for one, other in permutations(heard.values(), 2):
        yield heard_share(align_document(_document(other.text, one), one))


def _long(texts: list[str]) -> None:
    heard = long_interview(1, texts, LONG_WORDS)
    cut = range(LONG_WORDS // 3, LONG_WORDS // 3 + 3000)
    typed = typed_from(heard, 2, share=SHARE, cut=cut, introduction=INTRODUCTION * 20)
    document, read_s = _timed(lambda: _document(typed.text, heard))
    timed, aligned_s = _timed(lambda: transcript_from_document(document, heard))
    share = share_in_time(typed, timed, heard)
    print(f"{LONG_WORDS} words: read {read_s:.2f} s, aligned {aligned_s:.2f} s, {share:.2%} within 0.3 s")


def _timed(work: Callable[[], Made]) -> tuple[Made, float]:
    before = time.process_time()
    made = work()
    return made, time.process_time() - before


if __name__ == "__main__":
    main()
