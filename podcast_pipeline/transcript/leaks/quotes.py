"""How much of the secret words stands in the texts that a producer writes for everybody. Pure.

A quotation in the notes is meant; the whole transcript there is the wrong file. `shingles` takes these texts
for public: whoever writes them decides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from podcast_pipeline.model import EpisodeDraft, Show, Transcript
from podcast_pipeline.transcript.leaks.shingles import shingle_size, with_and_without_numbers
from podcast_pipeline.transcript.leaks.tokens import normalized_words

LONGEST_RUN_WORDS = 60
"""Running words that are more than a quotation."""
LONGEST_TITLE_WORDS = 16
"""The same in a title."""
LARGEST_SHARE = 10
"""A tenth of the secret words in all texts together is more than quotations."""
FEWEST_WORDS = 30
"""Fewer words than this are a quotation of the shortest episode, too."""

TextKind = Literal["title", "text"]


@dataclass(frozen=True)
class PublicText:
    """A text that everybody may read, and its name for the producer."""

    name: str
    text: str
    kind: TextKind = "text"


@dataclass(frozen=True)
class QuotedText:
    """A public text that has more of the secret words than a quotation.

    Attributes:
        words: of its longest run, or of all runs of all texts together.
        secret_words: of the whole transcript, without the teaser.
        together: whether `words` is the sum.
    """

    name: str
    words: int
    secret_words: int
    together: bool = False

    def __str__(self) -> str:
        if self.together:
            return f"{self.name}: {self.words} of the transcript's {self.secret_words} secret words in all"
        return f"{self.name}: {self.words} running words of the transcript"


def episode_texts(episode: EpisodeDraft) -> tuple[PublicText, ...]:
    """Return the texts of an episode that everybody may read, beside the teaser."""
    return (
        PublicText("the title", episode.title, "title"),
        PublicText("notes.md", episode.notes),
        *(PublicText("a topic", topic, "title") for topic in episode.topics),
        *(PublicText(f"a {person.role}'s name", person.name, "title") for person in episode.persons),
        *(PublicText("a chapter's title", chapter.title, "title") for chapter in episode.chapters),
        *(
            PublicText("a soundbite's title", bite.title, "title")
            for bite in episode.soundbites
            if bite.title
        ),
    )


def show_texts(show: Show) -> tuple[PublicText, ...]:
    """Return the texts of a show that everybody may read."""
    return (
        PublicText("show.title", show.title, "title"),
        PublicText("show.description", show.description),
        PublicText("show.author", show.author, "title"),
        *(PublicText("a host's name", host.name, "title") for host in show.hosts),
    )


def quoted_texts(
    texts: Iterable[PublicText], transcript: Transcript, *, teaser: str
) -> tuple[QuotedText, ...]:
    """Return the public texts that have more of a transcript's secret words than quotations, longest first.

    Args:
        teaser: the first words, which everybody may read.
    """
    words = normalized_words(transcript.text)
    size = shingle_size(words)
    secret = words[len(normalized_words(teaser)) :]
    windows = {
        tuple(form[n : n + size])
        for form in with_and_without_numbers(secret)
        for n in range(len(form) - size + 1)
    }
    limit = {"title": LONGEST_TITLE_WORDS, "text": LONGEST_RUN_WORDS}
    runs = {one: _runs(one.text, windows, size) for one in texts}
    long = [
        QuotedText(one.name, max(found), len(secret))
        for one, found in runs.items()
        if max(found, default=0) >= limit[one.kind]
    ]
    if long:
        return tuple(sorted(long, key=lambda quoted: -quoted.words))
    total = sum(sum(found) for found in runs.values())
    if total < max(FEWEST_WORDS, len(secret) // LARGEST_SHARE):
        return ()
    names = " and ".join(dict.fromkeys(one.name for one, found in runs.items() if found))
    return (QuotedText(names, total, len(secret), together=True),)


def _runs(text: str, windows: set[tuple[str, ...]], size: int) -> list[int]:
    """Return the lengths in words of the runs of secret words in a text; with numbers and without."""
    forms = (_lengths(form, windows, size) for form in with_and_without_numbers(normalized_words(text)))
    return max(forms, key=sum)


def _lengths(words: Sequence[str], windows: set[tuple[str, ...]], size: int) -> list[int]:
    lengths: list[int] = []
    end = 0  # after the last secret word
    for n in range(len(words) - size + 1):
        if tuple(words[n : n + size]) in windows:
            if n < end:
                lengths[-1] += n + size - end
            else:
                lengths.append(size)
            end = n + size
    return lengths
