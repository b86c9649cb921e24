"""Title pages for tests."""

from datetime import UTC, date, datetime

from podcast_pipeline.model import Chapter
from podcast_pipeline.transcript.documents.title_page import TitlePage

TITLE_PAGE = TitlePage(
    title="The water <was> always & coming",
    show="Harrow Street",
    author="The Harrow Street Desk",
    published_on=date(2026, 3, 9),
    hosts=("Robin Ashdown", "ليلى"),
    guests=("Ines Marchetti",),
    topics=("Water", "Courts"),
    url="https://harrow.example/episodes/the-water",
    version=2,
    version_hash="0123456789abcdef",
    version_at=datetime(2026, 3, 10, 23, 30, tzinfo=UTC),
    version_on=date(2026, 3, 11),
    corrections=((date(2026, 3, 11), "We misspelled Ines Marchetti’s name."),),
    chapters=(Chapter(start_s=0, title="Two memos"), Chapter(start_s=2.5, title="The <gauge>")),
)
"""Of a corrected version, with markup, another script, two chapters."""
