"""Which text and which tokens must not be seen, and by whom. Pure."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from podcast_pipeline.audit.finding import (
    SIGNIN_LINK_PATTERN,
    TOKEN_PATTERN,
    UNSUBSCRIBE_LINK_PATTERN,
    AuditFinding,
)
from podcast_pipeline.model import Episode, Transcript
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.transcript.leaks.shingles import Shingles, decoded_words

PRESIGNED = re.compile(r"(?:X-Amz-Expires|Expires-In)(?:=|%3D)(\d+)", re.IGNORECASE)
PRESIGNED_LASTS_S = 900
"""Rule P6: a presigned address is good for a quarter of an hour."""


@dataclass(frozen=True)
class RestrictedText:
    """What the audit looks for in everything it is given.

    Attributes:
        paid: runs of words that only active subscribers may read.
        unreleased: runs that nobody may read: of scheduled and withdrawn episodes.
    """

    paid: Shingles = field(repr=False)
    unreleased: Shingles = field(repr=False)
    _known: dict[bytes, tuple[str | None, str | None]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @classmethod
    def from_catalog(cls, catalog: Catalog, transcripts: Mapping[str, Transcript]) -> Self:
        """Return the secrets of a show.

        Args:
            transcripts: by document key, every version of every episode.
        """
        public = tuple(_public_text(catalog))
        words = {state: list(_words(catalog, transcripts, state)) for state in ("published", "other")}
        paid = [Shingles.of(w, public_text=public) for w in words["published"]]
        known = (*public, *(w.text for w in words["published"]))
        unreleased = [Shingles.of(w, public_text=known) for w in words["other"]]
        return cls(Shingles.union(paid), Shingles.union(unreleased))

    def find_leak(self, data: bytes, *, is_active: bool) -> str | None:
        """Return a run of words that the data should not hold, None when it is clean.

        The same bytes, asked for by nine visitors, are read once, for both kinds of secrets.
        """
        key = hashlib.sha256(data).digest()
        if key not in self._known:
            self._known[key] = self._first_of_each(data)
        paid, unreleased = self._known[key]
        return unreleased if is_active else paid or unreleased

    def _first_of_each(self, data: bytes) -> tuple[str | None, str | None]:
        paid: str | None = None
        unreleased: str | None = None
        for words in decoded_words(data):
            paid = paid or next(self.paid.find_in_words(words), None)
            unreleased = unreleased or next(self.unreleased.find_in_words(words), None)
            if paid and unreleased:
                break
        return paid, unreleased

    def probe_queries(self, count: int) -> list[str]:
        """Return words to search for: three of a run, of runs far apart in the alphabet."""
        runs = sorted(run for runs in self.paid.windows.values() for run in runs)
        return [" ".join(run.split()[:3]) for run in runs[:: max(1, len(runs) // count)][:count]]


def check_public_data(
    secrets: RestrictedText, data: bytes, *, who: str, where: str, rule: str = "P3"
) -> Iterator[AuditFinding]:
    """Find what anybody could read: text of a transcript, tokens, mailed links, addresses that last."""
    run = secrets.find_leak(data, is_active=False)
    if run is not None:
        yield AuditFinding(rule, who, where, leak_message(run))
    text = data.decode("latin-1")
    if TOKEN_PATTERN.search(text):
        yield AuditFinding("P8", who, where, "holds the token of a private feed")
    if SIGNIN_LINK_PATTERN.search(text):
        yield AuditFinding("P8", who, where, "holds a sign-in link")
    if UNSUBSCRIBE_LINK_PATTERN.search(text):
        yield AuditFinding("P8", who, where, "holds a link that stops somebody's mail")
    yield from check_presigned_urls(text, who=who, where=where)


def check_presigned_urls(text: str, *, who: str, where: str) -> Iterator[AuditFinding]:
    """Find presigned addresses that live longer than rule P6 allows."""
    lasts_s = max((int(seconds[:9]) for seconds in PRESIGNED.findall(text)), default=0)
    if lasts_s > PRESIGNED_LASTS_S:
        yield AuditFinding(
            "P6", who, where, f"a presigned address lives {lasts_s} s; at most {PRESIGNED_LASTS_S}"
        )


def leak_message(run: str) -> str:
    """Return the line for a run of words that should not be there."""
    return f"holds text of a transcript: “{run}”"


def _public_text(catalog: Catalog) -> Iterator[str]:
    show = catalog.show
    yield from (show.title, show.description, show.author, *(host.name for host in show.hosts))
    for episode in catalog.published():
        yield from episode.public_text
        yield from (version.note for version in episode.transcripts)


def _words(catalog: Catalog, transcripts: Mapping[str, Transcript], state: str) -> Iterator[Transcript]:
    for episode in catalog.episodes:
        if (episode.state == "published") == (state == "published"):
            yield from (transcripts[key] for key in document_keys([episode]) if key in transcripts)


def document_keys(episodes: Iterable[Episode]) -> list[str]:
    """Return the keys of every version of the words of episodes."""
    return [version.document_key for episode in episodes for version in episode.transcripts]
