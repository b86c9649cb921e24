"""Check a feed and its files against numbered rules; a finding has the rule, the line and the fix.

`check_feed` reads the bytes of a feed only. check_transcript, check_chapters, check_artwork and
check_responses check files and HTTP responses that the caller has fetched. Nothing here fetches.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from podcast_pipeline.feed.conformance.artwork import check_artwork
from podcast_pipeline.feed.conformance.channel import CHANNEL_RULES
from podcast_pipeline.feed.conformance.chapters import check_chapters
from podcast_pipeline.feed.conformance.document import UnreadableFeed, check_namespaces, parse_rss
from podcast_pipeline.feed.conformance.finding import FeedFinding, Severity
from podcast_pipeline.feed.conformance.item import ITEM_RULES, far_dates
from podcast_pipeline.feed.conformance.responses import RecordedResponse, check_responses
from podcast_pipeline.feed.conformance.text import TEXT_RULES
from podcast_pipeline.feed.conformance.transcripts import check_transcript

__all__ = [
    "FeedFinding",
    "RecordedResponse",
    "Severity",
    "check_artwork",
    "check_chapters",
    "check_feed",
    "check_responses",
    "check_transcript",
]


def check_feed(feed: bytes, *, now: datetime | None = None) -> tuple[FeedFinding, ...]:
    """Return the findings of a feed, in order of line; an unreadable feed has one finding.

    Covers F1 to F17 as far as they apply to the feed's bytes, T1, T6, H7 and P2. The feed may be hostile: no
    entity is expanded, nothing is fetched, and the size is limited.

    Args:
        now: aware; items dated after next year are named; None: no date is too late.
    """
    try:
        document = parse_rss(feed)
    except UnreadableFeed as error:
        return (error.finding,)
    rules = (check_namespaces, *CHANNEL_RULES, *ITEM_RULES, *TEXT_RULES)
    findings: Iterator[FeedFinding] = (finding for rule in rules for finding in rule(document))
    if now is not None:
        findings = chain(findings, far_dates(document, now))
    return tuple(sorted(findings, key=lambda finding: finding.line or 0))
