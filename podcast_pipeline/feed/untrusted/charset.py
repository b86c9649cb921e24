"""The encoding of a plain text, and of another host's feed: what feed and host say, and what it is.

Order: a byte order mark, the charset of the HTTP answer, the XML declaration, UTF-8. What is well-formed
UTF-8 is UTF-8 whatever is said, for no other text looks like it. Labels are those of the Encoding Standard.

Source: RFC 7303, section 3; XML 1.0, appendix F; WHATWG Encoding Standard, section 4.2.
"""

import codecs
import re
from dataclasses import dataclass

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order mark -> encoding; the longer ones first."""

WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "utf-16": "utf-16-le",
    "utf-32": "utf-32-le",
}
"""Python's name of an encoding -> the one that browsers and apps read instead, which has more characters."""

READABLE = frozenset(
    {
        *WIDER.values(),
        *("utf-8", "utf-16-be", "utf-32-be", "koi8-r", "koi8-u", "cp866", "mac-roman", "mac-cyrillic"),
        *("euc_jp", "iso2022_jp"),
        *(f"cp125{n}" for n in range(9)),
        *(f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
    }
)
"""Encodings of text; Python knows others that are none, such as rot13."""

LEGACY = {
    **dict.fromkeys(("ar", "fa"), "cp1256"),
    **dict.fromkeys(("be", "bg", "kk", "mk", "ru", "sr", "uk"), "cp1251"),
    **dict.fromkeys(("cs", "hr", "hu", "pl", "sk", "sl", "ro"), "cp1250"),
    **dict.fromkeys(("et", "lt", "lv"), "cp1257"),
    "el": "cp1253",
    "tr": "cp1254",
    "he": "cp1255",
    "th": "cp874",
    "vi": "cp1258",
    "ja": "cp932",
    "ko": "cp949",
    "zh": "gb18030",
}
"""Language -> what its programs wrote before UTF-8; of all others Windows-1252.

Source: HTML Standard, 13.2.3.2."""

MAC = {"cp1252": "mac-roman", "cp1250": "mac-latin2", "cp1251": "mac-cyrillic", "cp1253": "mac-greek"}
"""What programs on a Mac wrote instead, with a carriage return at the end of a line; Word still does."""

OTHER_LABELS = {"x-sjis": "cp932", "windows-31j": "cp932", "x-mac-cyrillic": "mac-cyrillic"}
"""Labels of the Encoding Standard that Python does not know."""

SEVERAL_BYTES = ("cp932", "cp949", "gb18030")
BEGIN_BYTES = 20_000

_DECLARED = re.compile(r"""<\?xml[^<>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_LANGUAGE = re.compile(r"<language>\s*([A-Za-z]{2})")
_ENCODING = re.compile(r"""(<\?xml[^<>]{0,200}?)\s+encoding\s*=\s*["'][^"'<>]{0,40}["']""")
_WHITE_OR_LESS = b"< \t\r\n"


@dataclass(frozen=True)
class DecodedFeed:
    """The text of a feed, without a byte order mark and without an encoding in its declaration.

    Attributes:
        remarks: predicates of the feed where it is not what it says; empty where all is right.
    """

    text: str
    remarks: tuple[str, ...] = ()


def decode_feed(body: bytes, *, http_charset: str = "") -> DecodedFeed:
    """Decode a feed, of whatever encoding; no byte makes it fail.

    Args:
        http_charset: of the answer's Content-Type; empty for a file.
    """
    marked = next((codec for mark, codec in MARKS if body.startswith(mark)), None) or _by_zeros(body)
    if marked is not None:
        return _decoded(body, marked)
    begin = body[:BEGIN_BYTES].decode("latin-1")
    declared = _DECLARED.search(begin)
    said = [name for name in (http_charset, declared[1] if declared else "") if name]
    codecs_said = [codec for name in said if (codec := _codec(name)) and not codec.startswith("utf-")]
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return _decoded(body, codecs_said[0]) if codecs_said else _repaired(body, begin)
    if codecs_said and "\x1b" in text and codecs_said[0] == "iso2022_jp":  # which is ASCII to the eye
        return _decoded(body, codecs_said[0])
    wrong = codecs_said and not text.isascii()
    remarks = (f"is said to be {said[0]}, but is UTF-8, as which it is read",) if wrong else ()
    return DecodedFeed(_plain(text), remarks)


def decode_text(body: bytes, *, language: str = "") -> str:
    """Decode a plain text, of whatever encoding; no byte makes it fail.

    A byte order mark decides; then the zeros of UTF-16; then UTF-8, where all of it is; or most of it, with
    each wrong byte as programs of the language wrote it before; else all of it as they wrote it, on a Mac
    where its lines end as they did there.

    Args:
        language: BCP 47, of the text.
    """
    marked = next((codec for mark, codec in MARKS if body.startswith(mark)), None)
    if codec := marked or _by_zeros_of_one_side(body[:BEGIN_BYTES]):
        return body.decode(codec, "replace").removeprefix("\ufeff")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        legacy = LEGACY.get(language.partition("-")[0].lower(), "cp1252")
    if b"\r" in body and b"\n" not in body:
        return body.decode(MAC.get(legacy, legacy), "replace")
    text = body.decode("utf-8", "surrogateescape")
    wrong = sum("\udc80" <= character <= "\udcff" for character in text)
    if legacy in SEVERAL_BYTES or sum(not character.isascii() for character in text) < 2 * wrong:
        return body.decode(legacy, "replace")
    return _with_wrong_bytes(text, legacy)


def _by_zeros_of_one_side(begin: bytes) -> str | None:
    """Return the encoding of a text in UTF-16 without a mark: zeros, all of them left or all right."""
    left, right = begin[::2].count(0), begin[1::2].count(0)
    if min(left, right) > 0 or (left + right) * 20 < max(len(begin), 1):
        return None
    return "utf-16-be" if left else "utf-16-le"


def _codec(label: str) -> str | None:
    """Return the Python name of what a label is read as; None for what is no encoding of text."""
    try:
        name = OTHER_LABELS.get(label.lower()) or codecs.lookup(label).name
    except (LookupError, ValueError):
        return None
    name = WIDER.get(name, name)
    return name if name in READABLE else None


def _by_zeros(body: bytes) -> str | None:
    """Return the encoding of what begins with < or white space in UTF-16 or UTF-32, without a mark."""
    first, zeros = body[:4].strip(b"\0"), body[:4].count(b"\0")
    if zeros == 3 and len(first) == 1 and first in _WHITE_OR_LESS:
        return {0: "utf-32-le", 3: "utf-32-be"}.get(body.index(first))
    if len(body) >= 2 and body[1] == 0 and body[0] in _WHITE_OR_LESS:
        return "utf-16-le"
    if len(body) >= 2 and body[0] == 0 and body[1] in _WHITE_OR_LESS:
        return "utf-16-be"
    return None


def _decoded(body: bytes, codec: str) -> DecodedFeed:
    try:
        return DecodedFeed(_plain(body.decode(codec)))
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        about = f"has bytes that are no {_shown(codec)}, first in line {line}; they are read as �"
        return DecodedFeed(_plain(body.decode(codec, "replace")), (about,))


def _repaired(body: bytes, begin: str) -> DecodedFeed:
    """Decode what is said to be UTF-8 and is not: each wrong byte as the language's programs wrote it."""
    language = _LANGUAGE.search(begin)
    legacy = LEGACY.get(language[1].lower() if language else "", "cp1252")
    text = body.decode("utf-8", "surrogateescape")
    wrong = [n for n, character in enumerate(text) if "\udc80" <= character <= "\udcff"]
    line = text.count("\n", 0, wrong[0]) + 1
    about = (
        f"has {len(wrong)} bytes that are not UTF-8, first in line {line}; they are read as {_shown(legacy)}"
    )
    if legacy in SEVERAL_BYTES:
        return DecodedFeed(_plain(body.decode(legacy, "replace")), (about,))
    return DecodedFeed(_plain(_with_wrong_bytes(text, legacy)), (about,))


def _with_wrong_bytes(text: str, legacy: str) -> str:
    """Return a text that was decoded with surrogate escapes, each of them as in an older encoding."""
    table = {0xDC00 + byte: bytes([byte]).decode(legacy, "replace") for byte in range(0x80, 0x100)}
    return text.translate(table)


def _shown(codec: str) -> str:
    if codec == "cp932":
        return "Shift_JIS"
    return f"Windows-{codec[2:]}" if codec.startswith("cp12") else codec.upper()


def _plain(text: str) -> str:
    return _ENCODING.sub(r"\1", text.removeprefix("\ufeff"), count=1)
