"""Words that an engine made up, and names that it spells now so, now so."""

import pytest

from podcast_pipeline.model import Segment, Transcript, Word
from podcast_pipeline.transcript.edits.record import NameFix
from podcast_pipeline.transcript.names.glossary import Glossary, fix_names
from podcast_pipeline.transcript.names.matching import GlossaryTerm
from podcast_pipeline.transcript.names.spelling import SpellingChecker

ENGLISH = SpellingChecker("en")


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
    assert real in ENGLISH.homophones(made_up, 0.6)


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
    assert ENGLISH.homophones(word, 0.5) == ()


def test_what_was_heard_well_is_believed() -> None:
    """However odd it looks."""
    assert ENGLISH.homophones("proflogacy", 0.9) == ()


def test_only_english_is_known() -> None:
    """In a language with long compounds most words are in no list."""
    assert (
        SpellingChecker("de").homophones("proflogacy", 0.5)
        == SpellingChecker().homophones("proflogacy", 0.5)
        == ()
    )


def test_what_may_be_an_expected_name_is_left_to_the_glossary() -> None:
    """A guest called Rutherhythe is not Rotherhithe."""
    assert SpellingChecker("en", ("Ann Rutherhythe",)).homophones("Rutherhithe", 0.4) == ()
    assert SpellingChecker("en", ("Ann Rutherhythe",)).homophones("proflogacy", 0.4) == ("profligacy",)


def transcript(text: str, *, confidence: float = 0.6) -> Transcript:
    """Return words as heard; `word|0.8` has a confidence of its own."""
    words = []
    for i, token in enumerate(text.split()):
        word, _, own = token.partition("|")
        words.append(
            Word(text=f" {word}", start_s=i, end_s=i + 1, confidence=float(own) if own else confidence)
        )
    return Transcript(language="en", duration_s=999, segments=(Segment(words=tuple(words)),))


def spelled(text: str, *names: str, language: str = "en") -> tuple[str, tuple[NameFix, ...]]:
    """Return the text after the second pass with these expected names, and what it changed."""
    fixed, fixes = fix_names(transcript(text), Glossary(tuple(map(GlossaryTerm, names)), language))
    return fixed.text, fixes


def test_a_name_is_spelled_as_most_often() -> None:
    """Punctuation and the possessive stay, and the fix says what was before."""
    text, (one,) = spelled("Morland, and Morland. “Moreland’s house")
    assert text == "Morland, and Morland. “Morland’s house"
    assert (one.before, one.after, one.term) == ("“Moreland’s", "“Morland’s", "Morland")
    assert (one.start_s, one.end_s, one.confidence) == (3, 4, 0.6)


@pytest.mark.parametrize(
    "said",
    [
        "Morland and Moreland",  # neither twice
        "Morland and Morland and Maryland",  # another, well-known name
        "Morland and Morland and Marlbrand",  # sounds otherwise
        "Morland and Morland and moreland",  # no name
        "Johnson and Johnson and Jonson",  # Johnson is known to the engine, so Jonson was heard
        "Ohoewy and Ohoewy and Ohaewy",  # hardly a consonant to go by
        "Morlandson and Morlandson and Mairileandasain",  # sounds the same, written quite otherwise
        "McMorland and McMorland and Moreland",  # part of another name
        "Morland and Morland and Moreland|0.8",  # both may be there
    ],
)
def test_names_that_are_left(said: str) -> None:
    """A wrong correction is worse than none."""
    text, fixes = spelled(said)
    assert (text, fixes) == (said.replace("|0.8", ""), ())


def test_an_expected_name_is_left_to_the_glossary() -> None:
    """Who is called Moreland is, however often the engine writes Morland."""
    text, fixes = spelled("Morland and Morland and Moreland", "Ann Moreland")
    assert {one.term for one in fixes} == {"Ann Moreland"}
    assert text == "Moreland and Moreland and Moreland"


def test_other_languages_are_left() -> None:
    """Their sounds are others."""
    assert spelled("Morland and Morland and Moreland", language="de")[1] == ()
    assert len(spelled("Morland and Morland and Moreland", language="en-GB")[1]) == 1
