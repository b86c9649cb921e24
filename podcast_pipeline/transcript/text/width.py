"""The width of text in columns: East Asian wide characters take several. Pure.

Source: Unicode Standard Annex #11, East Asian Width.
"""

from unicodedata import east_asian_width


def columns(text: str, *, wide: int = 2) -> int:
    """Return the columns of a text on one line; characters that are not wide take one each.

    Args:
        wide: columns of a wide character (Han, kana, Hangul, emoji).
    """
    if text.isascii():
        return len(text)
    return len(text) + (wide - 1) * sum(east_asian_width(character) in "WF" for character in text)
