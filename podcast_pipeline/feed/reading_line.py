"""The first line of a private item's notes: the subscriber's link that opens this episode's words. Pure.

Apps that show no transcripts show the notes. The link stands nowhere else: apps hand an item's <link> to
friends.
"""

import re
from html import escape

from podcast_pipeline.feed.private import episode_link
from podcast_pipeline.feed.show_notes import DESCRIPTION_BYTES
from podcast_pipeline.feed.text import EPISODE_TOKEN_PLACEHOLDER
from podcast_pipeline.model import Episode, Show

LABEL = "Read the transcript"
REMARK = "(your own link)"

_MARKUP = re.compile(r"<[A-Za-z/]")


def html_line(show: Show, episode: Episode) -> str:
    """Return the line as HTML for `content:encoded`, with the token's placeholder."""
    address = escape(episode_link(show, episode, EPISODE_TOKEN_PLACEHOLDER))
    return f'<p><a href="{address}">{LABEL}</a> {REMARK}</p>\n'


def above_description(show: Show, episode: Episode, description: str) -> str:
    """Return a description below the line; unchanged where both are longer than DESCRIPTION_BYTES.

    Args:
        description: plain text, or HTML of an imported item.
    """
    address = episode_link(show, episode, EPISODE_TOKEN_PLACEHOLDER)
    is_html = _MARKUP.search(description)
    line = html_line(show, episode) if is_html else f"{LABEL} {REMARK}: {address}\n"
    longer = f"{line}{description}".rstrip("\n")
    return longer if len(longer.encode()) <= DESCRIPTION_BYTES else description
