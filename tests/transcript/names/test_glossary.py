"""The glossary: names for the engine's prompt, and corrections of near misses."""

from datetime import UTC, datetime

import pytest

from podcast_pipeline.config import GlossaryTable
from podcast_pipeline.transcript.edits import TextQuote, WordEdit
from podcast_pipeline.transcript.names.glossary import (
    Glossary,
    build_glossary,
    fix_names,
    names_in,
    similar_name,
)
from podcast_pipeline.transcript.names.learn import learn_terms
from podcast_pipeline.transcript.names.matching import GlossaryTerm
from tests.support.paths import DATA
from tests.support.transcripts import recognized

NOW = datetime(2026, 3, 3, 6, tzinfo=UTC)
INTERVIEW = DATA / "reader_interview.txt"
GLOSSARY = build_glossary(
    GlossaryTable.model_validate(
        {"terms": ["Kubernetes", {"name": "Siobhán Ní Dhomhnaill", "sounds_like": ["shivawn nee gonal"]}]}
    ),
    people=("Ann Kellner", "Sean O'Sullivan", "Ngozi Okonjo-Iweala", "Zoltan Markovic"),
)
FIRST = (
    "Aino Bertrand Caoimhe Dmitri Elspeth Farouk Giulia Hamish Ingrid Joaquin Katarzyna Laszlo Maeve Nikolai"
    " Oluwaseun Priya Quentin Rosalind Saoirse Tobias Ursula Vikram Wilhelmina Xiomara Yusuf Zsofia Brendan"
    " Claudette Desmond Eleanor"
)
LAST = (
    "Abernathy Baranowski Castellanos Delacroix Eriksson Featherstone Gallagher Hendricks Ivanova Jankowski"
    " Kowalczyk Lindqvist MacAllister Nakamura Oyelaran Petrakis Quigley Rasmussen Szymanski Thorvaldsen"
    " Underwood Villanueva Whitcombe Yamamoto Zielinski Cartwright Donnelly Fitzgerald Hathaway Pemberton"
)
ABSENT = tuple(
    GlossaryTerm(f"{first} {last}")
    for i, first in enumerate(FIRST.split())
    for j, last in enumerate(LAST.split())
    if (i + j) % 3 == 0
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("We met Ann Kelner. Then Kelner's idea", "We met Ann Kellner. Then Kellner's idea"),
        ("a “Cubernetes”, maybe", "a “Kubernetes”, maybe"),
        ("Sean O Sullivan said", "Sean O'Sullivan said"),
        ("with ngozi okonjo iweala's book", "with Ngozi Okonjo-Iweala's book"),
        ("with Ngozi Okonjo-Eweala today", "with Ngozi Okonjo-Iweala today"),
        ("and Zoltan Markovich spoke", "and Zoltan Markovic spoke"),
        ("then shivawn nee gonal sang", "then Siobhán Ní Dhomhnaill sang"),
        ("then Siobhan Ni Dhomhnaill sang", "then Siobhán Ní Dhomhnaill sang"),
    ],
)
def test_a_near_miss_of_a_name_is_corrected(before: str, after: str) -> None:
    """A near miss or a `sounds_like` becomes the name; punctuation and possessives stay."""
    fixed, fixes = fix_names(recognized(before), GLOSSARY)
    assert fixed.text == after
    assert fixes


@pytest.mark.parametrize(
    "text",
    [
        "for an example of the kernel",
        "the cellar was dark",
        "Keller is somebody else",
        "I met Sullivan and Sean",
        "the Ann. Kelly came",
        "Kubernetes and Ann Kellner",
        "it was a markup",
    ],
)
def test_other_words_stay(text: str) -> None:
    """Ordinary words and other names with high confidence stay."""
    assert fix_names(recognized(text), GLOSSARY) == (recognized(text), ())


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("Saint Giles", "the parish of St. Giles, outside", "the parish of Saint Giles, outside"),
        ("Saint Andrew's", "at St. Andrews in", "at Saint Andrew's in"),
        ("Dr. Ann Kellner", "with Doctor Ann Kellner here", "with Dr. Ann Kellner here"),
        ("St Ives", "in Saint Ives. Then", "in St Ives. Then"),
        ("Saint Giles", "the first. Giles came", "the first. Giles came"),
        ("Saint Giles", "he was no saint. Giles left", "he was no saint. Giles left"),
    ],
)
def test_saint_and_doctor_are_written_as_the_glossary_has_them(name: str, before: str, after: str) -> None:
    """St. and Saint are homophones; a sentence's full stop still separates two names."""
    fixed, _ = fix_names(recognized(before), Glossary((GlossaryTerm(name),)))
    assert fixed.text.strip() == after


def test_ordinary_words_only_change_at_low_confidence() -> None:
    """The same ordinary words become the name with low confidence and stay with high."""
    glossary = Glossary((GlossaryTerm("Ann Example"),))
    assert fix_names(recognized("with an|0.2 example|0.3 here"), glossary)[0].text == "with Ann Example here"
    assert fix_names(recognized("with an example here"), glossary)[1] == ()


