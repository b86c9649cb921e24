"""What text and HTML transcripts say about themselves, and that an import takes none of it for words."""

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podcast_pipeline.feed.untrusted.charset import decode_text
from podcast_pipeline.model import (
    CaptionFormat,
    Correction,
    Person,
    Transcript,
    TranscriptVersion,
)
from podcast_pipeline.transcript.captions.formats import render_captions
from podcast_pipeline.transcript.documents.title_page import TitlePage
from podcast_pipeline.transcript.documents.word import to_word
from podcast_pipeline.transcript.text.turns import collapse_whitespace
from podcast_pipeline.transcript.typed.read import read_typed
from tests.support.golden import DOCUMENTS, ordinary_catalog, rendered_documents
from tests.support.title_pages import TITLE_PAGE
from tests.support.transcripts import spoken

DAY = date(2026, 3, 10)
NOW = rendered_documents()
TALK = spoken(
    ("a", "Version 2 of 2026-03-10 is late."),
    ("b", "It is, and nobody asked why."),
    ("a", "That page we shall see."),
    names={"a": "Robin Ashdown", "b": "Host"},
)


def read(name: str, data: bytes) -> list[tuple[str | None, str]]:
    """Return the turns that an import of a file finds."""
    typed = read_typed(data, name, decode=partial(decode_text, language="en"))
    return [(turn.name, " ".join(turn.paragraphs)) for turn in typed.turns]


def files(transcript: Transcript, page: TitlePage) -> dict[str, bytes]:
    """Return the files with a title page, by name."""
    return {
        "a.txt": render_captions(transcript, "txt", title_page=page),
        "a.html": render_captions(transcript, "html", title_page=page),
        "a.docx": to_word(transcript, page),
    }


@pytest.mark.parametrize("path", NOW, ids=lambda path: path.name)
def test_golden(path: Path) -> None:
    """A transcript with a title page renders to exactly the bytes of its golden files."""
    assert NOW[path].decode() == path.read_text(encoding="utf-8")


def test_no_golden_document_is_left_over() -> None:
    """Every golden document belongs to a transcript."""
    assert set(DOCUMENTS.iterdir()) == set(NOW)


@pytest.mark.parametrize("ending", ["vtt", "srt", "json"])
def test_captions_have_no_title_page(ending: CaptionFormat) -> None:
    """An app shows captions word by word: a title page would be read there as speech."""
    assert render_captions(TALK, ending, title_page=TITLE_PAGE) == render_captions(TALK, ending)


@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.docx"])
def test_an_import_of_our_own_file_has_the_words_alone(name: str) -> None:
    """Speakers and words are those that were published, and no line of the title page is one of them."""
    assert read(name, files(TALK, TITLE_PAGE)[name]) == [
        ("Robin Ashdown", "Version 2 of 2026-03-10 is late."),
        ("Host", "It is, and nobody asked why."),
        ("Robin Ashdown", "That page we shall see."),
    ]


def test_a_text_saved_by_another_program_is_recognised() -> None:
    """A byte order mark and the line ends of Windows change nothing."""
    data = b"\xef\xbb\xbf" + files(TALK, TITLE_PAGE)["a.txt"].replace(b"\n", b"\r\n")
    assert read("a.txt", data)[0] == ("Robin Ashdown", "Version 2 of 2026-03-10 is late.")


def test_three_asterisks_of_others_end_no_title_page() -> None:
    """A text of another program keeps what stands above three asterisks."""
    text = b"Ann: One two.\n\n* * *\n\nBob: Three.\n\nAnn: Four.\n"
    assert [name for name, _ in read("a.txt", text)] == ["Ann", "Bob", "Ann"]


def test_days_are_those_of_the_show() -> None:
    """An evening in New York is not the next day, and hosts are not guests."""
    catalog = ordinary_catalog()
    at = datetime(2026, 3, 11, 3, 30, tzinfo=UTC)
    episode = catalog.episodes[0].model_copy(update={"publish_at": at, "title": "One\ntwo"})
    version = TranscriptVersion(
        version=2,
        document_key=f"private/documents/{episode.slug}.0123456789abcdef.json",
        file_keys={},
        language="en",
        word_count=3,
        published_at=at,
    )
    people = (Person(name="Ann"), Person(name="Bob", role="guest"))
    page = TitlePage.of(
        catalog.show,
        episode,
        version,
        TALK.model_copy(update={"corrections": (Correction(corrected_at=at, note="A\nnote"),)}),
        people=people,
        zone=ZoneInfo("America/New_York"),
    )
    assert (page.title, page.published_on, page.version_on) == ("One two", DAY, DAY)
    assert (page.hosts, page.guests, page.corrections) == (("Ann",), ("Bob",), ((DAY, "A note"),))
    assert (page.version, page.version_hash) == (2, "0123456789abcdef")
    assert page.url == catalog.show.episode_url(episode.slug)


WORDS = st.text(st.characters(categories=("Ll", "Lo")), min_size=1, max_size=8)
LINES = st.text(min_size=1, max_size=30).map(collapse_whitespace)


@settings(max_examples=15, deadline=None)
@given(said=st.lists(WORDS, min_size=2, max_size=6), title=LINES, note=LINES)
def test_any_title_page_is_left_out_of_an_import(said: list[str], title: str, note: str) -> None:
    """An import finds what it finds in a file without one, whatever titles and notes are."""
    transcript = spoken(
        ("a", " ".join(said)), ("b", "Yes, so it was."), names={"a": "Ann Example", "b": "Bob"}
    )
    page = replace(TITLE_PAGE, title=title, show=note, hosts=(title,), corrections=((DAY, note),))
    expected = read("a.txt", render_captions(transcript, "txt"))
    found = {name: read(name, data) for name, data in files(transcript, page).items()}
    assert found == dict.fromkeys(found, expected)
