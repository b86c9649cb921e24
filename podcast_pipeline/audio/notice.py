"""The short spoken audio of a notice item, shipped in the package; made by scripts/make_notice.py."""

from pathlib import Path

TEXT = (
    "Your subscription, or this private link, is not active any more."
    " The episodes stay free for everybody. To read and search the transcripts again,"
    " open the web page of the show, and renew, or get your new link there."
)
PATH = Path(__file__).with_name("notice.mp3")
DURATION_S = 14.15
