"""Parts of a rendered feed."""

import re


def transcript_urls(feed: str) -> list[str]:
    """Return the transcript addresses of a feed."""
    return [url.replace("&amp;", "&") for url in re.findall(r'<podcast:transcript url="([^"]+)"', feed)]
