"""The end of a sentence: end marks, abbreviations, pauses. Pure."""

import regex

from podcast_pipeline.transcript.text.scripts import SPACELESS

PAUSE_S = 2.0
"""A silence this long ends a sentence, with or without an end mark."""

ABBREVIATIONS = frozenset(
    (
        *("mr", "mrs", "ms", "mx", "dr", "prof", "st", "sr", "jr", "rev", "hon"),
        *("sen", "rep", "gov", "gen", "col", "lt", "sgt", "capt", "vs", "etc"),
        *("mme", "mlle", "sra", "srta", "ing", "bzw", "usw"),
    )
)
"""Words in lower case that a full stop shortens; dotted letters ("U.S.", "z.B.") need no entry."""

_CLOSING = r"""["'’”»)\]」』）】›]"""
_END_MARK = regex.compile(rf"[.!?…。！？｡؟۔।։]{_CLOSING}*$")
_LETTER = rf"[\p{{L}}--[{SPACELESS}\p{{Hangul}}]]"  # one character of the others is often a word
_INITIALS = regex.compile(rf"{_LETTER}(?:\.{_LETTER})*|\d", regex.V1)
_BEFORE_WORD = regex.compile(r"^[^\p{L}\p{N}]+")


def has_end_mark(text: str) -> bool:
    """Return whether a text ends with an end mark, closing quotes and brackets after it allowed.

    The mark may be an abbreviation's full stop, which `ends_sentence` excludes. Use this if a capital after
    an abbreviation must not be taken for the capital of a name.
    """
    return bool(_END_MARK.search(text.rstrip()))


def ends_sentence(text: str, following: str = "", *, pause_s: float = 0.0) -> bool:
    """Return whether a sentence ends between two words.

    Args:
        text: the word, or any text that ends with the word; spaces at its ends do not matter.
        following: the next word, empty at the end of a text.
        pause_s: silence between the two words.
    """
    if pause_s >= PAUSE_S:
        return True
    return has_end_mark(text) and not following.lstrip()[:1].islower() and not is_abbreviation(text)


def is_abbreviation(text: str) -> bool:
    """Return whether a text ends with an abbreviation and its full stop ("Dr.", "J.", "U.S.", "4.")."""
    last_word = "".join(text.split()[-1:])
    if not last_word.endswith("."):
        return False
    stem = _BEFORE_WORD.sub("", last_word.removesuffix("."))
    return stem.lower() in ABBREVIATIONS or bool(_INITIALS.fullmatch(stem))
