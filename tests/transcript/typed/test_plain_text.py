"""Typed transcripts as plain text: who says what, and what nobody said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.transcript.typed.plain_text import text_lines
from podcast_pipeline.transcript.typed.turns import TypedTranscript, turns_of

Turns = list[tuple[str | None, tuple[str, ...]]]

SPEAKERS = {
    "capitals": ("ANN EXAMPLE: Hello there.\nBOB: Hi.", [("ANN EXAMPLE", "Hello there."), ("BOB", "Hi.")]),
    "twice": ("Ann: Hello.\n\nBob: Hi.\n\nAnn: Yes.", [("Ann", "Hello."), ("Bob", "Hi."), ("Ann", "Yes.")]),
    "time in brackets": (
        "Ann Example (00:01:02): Hello.\nBob Guest [01:05]: Hi.",
        [("Ann Example", "Hello."), ("Bob Guest", "Hi.")],
    ),
    "time before": ("[00:00:01] Ann: Hello.\n00:00:05 Bob: Hi.", [("Ann", "Hello."), ("Bob", "Hi.")]),
    "name above": (
        "Ann Example  0:05\nHello.\n\nSpeaker 2  0:09\nHi.",
        [("Ann Example", "Hello."), ("Speaker 2", "Hi.")],
    ),
    "host alone on a line": (
        "Hanna Host\nHello.\n\nBO\nHi.\n\nBO\nYes.", [("Hanna Host", "Hello."), ("BO", "Hi. Yes.")],
    ),
    "dashes": ("- Ann: Hello.\n– Bob: Hi.", [("Ann", "Hello."), ("Bob", "Hi.")]),
    "a dash without a name": (">> ANN: Hello.\n>> Hi.", [("ANN", "Hello."), (None, "Hi.")]),
    "bold names": ("**Ann Example**\n\nHello.\n\n**Bob:** Hi.\n**Ann Example**\nSo.", [
        ("Ann Example", "Hello."), ("Bob", "Hi."), ("Ann Example", "So."),
    ]),
    "letters": ("Q: Why?\nA: Because.\nQ: So?\nA: So.", [
        ("Q", "Why?"), ("A", "Because."), ("Q", "So?"), ("A", "So."),
    ]),
    "role in brackets": ("Ann Example (host): Hello.\nBob: Hi.\nBob: Yes.", [
        ("Ann Example", "Hello."), ("Bob", "Hi. Yes."),
    ]),
    "titles and particles": (
        "Dr. J. van der Berg: Hello.\nMary O'Neil-Smith: Hi.",
        [("Dr. J. van der Berg", "Hello."), ("Mary O'Neil-Smith", "Hi.")],
    ),
    "hebrew": ("אן: שלום לכולם\nבוב: תודה\n\u200fאן: איך היה", [
        ("אן", "שלום לכולם"), ("בוב", "תודה"), ("אן", "איך היה"),
    ]),
    "japanese": ("司会：今日は。\n山田：はい\n続きです。", [
        ("司会", "今日は。"), ("山田", "はい続きです。"),
    ]),
    "name in brackets": (
        "[Ann Example]: Hello.\n[SPEAKER_01]: Hi.\n[music]",
        [("Ann Example", "Hello."), ("SPEAKER_01", "Hi.")],
    ),
    "name in brackets and a time": (
        "[Ann Example] 10:12:00\nHello.\n\n[Speaker 2] (0:15 - 0:35)\nHi.",
        [("Ann Example", "Hello."), ("Speaker 2", "Hi.")],
    ),
    "name in brackets above": (
        "[Hanna Host]\nHello.\n\n[Speaker 2]\nHi.\n\n[Door Slams]\nSo.",
        [("Hanna Host", "Hello."), ("Speaker 2", "Hi. So.")],
    ),
    "directions in brackets alone": (
        "Ann Example: Hello.\n\n[Music]\n\nBob Guest: Hi.\n\n[Music]\n\nAnn Example: So.\n\n[Music]\n\nYes.",
        [("Ann Example", "Hello."), ("Bob Guest", "Hi."), ("Ann Example", "So. Yes.")],
    ),
    "columns between tabs": (
        "0:00\tAnn\tHello.\n0:15\tBob\tHi, Ann\tand all.\n0:20\tAnn\tSo.",
        [("Ann", "Hello."), ("Bob", "Hi, Ann and all."), ("Ann", "So.")],
    ),
    "capitals before a tab": ("ANN\tHello.\nBOB\tHi.", [("ANN", "Hello."), ("BOB", "Hi.")]),
    "a dash after the name": (
        "Hanna Host – Hello.\nBo Guest – Hi.\nHanna Host – Well – so.\nBo Guest – Yes\nBo Guest – No",
        [("Hanna Host", "Hello."), ("Bo Guest", "Hi."), ("Hanna Host", "Well – so."), ("Bo Guest", "Yes No")],
    ),
    "bold name and a dash": ("**Ann Example** – Hello.\n**Bob** – Hi.\n**Bob** – Yes.", [
        ("Ann Example", "Hello."), ("Bob", "Hi. Yes."),
    ]),
    "letters with a full stop": ("Q. Why?\nA. Because.\nA fish swam.", [
        ("Q", "Why?"), ("A", "Because. A fish swam."),
    ]),
    "arrows between times": (
        "[00:00:01 → 00:00:05] **Ann Example:** Hello.\n[00:00:05 -> 00:00:09] **Bob Guest:** Hi.",
        [("Ann Example", "Hello."), ("Bob Guest", "Hi.")],
    ),
    "numbered paragraphs": (
        "1. Ann: 3 boats.\n\n2. Bob: Hi.\n\n3. Ann: So.\n\n4. Bob: Yes.",
        [("Ann", "3 boats."), ("Bob", "Hi."), ("Ann", "So."), ("Bob", "Yes.")],
    ),
    "numbered lines of pages": (
        "1 ANN: Hello\n2 and welcome.\n3\n4 BOB: Hi.\n\f1 BOB: And\n2 yes.",
        [("ANN", "Hello and welcome."), ("BOB", "Hi. And yes.")],
    ),
    "time after the colon": (
        "Ann:\t00:00\tHello.\n\nBob:\t00:15\tHi.\n\nAnn:\t01:02\tSo.",
        [("Ann", "Hello."), ("Bob", "Hi."), ("Ann", "So.")],
    ),
    "short times before the words": (
        "0:00 Hello.\n0:15 We met at 10:30.\n59:20 Yes.\n1:02:03 So.",
        [(None, "Hello. We met at 10:30. Yes. So.")],
    ),
    "short lines with times": (
        "[00:01.000 --> 00:02.000]  Hello.\n[00:02.000 --> 00:03.000]  Okay\n[00:03.000 --> 00:04.000]  Yes.",
        [(None, "Hello. Okay Yes.")],
    ),
    "all turns in one paragraph": (
        "Hanna Host: Hello. Is it so? SPEAKER 2: “Yes.” HANNA HOST (host): So Hanna Host: no. Others: none.",
        [
            ("Hanna Host", "Hello. Is it so?"), ("SPEAKER 2", "“Yes.”"),
            ("HANNA HOST", "So Hanna Host: no. Others: none."),
        ],
    ),
    "windows line ends": ("ANN: Hello\r\nthere.\r\n\r\nBOB: Hi.\r\n", [
        ("ANN", "Hello there."), ("BOB", "Hi."),
    ]),
}  # fmt: skip
"""Form -> a text, and its turns."""

SPEECH = {
    "a colon in a sentence": "He said: no.\nSo: yes.\nSo: no.\nIt was this: that.",
    "a clock that was said": "10:30 was early.\nWe met at 10:30 and left.",
    "brackets that were said": "I (and my dog) came.",
    "a first name that is wrapped": "We thank you,\nHanna\nand all.",
    "a dash in a sentence": "Well – yes.\nNow – no.\nWell – we came.\nWell – so.",
    "a list that was read": "You need:\n1. Salt.\n2. Fish.\n3. Oil.\nAnd then,\nAnn,\nwe all\nleft.\nSo.",
    "times that do not rise": "10:30 was early.\n9:15 was worse.\n8:00 is no time.",
    "a letter and a full stop": "A. Smith came.\nAnd left.",
    "one capital": "However: we came.\n\nAnd left.",
}
"""What looks like a label or a time and is speech."""


def read(text: str, *people: str) -> TypedTranscript:
    return turns_of(text_lines(text), people)


def turns(typed: TypedTranscript) -> Turns:
    return [(turn.name, turn.paragraphs) for turn in typed.turns]


@pytest.mark.parametrize("form", SPEAKERS)
def test_speakers_are_found(form: str) -> None:
    """Each way to write who speaks gives the names, and the words without them."""
    text, expected = SPEAKERS[form]
    found = [(name, " ".join(paragraphs)) for name, paragraphs in turns(read(text, "Hanna Host"))]
    assert found == expected


@pytest.mark.parametrize("case", SPEECH)
def test_speech_stays_speech(case: str) -> None:
    """A text without speakers keeps every word."""
    typed = read(SPEECH[case], "Hanna Host")
    assert typed.names == ()
    assert " ".join(p for turn in typed.turns for p in turn.paragraphs) == " ".join(SPEECH[case].split())
    assert typed.left_out == {}


def test_what_nobody_said_is_left_out_and_counted() -> None:
    """Title block, headings, directions, times and page headers are no words; a sentence above is."""
    typed = read(
        "The Hearing\nTitle: The hearing\nHost: Ann Example\nGuest: Bob Guest\n\n"
        "This was recorded in March.\n\n"
        "## Chapter one\n\nANN EXAMPLE: Welcome [laughs] back (crosstalk), all.\n"
        "The Hearing, page 1\n\fThe Hearing, page 2\nBOB GUEST: [00:01:02] Thanks. *coughs*"
        " [inaudible 0:12]\n\n"
        "Part two\n--------\n\nANN EXAMPLE: Well, (sighs) ♪ yes. [00:02:00]"
    )
    assert turns(typed) == [
        (None, ("This was recorded in March.",)),
        ("ANN EXAMPLE", ("Welcome back, all.",)),
        ("BOB GUEST", ("Thanks.",)),
        ("ANN EXAMPLE", ("Well, yes.",)),
    ]
    assert typed.left_out == {"headings": 6, "page headers": 2, "stage directions": 5, "times": 2}


SONIX = """Sonix is the world’s most advanced automated transcription, translation, and subtitling.

