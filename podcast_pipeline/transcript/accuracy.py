"""The accuracy receipt: stretches drawn by a seed, what a person made of them, how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from rapidfuzz.distance import Levenshtein

from podcast_pipeline.model import Instant, Noun, Seconds, Slug, Transcript
from podcast_pipeline.transcript.edits.alignment import pairs
from podcast_pipeline.transcript.edits.units import key_of, split

STRETCH_S = 15.0  # long enough to hear a sentence whole
RESAMPLES = 1000
CONFIDENCE = 0.95


class Stretch(Noun):
    """A part of the recording that is listened to: whole segments."""

    start_s: Seconds
    end_s: Seconds
    text: str


class Rate(Noun):
    """A share with its 95 % confidence interval; `low` and `high` equal `value` where nothing varies."""

    value: float
    low: float
    high: float


class AccuracyReceipt(Noun):
    """How right the words of an episode are.

    Attributes:
        wer: word errors per reference word.
        name_error: share of the names in the reference that were written wrong; None without names.
        seed, sample_s: of the draw, so that anybody can make it again.
    """

    slug: Slug
    measured_at: Instant
    model: str
    seed: int
    sample_s: Seconds
    words: int
    names: int
    wer: Rate
    name_error: Rate | None


class Trend(Noun):
    """Every receipt of a show, oldest first."""

    schema_version: Literal[1] = 1
    receipts: tuple[AccuracyReceipt, ...] = ()

    def with_receipt(self, receipt: AccuracyReceipt) -> "Trend":
        """Return the trend with a receipt, in place of the one of the same episode and draw."""
        others = [
            r
            for r in self.receipts
            if (r.slug, r.seed, r.model) != (receipt.slug, receipt.seed, receipt.model)
        ]
        return Trend(receipts=tuple(sorted([*others, receipt], key=lambda r: (r.measured_at, r.slug))))


@dataclass(frozen=True)
class Accuracy:
    """What was measured, before it is dated."""

    words: int
    names: int
    wer: Rate
    name_error: Rate | None


def draw(transcript: Transcript, *, sample_s: float, seed: int) -> tuple[Stretch, ...]:
    """Return stretches of about STRETCH_S that add up to about `sample_s`, in order of time.

    The same transcript and seed give the same stretches; a short transcript is drawn whole.
    """
    stretches = _stretches(transcript)
    order = Random(seed).sample(stretches, len(stretches))  # noqa: S311  a draw, not a secret
    chosen: list[Stretch] = []
    for stretch in order:
        if sum(s.end_s - s.start_s for s in chosen) >= sample_s:
            break
        chosen.append(stretch)
    return tuple(sorted(chosen, key=lambda stretch: stretch.start_s))


def _stretches(transcript: Transcript) -> list[Stretch]:
    found: list[Stretch] = []
    for segment in transcript.segments:
        last = found[-1] if found else None
        if last and segment.end_s - last.start_s <= STRETCH_S:
            end_s = max(last.end_s, segment.end_s)
            found[-1] = Stretch(start_s=last.start_s, end_s=end_s, text=f"{last.text} {segment.text}")
        else:
            found.append(Stretch(start_s=segment.start_s, end_s=segment.end_s, text=segment.text))
    return found


def accuracy(samples: Sequence[tuple[str, str]], *, names: Sequence[str] = (), seed: int = 0) -> Accuracy:
    """Return the word and name error of corrected stretches.

    Args:
        samples: per stretch what the person made of it (the reference), and what the machine heard.
        names: known names; the capitalised words of the reference that belong to one are counted.
        seed: of the bootstrap.

    Source: Bisani and Ney 2004, bootstrap over stretches, percentile interval.
    """
    known = {key_of(part) for name in names for part in name.split()}
    counts = [_count(reference, heard, known) for reference, heard in samples]
    words, named = sum(c[1] for c in counts), sum(c[3] for c in counts)
    wer = _rate([(errors, total) for errors, total, _, _ in counts], seed)
    wrong_names = _rate([(wrong, total) for _, _, wrong, total in counts], seed) if named else None
    return Accuracy(words, named, wer, wrong_names)


def _count(reference: str, heard: str, names: set[str]) -> tuple[int, int, int, int]:
    """Return word errors, words, wrong names, names."""
    wanted, got = ([key_of(unit) for unit in split(text) if _spoken(unit)] for text in (reference, heard))
    right = {i for i, _ in pairs(wanted, got)}
    named = [i for i, key in enumerate(wanted) if key.removesuffix("'s") in names]
    return Levenshtein.distance(wanted, got), len(wanted), sum(i not in right for i in named), len(named)


def _spoken(unit: str) -> bool:
    return any(c.isalnum() for c in unit)


def _rate(counts: Sequence[tuple[int, int]], seed: int) -> Rate:
    value = _share(counts)
    random = Random(seed)  # noqa: S311  the same receipt for the same corrections
    shares = (
        sorted(_share(random.choices(counts, k=len(counts))) for _ in range(RESAMPLES)) if counts else [0.0]
    )
    edge = int(len(shares) * (1 - CONFIDENCE) / 2)
    return Rate(value=value, low=shares[edge], high=shares[-1 - edge])


def _share(counts: Sequence[tuple[int, int]]) -> float:
    total = sum(count for _, count in counts)
    return round(sum(errors for errors, _ in counts) / total, 4) if total else 0.0
