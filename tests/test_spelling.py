"""Words that an engine made up, and names that it spells now so, now so."""

import pytest

from podcast_pipeline.model import Word
from podcast_pipeline.transcript.spelling import Spelling, in_one_way

ENGLISH = Spelling("en")


@pytest.mark.parametrize(
    ("made_up", "real"),
    [
        ("proflogacy", "profligacy"),
        ("unpropicious", "unpropitious"),
        ("baronette", "baronet"),
        ("frited", "frighted"),
        ("Rutherhithe", "Rotherhithe"),
        ("Betulia", "Bethulia"),
    ],
)
def test_a_made_up_word_has_rivals_that_sound_the_same(made_up: str, real: str) -> None:
    """As Whisper wrote them; a capital stays."""
    assert real in ENGLISH.rivals(made_up, 0.6)


@pytest.mark.parametrize(
    "word",
    [
        "profligacy",  # there is such a word
        "transwits",  # nothing that is written sounds like it
        "shoppy",  # too few consonants
        "dains",  # too short
        "McGillicuddyish",  # written as no word is
        "naïveté",
        "",
    ],
)
def test_what_has_no_rivals(word: str) -> None:
    """Where nothing can be known, nothing is asked."""
    assert ENGLISH.rivals(word, 0.5) == ()


def test_what_was_heard_well_is_believed() -> None:
    """However odd it looks."""
    assert ENGLISH.rivals("proflogacy", 0.9) == ()


def test_only_english_is_known() -> None:
    """In a language with long compounds most words are in no list."""
    assert Spelling("de").rivals("proflogacy", 0.5) == Spelling().rivals("proflogacy", 0.5) == ()


def test_what_may_be_an_expected_name_is_left_to_the_glossary() -> None:
    """A guest called Rutherhythe is not Rotherhithe."""
    assert Spelling("en", ("Ann Rutherhythe",)).rivals("Rutherhithe", 0.4) == ()
    assert Spelling("en", ("Ann Rutherhythe",)).rivals("proflogacy", 0.4) == ("profligacy",)


def words(text: str, *, confidence: float = 0.6) -> list[Word]:
    return [
        Word(text=f" {word}", start_s=i, end_s=i + 1, confidence=confidence)
        for i, word in enumerate(text.split())
    ]


def text(spelled: list[Word]) -> str:
    return "".join(word.text for word in spelled).strip()


def test_a_name_is_spelled_as_most_often() -> None:
    """Punctuation and the possessive stay, times and confidence too."""
    heard = words("Morland, and Morland. “Moreland’s house")
    spelled = in_one_way(heard, ENGLISH)
    assert text(spelled) == "Morland, and Morland. “Morland’s house"
    assert [word.model_copy(update={"text": ""}) for word in spelled] == [
        word.model_copy(update={"text": ""}) for word in heard
    ]


@pytest.mark.parametrize(
    "said",
    [
        "Morland and Moreland",  # neither twice
        "Morland and Morland and Maryland",  # another, well-known name
        "Morland and Morland and Marlbrand",  # sounds otherwise
        "Morland and Morland and moreland",  # no name
        "Johnson and Johnson and Jonson",  # Johnson is known to the engine, so Jonson was heard
    ],
)
def test_names_that_are_left(said: str) -> None:
    """A wrong correction is worse than none."""
    assert text(in_one_way(words(said), ENGLISH)) == said


def test_a_name_that_was_heard_well_is_left() -> None:
    """Miss Morland and Miss Moreland may both be there."""
    heard = [*words("Morland Morland"), *words("Moreland", confidence=0.8)]
    assert in_one_way(heard, ENGLISH) == heard


def test_an_expected_name_is_left() -> None:
    """The glossary puts it right."""
    heard = words("Morland Morland Moreland")
    assert in_one_way(heard, Spelling("en", ("Ann Moreland",))) == heard
    assert in_one_way(heard, Spelling("de")) == heard
