"""The end of a sentence: end marks, pauses. Pure."""

import regex

from podcast_pipeline.transcript.text.abbreviations import is_abbreviation

PAUSE_S = 2.0
"""A silence this long ends a sentence, with or without an end mark."""

_CLOSING = r"""["'’”»)\]」』）】›]"""
_END_MARK = regex.compile(rf"[.!?…。！？｡؟۔।։]{_CLOSING}*$")


def has_end_mark(text: str) -> bool:
    """Return whether a text ends with an end mark, closing quotes and brackets after it allowed.

    The mark may be an abbreviation's full stop, which `ends_sentence` excludes. Use this if a capital after
    an abbreviation must not be taken for the capital of a name.
    """
    return bool(_END_MARK.search(text.rstrip()))


def ends_sentence(text: str, following: str = "", *, pause_s: float = 0.0, language: str = "") -> bool:
    """Return whether a sentence ends between two words.

    Args:
        text: the word, or any text that ends with the word; spaces at its ends do not matter.
        following: the next word, empty at the end of a text.
        pause_s: silence between the two words.
        language: of the text; empty where it is not known.
    """
    if pause_s >= PAUSE_S:
        return True
    return (
        has_end_mark(text)
        and not following.lstrip()[:1].islower()
        and not is_abbreviation(text, following, language=language)
    )
