"""Frequent words of a language, by a list that needs no other package."""

import pytest

from podcast_pipeline.transcript.names.word_lists import is_usual


@pytest.mark.parametrize("language", ["ja", "ko", "zh", "zh-TW", "th", "ar", "vi", "xx", ""])
def test_every_language_can_be_asked(language: str) -> None:
    """A Latin name among Japanese, Korean or Chinese words is looked up without another library."""
    assert is_usual("Zwqxbrand", language=language) is False


@pytest.mark.parametrize(
    ("word", "language", "usual"),
    [
        ("America's", "en", True),
        ("London", "en-GB", True),
        ("Okonjo", "en", False),
        ("Berlin", "de", True),
        ("日本", "ja", True),
        ("中国", "zh", True),
    ],
)
def test_frequent_names_are_usual(word: str, language: str, *, usual: bool) -> None:
    """Ten in a million words or more, whatever the script."""
    assert is_usual(word, language=language) is usual
