"""From a recording to a mastered, tagged MP3: checked, levelled, joined with intro and outro.

    source ─▶ loudness ─▶ inserts ─▶ master ─▶ tags
    check     measure     pydub      ffmpeg    mutagen

`produce` is the whole line up to the master; `tags.write` makes the media file of it. Memory stays flat
whatever the length: everything long streams through PyAV or ffmpeg.
"""

from podcast_pipeline.audio.ffmpeg import Ffmpeg, find_ffmpeg
from podcast_pipeline.audio.loudness import Loudness, measure_loudness
from podcast_pipeline.audio.master import Master, make_master
from podcast_pipeline.audio.source import AudioInfo, check_audio

__all__ = [
    "AudioInfo",
    "Ffmpeg",
    "Loudness",
    "Master",
    "check_audio",
    "find_ffmpeg",
    "make_master",
    "measure_loudness",
]
