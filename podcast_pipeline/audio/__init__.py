"""From a recording to a mastered, tagged MP3: checked, levelled, joined with intro and outro.

    source ─▶ loudness ─▶ inserts ─▶ master ─▶ tags
    check     measure     pydub      ffmpeg    mutagen

`produce` is the whole line up to the master; `tags.write` makes the media file of it. Memory stays flat
whatever the length: everything long streams through PyAV or ffmpeg.
"""

from podcast_pipeline.audio.ffmpeg import Ffmpeg, find
from podcast_pipeline.audio.loudness import Loudness, measure
from podcast_pipeline.audio.master import Produced, produce
from podcast_pipeline.audio.source import Source, check

__all__ = ["Ffmpeg", "Loudness", "Produced", "Source", "check", "find", "measure", "produce"]
