"""Typed words get the times of the recognised words that they match, whatever else differs."""

from itertools import pairwise

import pytest

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.edits import transcript_from_document
from podcast_pipeline.transcript.edits.units import units_of
from podcast_pipeline.transcript.edits.word_times import align_document
from podcast_pipeline.transcript.markdown import MarkdownTranscript
from podcast_pipeline.transcript.typed.agreement import LEAST_SHARE, heard_share, typed_differences
from podcast_pipeline.transcript.typed.plain_text import text_lines
from podcast_pipeline.transcript.typed.speaker_names import KnownPeople, typed_document
from podcast_pipeline.transcript.typed.turns import turns_of
from tests.support.transcripts import spoken
from tests.support.typed_transcripts import (
    INTRODUCTION,
    long_interview,
    recognised_words,
    share_in_time,
    typed_from,
)

BASE = "0" * 16
PEOPLE = KnownPeople(hosts=("Ann Example",), guests=("Bob van der Berg",))
CHAPTER = range(400, 600)
INTERVIEW = spoken(
    ("S0", "Welcome to the show about twenty one bees."),
    ("S1", "Thank you I keep them in the old garden behind the house."),
    ("S0", "How many of them are there now?"),
    ("S1", "Nobody has ever counted them so I cannot say."),
    names={"S0": None, "S1": None},
)


def document(text: str, heard: Transcript, people: KnownPeople = PEOPLE) -> MarkdownTranscript:
    typed = turns_of(text_lines(text), people.names)
    return typed_document(typed, heard, people, base=BASE)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("cut", "introduction"), [(range(0), ""), (CHAPTER, INTRODUCTION)], ids=["all", "cut"]
)
def test_words_are_in_time(seed: int, cut: range, introduction: str) -> None:
    """99 % are within 0.3 s with a tenth of the words changed, lost or added, and with a chapter cut."""
    heard = recognised_words()
    typed = typed_from(heard, seed, share=0.1, cut=cut, introduction=introduction)
    timed = transcript_from_document(document(typed.text, heard), heard)
    assert share_in_time(typed, timed, heard) >= 0.99
    starts = [word.start_s for word in timed.words]
    assert starts == sorted(starts)
    assert all(a.end_s <= b.start_s + 0.001 for a, b in pairwise(timed.words))


@pytest.mark.parametrize("kept", [None, -1, -6], ids=["after the last word", "instead of one", "of six"])
def test_no_word_is_after_the_end(kept: int | None) -> None:
    """Credits that nobody said end with the recording, in order; the words before them keep their times."""
    said = [word.text.strip() for word in INTERVIEW.words]
    timed = transcript_from_document(
        document(" ".join([*said[:kept], *INTRODUCTION.split()]), INTERVIEW), INTERVIEW
    )
    assert timed.words[-1].end_s <= INTERVIEW.duration_s
    assert all(a.end_s <= b.start_s + 0.001 for a, b in pairwise(timed.words))
    count = len(said[:kept])
    assert [word.start_s for word in timed.words[:count]] == [w.start_s for w in INTERVIEW.words[:count]]


def test_a_cut_chapter_and_an_introduction_are_differences() -> None:
    """Both are found as one passage each, with the time where they were or would be."""
    heard = recognised_words()
    typed = typed_from(heard, 1, share=0.02, cut=CHAPTER, introduction=INTRODUCTION)
    found = document(typed.text, heard)
    timed = transcript_from_document(found, heard)
    introduction, chapter = typed_differences(found, heard, timed)
    assert (introduction.kind, introduction.start_s) == ("only_typed", 0.0)
    assert introduction.text.startswith("In this conversation")
    units = units_of(heard)
    assert chapter.kind == "only_heard"
    assert abs(chapter.start_s - units[CHAPTER.start].start_s) < 3
    assert abs(chapter.end_s - units[CHAPTER.stop - 1].end_s) < 3


def test_three_hours_are_aligned() -> None:
    """30,000 words with 3,000 cut and 600 that nobody said."""
    heard = long_interview(1, [recognised_words().text], 30_000)
    typed = typed_from(heard, 2, share=0.1, cut=range(9_000, 12_000), introduction=INTRODUCTION * 20)
    timed = transcript_from_document(document(typed.text, heard), heard)
    assert share_in_time(typed, timed, heard) >= 0.99


