"""Names for the prompt of the second pass, and the merge of its words."""

from itertools import pairwise

import pytest

from podcast_pipeline.model import Word
from podcast_pipeline.transcript.names.prompting import ExpectedNames, build_prompt

EXPECTED = ExpectedNames(("Holofernes", "Ann Kellner", "Judith"), "en")


def words_of(text: str, *, confidence: float = 0.9) -> list[Word]:
    return [
        Word(text=f" {word}", start_s=i / 2, end_s=i / 2 + 0.4, confidence=confidence)
        for i, word in enumerate(text.split())
    ]


def text_of(words: tuple[Word, ...]) -> str:
    return "".join(word.text for word in words).strip()


@pytest.mark.parametrize(
    ("heard", "names"),
    [
        ("and Halafrenis, the general", ("Holofernes",)),
        ("we met Anne Keller there", ("Ann Kellner",)),
        ("the lawfulness of it all", ()),
        ("it rained all day", ()),
        ("Holofernes' tent and Judith's maid", ()),
    ],
)
def test_names_similar_to_a_word_are_in_the_prompt(heard: str, names: tuple[str, ...]) -> None:
    """A misheard name puts the name into the prompt; ordinary words and the name itself do not."""
    assert EXPECTED.names_to_prompt(words_of(heard)) == names


def test_an_ordinary_word_with_low_confidence_may_be_a_name() -> None:
    """Only at low confidence is an ordinary word a misheard name."""
    assert EXPECTED.names_to_prompt(words_of("the hollow furnace", confidence=0.3)) == ("Holofernes",)


def test_without_names_the_prompt_is_empty() -> None:
    """A show without a glossary has no second pass."""
    assert ExpectedNames((), "en").names_to_prompt(words_of("Halafrenis")) == ()


def test_only_the_name_is_merged() -> None:
    """Other differences of the second pass are ignored."""
    heard = words_of("and so Halafrenis went out with his men")
    again = words_of("and sew Holofernes went out with this man")
    assert text_of(
        EXPECTED.merge_second_pass(heard, again)
    ) == "and so Halafrenis went out with his men".replace("so Halafrenis", "sew Holofernes")


def test_a_name_without_a_similar_word_is_not_merged() -> None:
    """A name without a similar word in the first pass is an echo of the prompt."""
    heard = words_of("the whole river rose")
    assert (
        text_of(EXPECTED.merge_second_pass(heard, words_of("the Judith river rose")))
        == "the whole river rose"
    )
    assert (
        text_of(EXPECTED.merge_second_pass(heard, words_of("Judith the whole river rose")))
        == "the whole river rose"
    )


def test_times_never_go_back() -> None:
    """Merged words of two passes have rising times."""
    heard = words_of("and Halafrenis went")
    again = [
        word.model_copy(update={"start_s": word.start_s - 0.3}) for word in words_of("and Holofernes went")
    ]
    words = EXPECTED.merge_second_pass(heard, again)
    assert text_of(words) == "and Holofernes went"
    assert all(a.end_s <= b.start_s <= b.end_s for a, b in pairwise(words))


def test_a_prompt_has_whole_names() -> None:
    """A prompt ends before the first name that does not fit."""
    names = ("Ann Kellner", "Sean O'Sullivan", "Robin")
    assert build_prompt(names) == "Ann Kellner, Sean O'Sullivan, Robin"
    assert build_prompt(names, limit_tokens=12) == "Ann Kellner, Sean O'Sullivan"
    assert build_prompt(names, limit_tokens=1) == ""
