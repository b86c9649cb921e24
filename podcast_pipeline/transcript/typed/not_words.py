"""What is written in a transcript and was not said: times, stage directions, numbers of pages.

Square brackets are always the typist's own: [laughs], [crosstalk], [inaudible 00:12:33], [the minister].
Round brackets may be words that were said; only those that begin with a known direction are left out.
"""

import re
from collections import Counter

from podcast_pipeline.transcript.names.word_lists import word_set

CLOCK = r"\d{1,3}:\d{2}(?::\d{2})?(?:[.,]\d{1,3}|:\d{2})?"
CLOCKS = rf"{CLOCK}(?:\s*(?:-->|->|→|[-–—])\s*{CLOCK})?"
OPEN, CLOSE = r"[\[(（【［{]", r"[\])）】］}]"
BRACKETED_CLOCK = rf"{OPEN}\s*{CLOCKS}\s*{CLOSE}"

DIRECTIONS = word_set(
    "laughs laughing laughter laugh chuckles chuckling chuckle giggles crosstalk inaudible unintelligible"
    " indistinct music applause applauds pause pauses sigh sighs sighing cough coughs coughing silence"
    " overlapping off-mic gasps cheers cheering whispers whispering crying cries sobs clears sings singing"
    " beep bleep redacted sic phonetic foreign break"
    " lacht lachen lachend gelächter unverständlich musik applaus seufzt hustet schweigen beifall"
    " rires rire rit inaudible musique applaudissements soupir silence pause"
    " risas risa ríe inaudible música aplausos suspira pausa silencio"
    " ride risate risata incomprensibile musica applausi sospira pausa"
    " risos riso inaudível música aplausos gelach onverstaanbaar muziek stilte"
    " skratt musik ohörbart śmiech muzyka oklaski niezrozumiałe смех музыка аплодисменты неразборчиво"
    " 笑 笑い 笑声 笑聲 拍手 音楽 音乐 音樂 掌声 掌聲 צחוק מוזיקה ضحك موسيقى تصفيق"
)
"""First words of a stage direction in round brackets or between asterisks."""

_TIME = re.compile(BRACKETED_CLOCK)
_SQUARE = re.compile(r"\[[^\[\]]{0,200}\]|［[^［］]{0,200}］|【[^【】]{0,200}】")
_ROUND = re.compile(
    r"[(（{]{1,2}([^(){}（）]{1,60})[)）}]{1,2}|(?<![*\w])\*([^*\s][^*]{0,40})\*(?![*\w])|♪([^♪]{1,60})♪"
)
_WHOLE = re.compile(r"[(（{]{1,2}([^(){}（）]{1,60})[)）}]{1,2}")
_BY = r"(?:https?://|www\.|the |(?-i:[A-Z]))"
_IT_WAS = r"this (?:editable )?(?:transcript|transcription) (?:was|is|has been)(?: \w+)?"
_SERVICE_NOTE = re.compile(
    rf"[(\[](?:transcribed|transcript|subtitles|captions) (?:by|from) {_BY}[^()\[\]]{{1,150}}[)\]]",
    re.IGNORECASE,
)
_SERVICE_LINE = re.compile(
    r"[(*_#\s]*(?:"
    + "|".join(
        (
            rf"(?:transcribed|captioned|subtitled) (?:by|with) {_BY}[^()]{{0,100}}",
            rf"(?:transcript|transcription|subtitles|captions|captioning)(?: \w+)? by {_BY}[^()]{{0,100}}",
            rf"{_IT_WAS} (?:exported|generated)\b.{{0,200}}",
            rf"{_IT_WAS} (?:created|produced|provided|powered|transcribed) (?:by|with) {_BY}.{{0,200}}",
            r"people can also change the text after it was created",
            r"view latest version here",
            r"transcription ended after [\d:]{4,10}",
            r"(?-i:(?:[A-Z][\w.'’-]*\s+){2,4})(?:started|stopped) transcription",
            r".{1,100}\(completed:?\s+[\d/.-]{6,10}\)",
            r"sonix is the world.s most advanced automated transcription.{0,200}",
            r"automatically convert your \w+ files to text.{0,200}",
        )
    )
    + r")[.)*_\s]*",
    re.IGNORECASE,
)
"""What services of transcription write above or below the words.

Source: exports of Otter, Rev, Sonix, TurboScribe, Teams and Google Meet; captions of Amara."""

_SPACED_MARK = re.compile(r"\s+([.,;:!?…。、！？]+(?=\s|$))")
_NOTES = re.compile(r"[♪♫♬#]*[♪♫♬][♪♫♬#]*")
_PAGE = re.compile(
    r"[-–—\s]*(?:(?:page|seite|página|pagina|p|s|str|стр|דף|صفحة)\.?\s*)?\d{1,4}"
    r"(?:\s*(?:of|von|de|sur|di|van|из|/)\s*\d{1,4})?[-–—\s]*",
    re.IGNORECASE,
)
_PAGE_WORD = re.compile(r"\b(?:page|seite|página|pagina|стр\.)\s*\d{1,4}\b", re.IGNORECASE)
_RULE = re.compile(r"[\W_]*")


def without_directions(text: str, *, is_caption: bool = False) -> tuple[str, Counter[str]]:
    """Return a text without times and stage directions, and how many of each there were.

    Args:
        is_caption: a line of a caption that is all in round brackets is a noise: (door slams).
    """
    text, times = _TIME.subn(" ", text)
    text, notes = _SERVICE_NOTE.subn(" ", text)
    text, square = _SQUARE.subn(" ", text)
    spoken = _ROUND.sub(lambda found: " " if is_direction(_inside(found)) else found[0], text)
    round_ = sum(is_direction(_inside(found)) for found in _ROUND.finditer(text))
    if is_caption and (alone := _WHOLE.fullmatch(spoken.strip())) and _is_noise(alone[1]):
        spoken, round_ = "", round_ + 1
    left_out = +Counter({"times": times, "stage directions": square + round_, "lines of a service": notes})
    plain = " ".join(_NOTES.sub(" ", spoken).split())
    return _SPACED_MARK.sub(r"\1", plain) if left_out else plain, left_out


def is_line_of_a_service(text: str) -> bool:
    """Return whether a whole line is what a service of transcription writes about itself."""
    return bool(_SERVICE_LINE.fullmatch(text.strip()))


def is_page_number(text: str) -> bool:
    """Return whether a line is nothing but the number of a page, as `- 3 -` or `Page 3 of 12`."""
    return any(map(str.isdigit, text)) and bool(_PAGE.fullmatch(text))


def has_page_number(text: str) -> bool:
    """Return whether a short line names a page, as a running head does."""
    return len(text) <= 100 and bool(_PAGE_WORD.search(text))


def is_rule(text: str) -> bool:
    """Return whether a line has no letter and no digit: a rule, an underline, three asterisks."""
    return bool(_RULE.fullmatch(text))


def is_direction(inside: str) -> bool:
    """Return whether the text in a pair of brackets is a stage direction, by its first word."""
    words = inside.casefold().split()
    return bool(words) and len(words) <= 5 and words[0].strip(".,;:!-–—") in DIRECTIONS


def _inside(found: re.Match[str]) -> str:
    return found[1] or found[2] or found[3]


def _is_noise(inside: str) -> bool:
    """Return whether round brackets hold a few words and no sentence."""
    return len(inside.split()) <= 5 and inside.strip()[-1:] not in ".?!…。？！"
