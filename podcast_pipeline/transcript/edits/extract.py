"""Extract the edits that a person made in a transcript.md."""

from collections.abc import Iterator, Mapping, Sequence
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
from podcast_pipeline.transcript.edits.units import (
    Unit,
    equal_ignoring_typography,
    has_space,
    join_units,
    with_leading_space,
)
from podcast_pipeline.transcript.edits.word_times import DocumentAlignment, align_document
from podcast_pipeline.transcript.markdown import MarkdownTranscript

CONTEXT_UNITS = 12
SAMPLES = 5  # passages of a voice
SAMPLE_UNITS = 10


def extract_edits(document: MarkdownTranscript, base: Transcript, now: datetime) -> tuple[Edit, ...]:
    """Return the differences between a document and its base transcript, in order of the text.

    Args:
        base: the transcript whose hash is the document's `base`.
        now: becomes the edits' `edited_at`.
    """
    alignment = align_document(document, base)
    recording = recording_hash(base)
    anchors = AnchorIndex(alignment.transcript_units, None)
    speakers = _speaker_by_unit(alignment)
    words = [
        _word_edit(alignment, change, speakers, anchors, recording, now)
        for change in _changed_stretches(alignment)
    ]
    turns = [
        _turn_edit(alignment, i1, i2, to, anchors, recording, now)
        for i1, i2, to in _reassigned_passages(alignment)
    ]
    names = list(_name_edits(alignment, base, recording, now))
    in_order: list[WordEdit | TurnEdit] = sorted([*words, *turns], key=lambda edit: edit.site.start_s)
    return (*names, *in_order)


def _changed_stretches(alignment: DocumentAlignment) -> Iterator[DiffHunk]:
    """Yield the stretches that a person rewrote, split at the document's turns."""
    respelled = [
        DiffHunk(i, i + 1, j, j + 1)
        for i, j in alignment.matches
        if not equal_ignoring_typography(alignment.transcript_units[i].text, alignment.document_units[j].text)
    ]
    for change in merge_adjacent([*respelled, *alignment.hunks]):
        yield from _by_turn(alignment, change)


def _by_turn(alignment: DocumentAlignment, change: DiffHunk) -> Iterator[DiffHunk]:
    numbers = range(change.j1, change.j2)
    groups = groupby(
        numbers, key=lambda j: (alignment.document_units[j].turn_index, alignment.speaker_ids[j])
    )
    turns = [list(js) for _, js in groups] or [[]]
    i1 = change.i1
    for js in turns:
        yield DiffHunk(i1, change.i2, js[0] if js else change.j1, js[-1] + 1 if js else change.j1)
        i1 = change.i2  # the first turn replaces all words of the transcript


def _word_edit(
    alignment: DocumentAlignment,
    change: DiffHunk,
    speakers: Mapping[int, str | None],
    anchors: AnchorIndex,
    recording: str | None,
    now: datetime,
) -> WordEdit:
    units = alignment.transcript_units
    speaker_id = alignment.speaker_ids[change.j1] if change.j2 > change.j1 else None
    neighbours = {"before": change.i1 - 1, "after": change.i2}
    if change.i2 > change.i1:
        neighbours = {"before": change.i1}
    sides = [
        side
        for side, i in neighbours.items()
        if 0 <= i < len(units) and speakers.get(i, units[i].speaker) == speaker_id
    ]
    is_third_speaker = speaker_id is not None and not sides
    return WordEdit(
        site=_text_quote(units, change.i1, change.i2, recording, anchors),
        written=join_units(token.text for token in alignment.document_units[change.j1 : change.j2]),
        side="after" if sides == ["after"] else "before",
        speaker=_name(alignment, speaker_id) if is_third_speaker else None,
        voice=_voice(alignment, speaker_id, recording) if is_third_speaker else (),
        space_before=_space_before(alignment, change),
        space_after=_space_after(alignment, change),
        edited_at=now,
    )


def _space_before(alignment: DocumentAlignment, change: DiffHunk) -> bool | None:
    """Return whether a space is before the words; None for the space that their script has."""
    if change.j1 == change.j2 or alignment.document_units[change.j1].begins_paragraph:
        return None
    text = alignment.document_units[change.j1].text
    return None if text == with_leading_space(text) else has_space(text)


def _space_after(alignment: DocumentAlignment, change: DiffHunk) -> bool | None:
    """Return whether a space is after the words; None for the one before the engine's next word."""
    old, new = alignment.transcript_units[change.i2 :][:1], alignment.document_units[change.j2 :][:1]
    if not old or not new or not change.j2 or new[0].begins_paragraph:
        return None
    space = has_space(new[0].text)
    return None if space == has_space(old[0].text) else space


