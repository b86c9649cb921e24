"""Say whether every enclosure of a feed lies in some file below a folder, byte for byte.

Usage: compare.py FEED_URL FOLDER. Exit 1 where one is missing or its length in the feed is wrong.
"""

import hashlib
import sys
from pathlib import Path
from xml.etree import ElementTree

import httpx


def main(feed_url: str, folder: str) -> int:
    """Print a line per enclosure."""
    here = {hashlib.sha256(path.read_bytes()).digest() for path in Path(folder).rglob("*") if path.is_file()}
    with httpx.Client(trust_env=False, follow_redirects=True, timeout=60) as client:
        feed = ElementTree.fromstring(client.get(feed_url).raise_for_status().content)  # noqa: S314
        enclosures = [(one.attrib["url"], int(one.attrib["length"])) for one in feed.iter("enclosure")]
        right = [_is_here(client, url, length, here) for url, length in enclosures]
    return 0 if right and all(right) else 1


def _is_here(client: httpx.Client, url: str, length: int, here: set[bytes]) -> bool:
    body = client.get(url).raise_for_status().content
    right = hashlib.sha256(body).digest() in here and len(body) == length
    print("right" if right else "WRONG", url.rpartition("/")[2], len(body), "bytes, the feed says", length)
    return right


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
