"""Scripts without spaces between words: one character class for every module."""

import re
import sys
import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.model import Segment, Word
from podcast_pipeline.search.normalize import split_words
from podcast_pipeline.transcript.edits.units import join_units, split_units, with_leading_space
from podcast_pipeline.transcript.leaks.tokens import normalized_words
from podcast_pipeline.transcript.text.scripts import SPACELESS, has_spaceless, is_spaceless
from podcast_pipeline.transcript.text.turns import written_words

SCRIPT = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
SHARED_LETTER = regex.compile(r"[[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}]&&\p{L}]", regex.V1)
ASSIGNED = regex.compile(r"[^\p{Cn}\p{Cs}\p{Co}]")
EVERY_CHARACTER = [chr(point) for point in range(sys.maxunicode + 1) if ASSIGNED.match(chr(point))]
LETTERS = [
    character
    for character in EVERY_CHARACTER
    if is_spaceless(character)
    and unicodedata.category(character) in ("Lo", "Lm")
    and unicodedata.normalize("NFKD", character) == character
]


def test_the_ranges_are_unicode_s() -> None:
    """Over all assigned code points the class is the scripts and the letters that Han and kana share."""
    wrong = [
        f"U+{ord(character):04X}"
        for character in EVERY_CHARACTER
        if is_spaceless(character) != bool(SCRIPT.match(character) or SHARED_LETTER.match(character))
    ]
    assert wrong == []


def test_both_regular_expression_modules_read_the_class_alike() -> None:
    """`re`, `regex` and `regex.V1` find the same characters."""
    text = "".join(EVERY_CHARACTER)
    found = re.findall(f"[{SPACELESS}]", text)
    assert len(found) > 100_000
    assert regex.findall(f"[{SPACELESS}]", text) == found
    assert regex.findall(f"[{SPACELESS}]", text, regex.V1) == found


@pytest.mark.parametrize("character", [*"々〇〆ー時あア", "ก", "ກ", "ក", "က", "\U00030000", "\U0002f800"])
def test_characters_of_these_scripts(character: str) -> None:
    """The repeat mark, the zero, the long vowel and the planes above U+FFFF are of these scripts."""
    assert is_spaceless(character)
    assert has_spaceless(f"a{character}")


@pytest.mark.parametrize("character", [*"aé한да。・、฿", "\u3000", ""])
def test_characters_of_no_such_script(character: str) -> None:
    """Latin, Hangul and Cyrillic letters, punctuation and the baht sign are not."""
    assert not has_spaceless(character)


@given(st.lists(st.sampled_from(LETTERS), min_size=2, max_size=5))
def test_every_module_parts_the_same_characters(letters: list[str]) -> None:
    """Edits, leaks, search and captions take each letter for a word of its own, beside Latin ones, too."""
    text = "".join(letters)
    assert split_units(f"{text}ab") == (*letters, "ab")
    assert join_units(split_units(f"{text}ab")) == f"{text}ab"
    assert with_leading_space(text) == text
    assert split_words(f"{text}ab")[1::2] == [*letters, "ab"]
    if not any(unicodedata.category(c)[0] == "M" for c in unicodedata.normalize("NFKD", text.casefold())):
        assert normalized_words(f"{text}ab") == [*normalized_letters(letters), "ab"]


def normalized_letters(letters: list[str]) -> list[str]:
    """Return the letters that the leak check compares."""
    return [unicodedata.normalize("NFKD", letter).casefold() for letter in letters]


@pytest.mark.parametrize(
    ("one", "other", "breaks"),
    [
        ("水", "火", True),
        ("水", "a", True),
        ("a", "水", True),
        ("ひ", "カ", True),
        ("ก", "ข", True),
        ("水", "。", False),
        ("「", "水", False),
        ("水", "々", False),
        ("カ", "ー", False),
        ("ab", "cd", False),
        ("한", "국", False),
    ],
)
def test_a_caption_line_may_break_beside_a_character_without_spaces(
    one: str, other: str, breaks: bool
) -> None:
    """A line may break beside such a character unless typography forbids it; inside a Latin word never."""
    segment = Segment(words=(Word(text=one, start_s=0, end_s=1), Word(text=other, start_s=1, end_s=2)))
    texts = [word.text for word in written_words(segment)]
    assert texts == ([one, other] if breaks else [one + other])
