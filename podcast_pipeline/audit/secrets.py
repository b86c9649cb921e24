"""Restricted transcript text and secrets, and the search for them in responses and files. Pure."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from podcast_pipeline.audit.finding import (
    EPISODE_LINK_PATTERN,
    SIGNIN_LINK_PATTERN,
    STUDENT_LINK_PATTERN,
    TOKEN_PATTERN,
    UNSUBSCRIBE_LINK_PATTERN,
    AuditFinding,
)
from podcast_pipeline.images import searchable_bytes
from podcast_pipeline.model import Episode, Transcript, Withdrawal
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.transcript.leaks.quotes import episode_texts, quoted_texts, show_texts
from podcast_pipeline.transcript.leaks.shingles import Shingles, decoded_words
from podcast_pipeline.transcript.withdrawal.word_hashes import withdrawal_in

PRESIGNED = re.compile(r"(?:X-Amz-Expires|Expires-In)(?:=|%3D)(\d+)", re.IGNORECASE)
PRESIGNED_LIMIT_S = 900
"""Rule P6: the lifetime of a presigned URL is at most a quarter of an hour."""


@dataclass(frozen=True)
class RestrictedText:
    """The transcript text that the audit searches for in every response and file.

    Attributes:
        paid: runs of words that only active subscribers may read.
        unreleased: runs that nobody may read: of scheduled and unpublished episodes.
        withdrawn: what was taken back, known by its hashes alone; nobody may read that either.
        given_away: a finding for each public text of the producer that has too much of the transcript.
    """

    paid: Shingles = field(repr=False)
    unreleased: Shingles = field(repr=False)
    withdrawn: tuple[Withdrawal, ...] = field(default=(), repr=False)
    given_away: tuple[AuditFinding, ...] = ()
    _cache: dict[bytes, "_Found"] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_catalog(cls, catalog: Catalog, transcripts: Mapping[str, Transcript]) -> Self:
        """Return the restricted text of a show.

        Args:
            transcripts: by document key, every version of every episode.
        """
        open_to_all, published, others = _split_by_readers(catalog, transcripts)
        public_text = (*_public_text(catalog), *(transcript.text for transcript in open_to_all))
        paid = [Shingles.of(transcript, public_text=public_text) for transcript in published]
        released_text = (*public_text, *(transcript.text for transcript in published))
        unreleased = [Shingles.of(transcript, public_text=released_text) for transcript in others]
        withdrawn = tuple(w for episode in catalog.episodes for w in episode.withdrawals if w.words)
        given_away = tuple(check_quotes(catalog, transcripts))
        return cls(Shingles.union(paid), Shingles.union(unreleased), withdrawn, given_away)

    def find_leak(self, data: bytes, *, is_active: bool) -> str | None:
        """Return a run of words that the data must not contain, None without one.

        The result for all kinds of text is cached: nine visitors get the same bytes.
        """
        found = self._found(data)
        return found.unreleased if is_active else found.paid or found.unreleased

    def find_withdrawn(self, data: bytes) -> Withdrawal | None:
        """Return the withdrawal whose words the data has, whoever gets it; None without one."""
        return self._found(data).withdrawn

    def _found(self, data: bytes) -> "_Found":
        key = hashlib.sha256(data).digest()
        if key not in self._cache:
            self._cache[key] = self._first_of_each(data)
        return self._cache[key]

    def _first_of_each(self, data: bytes) -> "_Found":
        paid: str | None = None
        unreleased: str | None = None
        withdrawn: Withdrawal | None = None
        for words in decoded_words(searchable_bytes(data)):
            paid = paid or next(self.paid.find_in_words(words), None)
            unreleased = unreleased or next(self.unreleased.find_in_words(words), None)
            withdrawn = withdrawn or withdrawal_in(words.words, self.withdrawn)
            if paid and unreleased and (withdrawn or not self.withdrawn):
                break
        return _Found(paid, unreleased, withdrawn)

    def probe_queries(self, count: int) -> list[str]:
        """Return search queries of restricted words: three of a run, of runs far apart in the alphabet."""
        runs = sorted(run for runs in self.paid.windows.values() for run in runs)
        return [" ".join(run.split()[:3]) for run in runs[:: max(1, len(runs) // count)][:count]]


@dataclass(frozen=True)
class _Found:
    """The first run of each kind of restricted text in some bytes."""

    paid: str | None
    unreleased: str | None
    withdrawn: Withdrawal | None


def check_withdrawn(secrets: RestrictedText, data: bytes, *, who: str, where: str) -> Iterator[AuditFinding]:
    """Find words that were taken back; the finding does not repeat them."""
    withdrawal = secrets.find_withdrawn(data)
    if withdrawal is not None:
        day = f"{withdrawal.withdrawn_at:%Y-%m-%d}"
        yield AuditFinding("P10", who, where, f"contains words that were withdrawn on {day}")


def check_quotes(catalog: Catalog, transcripts: Mapping[str, Transcript]) -> Iterator[AuditFinding]:
    """Find published episodes whose public texts give away more of the newest words than quotations.

    Args:
        transcripts: by document key.
    """
    for episode in catalog.published():
        is_secret = episode.transcript and not episode.transcript_is_public
        words = transcripts.get(episode.transcript.document_key) if is_secret and episode.transcript else None
        texts = (*episode_texts(episode), *show_texts(catalog.show))
        for quoted in quoted_texts(texts, words, teaser=episode.teaser) if words else ():
            yield AuditFinding("P11", "anonymous", catalog.show.episode_url(episode.slug), str(quoted))


def check_public_data(
    secrets: RestrictedText, data: bytes, *, who: str, where: str, rule: str = "P3"
) -> Iterator[AuditFinding]:
    """Find leaks in public data: transcript text, tokens, mailed links, long-lived presigned URLs."""
    run = secrets.find_leak(data, is_active=False)
    if run is not None:
        yield AuditFinding(rule, who, where, leak_message(run))
    yield from check_withdrawn(secrets, data, who=who, where=where)
    text = data.decode("latin-1")
    if TOKEN_PATTERN.search(text):
        yield AuditFinding("P8", who, where, "contains the token of a private feed")
    if EPISODE_LINK_PATTERN.search(text):
        yield AuditFinding("P8", who, where, "contains a subscriber's one-episode link")
    if SIGNIN_LINK_PATTERN.search(text):
        yield AuditFinding("P8", who, where, "contains a sign-in link")
    if STUDENT_LINK_PATTERN.search(text):
        yield AuditFinding("P8", who, where, "contains a student's link")
    if UNSUBSCRIBE_LINK_PATTERN.search(text):
        yield AuditFinding("P8", who, where, "contains an unsubscribe link")
    yield from check_presigned_urls(text, who=who, where=where)


def check_presigned_urls(text: str, *, who: str, where: str) -> Iterator[AuditFinding]:
    """Find presigned URLs that are valid for longer than rule P6 allows."""
    lifetime_s = max((int(seconds[:9]) for seconds in PRESIGNED.findall(text)), default=0)
    if lifetime_s > PRESIGNED_LIMIT_S:
        yield AuditFinding(
            "P6", who, where, f"a presigned URL is valid for {lifetime_s} s; at most {PRESIGNED_LIMIT_S}"
        )


def leak_message(run: str) -> str:
    """Return the message for a leaked run of words."""
    return f"contains text of a transcript: “{run}”"


def _public_text(catalog: Catalog) -> Iterator[str]:
    show = catalog.show
    yield from (show.title, show.description, show.author, *(host.name for host in show.hosts))
    for episode in catalog.published():
        yield from episode.public_text
        yield from (version.note for version in episode.transcripts)


def _split_by_readers(
    catalog: Catalog, transcripts: Mapping[str, Transcript]
) -> tuple[list[Transcript], list[Transcript], list[Transcript]]:
    """Return the transcripts that everybody may read, those that subscribers may read, and all others."""
    for_all: list[Transcript] = []
    for_subscribers: list[Transcript] = []
    for_nobody: list[Transcript] = []
    for episode in catalog.episodes:
        side = for_subscribers if episode.state == "published" else for_nobody
        side = for_all if episode.transcript_is_public else side
        side += (transcripts[key] for key in document_keys([episode]) if key in transcripts)
    return for_all, for_subscribers, for_nobody


def document_keys(episodes: Iterable[Episode]) -> list[str]:
    """Return the document keys of every transcript version of episodes that was not withdrawn."""
    return [version.document_key for episode in episodes for version in episode.readable_versions]
