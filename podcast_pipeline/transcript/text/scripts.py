"""Scripts written without spaces between words: Han, kana, Thai, Lao, Khmer and Myanmar. Pure."""

import re

_RANGES = (
    (0x0E01, 0x0E3A),  # Thai; U+0E3F between the two is the baht sign
    (0x0E40, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x19E0, 0x19FF),  # Khmer symbols
    (0x2E80, 0x2FDF),  # Han radicals
    (0x3005, 0x3007),  # 々 〆 〇
    (0x3021, 0x3029),  # Hangzhou numerals
    (0x3031, 0x3035),  # kana repeat marks of vertical text
    (0x3038, 0x303C),  # Hangzhou numerals, 〻 〼
    (0x3041, 0x3096),  # Hiragana
    (0x309D, 0x309F),  # ゝ ゞ ゟ
    (0x30A1, 0x30FA),  # Katakana; U+30FB after it is the middle dot
    (0x30FC, 0x30FF),  # ー ヽ ヾ ヿ
    (0x31F0, 0x31FF),  # Katakana phonetic extensions
    (0x32D0, 0x32FE),  # circled Katakana
    (0x3300, 0x3357),  # squared Katakana words
    (0x3400, 0x4DBF),  # Han, extension A
    (0x4E00, 0x9FFF),  # Han
    (0xA9E0, 0xA9FF),  # Myanmar, extended B
    (0xAA60, 0xAA7F),  # Myanmar, extended A
    (0xF900, 0xFAFF),  # Han, compatibility
    (0xFF66, 0xFF9F),  # half-width Katakana
    (0x116D0, 0x116E3),  # Myanmar, extended C
    (0x16FE2, 0x16FE3),  # Han punctuation of old texts
    (0x16FF0, 0x16FF6),  # Han reading marks
    (0x1AFF0, 0x1B168),  # kana supplements and extensions
    (0x1F200, 0x1F200),  # squared Hiragana
    (0x20000, 0x3347F),  # Han, extensions B to J
)
"""First and last code points, across gaps that Unicode has not assigned. A test compares them with Unicode's
Script, and with Script_Extensions for letters that Han and kana share, over all assigned code points."""

SPACELESS = "".join(f"{chr(first)}-{chr(last)}" for first, last in _RANGES)
"""The scripts as the inside of a character class, for `re` (several times as fast here) and `regex` alike."""

_SPACELESS_CHARACTER = re.compile(f"[{SPACELESS}]")


def is_spaceless(text: str) -> bool:
    """Return whether a text begins with a character of a script without spaces."""
    return bool(_SPACELESS_CHARACTER.match(text))


def has_spaceless(text: str) -> bool:
    """Return whether a character of a script without spaces is anywhere in a text."""
    return bool(_SPACELESS_CHARACTER.search(text))