def test_another_text_in_the_same_words_has_no_share() -> None:
    """5,000 words that follow each other as in the recording, in another order, are another transcript."""
    texts = [recognised_words().text]
    heard, other = (long_interview(seed, texts, 5_000) for seed in (1, 2))
    share = heard_share(align_document(document(other.text, heard), heard))
    assert share < LEAST_SHARE / 2


def test_numbers_and_spellings_have_the_times_of_their_words() -> None:
    """Digits stand where the number was said, and a word that is spelled otherwise where it was said."""
    text = "Welcome to the show about 21 bees. Thanks! I keep them in ze old gardens behind the house."
    timed = transcript_from_document(document(text, INTERVIEW), INTERVIEW)
    starts = {word.text.strip(): word.start_s for word in timed.words}
    heard = {word.text.strip(): word.start_s for word in INTERVIEW.words}
    pairs = {"21": "twenty", "bees.": "bees.", "gardens": "garden", "house.": "house."}
    assert {one: starts[one] for one in pairs} == {one: heard[other] for one, other in pairs.items()}
    assert starts["ze"] == starts["old"] - 0.3


OTHERWISE = {
    "a number": ("about fifteen bees", "about fifty bees", [("numbers", "fifty", "fifteen")]),
    "digits": ("about 15 bees", "about 50 bees", [("numbers", "50", "15")]),
    "the same number": ("about twenty one bees", "about 21 bees", []),
    "a thousand": ("about 1,000 bees", "about 1000 bees", []),
    "a lost negation": ("I would not go", "I would go", [("negations", "would go", "not")]),
    "a written-out negation": ("I don't go", "I do not go", []),
    "an added negation": ("I can go", "I can't go", [("negations", "can't", "can")]),
    "style": ("um you know well", "well", []),
}
"""Case -> what was heard, what was typed, and the differences: kind, typed words, heard words."""


@pytest.mark.parametrize("case", OTHERWISE)
def test_other_numbers_and_negations_are_differences(case: str) -> None:
    """What changes the meaning is for review, however short; spelling and fillers are not."""
    said, written, expected = OTHERWISE[case]
    frame = "We sat in the garden behind the house and {} with them until the evening of the first day"
    heard = spoken(("S0", frame.format(said)))
    found = document(frame.format(written), heard)
    differ = typed_differences(found, heard, transcript_from_document(found, heard))
    assert [(one.kind, one.text, one.reason) for one in differ] == [
        (kind, text, f"the engine heard “{other}”") for kind, text, other in expected
    ]


SCRIPT = (
    "{}: Welcome to the show about twenty one bees.\n"
    "{}: Thank you I keep them in the old garden behind the house.\n"
    "{}: How many of them are there now?\n{}: Nobody has ever counted them so I cannot say."
)
NAMES = {
    "other letters": (("ANN EXAMPLE", "BOB VAN DER BERG"), ("Ann Example", "Bob van der Berg")),
    "first name and surname": (("Ann", "Berg"), ("Ann Example", "Bob van der Berg")),
    "initials": (("AE", "BVDB"), ("Ann Example", "Bob van der Berg")),
    "roles": (("Q", "A"), ("Ann Example", "Bob van der Berg")),
    "interviewer": (("INTERVIEWER", "GUEST"), ("Ann Example", "Bob van der Berg")),
    "numbers": (("Speaker 1", "Speaker 2"), ("Speaker 1", "Speaker 2")),
    "numbers the other way": (("Speaker 2", "Speaker 1"), ("Speaker 1", "Speaker 2")),
    "somebody else": (("Ann Example", "Carol Other"), ("Ann Example", "Carol Other")),
}
"""Case -> the labels of a file, and the speakers."""


@pytest.mark.parametrize("case", NAMES)
def test_speakers_become_hosts_guests_and_voices(case: str) -> None:
    """Each speaker of the file is one voice of the recording, by the name of the person who is meant."""
    labels, expected = NAMES[case]
    timed = transcript_from_document(document(SCRIPT.format(*labels, *labels), INTERVIEW), INTERVIEW)
    assert tuple(timed.speaker_name(segment.speaker) for segment in timed.segments) == expected * 2
    assert {segment.speaker for segment in timed.segments} == {"S0", "S1"}


