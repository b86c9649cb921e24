"""Parts of a rendered feed."""

import re


def transcript_urls(feed: str) -> list[str]:
    """Return the addresses of the transcripts that a feed names."""
    return [url.replace("&amp;", "&") for url in re.findall(r'<podcast:transcript url="([^"]+)"', feed)]