Automatically convert your mp3 files to text (txt file), and SubRip Subtitle (srt file) in minutes."""
REV = """This transcript was exported on Nov 25, 2026 - view latest version here.

the-hearing (Completed  11/24/26)
Transcript by Rev.com"""
MEET = """### Transcription ended after 00:30:30

*This editable transcript was computer generated and might contain errors. People can change it.*"""
SERVICES = {
    "otter": ("", "Transcribed by https://otter.ai"),
    "rev": ("", REV),
    "turboscribe": ("(Transcribed by TurboScribe. Go Unlimited to remove this message.)\n\n", ""),
    "sonix": ("", SONIX),
    "meet": ("", MEET),
    "teams": ("Nick Miller started transcription\n", "Nick Miller stopped transcription"),
    "descript": ("", "This transcript was automatically created by Descript."),
    "amara": ("", "Subtitles by the Amara.org community"),
}
"""Service -> what it writes above and below the words."""


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_service_writes_is_no_speech(service: str) -> None:
    """The lines of a service of transcription are left out and counted, wherever they stand."""
    above, below = SERVICES[service]
    typed = read(f"{above}ANN: Hello.\n\nBOB: Hi.\n\n{below}")
    assert turns(typed) == [("ANN", ("Hello.",)), ("BOB", ("Hi.",))]
    assert typed.left_out["lines of a service"] > 0


SAID = (
    "The book was transcribed by hand.", "Transcribed by hand, it took a year.", "We started transcription",
    "This transcript was read in court.", "(Yeah)",
)  # fmt: skip


@pytest.mark.parametrize("sentence", SAID)
def test_speech_about_transcripts_is_speech(sentence: str) -> None:
    """A sentence that only resembles the line of a service stays."""
    assert turns(read(f"ANN: Hello.\n\n{sentence}\n\nBOB: Hi."))[0] == ("ANN", ("Hello.", sentence))


def test_directions_in_other_brackets() -> None:
    """Braces, doubled brackets and notes of music hold directions, too; other words in them stay."""
    typed = read(
        "ANN: (Transcribed by Otter. Go on.) ((crosstalk)) Well {cough} so ♪ music ♪ yes ♪ la la ♪ {x}."
    )
    assert turns(typed) == [("ANN", ("Well so yes la la {x}.",))]
    assert typed.left_out == {"stage directions": 3, "lines of a service": 1}


def test_numbers_of_pages() -> None:
    """Several bare numbers are pages; a single one may have been said."""
    assert turns(read("One.\n\n1\n\nTwo.\n\n2\n\nThree.")) == [(None, ("One.", "Two.", "Three."))]
    assert turns(read("How many?\n\n42\n\nMany.")) == [(None, ("How many?", "42", "Many."))]


def test_paragraphs_and_wrapped_lines() -> None:
    """Lines of a paragraph are joined, an empty line ends it; a name repeated begins a paragraph only."""
    typed = read("ANN: One\ntwo.\n\nThree.\nANN: Four.\nBOB: Five.\n")
    assert turns(typed) == [("ANN", ("One two.", "Three.", "Four.")), ("BOB", ("Five.",))]


WORDS = st.lists(
    st.sampled_from(("so", "well", "house", "naïve", "don’t", "10", "x" * 50)), min_size=1, max_size=9
)
NAMES = st.sampled_from(("ANN EXAMPLE", "Bob Guest", "Zsófia Kádár", "Dr. Lee"))


@given(st.lists(st.tuples(NAMES, st.lists(WORDS, min_size=1, max_size=3)), min_size=1, max_size=6))
def test_what_is_written_is_read(script: list[tuple[str, list[list[str]]]]) -> None:
    """Turns written as `NAME: words` with empty lines between paragraphs come back, whatever the words."""
    text = "\n\n".join(
        f"{name}: " + "\n\n".join(f"{' '.join(words)}." for words in paragraphs)
        for name, paragraphs in script
    )
    names = ("ANN EXAMPLE", "Bob Guest", "Zsófia Kádár", "Dr. Lee")
    expected: list[tuple[str, list[str]]] = []
    for name, paragraphs in script:
        if not expected or expected[-1][0] != name:
            expected.append((name, []))
        expected[-1][1].extend(f"{' '.join(words)}." for words in paragraphs)
    assert turns(read(text, *names)) == [(name, tuple(texts)) for name, texts in expected]


@given(st.text(max_size=300))
def test_no_text_makes_it_fail(text: str) -> None:
    """Any text has turns, and no word that the text has not."""
    typed = read(text)
    assert all(turn.paragraphs for turn in typed.turns)
