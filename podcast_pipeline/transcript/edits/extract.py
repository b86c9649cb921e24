"""What a person changed in a transcript.md, as edits."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.edits.anchors import AnchorIndex
from podcast_pipeline.transcript.edits.record import (
    Edit,
    NameEdit,
    TextQuote,
    TurnEdit,
    WordEdit,
    recording_hash,
)
from podcast_pipeline.transcript.edits.sequence_diff import DiffHunk, merge_adjacent
from podcast_pipeline.transcript.edits.units import Unit, equal_ignoring_typography, join_units
from podcast_pipeline.transcript.edits.word_times import DocumentAlignment, align_document
from podcast_pipeline.transcript.markdown import MarkdownTranscript

CONTEXT_UNITS = 12
SAMPLES = 5  # of a voice, spread over the recording
SAMPLE_UNITS = 10


def extract_edits(document: MarkdownTranscript, base: Transcript, now: datetime) -> tuple[Edit, ...]:
    """Return every difference between a document and the words it was made from, in order of the text.

    Args:
        base: the transcript whose hash is the document's `base`.
        now: when the edits are taken; becomes their `edited_at`.
    """
    reading = align_document(document, base)
    recording = recording_hash(base)
    places = AnchorIndex(reading.transcript_units, None)
    words = [_word_edit(reading, change, places, recording, now) for change in _rewritten(reading)]
    turns = [_turn_edit(reading, i1, i2, to, places, recording, now) for i1, i2, to in _given_away(reading)]
    names = list(_name_edits(reading, base, recording, now))
    in_order: list[WordEdit | TurnEdit] = sorted([*words, *turns], key=lambda edit: edit.site.start_s)
    return (*names, *in_order)


def _rewritten(reading: DocumentAlignment) -> Iterator[DiffHunk]:
    """Yield the stretches that a person rewrote, one turn of the document at a time."""
    touched = [
        DiffHunk(i, i + 1, j, j + 1)
        for i, j in reading.matches
        if not equal_ignoring_typography(reading.transcript_units[i].text, reading.document_units[j].text)
    ]
    for change in merge_adjacent([*touched, *reading.hunks]):
        yield from _by_turn(reading, change)


def _by_turn(reading: DocumentAlignment, change: DiffHunk) -> Iterator[DiffHunk]:
    numbers = range(change.j1, change.j2)
    said = groupby(numbers, key=lambda j: (reading.document_units[j].turn_index, reading.speaker_ids[j]))
    turns = [list(js) for _, js in said] or [[]]
    i1 = change.i1
    for js in turns:
        yield DiffHunk(i1, change.i2, js[0] if js else change.j1, js[-1] + 1 if js else change.j1)
        i1 = change.i2  # the first turn stands for all that was heard


def _word_edit(
    reading: DocumentAlignment, change: DiffHunk, places: AnchorIndex, recording: str | None, now: datetime
) -> WordEdit:
    units, spoken = reading.transcript_units, _speaker_by_unit(reading)
    says = reading.speaker_ids[change.j1] if change.j2 > change.j1 else None
    beside = {"before": change.i1 - 1, "after": change.i2}
    if change.i2 > change.i1:
        beside = {"before": change.i1}
    sides = [
        side for side, i in beside.items() if 0 <= i < len(units) and spoken.get(i, units[i].speaker) == says
    ]
    stranger = says is not None and not sides
    return WordEdit(
        site=_site(units, change.i1, change.i2, recording, places),
        written=join_units(token.text for token in reading.document_units[change.j1 : change.j2]),
        side="after" if sides == ["after"] else "before",
        speaker=_name(reading, says) if stranger else None,
        voice=_voice(reading, says, recording) if stranger else (),
        edited_at=now,
    )


def _voice(
    reading: DocumentAlignment, speaker_id: str | None, recording: str | None
) -> tuple[TextQuote, ...]:
    """Return places where a speaker without a name speaks; none for one with a name."""
    named = any(speaker.name for speaker in reading.speakers if speaker.id == speaker_id)
    return () if named or speaker_id is None else _samples(reading.transcript_units, speaker_id, recording)


def _site(
    units: Sequence[Unit], i1: int, i2: int, recording: str | None, places: AnchorIndex | None = None
) -> TextQuote:
    """Return a place as it is found again; with `places` it says whether another one is like it."""
    start_s = units[i1].start_s if i1 < len(units) else units[-1].end_s if units else 0.0
    site = TextQuote(
        before=join_units(unit.text for unit in units[max(i1 - CONTEXT_UNITS, 0) : i1]),
        heard=join_units(unit.text for unit in units[i1:i2]),
        after=join_units(unit.text for unit in units[i2 : i2 + CONTEXT_UNITS]),
        start_s=start_s,
        end_s=max(units[i2 - 1].end_s, start_s) if i2 > i1 else start_s,
        recording=recording,
    )
    return site.model_copy(update={"rival": places.ambiguity(site, i1)}) if places else site


def _name(reading: DocumentAlignment, speaker_id: str | None) -> str | None:
    """Return a speaker's name; a voice without one is known by its number here."""
    for number, speaker in enumerate(reading.speakers, start=1):
        if speaker.id == speaker_id:
            return speaker.name or f"Speaker {number}"
    return None


