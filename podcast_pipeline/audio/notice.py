"""The short spoken audio of a notice item, shipped in the package; made by scripts/make_notice.py."""

import hashlib
from pathlib import Path

from podcast_pipeline.errors import AudioError

TEXT = (
    "Your subscription, or this private link, is not active any more."
    " The episodes stay free for everybody. To read and search the transcripts again,"
    " open the web page of the show, and renew, or get your new link there."
)
PATH = Path(__file__).with_name("notice.mp3")
DURATION_S = 14.15
SHA256 = "429e772a45dd1da9f37ff08df1965f9eeb661d890350325a761dcab2e127893d"


def load_notice() -> bytes:
    """Return the MP3; AudioError where the installed file is damaged."""
    data = PATH.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise AudioError(PATH, "is damaged; install podcast-pipeline again")
    return data