def _voice(
    alignment: DocumentAlignment, speaker_id: str | None, recording: str | None
) -> tuple[TextQuote, ...]:
    """Return sample passages of a speaker without a name; none for a named speaker."""
    has_name = any(speaker.name for speaker in alignment.speakers if speaker.id == speaker_id)
    return (
        () if has_name or speaker_id is None else _samples(alignment.transcript_units, speaker_id, recording)
    )


def _text_quote(
    units: Sequence[Unit], i1: int, i2: int, recording: str | None, anchors: AnchorIndex | None = None
) -> TextQuote:
    """Return the quote of a stretch with its context; with `anchors`, with the ambiguity as `rival`."""
    start_s = units[i1].start_s if i1 < len(units) else units[-1].end_s if units else 0.0
    quote = TextQuote(
        before=join_units(unit.text for unit in units[max(i1 - CONTEXT_UNITS, 0) : i1]),
        heard=join_units(unit.text for unit in units[i1:i2]),
        after=join_units(unit.text for unit in units[i2 : i2 + CONTEXT_UNITS]),
        start_s=start_s,
        end_s=max(units[i2 - 1].end_s, start_s) if i2 > i1 else start_s,
        recording=recording,
    )
    return quote.model_copy(update={"rival": anchors.ambiguity(quote, i1)}) if anchors else quote


def _name(alignment: DocumentAlignment, speaker_id: str | None) -> str | None:
    """Return a speaker's name, or "Speaker" with the number in this transcript."""
    for number, speaker in enumerate(alignment.speakers, start=1):
        if speaker.id == speaker_id:
            return speaker.name or f"Speaker {number}"
    return None


def _turn_edit(
    alignment: DocumentAlignment,
    i1: int,
    i2: int,
    speaker_id: str,
    anchors: AnchorIndex,
    recording: str | None,
    now: datetime,
) -> TurnEdit:
    voices = [unit.speaker for unit in alignment.transcript_units]
    return TurnEdit(
        site=_text_quote(alignment.transcript_units, i1, i2, recording, anchors),
        speaker=_name(alignment, speaker_id) or speaker_id,
        voice=_voice(alignment, speaker_id, recording),
        begins_turn=i1 == 0 or voices[i1 - 1] != voices[i1],
        ends_turn=i2 == len(voices) or voices[i2] != voices[i2 - 1],
        edited_at=now,
    )


def _reassigned_passages(alignment: DocumentAlignment) -> Iterator[tuple[int, int, str]]:
    """Yield (first unit, after the last, speaker) of passages that the document gives to another speaker.

    Words deleted inside such a passage are part of it.
    """
    runs: list[tuple[str | None, int, int]] = []
    for i, speaker in sorted(_speaker_by_unit(alignment).items()):
        new = speaker if speaker != alignment.transcript_units[i].speaker else None
        if runs and runs[-1][0] == new:
            runs[-1] = (new, runs[-1][1], i + 1)
        else:
            runs.append((new, i, i + 1))
    yield from ((start, end, new) for new, start, end in runs if new is not None)


def _speaker_by_unit(alignment: DocumentAlignment) -> dict[int, str | None]:
    speakers = {i: alignment.speaker_ids[j] for i, j in alignment.matches}
    for change in alignment.hunks:
        if change.j2 > change.j1:
            speakers.update(dict.fromkeys(range(change.i1, change.i2), alignment.speaker_ids[change.j1]))
    return speakers


def _name_edits(
    alignment: DocumentAlignment, base: Transcript, recording: str | None, now: datetime
) -> Iterator[NameEdit]:
    before = {speaker.id: speaker.name for speaker in base.speakers}
    for speaker in alignment.speakers:
        samples = _samples(alignment.transcript_units, speaker.id, recording)
        if speaker.id in before and speaker.name != before[speaker.id] and samples:
            yield NameEdit(name=speaker.name, was=before[speaker.id], samples=samples, edited_at=now)


def _samples(units: Sequence[Unit], speaker_id: str, recording: str | None) -> tuple[TextQuote, ...]:
    """Return sample passages of a speaker: the begins of the longest ones, in order."""
    passages: list[tuple[int, int]] = []
    for speaker, run in groupby(range(len(units)), key=lambda i: units[i].speaker):
        numbers = list(run)
        if speaker == speaker_id:
            passages.append((numbers[0], len(numbers)))
    longest = sorted(sorted(passages, key=lambda passage: -passage[1])[:SAMPLES])
    anchors = AnchorIndex(units, None)
    return tuple(
        _text_quote(units, i, i + min(count, SAMPLE_UNITS), recording, anchors) for i, count in longest
    )
