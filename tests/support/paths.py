"""The folders of the repository and of the test data."""

from pathlib import Path

import podcast_pipeline

ROOT = Path(__file__).parents[2]
PACKAGE = Path(podcast_pipeline.__file__).parent
"""The package under test: of the checkout, or installed from a wheel."""
DATA = ROOT / "tests" / "data"
