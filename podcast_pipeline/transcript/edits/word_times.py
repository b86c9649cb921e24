"""A transcript.md against the words it was made from: every word keeps or gets a time."""

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
    split_units,
    units_of,
    with_leading_space,
)
from podcast_pipeline.transcript.markdown import MarkdownTranscript, MarkdownTurn


@dataclass(frozen=True)
class DocumentUnit:
    """A unit of the document.

    Attributes:
        turn: index of its turn.
        opens: whether it begins a paragraph.
    """

    text: str
    key: str
    turn_index: int
    begins_paragraph: bool


@dataclass(frozen=True)
class DocumentAlignment:
    """A document laid beside its transcript.

    Attributes:
        matched: (index of unit, index of token), both rising.
        speakers: as the document names them, with those it adds.
        speaker_of: the id of each token's speaker.
    """

    transcript_units: tuple[Unit, ...]
    document_units: tuple[DocumentUnit, ...]
    matches: tuple[tuple[int, int], ...]
    speakers: tuple[Speaker, ...]
    speaker_ids: tuple[str | None, ...]

    @property
    def hunks(self) -> tuple[DiffHunk, ...]:
        """What is not the same word on both sides."""
        return tuple(
            sequence_diff.diff_hunks(self.matches, len(self.transcript_units), len(self.document_units))
        )


def transcript_from_document(document: MarkdownTranscript, transcript: Transcript) -> Transcript:
    """Return the transcript as the document has it.

    Unchanged words keep their times exactly; changed ones take the times of what was heard in their place;
    words that nobody heard are put between their neighbours.
    """
    reading = align_document(document, transcript)
    pieces = build_segments(_pieces(reading), transcript)
    return transcript.model_copy(update={"speakers": reading.speakers, "segments": pieces})


def align_document(document: MarkdownTranscript, transcript: Transcript) -> DocumentAlignment:
    """Lay a document beside the transcript that it was made from."""
    units, tokens = units_of(transcript), _tokens(document)
    matched = tuple(
        sequence_diff.matching_indices([unit.key for unit in units], [token.key for token in tokens])
    )
    spoken = [Counter[str | None]() for _ in document.turns]
    for i, j in matched:
        spoken[tokens[j].turn_index][units[i].speaker] += 1
    named = _named(document.speakers, transcript)
    ids = [_speaker(turn, named, transcript, by) for turn, by in zip(document.turns, spoken, strict=True)]
    added = {i: Speaker(id=i, name=i) for i in ids if i is not None and i not in {s.id for s in named}}
    return DocumentAlignment(
        units, tokens, matched, (*named, *added.values()), _speakers_of(units, tokens, matched, ids)
    )


def _tokens(document: MarkdownTranscript) -> tuple[DocumentUnit, ...]:
    return tuple(
        DocumentUnit(
            with_leading_space(text) if number == 0 else text, comparison_key(text), turn, number == 0
        )
        for turn, said in enumerate(document.turns)
        for paragraph in said.paragraphs
        for number, text in enumerate(split_units(paragraph))
    )


def _named(names: Mapping[str, str], transcript: Transcript) -> tuple[Speaker, ...]:
    known = {speaker.id: speaker for speaker in transcript.speakers}
    for speaker_id, name in names.items():
        old = known.get(speaker_id, Speaker(id=speaker_id))
        unchanged = name == transcript.speaker_name(speaker_id)
        known[speaker_id] = old if unchanged else Speaker(id=speaker_id, name=name or None)
    return tuple(known.values())


def _speaker(
    turn: MarkdownTurn, named: Sequence[Speaker], transcript: Transcript, spoken: Counter[str | None]
) -> str | None:
    """Return the id a heading means; its name where it is nobody's yet; None where it names nobody."""
    if turn.name is None:
        return None
    now = {speaker.id: speaker.name for speaker in named}
    ids = [
        speaker_id
        for speaker_id in now
        if turn.name in (now[speaker_id], transcript.speaker_name(speaker_id))
    ]
    # Two fit where names were swapped or shared: the one who was heard there is meant.
    return max(ids, key=lambda speaker_id: spoken[speaker_id], default=turn.name)


def _speakers_of(
    units: Sequence[Unit],
    tokens: Sequence[DocumentUnit],
    matched: Sequence[tuple[int, int]],
    ids: Sequence[str | None],
) -> tuple[str | None, ...]:
    heard = {j: units[i].speaker for i, j in matched}
    speakers: list[str | None] = []
    last = units[0].speaker if units else None
    for j, token in enumerate(tokens):
        last = ids[token.turn_index] or heard.get(j, last)
        speakers.append(last)
    return tuple(speakers)


def _pieces(reading: DocumentAlignment) -> list[EditedUnit]:
    units, tokens, speakers = reading.transcript_units, reading.document_units, reading.speaker_ids
    pieces: dict[int, EditedUnit] = {
        j: keep_unit(
            units[i], tokens[j].text, speaker=speakers[j], begins_paragraph=tokens[j].begins_paragraph
        )
        for i, j in reading.matches
    }
    for change in reading.hunks:
        texts = tuple(token.text for token in tokens[change.j1 : change.j2])
        for j, piece in enumerate(replacement_units(units, change.i1, change.i2, texts), change.j1):
            pieces[j] = replace(piece, speaker=speakers[j], begins_paragraph=tokens[j].begins_paragraph)
    return [pieces[j] for j in range(len(tokens))]
