"""Text as comparable words: one form for all that is written differently and means the same."""

import re
import unicodedata

import regex

_MARKS = regex.compile(r"[\p{M}\p{Cf}'’‘ʼ`´＇]+")
_SPACELESS = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u3005-\u3007\u3040-\u30ff"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
_TOKEN = re.compile(rf"[{_SPACELESS}]|[^\W_{_SPACELESS}]+")  # re: five times as fast as regex here
_ASCII_TOKEN = re.compile(r"[a-z0-9]+")
_CHARACTER = re.compile(f"[{_SPACELESS}]")


def normalized_words(text: str) -> list[str]:
    """Return the words of a text in NFKD, casefolded, without accents and punctuation.

    An apostrophe joins ("don't" is "dont"), any other punctuation parts. Scripts without spaces give a
    token per character.
    """
    if text.isascii():
        return _ASCII_TOKEN.findall(text.replace("'", "").replace("`", "").lower())
    return _TOKEN.findall(_MARKS.sub("", unicodedata.normalize("NFKD", text)).casefold())


def is_spaceless_character(token: str) -> bool:
    """Whether a token is a character of a script without spaces."""
    return bool(_CHARACTER.match(token))
