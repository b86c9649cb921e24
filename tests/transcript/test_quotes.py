"""Secret words in public texts: a quotation is meant, the whole transcript is the wrong file."""

import random

import pytest

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.leaks.quotes import PublicText, QuotedText, quoted_texts
from tests.support.transcripts import spoken

WORDS = [f"{a}{b}" for a in ("river", "stone", "harbour", "winter", "ledger") for b in "abcdefghijklmnop"]
RANDOM = random.Random(11)
SAID = RANDOM.sample([f"{word}{letter}" for word in WORDS for letter in "abcdefghijkl"], 900)
TALK = spoken((None, " ".join(SAID[:400])), (None, " ".join(SAID[400:])))
TEASER = " ".join(SAID[:60])


def found(*texts: PublicText, talk: Transcript = TALK) -> list[str]:
    return [str(one) for one in quoted_texts(texts, talk, teaser=TEASER)]


def said(first: int, end: int) -> str:
    return " ".join(SAID[first:end])


def test_a_quotation_is_meant() -> None:
    """Three quotations of 20 words, and everything that the teaser has, are no finding."""
    quotations = " … ".join(said(at, at + 20) for at in (100, 300, 500))
    notes = f"In this episode: {quotations}. {TEASER}"
    assert found(PublicText("notes.md", notes), PublicText("the title", said(200, 210), "title")) == []


@pytest.mark.parametrize("mark", ["", "**", "_", "“"])
def test_sixty_running_words_are_told(mark: str) -> None:
    """A run of 60 secret words is told with its length, whatever punctuation is around the words."""
    notes = f"Welcome! {mark}{said(100, 130)}{mark}, {mark}{said(130, 160).upper()}{mark} and more."
    assert found(PublicText("notes.md", notes)) == ["notes.md: 60 running words of the transcript"]
    assert found(PublicText("notes.md", f"Welcome! {said(100, 159)}")) == []


def test_the_captions_as_notes_are_told() -> None:
    """A caption file, whose times and numbers part the words, is found."""
    cues = "\n\n".join(
        f"{n}\n00:00:0{n % 10},000 --> 00:00:0{n % 10},900\n{said(n * 9, n * 9 + 9)}" for n in range(90)
    )
    (line,) = found(PublicText("notes.md", cues))
    assert line.endswith("running words of the transcript")


def test_a_tenth_in_many_pieces_is_told() -> None:
    """Pieces that are short each and a tenth of the words together are told, over all texts."""
    half = " – ".join(said(at, at + 10) for at in range(100, 400, 60))
    rest = " – ".join(said(at, at + 10) for at in range(410, 700, 60))
    texts = (PublicText("notes.md", half), PublicText("a topic", rest, "title"))
    assert quoted_texts(texts, TALK, teaser=TEASER) == (
        QuotedText("notes.md and a topic", 100, 840, together=True),
    )


def test_a_title_holds_less() -> None:
    """Sixteen running words are more than a title quotes."""
    assert found(PublicText("the title", said(200, 215), "title")) == []
    assert found(PublicText("the title", said(200, 216), "title")) == [
        "the title: 16 running words of the transcript"
    ]


def test_a_script_without_spaces() -> None:
    """Chinese, whose characters are the words, is found and quoted alike."""
    text = "".join(chr(0x4E00 + RANDOM.randrange(3000)) for _ in range(400))
    talk = spoken((None, text), language="zh", spaces=False)
    assert quoted_texts([PublicText("notes.md", text[50:70])], talk, teaser="") == ()
    assert [one.words for one in quoted_texts([PublicText("notes.md", text[50:150])], talk, teaser="")] == [
        100
    ]


def test_unrelated_text_has_nothing() -> None:
    """Notes of their own words have no finding, nor has an episode of a few words."""
    assert found(PublicText("notes.md", "Ten thousand other words about something else. " * 90)) == []
    short = spoken((None, "so few words"))
    assert quoted_texts([PublicText("notes.md", "so few words")], short, teaser="so few words") == ()
