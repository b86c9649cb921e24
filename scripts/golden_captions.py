"""Write the golden captions and documents anew from the transcripts; read the diff before you commit it.

Run it as `python -m scripts.golden_captions` in the repository's root.
"""

from tests.support.golden import rendered_captions, rendered_documents

if __name__ == "__main__":
    for path, data in (rendered_captions() | rendered_documents()).items():
        path.write_bytes(data)
