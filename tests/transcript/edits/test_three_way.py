"""The three-way merge of two people's changes in one transcript."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.model import Receipt, Speaker, Transcript
from podcast_pipeline.transcript.edits import transcript_from_document
from podcast_pipeline.transcript.edits.three_way import ThreeWayMerge, merge_transcripts
from podcast_pipeline.transcript.markdown import parse_markdown, to_markdown
from tests.support.transcripts import spoken

BASE = spoken(
    ("S0", "The rigour mortars came to the house of Ann Kelner at night."),
    ("S1", "No, I do not think so at all, really."),
    ("S0", "Thank you for coming."),
    names={"S0": None, "S1": None},
)
MARKDOWN = to_markdown(BASE, base="0" * 16, title="T")


def edited(*changes: tuple[str, str]) -> Transcript:
    """Return the base after a person's changes of its transcript.md."""
    text = MARKDOWN
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return transcript_from_document(parse_markdown(text), BASE)


def turns(transcript: Transcript) -> list[tuple[str | None, str]]:
    return [(transcript.speaker_name(s.speaker), s.text) for s in transcript.segments]


def merged(ours: Transcript, theirs: Transcript) -> ThreeWayMerge:
    """Return the merge; the other way round it has the same words and as many conflicts."""
    result, mirrored = merge_transcripts(BASE, ours, theirs), merge_transcripts(BASE, theirs, ours)
    assert len(result.conflicts) == len(mirrored.conflicts)
    assert turns(result.ours) == turns(mirrored.theirs)
    assert turns(result.theirs) == turns(mirrored.ours)
    return result


def test_changes_in_different_places_are_all_there() -> None:
    """A name of a speaker and a correction of one, a correction and a new speaker of a turn by the other."""
    result = merged(
        edited(("Kelner", "Kellner"), ("**Speaker 2**", "**Carl**")),
        edited(("rigour mortars", "rigor mortis"), ("S0: Speaker 1", "S0: Dr. Bea"), ("so at", "it at")),
    )
    assert result.conflicts == ()
    assert turns(result.ours) == [
        ("Dr. Bea", "The rigor mortis came to the house of Ann Kellner at night."),
        ("Carl", "No, I do not think it at all, really."),
        ("Dr. Bea", "Thank you for coming."),
    ]


def test_the_same_change_by_both_is_no_conflict() -> None:
    """Words, deletions, insertions, names and turns that both have changed alike are taken once."""
    change = edited(
        ("rigour mortars", "rigor mortis"),
        ("at night.", "at night, yes."),
        ("at all, ", ""),
        ("S0: Speaker 1", "S0: Dr. Bea"),
        ("**Speaker 2**", "**Carl**"),
    )
    result = merged(change, change)
    assert (result.conflicts, turns(result.ours)) == ((), turns(change))


def test_other_words_of_one_phrase_are_both_taken() -> None:
    """Where a stretch keeps its number of words, each word is merged by itself."""
    result = merged(edited(("rigour mortars", "rigor mortis")), edited(("The rigour", "A rigor")))
    assert (result.conflicts, turns(result.ours)[0][1][:14]) == ((), "A rigor mortis")


def test_words_side_by_side_replaced_one_for_one_are_both_taken() -> None:
    """Neighbouring words may be corrected by two people."""
    result = merged(edited(("rigour", "rigor")), edited(("mortars", "mortis")))
    assert (result.conflicts, turns(result.ours)[0][1][:16]) == ((), "The rigor mortis")