TITLED = KnownPeople(hosts=("María López",), guests=("Dr. Tom R. Baker",))


@pytest.mark.parametrize(
    "label", ["DR BAKER", "Mr. Baker", "Prof. Dr. Baker", "Tom Baker", "TRB", "T.R.B.", "Tom"]
)
def test_titles_and_accents_are_no_part_of_a_name(label: str) -> None:
    """Host and guest are found with another title or none, and without the accents."""
    text = SCRIPT.format(*("MARIA LOPEZ", label) * 2)
    timed = transcript_from_document(document(text, INTERVIEW, TITLED), INTERVIEW)
    assert {timed.speaker_name(s.speaker) for s in timed.segments} == {"María López", "Dr. Tom R. Baker"}


@pytest.mark.parametrize(
    ("label", "other"), [("Mr. Baker", "Mrs. Baker"), ("Tom Cook", "Dr."), ("Ann Baker", "Maria Cook")]
)
def test_another_person_keeps_the_typed_name(label: str, other: str) -> None:
    """A namesake of the guest, a title alone and a stranger are nobody that is known."""
    text = SCRIPT.format(*(label, other) * 2)
    timed = transcript_from_document(document(text, INTERVIEW, TITLED), INTERVIEW)
    assert {timed.speaker_name(s.speaker) for s in timed.segments} == {label, other}


def test_a_label_that_fits_two_people_means_neither() -> None:
    """A first name that host and guest share stays as it is typed."""
    people = KnownPeople(hosts=("Ann Example",), guests=("Ann Other",))
    text = SCRIPT.format(*("ANN", "Ann Other") * 2)
    timed = transcript_from_document(document(text, INTERVIEW, people), INTERVIEW)
    assert {timed.speaker_name(s.speaker) for s in timed.segments} == {"ANN", "Ann Other"}


def test_without_voices_the_names_are_the_speakers() -> None:
    """A recording whose speakers were not looked for gets those of the file."""
    heard = INTERVIEW.model_copy(
        update={
            "speakers": (),
            "segments": tuple(s.model_copy(update={"speaker": None}) for s in INTERVIEW.segments),
        }
    )
    timed = transcript_from_document(document(SCRIPT.format(*("Ann", "Bob") * 2), heard), heard)
    names = [timed.speaker_name(segment.speaker) for segment in timed.segments]
    assert names == ["Ann Example", "Bob van der Berg"] * 2


UNNAMED = {"S0": None, "S1": None}
JAPANESE = spoken(
    ("S0", "今日は蜂の話をします"), ("S1", "はい私は庭で蜂を飼っています"), names=UNNAMED, spaces=False
)
HEBREW = spoken(("S0", "שלום לכולם וברוכים הבאים"), ("S1", "תודה רבה אני שמח להיות כאן"), names=UNNAMED)


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("司会：今日は蜂の話をします。\n山田：はい、私は庭に蜂を飼っています。", JAPANESE),
        ("\u200fדנה: שלום לכולם, וברוכים הבאים!\nרון: תודה רבה. אני שמחה להיות כאן.", HEBREW),
    ],
    ids=["japanese", "hebrew"],
)
def test_scripts_without_spaces_and_from_right_to_left(text: str, heard: Transcript) -> None:
    """Characters and words of any script get their times, and the names of the file."""
    found = document(text, heard)
    timed = transcript_from_document(found, heard)
    assert heard_share(align_document(found, heard)) >= LEAST_SHARE
    assert timed.text.replace(" ", "") == "".join("".join(t.paragraphs) for t in found.turns).replace(" ", "")
    old, new = units_of(heard), units_of(timed)
    times = {unit.key: unit.start_s for unit in old if sum(one.key == unit.key for one in old) == 1}
    assert all(unit.start_s == times[unit.key] for unit in new if unit.key in times)
    assert len({timed.speaker_name(segment.speaker) for segment in timed.segments}) == 2
