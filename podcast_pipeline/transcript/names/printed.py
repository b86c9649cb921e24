"""Names where they are printed, in captions and on the page: near misses of guests and hosts, and strangers.

In spoken words a name is corrected by its sound; these were typed, and stand there as they were typed.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from podcast_pipeline.transcript.names.matching import letters_of, spelling_similarity

ALIKE = 0.8  # share of letters in common of a misspelling
SHORTEST = 5  # letters of a word that is compared on its own
NUMBERED = re.compile(r"(\w+)[\s_-]*\d+")
PLACEHOLDER = "speaker"


@dataclass(frozen=True)
class PrintedNameDoubt:
    """A printed name to look at.

    Attributes:
        text: the name as it is printed.
        reason: what is odd about it.
        suggestion: the right name, None if there is none.
    """

    text: str
    reason: str
    suggestion: str | None = None


def doubtful_speakers(names: Iterable[str], people: Sequence[str]) -> Iterator[PrintedNameDoubt]:
    """Yield the speakers of a transcript who have no name, or one that is no guest's and no host's.

    Args:
        names: of the headings.
        people: guests and hosts.
    """
    known = {letters_of(part) for person in people for part in (person, *person.split())}
    for name in dict.fromkeys(names):
        if is_placeholder(name):
            yield PrintedNameDoubt(name, "is printed as the speaker; write the name under `speakers:`")
        elif letters_of(name) in known:
            continue
        elif near := nearly(name, people):
            yield PrintedNameDoubt(name, f"is printed as the speaker and nearly {near}", near)
        else:
            yield PrintedNameDoubt(
                name, "speaks and is neither a host in show.toml nor a guest in episode.toml"
            )


def misspelt_names(names: Iterable[str], people: Sequence[str], *, where: str) -> Iterator[PrintedNameDoubt]:
    """Yield the names in a text that are nearly a guest's or a host's.

    Args:
        where: the text, like "the title".
    """
    for name in dict.fromkeys(names):
        if near := nearly(name, people):
            yield PrintedNameDoubt(name, f"in {where} is nearly {near}", near)


def rival_names(people: Sequence[str]) -> Iterator[PrintedNameDoubt]:
    """Yield guests and hosts whose names are nearly another's: one person with two spellings."""
    for number, name in enumerate(people):
        if near := nearly(name, people[:number]):
            yield PrintedNameDoubt(name, f"is a guest or host, and so is {near}", near)


def is_placeholder(name: str) -> bool:
    """Return whether a name is "Speaker 2", however it is spelled."""
    match = NUMBERED.fullmatch(name.strip())
    return match is not None and spelling_similarity(letters_of(match[1]), PLACEHOLDER) >= ALIKE


def nearly(name: str, people: Sequence[str]) -> str | None:
    """Return the person whose name, or part of a name, a text misspells; None if it is right or far off."""
    letters = letters_of(name)
    parts = {letters_of(part): person for person in people for part in (person, *person.split())}
    words = [letters_of(word) for word in name.split()]
    if not letters or letters in parts or all(word in parts for word in words):
        return None
    whole = [(spelling_similarity(letters, letters_of(person)), person) for person in people]
    single = [
        (spelling_similarity(word, part), person)
        for word in words
        for part, person in parts.items()
        if len(words) == 1 and word not in parts and min(len(word), len(part)) >= SHORTEST
    ]
    best = max((pair for pair in (*whole, *single) if ALIKE <= pair[0] < 1), default=None)
    return best[1] if best else None
