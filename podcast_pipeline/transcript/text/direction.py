"""The direction of writing: right to left for Arabic, Hebrew and their like. Pure.

Source: Unicode Standard Annex #9, bidirectional algorithm; BCP 47 script subtags.
"""

from unicodedata import bidirectional

RTL_LANGUAGES = frozenset(("ar", "arc", "ckb", "dv", "fa", "he", "iw", "ks", "ps", "sd", "ug", "ur", "yi"))
RTL_SCRIPTS = frozenset(("adlm", "arab", "hebr", "mand", "nkoo", "rohg", "samr", "syrc", "thaa"))
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"


def is_right_to_left(language: str) -> bool:
    """Return whether a language is written from right to left; a script subtag (`az-Arab`) decides."""
    code, *subtags = language.lower().split("-")
    script = next((tag for tag in subtags if len(tag) == 4 and tag.isalpha()), None)
    return script in RTL_SCRIPTS if script else code in RTL_LANGUAGES


def begins_right_to_left(text: str) -> bool:
    """Return whether the first letter of a text is of a script that runs from right to left."""
    strong = (kind for kind in map(bidirectional, text) if kind in ("L", "R", "AL"))
    return next(strong, "L") != "L"


def isolated(text: str, *, within: str) -> str:
    """Return a text that leaves the direction of the language around it as it is.

    Args:
        within: the language around it; a text of the same direction is returned unchanged.
    """
    if begins_right_to_left(text) == is_right_to_left(within):
        return text
    return f"{FIRST_STRONG_ISOLATE}{text}{POP_ISOLATE}"
