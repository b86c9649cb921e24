"""transcript.md: write, edit in any editor, parse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.errors import CaptionError
from podcast_pipeline.model import Segment, Speaker, Transcript, Word, composed
from podcast_pipeline.transcript.markdown import MarkdownTurn, parse_markdown, to_markdown

BASE = "0123456789abcdef"
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=12)
NAMES = st.none() | st.lists(WORDS, min_size=1, max_size=3).map(" ".join)


def transcript(
    *turns: tuple[str | None, str], names: tuple[str | None, ...] = ("Ann Example", None)
) -> Transcript:
    """Return a transcript of turns (speaker, words), three words a second."""
    segments: list[Segment] = []
    at = 0
    for speaker, text in turns:
        words = text.split()
        spoken = tuple(
            Word(text=f" {word}", start_s=(at + i) / 3, end_s=(at + i) / 3 + 0.3)
            for i, word in enumerate(words)
        )
        segments.append(Segment(speaker=speaker, words=spoken))
        at += len(words)
    speakers = tuple(Speaker(id=f"S{i}", name=name) for i, name in enumerate(names))
    return Transcript(language="en", duration_s=at / 3 + 1, speakers=speakers, segments=tuple(segments))


TALK = transcript(
    ("S0", "Welcome, Bob. It's 10 past two."), ("S1", "Thank you."), ("S0", "So: why *bees*?"), (None, "Hm.")
)


def test_the_written_file() -> None:
    """The file has front matter, a title, a hint, and turns with times and plain paragraphs."""
    text = to_markdown(TALK, base=BASE, title="Bees & *us*")
    assert text.split("\n\n") == [
        "---\nbase: 0123456789abcdef\nspeakers:\n  S0: Ann Example\n  S1: Speaker 2\n---",
        "# Bees & \\*us\\*",
        (
            "<!-- Correct words and names, save, publish. A name under `speakers` is changed once for all;"
            " headings may have the new one or the old one. **Name** on a line of its own begins a turn. -->"
        ),
        "**Ann Example** [00:00:00]",
        "Welcome, Bob. It's 10 past two.",
        "**Speaker 2** [00:00:02]",
        "Thank you.",
        "**Ann Example** [00:00:02]",
        "So: why \\*bees\\*?",
        "[00:00:03]",
        "Hm.\n",
    ]


def test_a_pause_begins_a_paragraph() -> None:
    """A speaker who is silent for a while starts a new paragraph of the same turn."""
    early = Segment(speaker="S0", words=(Word(text=" One.", start_s=0, end_s=1),))
    late = Segment(speaker="S0", words=(Word(text=" Two.", start_s=4, end_s=5),))
    spoken = transcript().model_copy(update={"segments": (early, late)})
    assert parse_markdown(to_markdown(spoken, base=BASE, title="t")).turns[0].paragraphs == ("One.", "Two.")


@given(
    turns=st.lists(st.tuples(st.sampled_from(("S0", "S1", None)), st.lists(WORDS, min_size=1, max_size=20))),
    names=st.tuples(NAMES, NAMES),
    title=WORDS,
)
def test_every_word_is_restored(
    turns: list[tuple[str | None, list[str]]], names: tuple[str | None, ...], title: str
) -> None:
    """All words, in any script and with any markup characters, survive a round trip, composed (NFC)."""
    spoken = transcript(*((speaker, " ".join(words)) for speaker, words in turns), names=names)
    text = to_markdown(spoken, base=BASE, title=title)
    document = parse_markdown(text)
    assert document.text.split() == composed(spoken.text).split()
    assert document.speakers == {f"S{i}": name or f"Speaker {i + 1}" for i, name in enumerate(names)}
    assert to_markdown(spoken, base=BASE, title=title) == text


EDITORS = {
    "windows line ends": lambda text: text.replace("\n", "\r\n"),
    "old mac line ends": lambda text: text.replace("\n", "\r"),
    "byte order mark": lambda text: "\ufeff" + text,
    "trailing spaces": lambda text: text.replace("\n", "  \n"),
    "no final newline": lambda text: text.rstrip("\n"),
    "empty lines": lambda text: text.replace("\n\n", "\n\n\n\n"),
    "indented by tabs": lambda text: text.replace("  S", "\tS"),
    "quoted yaml": lambda text: text.replace("Ann Example\n", '"Ann Example"\n', 1),
    "curly quotes in yaml": lambda text: text.replace("S0: Ann Example", "S0: “Ann Example”"),
    "foreign front matter": lambda text: text.replace("---\nbase", "---\ntags:\n  - a\nbase", 1),
    "underscored bold": lambda text: text.replace("**", "__"),
    "emphasis": lambda text: text.replace("Bob", "***Bob***").replace("Thank", "_Thank_"),
    "wrapped lines": lambda text: text.replace(" 10 ", "\n10 "),
    "hard breaks": lambda text: text.replace(" 10 ", "\\\n10 "),
    "colon after the name": lambda text: text.replace("**Speaker 2** [00:00:02]", "**Speaker 2:** [0:02]:"),
    "words beside the name": lambda text: text.replace("[00:00:02]\n\nThank", "[00:00:02] Thank"),
    "no space after bold": lambda text: text.replace("** [", "**["),
    "a comment of one's own": lambda text: text.replace("Thank", "<!-- check\n\nthis -->Thank"),
}


@pytest.mark.parametrize("editor", EDITORS)
def test_any_editor(editor: str) -> None:
    """Automatic changes of editors change neither words nor speakers."""
    text = to_markdown(TALK, base=BASE, title="t")
    changed = EDITORS[editor](text)
    assert changed != text
    read, plain = parse_markdown(changed), parse_markdown(text)
    assert (read.base, read.speakers, read.text) == (plain.base, plain.speakers, plain.text)
    assert [turn.name for turn in read.turns] == ["Ann Example", "Speaker 2", "Ann Example", None]


@pytest.mark.parametrize(
    "name", ["Ann: the host", "Ann # the host", "@ann", "*Ann*", "%x", "!x y", "&a Ann", "No"]
)
def test_a_name_is_what_stands_behind_the_colon(name: str) -> None:
    """In the front matter no character of a name or a note means anything to YAML."""
    document = parse_markdown(f"---\nbase: {BASE}\nnote: see: {name}\nspeakers:\n  S0: {name}\n---\n")
    assert (document.speakers, document.note) == ({"S0": name}, f"see: {name}")


def test_a_name_on_a_line_of_its_own_begins_a_turn() -> None:
    """A text whose voices were not told apart gets its speakers as the hint says."""
    silent = tuple(part.model_copy(update={"speaker": None}) for part in TALK.segments)
    text = to_markdown(TALK.model_copy(update={"speakers": (), "segments": silent}), base=BASE, title="t")
    named = text.replace("Thank you.", "\n\n**Bob**\n\nThank you.")
    assert [turn.name for turn in parse_markdown(named).turns] == [None, "Bob"]


def test_headings_may_lack_a_time_or_a_name() -> None:
    """A turn begins with a bold name alone, a time alone, or a name with a colon before its words."""
    said = "Before.\n\n**Ann**\n\nOne.\n\n[01:02:03.5]\nTwo.\n\n**Bob:** Three **bold** words."
    text = f"---\nbase: {BASE}\n---\n{said}"
    assert parse_markdown(text).turns == (
        MarkdownTurn(None, None, 4, ("Before.",)),
        MarkdownTurn("Ann", None, 6, ("One.",)),
        MarkdownTurn(None, 3723.5, 10, ("Two.",)),
        MarkdownTurn("Bob", None, 13, ("Three bold words.",)),
    )


def test_bold_words_are_words() -> None:
    """A paragraph that begins with bold words is no heading."""
    turns = parse_markdown(f"---\nbase: {BASE}\n---\n**Very** good.").turns
    assert [(turn.name, turn.paragraphs) for turn in turns] == [(None, ("Very good.",))]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("Hello.", 1, "front matter is missing"),
        ("", 1, "front matter is missing"),
        ("\n---\nbase: 0123456789abcdef\nHello.", 2, "no end"),
        ("---\nspeakers:\n---\n", 1, "no base"),
        ("---\nbase: 12\n---\n", 2, "16 hex digits"),
        (f"---\nbase: {BASE}\nspeakers:\n  A: x\n  A: y\n---\n", 5, "speaker A is listed twice"),
        (f"---\nbase: {BASE}\nspeakers: {{A: x}}\n---\n", 3, "line of its own"),
        (f"---\nbase: {BASE}\nspeakers:\nS0: Ann\n---\n", 4, "line of its own"),
        (f"---\nbase: {BASE}\nspeakers:\n  S0 Ann\n---\n", 4, "line of its own"),
        (f"---\nbase: {BASE}\nbase: {BASE}\n---\n", 3, "base is listed twice"),
        (
            f"---\n<<<<<<< HEAD\nbase: {BASE}\n=======\nbase: 12\n>>>>>>> b\n---\n",
            2,
            "unresolved git merge conflict",
        ),
        (f"---\nbase: {BASE}\n---\nOne.\n<<<<<<< HEAD\nTwo.\n", 5, "unresolved git merge conflict"),
        (f"---\nbase: {BASE}\n---\nOne.\n=======\nTwo.\n", 5, "unresolved git merge conflict"),
        (f"---\nbase: {BASE}\n---\nOne.\n>>>>>>> theirs\n", 5, "unresolved git merge conflict"),
        (f"---\nbase: {BASE}\n---\n**Ann [00:01:05]\n\nHi.\n", 4, "begin a turn like"),
        (f"---\nbase: {BASE}\n---\nAnn Example [1:05]\n", 4, "begin a turn like"),
        (f"---\nbase: {BASE}\n---\nHi.\n\nOne <!-- check\n", 6, "comment has no end"),
        (f"---\nbase: {BASE}\n---\n# t\n\nHi.\n\n## Part\n", 8, "section heading"),
    ],
)
def test_a_mistake_is_reported_with_its_line(text: str, line: int, message: str) -> None:
    """A broken file is refused with the line and the mistake."""
    with pytest.raises(CaptionError, match=rf"transcript.md line {line}: .*{message}"):
        parse_markdown(text)


def test_words_that_look_like_markup_are_restored() -> None:
    """Spoken times and markers of merges and comments are words, at either end of a line."""
    said = "[00:01:05] see [1:05] <!-- at ======= or [2] [00:02]"
    for first in ("=======", "<<<<<<<", ">>>>>>> b", "||||||| c", "# d", "Ann [01:05]"):
        spoken = transcript(("S0", first), ("S1", said))
        assert parse_markdown(to_markdown(spoken, base=BASE, title="t")).text == f"{first} {said}"


def test_turns_out_of_order() -> None:
    """Every turn with a time before that of the turn above is listed."""
    said = "**Ann** [00:09]\n\nOne.\n\n**Bob**\n\nTwo.\n\n**Ann** [00:05]\n\nThree.\n\n[00:07]\nFour."
    assert [turn.line for turn in parse_markdown(f"---\nbase: {BASE}\n---\n{said}").out_of_order] == [12]


@pytest.mark.parametrize("clock", ["[00:09:99]", "[00:61:00]", "[9:60]"])
def test_a_time_that_no_clock_shows_is_named(clock: str) -> None:
    """A mistyped time is an error with its line, not another place."""
    with pytest.raises(CaptionError, match=r"line 4.*minutes and seconds go to 59"):
        parse_markdown(f"---\nbase: {'0' * 16}\n---\n**Ann** {clock}\n\nWords.\n")


def test_the_title_is_parsed() -> None:
    """The heading above the words is the title; without one it is empty."""
    front = f"---\nbase: {'0' * 16}\n---\n"
    assert parse_markdown(f"{front}\n# New \\*title\n\nWords.\n").title == "New *title"
    assert parse_markdown(f"{front}\n**Ann** [75:10]\n\nWords.\n").title == ""
