"""Align a transcript.md with the transcript it was made from, so that every word has a time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from podcast_pipeline.model import Speaker, Transcript
from podcast_pipeline.transcript.edits import sequence_diff
from podcast_pipeline.transcript.edits.pieces import EditedUnit, build_segments, keep_unit, replacement_units
from podcast_pipeline.transcript.edits.sequence_diff import DiffHunk
from podcast_pipeline.transcript.edits.units import (
    Unit,
    comparison_key,
    has_space,
    split_units,
    units_of,
    with_leading_space,
)
from podcast_pipeline.transcript.markdown import MarkdownTranscript, MarkdownTurn


@dataclass(frozen=True)
class DocumentUnit:
    """A unit of the document.

    Attributes:
        turn_index: index of the turn.
        begins_paragraph: whether the unit is the first of a paragraph.
    """

    text: str
    key: str
    turn_index: int
    begins_paragraph: bool


@dataclass(frozen=True)
class DocumentAlignment:
    """The alignment of a document with its transcript.

    Attributes:
        matches: (index of transcript unit, index of document unit), both rising.
        speakers: with the names of the document, and the speakers that it adds.
        speaker_ids: of each document unit.
    """

    transcript_units: tuple[Unit, ...]
    document_units: tuple[DocumentUnit, ...]
    matches: tuple[tuple[int, int], ...]
    speakers: tuple[Speaker, ...]
    speaker_ids: tuple[str | None, ...]

    @property
    def hunks(self) -> tuple[DiffHunk, ...]:
        """The stretches that differ."""
        return tuple(
            sequence_diff.diff_hunks(self.matches, len(self.transcript_units), len(self.document_units))
        )


def transcript_from_document(document: MarkdownTranscript, transcript: Transcript) -> Transcript:
    """Return the transcript with the words, speakers and paragraphs of the document.

    Unchanged words keep their times exactly, changed words take the times of the words they replace, and
    inserted words are placed between their neighbours.
    """
    alignment = align_document(document, transcript)
    segments = build_segments(_edited_units(alignment), transcript)
    return transcript.model_copy(update={"speakers": alignment.speakers, "segments": segments})


def align_document(document: MarkdownTranscript, transcript: Transcript) -> DocumentAlignment:
    """Align a document with the transcript that it was made from."""
    units, document_units = units_of(transcript), _document_units(document)
    matched = tuple(
        sequence_diff.matching_indices([unit.key for unit in units], [unit.key for unit in document_units])
    )
    spoken = [Counter[str | None]() for _ in document.turns]
    for i, j in matched:
        spoken[document_units[j].turn_index][units[i].speaker] += 1
    named = _with_names(document.speakers, transcript)
    ids = [_speaker(turn, named, transcript, by) for turn, by in zip(document.turns, spoken, strict=True)]
    renamed = _renamed_headings(ids, spoken, named, transcript)
    ids = [renamed.get(i, i) if i is not None else None for i in ids]
    added = {i: Speaker(id=i, name=i) for i in ids if i is not None and i not in {s.id for s in named}}
    return DocumentAlignment(
        units,
        document_units,
        matched,
        (*named, *added.values()),
        _speakers_of(units, document_units, matched, ids),
    )


def _document_units(document: MarkdownTranscript) -> tuple[DocumentUnit, ...]:
    return tuple(
        DocumentUnit(
            with_leading_space(text) if number == 0 else text, comparison_key(text), index, number == 0
        )
        for index, turn in enumerate(document.turns)
        for paragraph in turn.paragraphs
        for number, text in enumerate(split_units(paragraph))
    )


def _with_names(names: Mapping[str, str], transcript: Transcript) -> tuple[Speaker, ...]:
    known = {speaker.id: speaker for speaker in transcript.speakers}
    for speaker_id, name in names.items():
        old = known.get(speaker_id, Speaker(id=speaker_id))
        unchanged = name == transcript.speaker_name(speaker_id)
        known[speaker_id] = old if unchanged else Speaker(id=speaker_id, name=name or None)
    return tuple(known.values())


def _speaker(
    turn: MarkdownTurn, named: Sequence[Speaker], transcript: Transcript, spoken: Counter[str | None]
) -> str | None:
    """Return the speaker id of a heading, the name as id of a new speaker, None without a name."""
    if turn.name is None:
        return None
    names = {speaker.id: speaker.name for speaker in named}
    ids = [
        speaker_id
        for speaker_id in names
        if turn.name in (names[speaker_id], transcript.speaker_name(speaker_id))
    ]
    # Swapped or shared names fit two speakers: take the one with most words of the turn.
    return max(ids, key=lambda speaker_id: spoken[speaker_id], default=turn.name)


def _renamed_headings(
    ids: Sequence[str | None],
    spoken: Sequence[Counter[str | None]],
    named: Sequence[Speaker],
    transcript: Transcript,
) -> dict[str, str]:
    """Return name in headings -> id of the speaker, where only the front matter has the new name.

    A transcript.md that was written again has the names of that time in its headings.
    """
    free = {
        speaker.id
        for speaker in named
        if speaker.name and speaker.name != transcript.speaker_name(speaker.id) and speaker.id not in ids
    }
    known, renamed = {speaker.id for speaker in named}, dict[str, str]()
    for name in dict.fromkeys(i for i in ids if i is not None and i not in known):
        words = sum((by for i, by in zip(ids, spoken, strict=True) if i == name), Counter[str | None]())
        voice = words.most_common(1)[0][0] if words else None
        if voice in free and voice not in renamed.values():
            renamed[name] = voice
    return renamed


def _speakers_of(
    units: Sequence[Unit],
    document_units: Sequence[DocumentUnit],
    matched: Sequence[tuple[int, int]],
    ids: Sequence[str | None],
) -> tuple[str | None, ...]:
    matched_speakers = {j: units[i].speaker for i, j in matched}
    speakers: list[str | None] = []
    last = units[0].speaker if units else None
    for j, unit in enumerate(document_units):
        last = ids[unit.turn_index] or matched_speakers.get(j, last)
        speakers.append(last)
    return tuple(speakers)


def _edited_units(alignment: DocumentAlignment) -> list[EditedUnit]:
    units, document_units, speakers = (
        alignment.transcript_units,
        alignment.document_units,
        alignment.speaker_ids,
    )
    edited: dict[int, EditedUnit] = {
        j: keep_unit(
            units[i],
            document_units[j].text,
            speaker=speakers[j],
            begins_paragraph=document_units[j].begins_paragraph,
        )
        for i, j in alignment.matches
    }
    for change in alignment.hunks:
        texts = tuple(unit.text for unit in document_units[change.j1 : change.j2])
        for j, unit in enumerate(replacement_units(units, change.i1, change.i2, texts), change.j1):
            edited[j] = replace(
                unit, speaker=speakers[j], begins_paragraph=document_units[j].begins_paragraph
            )
    original = {j: i for i, j in alignment.matches}
    for j, i in original.items():  # beside written or deleted words, a person chose the space
        if j and original.get(j - 1) != i - 1 and not document_units[j].begins_paragraph:
            edited[j] = edited[j].spaced(has_space(document_units[j].text))
    return [edited[j] for j in range(len(document_units))]
