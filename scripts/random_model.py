#!/usr/bin/env python3
"""Write a Whisper model of a known shape with random numbers, to measure engines without its weights.

    .venv/bin/python scripts/random_model.py large-v3-turbo FOLDER [--endless]

CTranslate2, faster-whisper and our engine load the folder; its words mean nothing. --endless: the end of the
text is never chosen, so that every window has as many tokens as an engine allows.
"""

import argparse
from pathlib import Path

from podcast_pipeline.files import user_cache_folder
from podcast_pipeline.transcription.known_models.table import MULTILINGUAL, MULTILINGUAL_V3, SHAPES
from tests.support import random_whisper

KNOWN = [name for name, shape in SHAPES.items() if shape.vocabulary in (MULTILINGUAL, MULTILINGUAL_V3)]


def main() -> None:
    """Write the model that the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", choices=KNOWN)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--endless", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    base = random_whisper.base_folder(user_cache_folder() / "cache")
    random_whisper.write(asked.folder, SHAPES[asked.model], base, seed=asked.seed, endless=asked.endless)


if __name__ == "__main__":
    main()
