"""Human edits over a transcript: aligned, recorded, and merged over another transcription."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podcast_pipeline.catalog import to_json
from podcast_pipeline.model import Segment, Speaker, Transcript, Word
from podcast_pipeline.transcript.document import parse, to_markdown
from podcast_pipeline.transcript.edits import (
    Edit,
    Edits,
    Merged,
    NameEdit,
    TurnEdit,
    WordEdit,
    align,
    apply_edits,
    diff,
    take_edits,
)
from tests.retranscription import Heard, edited, heard_again, interview

NOW = datetime(2026, 3, 3, 6, tzinfo=UTC)
LATER = datetime(2026, 3, 6, 6, tzinfo=UTC)
BASE = "0123456789abcdef"


@dataclass(frozen=True)
class Case:
    """One interview, edited, heard again and merged."""

    base: Transcript
    edits: tuple[Edit, ...]
    heard: Heard
    merged: Merged


def play(seed: int, *, words: int, count: int, noise: float, shift_s: float) -> Case:
    random = Random(seed)
    base = interview(random, words)
    document = parse(edited(random, to_markdown(base, base=BASE, title="t"), count))
    edits = take_edits(document, base, NOW)
    heard = heard_again(random, base, noise=noise, shift_s=shift_s)
    return Case(base, edits, heard, apply_edits(edits, heard.transcript))


def misplaced(case: Case) -> Iterator[str]:
    """Yield what an applied edit did anywhere but in its place, and what it did not do there."""
    place = {edit: _place(edit, case.base) for edit in case.merged.applied if isinstance(edit, WordEdit)}
    out = [
        (
            word,
            case.heard.origins.get((word.start_s, word.text)),
            case.merged.transcript.speaker_name(s.speaker),
        )
        for s in case.merged.transcript.segments
        for word in s.words
    ]
    kept = {origin for _, origin, _ in out if origin is not None}
    for edit, (start, end) in place.items():
        if _said_twice(edit):  # which of the two goes is all the same
            continue
        yield from (f"{edit} left {n}" for n in range(start, end) if n in kept)
        for text in edit.written.split():
            if text.startswith("zq"):
                yield from _out_of_order(text, start, end, [(word.text.strip(), n) for word, n, _ in out])
    for origin in case.heard.origins.values():
        if origin not in kept and not any(start - 0.5 <= origin <= end for start, end in place.values()):
            yield f"word {origin} is lost"
    yield from _wrong_speakers(case, [(n, name) for _, n, name in out if n is not None and n == int(n)])


def _said_twice(edit: WordEdit) -> bool:
    heard = edit.site.heard.split()
    around = (edit.site.before.split()[-len(heard) :], edit.site.after.split()[: len(heard)])
    return not edit.written and heard in around


def _place(edit: Edit, base: Transcript) -> tuple[int, int]:
    starts = {word.start_s: index for index, word in enumerate(base.words)}
    at_end = not edit.site.after and not edit.site.heard
    start = len(starts) if at_end else starts[edit.site.start_s]
    return start, start + len(edit.site.heard.split())


def _out_of_order(text: str, start: int, end: int, out: list[tuple[str, float | None]]) -> Iterator[str]:
    at = [index for index, (word, _) in enumerate(out) if word == text]
    if len(at) != 1:
        yield f"{text} is there {len(at)} times"
        return
    before = [n for _, n in out[: at[0]] if n is not None and n == int(n)]
    after = [n for _, n in out[at[0] :] if n is not None and n == int(n)]
    if any(n >= end for n in before) or any(n < start for n in after):
        yield f"{text} is not between {start} and {end}"


def _wrong_speakers(case: Case, out: list[tuple[float, str | None]]) -> Iterator[str]:
    turns = [(_place(e, case.base), e.speaker) for e in case.merged.applied if isinstance(e, TurnEdit)]
    names = {"S0": "Speaker 2", "S1": "Speaker 1"}  # by the first transcription's id
    for edit in case.merged.applied:
        if isinstance(edit, NameEdit) and edit.name:
            names["S1"] = edit.name
    voices = [segment.speaker or "" for segment in case.base.segments for _ in segment.words]
    for n, name in out:
        given = [speaker for (start, end), speaker in turns if start <= n < end]
        if name != (given[0] if given else names[voices[int(n)]]):
            yield f"word {n} is said by {name}"


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    words=st.integers(1, 300),
    count=st.integers(1, 10),
    noise=st.sampled_from((0.0, 0.05, 0.1, 0.2, 0.3)),
    shift_s=st.sampled_from((0.0, 37.5)),
)
def test_every_edit_is_applied_in_its_place_or_reported(
    seed: int, words: int, count: int, noise: float, shift_s: float
) -> None:
    """Over a noisy and shifted transcription no edit is lost, none lands elsewhere, nothing else changes."""
    case = play(seed, words=words, count=count, noise=noise, shift_s=shift_s)
    assert list(misplaced(case)) == []
    told = [*case.merged.applied, *(conflict.edit for conflict in case.merged.conflicts)]
    assert sorted(map(repr, told)) == sorted(map(repr, case.edits))
