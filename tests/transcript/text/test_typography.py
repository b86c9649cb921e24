"""Quotation marks and apostrophes for reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.transcript.text.typography import typographic, typographic_html


@pytest.mark.parametrize(
    ("language", "straight", "curly"),
    [
        ("en", "There's iron, they say.", "There’s iron, they say."),
        ("en-GB", 'She said "no", twice.', "She said “no”, twice."),
        ("en", "\"It was 'under review'.\"", "“It was ‘under review’.”"),
        ("en", "the '90s, and 'tis so", "the ’90s, and ’tis so"),
        ("en", 'ends here"', "ends here”"),
        ("en", '("so")—"and"', "(“so”)—“and”"),
        ("de", 'Sie sagte "nein", oder?', "Sie sagte „nein“, oder?"),
        ("sv", 'Hon sa "nej".', "Hon sa ”nej”."),
        ("fr", 'L\'eau dit "non".', 'L’eau dit "non".'),
        ("ja", '「はい」と"言"った', '「はい」と"言"った'),
        ("en", "already “so”, isn’t it", "already “so”, isn’t it"),
    ],
)
def test_marks_of_a_language(language: str, straight: str, curly: str) -> None:
    """Each language has its own marks; a language without a row keeps straight quotes."""
    assert typographic(straight, language) == curly


@given(st.text(st.sampled_from("ab 1s.\"'“”‘’()—\n")), st.sampled_from(("en", "de", "fr", "ar")))
def test_every_character_stays_in_its_place(text: str, language: str) -> None:
    """Word times count characters: the length stays, and only marks change."""
    curly = typographic(text, language)
    assert len(curly) == len(text)
    assert all(a == b or a in "\"'" for a, b in zip(text, curly, strict=True))
    assert typographic(curly, "en") == typographic(typographic(curly, "en"), "en")


def test_marks_across_tags() -> None:
    """A mark after a tag is read with the word before the tag; attributes and block ends are left alone."""
    html = '<p>The <b>"river"</b>, <a href="https://a.example/?q=\'x\'">its</a>\'s "end"</p><p>"So."</p>'
    assert typographic_html(html, "en") == (
        "<p>The <b>“river”</b>, <a href=\"https://a.example/?q='x'\">its</a>’s “end”</p><p>“So.”</p>"
    )
