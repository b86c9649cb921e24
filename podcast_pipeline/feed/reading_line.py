"""The first line of a private item's notes: the address at which this episode's words are read. Pure.

Apps that show no transcripts show the notes. Where the words are for subscribers it is the subscriber's own
link, which stands nowhere else: apps hand an item's <link> to friends.
"""

import re
from html import escape

from podcast_pipeline.feed.private import episode_link
from podcast_pipeline.feed.show_notes import DESCRIPTION_BYTES
from podcast_pipeline.feed.text import EPISODE_TOKEN_PLACEHOLDER, xml_safe
from podcast_pipeline.model import Episode, Show

LABEL = "Read the transcript"
OWN_LINK = " (your own link)"

_MARKUP = re.compile(r"<[A-Za-z/]")


def html_line(show: Show, episode: Episode) -> str:
    """Return the line as HTML for `content:encoded`, with the token's placeholder."""
    address, remark = _address(show, episode)
    return f'<p><a href="{escape(address)}">{LABEL}</a>{remark}</p>\n'


def above_description(show: Show, episode: Episode, description: str) -> str:
    """Return a description below the line; unchanged where both are longer than DESCRIPTION_BYTES.

    Args:
        description: plain text, or HTML of an imported item.
    """
    address, remark = _address(show, episode)
    is_html = _MARKUP.search(description)
    line = html_line(show, episode) if is_html else f"{LABEL}{remark}: {address}\n"
    longer = f"{line}{description}".rstrip("\n")
    return longer if len(longer.encode()) <= DESCRIPTION_BYTES else description


def _address(show: Show, episode: Episode) -> tuple[str, str]:
    """Return where the words are read, and a remark on whose address it is."""
    if episode.transcript_is_public:
        return xml_safe(show.episode_url(episode.slug)), ""
    return episode_link(show, episode, EPISODE_TOKEN_PLACEHOLDER), OWN_LINK