@pytest.mark.parametrize(
    ("ours", "theirs", "conflict"),
    [
        (("mortars", "mortar"), ("mortars", "mortis"), ("mortar", "mortis")),
        (("do not think", "do think"), ("No, I do not think so at all, really.", ""), None),
        (("at night.", "at night yes."), ("at night.", "at noon."), ("night yes.", "noon.")),
        (("Kelner", "kelner"), ("Kelner", "KELNER"), ("kelner", "KELNER")),
        (("S0: Speaker 1", "S0: Bob"), ("S0: Speaker 1", "S0: Bea"), ("Bob", "Bea")),
        (("S0: Speaker 1", "S0: Bob"), ("**Speaker 1**", "**Bea**"), ("Bob", "Bea")),
        (("**Speaker 2**", "**Bob**"), ("**Speaker 2**", "**Bea**"), ("Bob", "Bea")),
        (("**Speaker 2**", "**Bob**"), ("No, I do not think so at all, really.", ""), None),
    ],
)
def test_what_both_changed_differently_is_a_conflict(
    ours: tuple[str, str], theirs: tuple[str, str], conflict: tuple[str, str] | None
) -> None:
    """Both values are named, and each of the two texts has one of them."""
    mine, others = edited(ours), edited(theirs)
    result = merged(mine, others)
    (found,) = result.conflicts
    assert conflict in (None, (found.ours, found.theirs))
    assert [turns(result.ours), turns(result.theirs)] == [turns(mine), turns(others)]


def test_without_a_base_every_difference_is_a_conflict() -> None:
    """Nobody can tell which side changed what."""
    ours, theirs = edited(("Kelner", "Kellner")), edited(("rigour", "rigor"), ("S1: Speaker 2", "S1: Carl"))
    result = merge_transcripts(None, ours, theirs)
    assert [(c.ours, c.theirs) for c in result.conflicts] == [
        ("rigour", "rigor"),
        ("Kellner", "Kelner"),
        ("Speaker 2", "Carl"),
    ]
    assert turns(result.ours) == turns(ours)
    assert turns(result.theirs) == turns(theirs)


def test_speakers_of_another_transcription_are_matched_by_their_words() -> None:
    """Ids of voices differ between transcriptions."""
    receipt = Receipt(
        engine="e", engine_version="1", model="m", weights_sha256="0" * 64, audio_sha256="0" * 64
    )
    other = {"S0": "S1", "S1": "S0"}
    theirs = edited(("rigour mortars", "rigor mortis"), ("S0: Speaker 1", "S0: Dr. Bea"))
    theirs = theirs.model_copy(
        update={
            "receipt": receipt,
            "speakers": tuple(Speaker(id=other[s.id], name=s.name) for s in theirs.speakers),
            "segments": tuple(
                s.model_copy(update={"speaker": other[s.speaker or ""]}) for s in theirs.segments
            ),
        }
    )
    result = merge_transcripts(BASE, edited(("Kelner", "Kellner")), theirs)
    assert result.conflicts == ()
    assert turns(result.ours)[0] == ("Dr. Bea", "The rigor mortis came to the house of Ann Kellner at night.")


WORDS = tuple(f"w{number}" for number in range(24))
NUMBERED = spoken(
    *(("S0" if i % 2 else "S1", " ".join(WORDS[i * 4 : i * 4 + 4])) for i in range(6)),
    names={"S0": None, "S1": None},
)


@given(
    st.lists(st.tuples(st.integers(0, 23), st.integers(0, 1), st.sampled_from(("x", "y", ""))), max_size=14)
)
def test_no_change_is_lost(changes: list[tuple[int, int, str]]) -> None:
    """Every word is the one that a side wrote; where both wrote a different one both are in the texts."""
    sides: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for place, side, written in changes:
        sides[side][WORDS[place]] = written and f"{WORDS[place]}{written}"
    texts = [_rewritten(words) for words in sides]
    result = merge_transcripts(NUMBERED, *texts)
    here, there = result.ours.text.split(), result.theirs.text.split()
    for word in WORDS:
        ours, theirs = (words.get(word, word) for words in sides)
        if ours == theirs or theirs == word:
            assert (ours in here) == bool(ours)
        elif ours == word:
            assert (theirs in there) == bool(theirs)
            assert result.conflicts or (theirs in here) == bool(theirs)
        else:
            assert result.conflicts
            assert (not ours or ours in here, not theirs or theirs in there) == (True, True)
    if all(written for _, _, written in changes) and not (sides[0].keys() & sides[1].keys()):
        assert result.conflicts == ()


def _rewritten(words: dict[str, str]) -> Transcript:
    text = to_markdown(NUMBERED, base="0" * 16, title="T")
    for word, written in words.items():
        text = re.sub(rf"\b{word}\b", written, text)
    return transcript_from_document(parse_markdown(text), NUMBERED)