def test_a_fix_is_on_record() -> None:
    """A fix has the words before and after, the times, and the engine's confidence."""
    _, (fixed,) = fix_names(recognized("so Sean O|0.7 Sullivan, yes"), GLOSSARY)
    assert (fixed.before, fixed.after, fixed.term) == (
        "Sean O Sullivan,",
        "Sean O'Sullivan,",
        "Sean O'Sullivan",
    )
    assert (fixed.start_s, fixed.end_s, fixed.confidence) == (0.3, 1.1, 0.7)


def test_a_name_with_a_possessive_of_its_own_gets_no_second_one() -> None:
    """Saint Andrew's stays unchanged, and a near miss is corrected without another 's."""
    glossary = Glossary((GlossaryTerm("Saint Andrew's"),))
    assert fix_names(recognized("in Saint Andrew's, Holborn"), glossary)[1] == ()
    assert fix_names(recognized("in Saint Andrew, Holborn"), glossary)[0].text.count("'s") <= 1


def test_times_are_merged_and_split() -> None:
    """Two words that become one take the time of both; the time of a word that becomes two is divided."""
    before = recognized("yes Sean O Sullivan came")
    words = fix_names(before, GLOSSARY)[0].words
    assert [(w.text, w.start_s, w.end_s) for w in words] == [
        (" yes", 0.0, 0.2),
        (" Sean", 0.3, 0.5),
        (" O'Sullivan", 0.6, 1.1),
        (" came", 1.2, 1.4),
    ]
    joined = fix_names(recognized("yes AnnKelner came"), GLOSSARY)[0].words
    assert [w.text for w in joined] == [" yes", " Ann", " Kellner", " came"]
    assert (joined[1].start_s, joined[2].end_s, joined[1].end_s) == (0.3, 0.5, joined[2].start_s)


def test_a_tie_of_two_names_changes_nothing() -> None:
    """A tie between two known names changes nothing."""
    glossary = Glossary((GlossaryTerm("Katarin"), GlossaryTerm("Catarin")))
    assert fix_names(recognized("and Gatarin came"), glossary)[1] == ()


def test_three_hundred_absent_names_change_nothing() -> None:
    """A long glossary of absent people changes no word of an interview, at any confidence."""
    text = INTERVIEW.read_text(encoding="utf-8")
    assert len(ABSENT) == 300
    for confidence in (0.95, 0.7, 0.45):
        assert fix_names(recognized(text, confidence=confidence), Glossary(ABSENT))[1] == ()


def test_a_quote_begins_with_an_ordinary_word() -> None:
    """An ordinary word at the begin of a quote is no name."""
    assert names_in('kinder:\n\n*"Had he married Ann, all were well."*', language="en") == ("Ann",)


def test_the_terms_of_the_glossary() -> None:
    """The terms are people, then the show's terms, then the capitalised names of the notes; each once."""
    table = GlossaryTable.model_validate({"terms": ["Ann Example", {"name": "Bob", "sounds_like": ["bop"]}]})
    notes = "# On bees\n\nWith **Ann Example** of [Buzz Labs](https://Example.com/A). Yesterday Li de Vries."
    glossary = build_glossary(table, people=("Cy Guest", "Bob"), notes=notes)
    assert glossary.terms == (
        GlossaryTerm("Cy Guest"),
        GlossaryTerm("Bob", ("bop",)),
        GlossaryTerm("Ann Example"),
        GlossaryTerm("Buzz Labs"),
        GlossaryTerm("Li de Vries"),
    )


def test_names_in_notes_of_other_languages() -> None:
    """German nouns are no names, a script without capitals has none."""
    assert names_in("Heute spricht die Katze mit Zsofia Kowalczyk.", language="de") == ("Zsofia Kowalczyk",)
    assert names_in("今日は蜂の話です。", language="ja") == ()


def test_a_near_miss_gives_the_known_name() -> None:
    """A near miss gives the known name; a known name and an unknown one give none."""
    assert similar_name("Ann Kelner", GLOSSARY) == "Ann Kellner"
    assert similar_name("Ann Kellner", GLOSSARY) is None
    assert similar_name("Desmond", GLOSSARY) is None


def correction(original: str, written: str) -> WordEdit:
    """Return an edit of a few words."""
    return WordEdit(site=TextQuote(heard=original, start_s=0, end_s=1), written=written, edited_at=NOW)


def test_name_corrections_are_learnt() -> None:
    """A name written in place of a similar word becomes a term; known names, rewordings and typos do not."""
    edits = (
        correction("Marcovitch,", "Markovitz,"),
        correction("Markowits", "Markovitz"),
        correction("an sample", "Ann Sample"),
        correction("Kelner", "Kellner"),
        correction("Ann Kelner", "Ann Kellner"),
        correction("teh", "the"),
        correction("nonsense", "Paris"),
    )
    learnt = learn_terms(edits, GLOSSARY)
    assert [(term.name, term.sounds_like) for term in learnt] == [
        ("Markovitz", ("Marcovitch", "Markowits")),
        ("Ann Sample", ()),
        ("Kellner", ("Kelner",)),
    ]
