"""Write the golden feeds anew from the catalogs beside them; read the diff before you commit it.

Run it as `python -m scripts.golden_feeds` in the repository's root.
"""

from tests.feed.test_golden import rendered

if __name__ == "__main__":
    for path, feed in rendered().items():
        path.write_bytes(feed)