def _turn_edit(
    reading: DocumentAlignment,
    i1: int,
    i2: int,
    to: str,
    places: AnchorIndex,
    recording: str | None,
    now: datetime,
) -> TurnEdit:
    voices = [unit.speaker for unit in reading.transcript_units]
    return TurnEdit(
        site=_site(reading.transcript_units, i1, i2, recording, places),
        speaker=_name(reading, to) or to,
        voice=_voice(reading, to, recording),
        begins_turn=i1 == 0 or voices[i1 - 1] != voices[i1],
        ends_turn=i2 == len(voices) or voices[i2] != voices[i2 - 1],
        edited_at=now,
    )


def _given_away(reading: DocumentAlignment) -> Iterator[tuple[int, int, str]]:
    """Yield (first unit, after the last, speaker) of passages that the document gives to another speaker.

    What was deleted inside such a passage belongs to it.
    """
    runs: list[tuple[str | None, int, int]] = []
    for i, speaker in sorted(_speaker_by_unit(reading).items()):
        new = speaker if speaker != reading.transcript_units[i].speaker else None
        if runs and runs[-1][0] == new:
            runs[-1] = (new, runs[-1][1], i + 1)
        else:
            runs.append((new, i, i + 1))
    yield from ((start, end, new) for new, start, end in runs if new is not None)


def _speaker_by_unit(reading: DocumentAlignment) -> dict[int, str | None]:
    speakers = {i: reading.speaker_ids[j] for i, j in reading.matches}
    for change in reading.hunks:
        if change.j2 > change.j1:
            speakers.update(dict.fromkeys(range(change.i1, change.i2), reading.speaker_ids[change.j1]))
    return speakers


def _name_edits(
    reading: DocumentAlignment, base: Transcript, recording: str | None, now: datetime
) -> Iterator[NameEdit]:
    before = {speaker.id: speaker.name for speaker in base.speakers}
    for speaker in reading.speakers:
        samples = _samples(reading.transcript_units, speaker.id, recording)
        if speaker.id in before and speaker.name != before[speaker.id] and samples:
            yield NameEdit(name=speaker.name, was=before[speaker.id], samples=samples, edited_at=now)


def _samples(units: Sequence[Unit], speaker_id: str, recording: str | None) -> tuple[TextQuote, ...]:
    """Return some places where a voice speaks: the longest passages, in order."""
    passages: list[tuple[int, int]] = []
    for speaker, run in groupby(range(len(units)), key=lambda i: units[i].speaker):
        numbers = list(run)
        if speaker == speaker_id:
            passages.append((numbers[0], len(numbers)))
    longest = sorted(sorted(passages, key=lambda passage: -passage[1])[:SAMPLES])
    places = AnchorIndex(units, None)
    return tuple(_site(units, i, i + min(count, SAMPLE_UNITS), recording, places) for i, count in longest)
