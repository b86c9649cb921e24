"""Which rule a feed breaks, on which line, and what to do.

`check` reads the bytes of a feed and nothing else. What only fetching can show is judged over what was
fetched: check_transcript, check_chapters, check_artwork, check_answers. Nothing here fetches.
"""

from podcast_pipeline.feed.conformance.answers import RecordedResponse, check_responses
from podcast_pipeline.feed.conformance.artwork import check_artwork
from podcast_pipeline.feed.conformance.channel import CHANNEL_RULES
from podcast_pipeline.feed.conformance.chapters import check_chapters
from podcast_pipeline.feed.conformance.document import UnreadableFeed, check_namespaces, parse_rss
from podcast_pipeline.feed.conformance.finding import FeedFinding, Severity
from podcast_pipeline.feed.conformance.item import ITEM_RULES
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


def check_feed(feed: bytes) -> tuple[FeedFinding, ...]:
    """Return what is wrong with a feed, in order of line; a feed that cannot be read has one finding.

    Covers F1 to F17 as far as the bytes show them, T1, T6 and P2. The feed may be hostile: no entity is
    expanded, nothing is fetched, and its size is bounded.
    """
    try:
        document = parse_rss(feed)
    except UnreadableFeed as error:
        return (error.finding,)
    rules = (check_namespaces, *CHANNEL_RULES, *ITEM_RULES, *TEXT_RULES)
    findings = (finding for rule in rules for finding in rule(document))
    return tuple(sorted(findings, key=lambda finding: finding.line or 0))
