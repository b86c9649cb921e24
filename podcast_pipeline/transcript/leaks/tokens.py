"""Text as comparable words: one form for all that is written differently and means the same."""

import re
import unicodedata

import regex

from podcast_pipeline.transcript.text.scripts import SPACELESS

_MARKS = regex.compile(r"[\p{M}\p{Cf}'’‘ʼ`´＇]+")
_TOKEN = re.compile(rf"[{SPACELESS}]|[^\W_{SPACELESS}]+")  # re: five times as fast as regex here
_WITH_SPACES = re.compile("[\x00-\u0dff\u2000-\u206f]*")  # below and between the scripts without spaces
_TOKEN_WITH_SPACES = re.compile(r"[^\W_]+")
_ASCII_TOKEN = re.compile(r"[a-z0-9]+")


def normalized_words(text: str) -> list[str]:
    """Return the words of a text in NFKD, casefolded, without accents and punctuation.

    An apostrophe joins ("don't" is "dont"), any other punctuation parts. Scripts without spaces give a
    token per character.
    """
    if text.isascii():
        return _ASCII_TOKEN.findall(text.replace("'", "").replace("`", "").lower())
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", text)).casefold()
    return (_TOKEN_WITH_SPACES if _WITH_SPACES.fullmatch(plain) else _TOKEN).findall(plain)
