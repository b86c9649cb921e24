"""The languages of a page: the show's, and English in which the site's own words are. Pure.

Until there are catalogues of the site's words in other languages, they are marked as English, so that a
screen reader pronounces them so, and run from left to right.

Source: WCAG 2.2, 3.1.1 and 3.1.2; HTML, the attributes `lang` and `dir`.
"""

from markupsafe import Markup

from podcast_pipeline.transcript.text.direction import is_right_to_left

ENGLISH = "en"


def in_language(language: str) -> Markup:
    """Return the attributes `lang` and `dir` of an element in a language (BCP 47), a space before each."""
    direction = "rtl" if is_right_to_left(language) else "ltr"
    return Markup(' lang="{}" dir="{}"').format(language, direction)


def named_in(language: str) -> Markup:
    """Return the attribute `lang` of a title or a name, which may be in letters of either direction."""
    return Markup(' lang="{}"').format(language)


def english_within(language: str) -> Markup:
    """Return the attributes of our own words in an element of this language; empty within English."""
    if language.partition("-")[0].lower() == ENGLISH:
        return Markup()
    return in_language(ENGLISH) if is_right_to_left(language) else named_in(ENGLISH)
