"""Write the golden captions anew from the transcripts beside them; read the diff before you commit it.

Run it as `python -m scripts.golden_captions` in the repository's root.
"""

from tests.support.golden import rendered_captions

if __name__ == "__main__":
    for path, data in rendered_captions().items():
        path.write_bytes(data)
