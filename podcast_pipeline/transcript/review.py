"""The review list: passages to check before publication, worst first, and those that block it."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from podcast_pipeline.config import ReviewTable
from podcast_pipeline.model import DroppedWord, Segment, Transcript, Word
from podcast_pipeline.transcript.edits.record import EditConflict
from podcast_pipeline.transcript.edits.units import Unit, join_units, units_of
from podcast_pipeline.transcript.names.glossary import Glossary, capital_follows, similar_name, split_affixes
from podcast_pipeline.transcript.names.matching import letters_of
from podcast_pipeline.transcript.names.printed import PrintedNameDoubt
from podcast_pipeline.transcript.names.word_lists import (
    NEGATIONS,
    NUMBERS,
    is_ordinary,
    is_usual,
    word_set,
    words_in_language,
)
from podcast_pipeline.transcript.typed.agreement import TranscriptDifference

ReviewKind = Literal[
    "conflicts",
    "doubts",
    "near_names",
    "printed_names",
    "unknown_names",
    "words",
    "quotes",
    "numbers",
    "negations",
    "speakers",
    "dropped",
    "only_heard",
    "only_typed",
]
WEIGHT: dict[ReviewKind, float] = {  # damage of a published mistake of this kind, 0 to 1
    "conflicts": 1.0,
    "printed_names": 0.95,
    "near_names": 0.9,
    "doubts": 0.85,
    "quotes": 0.8,
    "negations": 0.75,
    "dropped": 0.72,
    "numbers": 0.7,
    "only_heard": 0.68,
    "only_typed": 0.66,
    "unknown_names": 0.6,
    "speakers": 0.5,
    "words": 0.3,
}
SPEAKER_DOUBT = "speaker"  # in Segment.doubts; all other doubts concern the words
CONTEXT_UNITS = 6
PHRASE_S = 0.5  # dropped words nearer than this are one item
SURE_OF_NAME = 0.6  # confidence from which a frequent name is right
LEAST_UNSURE_LETTERS = 4  # of words of low confidence; "a" or "of" alone is no passage to check
WORDS_A_MINUTE = 2  # most passages of low confidence that are listed, the least confident ones

DIGIT = re.compile(r"\d|[%€$£¥]")
QUOTE = re.compile(r"[“„«][^“”„«»]+[”“»]|\"[^\"]+\"")
NO_NAMES = word_set("i i'm i'll i've i'd ok mr mrs ms dr prof")


@dataclass(frozen=True)
class ReviewItem:
    """A passage to check by listening.

    Attributes:
        text: the words in question.
        context: the words with CONTEXT_UNITS units on both sides.
        suggestion: a likely correction, None if there is none.
        times: number of occurrences in the transcript.
        weight: damage of the mistake if published, 0 to 1.
    """

    kind: ReviewKind
    start_s: float
    end_s: float
    text: str
    context: str
    reason: str
    suggestion: str | None = None
    times: int = 1
    weight: float = 0.0

    @property
    def quoted(self) -> str:
        """The words in quotation marks, those that they have where they are a quote."""
        return self.text if QUOTE.fullmatch(self.text) else f"“{self.text}”"

    @property
    def is_left_out(self) -> bool:
        """Whether the words are not in the transcript."""
        return self.kind in ("dropped", "only_heard")

    @property
    def key(self) -> str:
        """Key for accepting the item: of a name, for the whole episode; else with the words around it.

        Words that are not in the transcript have no words around them: their key has their second in the
        recording.
        """
        if self.is_left_out:
            return f"{self.kind}: {self.text} at {self.start_s:.0f} s"
        name = self.kind in ("near_names", "unknown_names", "printed_names")
        return f"{self.kind}: {self.text if name else self.context}"


def review_items(
    transcript: Transcript,
    *,
    known_names: Glossary,
    policy: ReviewTable,
    printed: Iterable[PrintedNameDoubt] = (),
    conflicts: Iterable[EditConflict] = (),
    differences: Iterable[TranscriptDifference] = (),
    accepted: Collection[str] = (),
    is_typed: bool = False,
) -> tuple[ReviewItem, ...]:
    """Return the passages to check, worst first, without the kinds that the policy turns off.

    Args:
        known_names: people of the episode, terms of the show, names in the notes.
        printed: names of speakers, in the title and the notes, that may be wrong.
        conflicts: edits that could not be applied to this transcript.
        differences: between an imported transcript and the engine's words.
        accepted: keys of items that a person has checked and left as they are.
        is_typed: whether somebody typed the words; that the engine was unsure of the same ones is no doubt.
    """
    units = units_of(transcript)
    low = 0.0 if is_typed else policy.low_confidence
    special = [
        *_names(units, known_names),
        *_rules(units, transcript, low),
        *_quotes(transcript, low),
    ]
    found = [
        *_conflicts(conflicts),
        *_printed(transcript, printed),
        *special,
        *_words(units, special, low, transcript.duration_s),
        *_doubts(transcript),
        *_dropped(transcript, units),
        *_differences(differences),
    ]
    open_items = [item for item in found if getattr(policy, item.kind) != "off" and item.key not in accepted]
    return tuple(sorted(open_items, key=lambda item: (-item.weight, item.start_s)))


def blocking_items(items: Sequence[ReviewItem], policy: ReviewTable) -> tuple[ReviewItem, ...]:
    """Return the items that block publication under the policy; empty if the episode may be published."""
    return tuple(item for item in items if getattr(policy, item.kind) == "block")


def _weight(kind: ReviewKind, confidence: float) -> float:
    return round(WEIGHT[kind] * (1 - confidence / 2), 3)


def _item(
    kind: ReviewKind, units: Sequence[Unit], i: int, j: int, reason: str, **fields: object
) -> ReviewItem:
    confidence = min(unit.confidence for unit in units[i:j])
    fields = {"weight": _weight(kind, confidence), **fields}
    return ReviewItem(
        kind=kind,
        start_s=units[i].start_s,
        end_s=units[j - 1].end_s,
        text=join_units(unit.text for unit in units[i:j]),
        context=join_units(unit.text for unit in units[max(i - CONTEXT_UNITS, 0) : j + CONTEXT_UNITS]),
        reason=reason,
        **fields,  # type: ignore[arg-type]
    )


def _conflicts(conflicts: Iterable[EditConflict]) -> Iterator[ReviewItem]:
    for conflict in conflicts:
        edit = conflict.edit
        suggestion = (
            edit.written if edit.kind == "words" else edit.speaker if edit.kind == "turn" else edit.name
        )
        yield ReviewItem(
            kind="conflicts",
            start_s=conflict.at_s,
            end_s=conflict.at_s,
            text=edit.site.heard,
            context=" ".join((edit.site.before, edit.site.heard, edit.site.after)).strip(),
            reason=f"edit not applied: {conflict.reason}",
            suggestion=suggestion,
            weight=WEIGHT["conflicts"],
        )


def _names(units: Sequence[Unit], known: Glossary) -> Iterator[ReviewItem]:
    """Yield one item per name that is not a known one, at its least confident occurrence."""
    places_of: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for i, j in spoken_names(units, known.language):
        places_of[" ".join(split_affixes(unit.text)[1] for unit in units[i:j])].append((i, j))
    parts = {letters_of(part) for name in known.names for part in (name, *name.split())}
    for name, places in places_of.items():
        if all(letters_of(word) in parts for word in name.split()) or letters_of(name) in parts:
            continue
        i, j = min(places, key=lambda place: min(u.confidence for u in units[place[0] : place[1]]))
        similar = similar_name(name, known)
        confidence = min(unit.confidence for unit in units[i:j])
        usual = all(is_usual(word, language=known.language) for word in name.split())
        if usual and similar is None and confidence >= SURE_OF_NAME:
            continue
        kind: ReviewKind = "near_names" if similar else "unknown_names"
        reason = f"nearly {similar}" if similar else "not among the guests, the notes or the glossary"
        item = _item(kind, units, i, j, reason, suggestion=similar, times=len(places))
        yield replace(item, text=name)


def _printed(transcript: Transcript, doubts: Iterable[PrintedNameDoubt]) -> Iterator[ReviewItem]:
    """Yield the doubts about printed names, those of speakers at the begin of their first words."""
    first = {transcript.speaker_name(segment.speaker): segment for segment in reversed(transcript.segments)}
    for doubt in doubts:
        segment = first.get(doubt.text)
        yield ReviewItem(
            kind="printed_names",
            start_s=segment.start_s if segment else 0.0,
            end_s=segment.end_s if segment else 0.0,
            text=doubt.text,
            context=segment.text if segment else doubt.text,
            reason=doubt.reason,
            suggestion=doubt.suggestion,
            weight=WEIGHT["printed_names"],
        )


def _words(
    units: Sequence[Unit], special: Iterable[ReviewItem], low: float, duration_s: float
) -> list[ReviewItem]:
    """Return the runs of words of low confidence that are in no other item, the least confident of many."""
    taken = [(item.start_s, item.end_s) for item in special]
    runs: list[tuple[int, int]] = []
    for place, unit in enumerate(units):
        if unit.confidence >= low or any(start <= unit.start_s <= end for start, end in taken):
            continue
        if runs and runs[-1][1] == place and units[place - 1].segment_index == unit.segment_index:
            runs[-1] = (runs[-1][0], place + 1)
        else:
            runs.append((place, place + 1))
    reason = "words transcribed with low confidence"
    found = [
        _item("words", units, i, j, reason)
        for i, j in runs
        if sum(len(letters_of(unit.text)) for unit in units[i:j]) >= LEAST_UNSURE_LETTERS
    ]
    most = max(WORDS_A_MINUTE, round(WORDS_A_MINUTE * duration_s / 60))
    return sorted(found, key=lambda item: -item.weight)[:most]


def spoken_names(units: Sequence[Unit], language: str) -> Iterator[tuple[int, int]]:
    """Yield (first, end) of the units of each name: capitals that no sentence asks for."""
    i = 0
    while i < len(units):
        j = i
        while (
            j < len(units)
            and _is_name(units, j, language)
            and (j == i or _continues_name(units[j - 1], units[j]))
        ):
            j += 1
        if j > i:
            yield i, j
        i = max(j, i + 1)


def _continues_name(before: Unit, unit: Unit) -> bool:
    return (
        before.segment_index == unit.segment_index
        and not split_affixes(before.text)[2]
        and not split_affixes(unit.text)[0].strip()
    )


def _is_name(units: Sequence[Unit], at: int, language: str) -> bool:
    word = split_affixes(units[at].text)[1].replace("’", "'")
    if (
        not word[:1].isupper()
        or word.lower() in NO_NAMES | words_in_language(NUMBERS, language)
        or DIGIT.search(word)
    ):
        return False
    before = units[at - 1] if at else None
    opens = before is None or before.segment_index != units[at].segment_index or capital_follows(before.text)
    return not ((opens or language.startswith("de")) and is_ordinary(word, language=language))


def _rules(units: Sequence[Unit], transcript: Transcript, low: float) -> Iterator[ReviewItem]:
    for i, unit in enumerate(units):
        word = unit.key.replace("’", "'")
        if unit.confidence >= low:
            continue
        language = transcript.segments[unit.segment_index].language or transcript.language
        numbers, negations = words_in_language(NUMBERS, language), words_in_language(NEGATIONS, language)
        if DIGIT.search(word) or not numbers.isdisjoint(word.split("-")):
            yield _item("numbers", units, i, i + 1, "a number transcribed with low confidence")
        elif word in negations or word.endswith("n't"):
            yield _item("negations", units, i, i + 1, "a negation transcribed with low confidence")


def _quotes(transcript: Transcript, low: float) -> Iterator[ReviewItem]:
    for segment in transcript.segments:
        text = "".join(word.text for word in segment.words)
        for match in QUOTE.finditer(text):
            words = [w for w, start, end in _spans(segment) if start < match.end() and match.start() < end]
            confidence = min(word.confidence for word in words)
            if confidence < low:
                yield ReviewItem(
                    kind="quotes",
                    start_s=words[0].start_s,
                    end_s=words[-1].end_s,
                    text=match[0],
                    context=segment.text,
                    reason="a quote with words transcribed with low confidence",
                    weight=_weight("quotes", confidence),
                )


def _dropped(transcript: Transcript, units: Sequence[Unit]) -> Iterator[ReviewItem]:
    """Yield the dropped words, those of one phrase together."""
    for words in _phrases(transcript.dropped):
        first, last = words[0].word, words[-1].word
        at = bisect_left(units, first.start_s, key=lambda unit: unit.start_s)
        confidence = min(one.word.confidence for one in words)
        yield ReviewItem(
            kind="dropped",
            start_s=first.start_s,
            end_s=last.end_s,
            text="".join(one.word.text for one in words).strip(),
            context=join_units(unit.text for unit in units[max(at - CONTEXT_UNITS, 0) : at + CONTEXT_UNITS]),
            reason=_reason_dropped(transcript, words[0]),
            weight=round(WEIGHT["dropped"] * (1 + confidence) / 2, 3),
        )


def _differences(differences: Iterable[TranscriptDifference]) -> Iterator[ReviewItem]:
    for one in differences:
        yield ReviewItem(
            kind=one.kind,
            start_s=one.start_s,
            end_s=one.end_s,
            text=one.text,
            context=one.context,
            reason=one.reason,
            weight=WEIGHT[one.kind],
        )


def _phrases(dropped: Sequence[DroppedWord]) -> list[list[DroppedWord]]:
    phrases: list[list[DroppedWord]] = []
    for one in dropped:
        last = phrases[-1][-1] if phrases else None
        if (
            last is None
            or last.model_copy(update={"word": one.word}) != one
            or _pause_s(last, one) > PHRASE_S
        ):
            phrases.append([])
        phrases[-1].append(one)
    return phrases


def _pause_s(before: DroppedWord, after: DroppedWord) -> float:
    return after.word.start_s - before.word.end_s


def _reason_dropped(transcript: Transcript, one: DroppedWord) -> str:
    speaker, louder = transcript.speaker_name(one.speaker), transcript.speaker_name(one.louder)
    if louder is None:
        return "left out: only the mix has it, where several people speak at once"
    track = f"{speaker}'s track" if speaker else "another track"
    return f"left out of {track} as {louder}'s voice, which is louder there"


def _spans(segment: Segment) -> Iterator[tuple[Word, int, int]]:
    at = 0
    for word in segment.words:
        yield word, at, at + len(word.text)
        at += len(word.text)


def _doubts(transcript: Transcript) -> Iterator[ReviewItem]:
    for segment in transcript.segments:
        for doubt in segment.doubts:
            subject, _, proposal = doubt.partition(": ")  # "speaker", or "speaker: Ann Example"
            kind: ReviewKind = "speakers" if subject == SPEAKER_DOUBT else "doubts"
            who = transcript.speaker_name(segment.speaker)
            unsure = f"{who} may be {proposal}" if proposal else f"{who} may not be the speaker"
            yield ReviewItem(
                kind=kind,
                start_s=segment.start_s,
                end_s=segment.end_s,
                text=segment.text,
                context=segment.text,
                reason=unsure if kind == "speakers" else f"doubtful: {doubt}",
                suggestion=(proposal or None) if kind == "speakers" else None,
                weight=WEIGHT[kind],
            )
