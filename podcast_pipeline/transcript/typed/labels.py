"""The name at the begin of a line: which of all that look like one are the file's speakers."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal

from podcast_pipeline.transcript.names.word_lists import word_set
from podcast_pipeline.transcript.typed.lines import TypedLine
from podcast_pipeline.transcript.typed.not_words import BRACKETED_CLOCK, CLOCKS, is_direction

LONGEST_NAME = 60  # characters
MOST_WORDS = 6  # of a name, titles included
OFTEN = 3  # a name alone on its line, in small letters, is a speaker when it stands there so often

PARTICLES = word_set(
    "de da do dos del della di du la le el al van von der den zu und bin ibn of the and y e et"
)
NO_NAMES = word_set(
    "note remember however so but and well look yes no okay ok also then because example quote warning update"
    " edit first second third finally again hinweis aber denn nota ojo remarque attention"
)
"""Words before a colon that begin a sentence."""

ROLES = {
    "host": word_set(
        "host interviewer moderator moderatorin presenter gastgeber gastgeberin animateur animatrice q"
        " question frage anfitrión entrevistador intervistatore 主持人 司会 司会者 מנחה"
    ),
    "guest": word_set(
        "guest interviewee respondent gast invité invitée invitado ospite a answer 嘉宾 ゲスト אורח"
    ),
}
"""Role -> the words that stand for it where a file has no names."""

UNNAMED = re.compile(
    r"(?:unknown |unidentified )?(?:speaker|spk|voice|participant|sprecher(?:in)?|locuteur|intervenant"
    r"|hablante|orador|parlante|spreker|участник|спикер|话者|発言者|話者|说话人|דובר|متحدث)[\s_]*#?\s*(?:\d{1,2}|[a-z])?",
    re.IGNORECASE,
)
"""A label that numbers a voice and does not name it."""

HEAD_LABELS = word_set(
    "title date transcript episode duration length recorded recording subject file filename location topic"
    " keywords summary show url copyright participants speakers guests hosts present transcriber typist"
    " titel datum folge dauer aufnahme thema teilnehmer titre durée participantes fecha título"
)
"""Labels of a title block, which is no speech."""

_FORM = Literal["stated", "colon", "clock", "bold", "tab", "dash", "letter", "bracket", "alone", ""]
WEAK: tuple[_FORM, ...] = ("dash", "letter", "bracket", "alone", "")
"""Forms that speech and stage directions have, too: they say nothing of the other lines of a file."""
_ROLE = r"(?:[(（][^():（）\d]{1,40}[)）]\s*)?"
_NAME = rf"(?P<name>[^:：\[\]()（）<>|\t]{{1,{LONGEST_NAME}}}?)\s*"
_BEGIN = re.compile(rf"(?:{BRACKETED_CLOCK}|(?P<bare>{CLOCKS}))\s*[-–—|]?\s*")
_COLON = re.compile(rf"{_NAME}{_ROLE}(?:(?:{BRACKETED_CLOCK}|{CLOCKS})\s*)?[:：](?!\d|//)\s*(?P<words>.*)")
_CLOCKED = re.compile(
    rf"{_NAME}{_ROLE}[-–—|,\t]?\s*(?:{BRACKETED_CLOCK}|(?P<bare>{CLOCKS}))\s*[-–—|]?\s*(?P<words>.*)"
)
_BRACKETED = re.compile(
    rf"[\[［【]\s*(?P<name>[^\[\]［］【】:：]{{1,{LONGEST_NAME}}}?)\s*[\]］】]\s*"
    rf"(?P<clock>(?:{BRACKETED_CLOCK}|{CLOCKS})(?=\s|$|[:：])\s*)?(?P<colon>[:：]\s*)?(?P<words>.*)"
)
_TABBED = re.compile(rf"{_NAME}\s*\t\s*(?:(?:{BRACKETED_CLOCK}|{CLOCKS})\s*\t\s*)?(?P<words>\S.*)")
_STRONG: tuple[tuple[_FORM, re.Pattern[str]], ...] = (
    ("colon", _COLON),
    ("clock", _CLOCKED),
    ("tab", _TABBED),
)
_DASHED = re.compile(rf"{_NAME}\s[-–—]{{1,2}}\s+(?P<words>\S.*)")
_LETTERED = re.compile(r"(?P<name>[QA])(?:\.\s+|\s{2,})(?P<words>\S.*)")
_AFTER_BOLD = re.compile(r"[:：\s]*(?:[-–—]+\s+)?")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)+")
_TURN = re.compile(r"\s*(?:>{2,3}|[-–—•](?=\s|\w))\s*")
_LONG_CLOCK = re.compile(r"\d+:\d+:\d+")


@dataclass(frozen=True)
class LabelledLine:
    """A line, read as if it began with a name.

    Attributes:
        name: None where nothing looks like one.
        words: what follows the name; all words where there is none.
        all_words: the line without a dash and a time at its begin.
        begins_turn: whether a dash or >> stands before it.
        has_time: whether a time stands before it.
        form: how the name stands there.
    """

    line: TypedLine
    name: str | None
    words: str
    all_words: str
    begins_turn: bool
    has_time: bool
    form: _FORM


def read_label(line: TypedLine) -> LabelledLine:
    """Return the name that a line may begin with, and its words."""
    text = line.text.strip()
    turn = _TURN.match(text)
    rest = text[turn.end() :] if turn else text
    words = _without_clock(rest)
    name, after, form = _label(line, rest, words)
    return LabelledLine(line, plain_name(name) or None, after, words, turn is not None, words != rest, form)


def _label(line: TypedLine, rest: str, words: str) -> tuple[str, str, _FORM]:
    """Return name, words after it, and form; without a name all words.

    Args:
        rest: the line without a dash.
        words: also without a time before them.
    """
    if line.name is not None:
        return line.name, line.text, "stated"
    for form, pattern in _STRONG:
        found = pattern.match(rest if form == "clock" else words)
        if (
            found
            and is_like_a_name(found["name"])
            and (form != "clock" or _is_time(found["bare"], found["words"]))
        ):
            return found["name"], found["words"], form
    if words != rest and is_like_a_name(words):
        return words, "", "clock"
    bold = line.bold.strip()
    if len(bold) < len(line.text.strip()) and is_like_a_name(bold.rstrip(":： ")):
        return bold, _AFTER_BOLD.sub("", line.text.strip()[len(bold) :], count=1), "bold"
    return _weak_label(line, words)


def _weak_label(line: TypedLine, words: str) -> tuple[str, str, _FORM]:
    """Return a name in a form that speech may have, too; see `_label`."""
    if found := _LETTERED.match(words):
        return found["name"], found["words"], "letter"
    found = _BRACKETED.match(words)
    if found and is_like_a_name(found["name"]) and not is_direction(found["name"]):
        sure: _FORM = "colon" if found["colon"] else "clock" if found["clock"] else "bracket"
        return found["name"], found["words"], sure
    found = _DASHED.match(words)
    if found and is_like_a_name(found["name"]):
        return found["name"], found["words"], "dash"
    if not line.is_caption and is_like_a_name(words):
        return words, "", "alone"
    return "", words, ""


def split_before_names(lines: Iterable[TypedLine], people: Collection[str]) -> Iterator[TypedLine]:
    """Yield the lines, a new one before each person's or numbered voice's name that follows a sentence.

    Args:
        people: names of the hosts, the guests and the tracks, as they are.
    """
    names = "|".join(
        [*map(re.escape, sorted(people, key=len, reverse=True)), r"(?:Speaker|SPEAKER)[ _]\d{1,2}"]
    )
    begin = re.compile(rf"(?<=[.?!…”\"’'»\])])\s+(?=(?i:{names})\s*{_ROLE}[:：](?!\d|//))")
    for line in lines:
        first, *others = begin.split(line.text)
        yield replace(line, text=first) if others else line
        yield from (replace(line, text=text, name=None, bold="", begins_page=False) for text in others)


def speakers_of(lines: Sequence[LabelledLine], people: Collection[str]) -> frozenset[str]:
    """Return the names, as `name_key`, that are speakers of the file.

    Args:
        people: names of the hosts, the guests and the tracks.
    """
    counts = Counter(name_key(one.name) for one in lines if one.name)
    full = {name_key(name) for name in people}
    known = {part for name in full for part in (name, *name.split())}
    filled = [one for one in lines if one.line.text or one.name]
    labelled = [one for one in filled if one.form not in WEAK]
    mostly = 2 * len(labelled) >= len(filled) and len({one.name for one in labelled}) > 1
    repeated = any(
        one.form in ("colon", "clock", "bold", "tab") and counts[name_key(one.name or "")] > 1
        for one in lines
    )
    heads_nothing = {  # a time and few words, as in [00:12] Okay
        i
        for i, (one, after) in enumerate(zip_longest(filled, filled[1:]))
        if one.form == "clock" and one.has_time and not one.words and (after is None or after.has_time)
    }
    letters = frozenset(name_key(one.name) for one in filled if one.name and one.form == "letter")
    return frozenset(letters if len(letters) > 1 else ()) | frozenset(
        name_key(one.name)
        for i, one in enumerate(filled)
        if one.name
        and one.form != "letter"
        and i not in heads_nothing
        and _is_speaker(
            one,
            counts[name_key(one.name)],
            full if one.form in WEAK else known,
            mostly=mostly,
            repeated=repeated,
        )
    )


def _is_speaker(
    one: LabelledLine, count: int, known: Collection[str], *, mostly: bool, repeated: bool
) -> bool:
    name = one.name or ""
    key = name_key(name)
    role = one.form not in WEAK and len(key) > 1 and is_role(key)
    sure = key in known or bool(UNNAMED.fullmatch(name)) or role
    if one.form in ("stated", "clock"):
        return True
    if key in NO_NAMES and not sure:
        return False
    if count == 1 and (key in HEAD_LABELS or (is_role(key) and is_like_a_name(one.words))):
        return False
    if one.form == "bracket":
        return sure
    if one.form == "dash":
        return sure or (count >= OFTEN and (_is_upper(name) or len(name.split()) > 1))
    if one.form == "alone":
        strong = one.line.bold or one.line.is_heading or _is_upper(name)
        return sure or count >= (2 if strong else OFTEN)
    if sure or count > 1 or _is_upper(name) or (one.form == "colon" and _is_bold(one)):
        return True
    return mostly or (repeated and len(name.split()) > 1)


def _is_bold(one: LabelledLine) -> bool:
    return bool(one.name) and name_key(one.line.bold) == name_key(one.name or "")


def is_role(key: str) -> bool:
    """Return whether a name, as `name_key`, is only a role."""
    return any(key in words for words in ROLES.values())


def is_like_a_name(text: str) -> bool:
    """Return whether a text could be a person's name or a role: few words, capitals, no sentence."""
    words = text.split()
    if not words or len(words) > MOST_WORDS or len(text) > LONGEST_NAME or not any(map(str.isalpha, text)):
        return False
    if (
        text.lstrip()[0] in "[(（［【{♪"
        or text.rstrip()[-1] in "!?…,;。、！？"
        or (words[-1][-1] == "." and len(words[-1]) > 4 and not _INITIALS.fullmatch(words[-1]))
    ):
        return False
    if words[0].casefold() in PARTICLES - word_set("de da del la le el al van von der bin ibn"):
        return False
    return all(_may_be_in_a_name(word) for word in words)


def plain_name(text: str) -> str:
    """Return a name in composed characters, without marks of direction and with single spaces."""
    plain = "".join(c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) != "Cf")
    return " ".join(plain.strip(" *_:：-–—\t").split())


def name_key(name: str) -> str:
    """Return a name for comparison."""
    return plain_name(name).casefold()


def _may_be_in_a_name(word: str) -> bool:
    first = next((c for c in word if c.isalnum()), "")
    return (
        not first
        or not first.islower()
        or word.casefold() in PARTICLES
        or word[:2].casefold() in ("d'", "d’")
    )


def _is_upper(name: str) -> bool:
    return name.isupper() and sum(map(str.isalpha, name)) > 1


def _without_clock(text: str) -> str:
    """Return a line without the time at its begin; `10:30 was early` keeps its words."""
    found = _BEGIN.match(text)
    if found is None or not _is_time(found["bare"], text[found.end() :]):
        return text if found is None or not _COLON.match(text[found.end() :]) else text[found.end() :]
    return text[found.end() :]


def _is_time(bare: str | None, words: str) -> bool:
    return bare is None or not words or bool(_LONG_CLOCK.match(bare))
