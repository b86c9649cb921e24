"""Write the golden feeds anew from the catalogs beside them; read the diff before you commit it.

Run it as `python -m scripts.golden_feeds` in the repository's root.
"""

from tests.support.golden import rendered_feeds

if __name__ == "__main__":
    for path, feed in rendered_feeds().items():
        path.write_bytes(feed)
