"""Typographic quotation marks and apostrophes for pages; stored words and files keep the straight ones."""

import re

QUOTES = {
    **dict.fromkeys(("en", "es", "it", "pt", "nl", "tr"), ("“", "”")),
    **dict.fromkeys(("de", "cs", "sk", "sl", "hr"), ("„", "“")),
    **dict.fromkeys(("pl", "ro", "hu"), ("„", "”")),
    **dict.fromkeys(("sv", "fi"), ("”", "”")),
}
"""Opening and closing double quotation mark by language; in any other language `"` stays.

Source: Unicode CLDR, characters/delimiters.
"""

_APOSTROPHE = re.compile(r"(?<=\w)'|'(?=\d0s\b|(?:tis|twas|em|til|cause|n)\b)", re.IGNORECASE)
_OPENING = re.compile(r"""(?:(?<=^)|(?<=[\s(\[{—–“„‘"'-]))(["'])(?=\S)""", re.MULTILINE)
_TAG = re.compile(r"(<[^<>]*>)")
_INLINE = re.compile(r"</?(?:a|b|i|em|strong)\b", re.IGNORECASE)


def typographic(text: str, language: str) -> str:
    """Return text with typographic quotation marks and apostrophes; every character stays in its place.

    Args:
        language: BCP 47.
    """
    if '"' not in text and "'" not in text:
        return text
    opening, closing = QUOTES.get(language.partition("-")[0].lower(), ('"', '"'))
    single = "‘" if opening == "“" else "'"
    text = _APOSTROPHE.sub("’", text)
    text = _OPENING.sub(lambda mark: opening if mark[1] == '"' else single, text)
    return text.replace('"', closing)


def typographic_html(html: str, language: str) -> str:
    """Return HTML with `typographic` applied to its text, across tags inside a paragraph."""
    pieces = _TAG.split(html)
    texts, tags = pieces[::2], pieces[1::2]
    gaps = ["" if _INLINE.match(tag) else "\n" for tag in tags]
    whole = typographic("".join(text + gap for text, gap in zip(texts, [*gaps, ""], strict=True)), language)
    at, found = 0, []
    for text, gap, tag in zip(texts, [*gaps, ""], [*tags, ""], strict=True):
        found.append(whole[at : at + len(text)] + tag)
        at += len(text) + len(gap)
    return "".join(found)
