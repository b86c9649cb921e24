"""The first line of a private item's notes."""

from podcast_pipeline.feed.reading_line import above_description, html_line
from podcast_pipeline.feed.show_notes import DESCRIPTION_BYTES
from podcast_pipeline.feed.text import EPISODE_TOKEN_PLACEHOLDER
from tests.support.golden import ordinary_catalog

SHOW = ordinary_catalog().show
EPISODE = ordinary_catalog().episodes[0]
ADDRESS = f"https://listen.news.example/r/{EPISODE_TOKEN_PLACEHOLDER}/{EPISODE.id}"


def test_the_line_is_a_paragraph_with_a_link() -> None:
    """It stands in a paragraph of its own and ends its line."""
    assert html_line(SHOW, EPISODE) == (
        f'<p><a href="{ADDRESS}">Read the transcript</a> (your own link)</p>\n'
    )


def test_a_plain_description_gets_a_plain_line() -> None:
    """No markup where there is none."""
    assert above_description(SHOW, EPISODE, "Notes & more.") == (
        f"Read the transcript (your own link): {ADDRESS}\nNotes & more."
    )
    assert above_description(SHOW, EPISODE, "") == f"Read the transcript (your own link): {ADDRESS}"


def test_an_imported_description_of_html_gets_html() -> None:
    """Where the notes are HTML the address is a link."""
    assert above_description(SHOW, EPISODE, "<p>Old</p>") == f"{html_line(SHOW, EPISODE)}<p>Old</p>"


def test_a_full_description_stays_as_it_is() -> None:
    """4,000 bytes are what apps read: the notes keep them, and the link is in content:encoded alone."""
    room = DESCRIPTION_BYTES - len(above_description(SHOW, EPISODE, "x").encode()) + 1
    assert above_description(SHOW, EPISODE, "x" * room).startswith("Read")
    assert above_description(SHOW, EPISODE, "x" * (room + 1)) == "x" * (room + 1)
