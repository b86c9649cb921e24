"""What a transcript's file says about itself: text, HTML, EPUB and Word show the same facts. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from html import escape

from podcast_pipeline.model import Chapter, Episode, Person, Show, Transcript, TranscriptVersion
from podcast_pipeline.transcript.text.direction import isolated
from podcast_pipeline.transcript.text.turns import collapse_whitespace

LABELS_LANGUAGE = "en"
END_OF_TITLE_PAGE = "* * *"
_VERSION = re.compile(r"Version: \d+ of \d{4}-\d{2}-\d{2} \([0-9a-f]{16}\)")

STYLE = (
    "body{max-width:40em;margin:0 auto;padding:1em;font:1.1em/1.5 serif}"
    "header,footer,time{font-family:sans-serif;font-size:.85em}time{color:#666}"
    "h1{font-size:1.6em;line-height:1.2}dt{font-weight:bold}dd{margin:0 0 .3em}"
    "cite{display:block;margin-top:1.5em;font-style:normal;font-weight:bold}p{margin:.3em 0 .8em}"
)


@dataclass(frozen=True)
class Fact:
    """A line of a title page.

    Attributes:
        label: in LABELS_LANGUAGE.
        value: on one line.
        url: the address that the value is, if it is one.
    """

    label: str
    value: str
    url: str | None = None


@dataclass(frozen=True)
class TitlePage:
    """The title page of one version of an episode's transcript.

    Attributes:
        show, author: the show's title, and who publishes it.
        published_on: the day of the episode, in the show's time zone.
        url: of the episode's page.
        version_hash: the hash16 in the key of the version's document, as in links to the version.
        version_at: when the version was published.
        corrections: (day, public note) of each correction, oldest first.
        chapters: those of the table of contents, in media times.
    """

    title: str
    show: str
    author: str
    published_on: date
    hosts: tuple[str, ...]
    guests: tuple[str, ...]
    topics: tuple[str, ...]
    url: str
    version: int
    version_hash: str
    version_at: datetime
    version_on: date
    corrections: tuple[tuple[date, str], ...]
    chapters: tuple[Chapter, ...] = ()

    @classmethod
    def of(
        cls,
        show: Show,
        episode: Episode,
        version: TranscriptVersion,
        transcript: Transcript,
        *,
        people: Iterable[Person],
        zone: tzinfo,
    ) -> "TitlePage":
        """Return the title page of a version.

        Args:
            people: the credited persons.
            zone: the show's, in which its days begin.
        """
        people = tuple(people)
        return cls(
            title=collapse_whitespace(episode.title),
            show=collapse_whitespace(show.title),
            author=collapse_whitespace(show.author),
            published_on=episode.publish_at.astimezone(zone).date(),
            hosts=_names(people, "host"),
            guests=_names(people, "guest"),
            topics=tuple(map(collapse_whitespace, episode.topics)),
            url=show.episode_url(episode.slug),
            version=version.version,
            version_hash=version.document_key.split(".")[-2],
            version_at=version.published_at,
            version_on=version.published_at.astimezone(zone).date(),
            corrections=tuple(
                (c.corrected_at.astimezone(zone).date(), collapse_whitespace(c.note))
                for c in transcript.corrections
            ),
            chapters=tuple(chapter for chapter in episode.chapters if chapter.toc),
        )

    def facts(self) -> list[Fact]:
        """Return the lines below the title, in order."""
        return [
            Fact("Show", self.show),
            Fact("Date", f"{self.published_on}"),
            *_people("Host", self.hosts),
            *_people("Guest", self.guests),
            Fact("Page", self.url, url=self.url),
            Fact("Version", f"{self.version} of {self.version_on} ({self.version_hash})"),
            *(Fact(f"Corrected on {day}", note) for day, note in self.corrections),
        ]

    def to_text(self) -> str:
        """Return the head of a plain text transcript, which END_OF_TITLE_PAGE ends."""
        lines = [f"{fact.label}: {isolated(fact.value, within=LABELS_LANGUAGE)}" for fact in self.facts()]
        return "\n".join([self.title, "", *lines, "", END_OF_TITLE_PAGE, "", ""])

    def to_html_head(self) -> str:
        """Return the elements of an HTML transcript's head, which needs nothing from elsewhere."""
        return "\n".join(
            [
                '<meta charset="utf-8">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                f"<title>{_escaped(self.title)} – {_escaped(self.show)}</title>",
                f'<meta name="author" content="{escape(self.author)}">',
                f'<link rel="canonical" href="{escape(self.url)}">',
                f"<style>{STYLE}</style>",
            ]
        )

    def to_html(self, language: str) -> list[str]:
        """Return the header of an HTML transcript.

        Args:
            language: of the values; the labels have their own.
        """
        dd = f'<dd dir="auto" lang="{escape(language)}">'
        facts = (f"<dt>{_escaped(fact.label)}</dt>{dd}{_html_value(fact)}</dd>" for fact in self.facts())
        return [
            f'<header><h1 dir="auto">{_escaped(self.title)}</h1>',
            f'<dl lang="{LABELS_LANGUAGE}" dir="ltr">',
            *facts,
            "</dl></header>",
        ]


def without_title_page(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines of a plain text transcript below its title page; all lines where it has none."""
    stripped = [line.strip() for line in lines]
    version = next((i for i, line in enumerate(stripped) if _VERSION.fullmatch(line)), None)
    if version is None or END_OF_TITLE_PAGE not in stripped[version:]:
        return lines
    return lines[stripped.index(END_OF_TITLE_PAGE, version) + 1 :]


def _names(people: Iterable[Person], role: str) -> tuple[str, ...]:
    return tuple(collapse_whitespace(person.name) for person in people if person.role == role)


def _people(label: str, names: Sequence[str]) -> Iterator[Fact]:
    if names:
        yield Fact(label if len(names) == 1 else f"{label}s", ", ".join(names))


def _html_value(fact: Fact) -> str:
    value = _escaped(fact.value)
    return f'<a href="{escape(fact.url)}">{value}</a>' if fact.url else value


def _escaped(text: str) -> str:
    return escape(text, quote=False)
