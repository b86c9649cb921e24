"""Homophones of non-words, and names with several spellings."""

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
def test_a_non_word_has_real_homophones(made_up: str, real: str) -> None:
    """Non-words from Whisper have the real word as homophone; a capital stays."""
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
def test_words_without_homophones(word: str) -> None:
    """These words have no homophones to try."""
    assert ENGLISH.homophones(word, 0.5) == ()


def test_a_confident_word_is_left() -> None:
    """A word with high confidence has no homophones to try."""
    assert ENGLISH.homophones("proflogacy", 0.9) == ()


def test_only_english_has_homophones() -> None:
    """Other languages have no tests: with long compounds most words are in no list."""
    assert (
        SpellingChecker("de").homophones("proflogacy", 0.5)
        == SpellingChecker().homophones("proflogacy", 0.5)
        == ()
    )


def test_a_possible_expected_name_is_left_to_the_glossary() -> None:
    """A non-word similar to an expected name has no homophones to try."""
    assert SpellingChecker("en", ("Ann Rutherhythe",)).homophones("Rutherhithe", 0.4) == ()
    assert SpellingChecker("en", ("Ann Rutherhythe",)).homophones("proflogacy", 0.4) == ("profligacy",)


def transcript(text: str, *, confidence: float = 0.6) -> Transcript:
    """Return a transcript of words; `word|0.8` sets a confidence."""
    words = []
    for i, token in enumerate(text.split()):
        word, _, own = token.partition("|")
        words.append(
            Word(text=f" {word}", start_s=i, end_s=i + 1, confidence=float(own) if own else confidence)
        )
    return Transcript(language="en", duration_s=999, segments=(Segment(words=tuple(words)),))


def spelled(text: str, *names: str, language: str = "en") -> tuple[str, tuple[NameFix, ...]]:
    """Return the text after the fixes with these expected names, and the fixes."""
    fixed, fixes = fix_names(transcript(text), Glossary(tuple(map(GlossaryTerm, names)), language))
    return fixed.text, fixes


def test_a_name_gets_its_most_frequent_spelling() -> None:
    """The most frequent spelling wins; punctuation and the possessive stay, and the fix has the old words."""
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
    """These names keep their spelling: a wrong correction is worse than none."""
    text, fixes = spelled(said)
    assert (text, fixes) == (said.replace("|0.8", ""), ())


def test_an_expected_name_is_left_to_the_glossary() -> None:
    """An expected name is not changed to a more frequent spelling."""
    text, fixes = spelled("Morland and Morland and Moreland", "Ann Moreland")
    assert {one.term for one in fixes} == {"Ann Moreland"}
    assert text == "Moreland and Moreland and Moreland"


def test_other_languages_are_left() -> None:
    """Other languages have no phonetic key."""
    assert spelled("Morland and Morland and Moreland", language="de")[1] == ()
    assert len(spelled("Morland and Morland and Moreland", language="en-GB")[1]) == 1
