"""Which names an engine is told, and what is taken over from its second hearing."""

from itertools import pairwise

import pytest

from podcast_pipeline.model import Word
from podcast_pipeline.transcript.names.prompting import ExpectedNames, build_prompt

EXPECTED = ExpectedNames(("Holofernes", "Ann Kellner", "Judith"), "en")


def words_of(text_of: str, *, confidence: float = 0.9) -> list[Word]:
    return [
        Word(text=f" {word}", start_s=i / 2, end_s=i / 2 + 0.4, confidence=confidence)
        for i, word in enumerate(text_of.split())
    ]


def text_of(words: tuple[Word, ...]) -> str:
    return "".join(word.text for word in words).strip()


@pytest.mark.parametrize(
    ("first_pass", "names"),
    [
        ("and Halafrenis, the general", ("Holofernes",)),
        ("we met Anne Keller there", ("Ann Kellner",)),
        ("the lawfulness of it all", ()),
        ("it rained all day", ()),
        ("Holofernes' tent and Judith's maid", ()),
    ],
)
def test_names_are_told_where_something_is_like_them(first_pass: str, names: tuple[str, ...]) -> None:
    """A misheard name calls for it; ordinary words and the name itself do not."""
    assert EXPECTED.names_to_prompt(words_of(first_pass)) == names


def test_an_ordinary_word_that_was_badly_heard_may_be_a_name() -> None:
    """Confidence decides."""
    assert EXPECTED.names_to_prompt(words_of("the hollow furnace", confidence=0.3)) == ("Holofernes",)


def test_without_names_nothing_is_looked_for() -> None:
    """A show without a glossary."""
    assert ExpectedNames((), "en").names_to_prompt(words_of("Halafrenis")) == ()


def test_only_the_name_is_taken_over() -> None:
    """The second hearing's other differences are left where they are."""
    first_pass = words_of("and so Halafrenis went out with his men")
    again = words_of("and sew Holofernes went out with this man")
    assert text_of(
        EXPECTED.merge_second_pass(first_pass, again)
    ) == "and so Halafrenis went out with his men".replace("so Halafrenis", "sew Holofernes")


def test_a_name_out_of_nowhere_is_not_taken_over() -> None:
    """Whisper likes to say what it was told."""
    first_pass = words_of("the whole river rose")
    assert (
        text_of(EXPECTED.merge_second_pass(first_pass, words_of("the Judith river rose")))
        == "the whole river rose"
    )
    assert (
        text_of(EXPECTED.merge_second_pass(first_pass, words_of("Judith the whole river rose")))
        == "the whole river rose"
    )


def test_times_never_go_back() -> None:
    """Words of two hearings stand in order."""
    first_pass = words_of("and Halafrenis went")
    again = [
        word.model_copy(update={"start_s": word.start_s - 0.3}) for word in words_of("and Holofernes went")
    ]
    words = EXPECTED.merge_second_pass(first_pass, again)
    assert text_of(words) == "and Holofernes went"
    assert all(a.end_s <= b.start_s <= b.end_s for a, b in pairwise(words))


def test_a_prompt_holds_whole_names() -> None:
    """It ends before the name that has no room."""
    names = ("Ann Kellner", "Sean O'Sullivan", "Robin")
    assert build_prompt(names) == "Ann Kellner, Sean O'Sullivan, Robin"
    assert build_prompt(names, limit_tokens=12) == "Ann Kellner, Sean O'Sullivan"
    assert build_prompt(names, limit_tokens=1) == ""
