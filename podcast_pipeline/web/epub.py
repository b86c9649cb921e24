"""A transcript as an EPUB 3 book for e-readers. Pure; equal values give equal bytes.

Source: W3C EPUB 3.3; MARC relators, `hst` for a host and `ive` for an interviewee; OCF 4.2: a
ZIP archive whose first file is `mimetype`, uncompressed.
"""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from jinja2 import Environment

from podcast_pipeline.feed.text import xml_safe
from podcast_pipeline.model import Episode, Person, Show, Transcript, TranscriptVersion
from podcast_pipeline.transcript.text.direction import is_right_to_left
from podcast_pipeline.web import view
from podcast_pipeline.web.view import TurnView

CONTENT_TYPE = "application/epub+zip"
COVER = "book/cover.jpg"

PAGES = {
    "META-INF/container.xml": "epub/container.xml",
    "book/package.opf": "epub/package.opf",
    "book/nav.xhtml": "epub/nav.xhtml",
    "book/title.xhtml": "epub/title.xhtml",
    "book/book.css": "epub/book.css",
}
"""Files of every book, each with its template."""


@dataclass(frozen=True)
class EpubChapter:
    """A file of the book: the turns under one chapter's heading."""

    name: str
    title: str
    turns: tuple[TurnView, ...]


def to_epub(
    environment: Environment,
    *,
    show: Show,
    episode: Episode,
    people: Iterable[Person],
    version: TranscriptVersion,
    transcript: Transcript,
    cover: bytes | None = None,
) -> bytes:
    """Return a version of a transcript as an EPUB; its timestamps link to the episode's page.

    Args:
        environment: has the templates under `epub/` and their filters.
        people: the credited persons.
        cover: a JPEG; None for a book without one.
    """
    parts = split(view.speaker_turns(transcript, episode.chapters), title=episode.title)
    context = {
        "show": show,
        "episode": episode,
        "people": list(people),
        "version": version,
        "version_hash": version.document_key.split(".")[-2],
        "has_cover": cover is not None,
        "words": transcript,
        "parts": parts,
        "direction": "rtl" if is_right_to_left(transcript.language) else "ltr",
        "page": show.episode_url(episode.slug),
    }
    pages: dict[str, str | bytes] = {COVER: cover} if cover else {}
    pages |= {name: _page(environment, template, context) for name, template in PAGES.items()}
    for part in parts:
        pages[f"book/{part.name}"] = _page(environment, "epub/part.xhtml", {**context, "part": part})
    return pack_epub(pages)


def split(turns: Iterable[TurnView], *, title: str) -> tuple[EpubChapter, ...]:
    """Group turns by chapter; turns before the first chapter form a part with the book's title."""
    chapters: list[list[TurnView]] = []
    for turn in turns:
        if turn.heading or not chapters:
            chapters.append([])
        chapters[-1].append(turn)
    return tuple(
        EpubChapter(f"part-{n}.xhtml", _title(chapter) or title, tuple(chapter))
        for n, chapter in enumerate(chapters, 1)
    )


def pack_epub(files: Mapping[str, str | bytes]) -> bytes:
    """Return files, text in UTF-8, as an EPUB archive without dates or system data (reproducible)."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.writestr(ZipInfo("mimetype"), CONTENT_TYPE)
        for name, content in files.items():
            body = content if isinstance(content, bytes) else xml_safe(content).encode()
            archive.writestr(ZipInfo(name), body, ZIP_DEFLATED)
    return buffer.getvalue()


def _title(chapter: list[TurnView]) -> str | None:
    heading = chapter[0].heading
    return heading.title if heading else None


def _page(environment: Environment, template: str, context: Mapping[str, object]) -> str:
    return environment.get_template(template).render(context)
