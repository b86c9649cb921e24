"""From a recording to a mastered, tagged MP3: checked, levelled, joined with intro and outro.

    source ─▶ loudness ─▶ inserts ─▶ master ─▶ tags
    check     measure     pydub      ffmpeg    mutagen

`make_master` does every step up to the master; `tags.write_id3` makes a media file of a copy. Memory stays
constant for any length: everything long streams through PyAV or ffmpeg.
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
