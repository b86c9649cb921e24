from pathlib import Path

import numpy as np
import pytest

from podcast_pipeline.audio.inserts import PreparedInsert, PreparedInserts
from podcast_pipeline.audio.loudness import measure_loudness
from podcast_pipeline.audio.master import Master, make_master
from podcast_pipeline.config import AudioTable
from podcast_pipeline.errors import AudioError
from tests.support.audio_files import FFMPEG, TONE, ignore_progress, make_audio, samples, tone

RATE_HZ = 44100
BEEP = "sin(2*PI*1000*t)*if(between(t\\,2\\,2.1)\\,0.5\\,0.02)"  # from 2.0 to 2.1 s of the recording


def joined(folder: Path, wave: str = BEEP, **settings: object) -> Master:
    recording = tone(folder / "recording.wav", wave=wave, duration_s=6, rate_hz=48000)
    table = AudioTable.model_validate(settings)
    target = folder / "a.mp3"
    return make_master(
        recording, target, settings=table, folder=folder, ffmpeg=FFMPEG, report=ignore_progress
    )


def test_words_are_found_where_the_timeline_says(tmp_path: Path) -> None:
    """With an intro and an outro a sound of the recording lies at its media time, to the millisecond."""
    jingle = tone(tmp_path / "jingle.mp3", wave="0.1*sin(2*PI*300*t)|0.1*sin(2*PI*300*t)", duration_s=3.217)
    made = joined(tmp_path, intro=jingle.name, outro=jingle.name)
    intro, outro = made.timeline.inserts
    heard = np.abs(samples(made.path)[0])
    search = slice(int((intro.duration_s + 1) * RATE_HZ), int((intro.duration_s + 5) * RATE_HZ))
    beep_s = search.start / RATE_HZ + np.argmax(heard[search] > heard[search].max() / 2) / RATE_HZ
    assert intro.duration_s == pytest.approx(3.217, abs=0.03)
    assert made.duration_s == pytest.approx(6 + intro.duration_s + outro.duration_s, abs=0.002)
    assert beep_s == pytest.approx(made.timeline.to_media(2.0), abs=0.002)


def test_end_of_the_recording_is_before_the_outro() -> None:
    """A word that ends with the recording is not moved behind the outro."""
    both = PreparedInserts(intro=PreparedInsert(Path("a"), 2.5), outro=PreparedInsert(Path("b"), 4.0))
    for recording_s in (60.0, 60.0004, 60.0006):
        timeline = both.timeline(recording_s)
        assert timeline.to_media(0) == 2.5
        assert timeline.to_media(round(recording_s, 3)) == pytest.approx(62.5, abs=0.0011)


def test_inserts_are_as_loud_as_the_episode_and_faded(tmp_path: Path) -> None:
    """A quiet jingle is raised to the episode's loudness and starts and ends in silence."""
    tone(tmp_path / "jingle.wav", wave="0.01*sin(2*PI*997*t)", duration_s=4)
    made = joined(tmp_path, wave=TONE, intro="jingle.wav", fade_s=1.0)
    intro = make_audio(tmp_path / "intro.wav", "-i", str(made.path), "-ss", "1.2", "-t", "1.6")
    heard = measure_loudness(intro, duration_s=1.6, ffmpeg=FFMPEG, report=ignore_progress)
    waves = np.abs(samples(made.path)[0])
    assert heard.integrated_lufs == pytest.approx(-19, abs=1)
    assert waves[:441].max() < 0.01 < 0.05 < waves[2 * RATE_HZ : 2 * RATE_HZ + 441].max()
    assert waves[int(3.98 * RATE_HZ) : 4 * RATE_HZ].max() < 0.02


def test_same_inserts_give_the_same_bytes(tmp_path: Path) -> None:
    """Joining is as deterministic as mastering."""
    tone(tmp_path / "jingle.wav", duration_s=1.5)
    first, second = (joined(tmp_path, outro="jingle.wav").path.read_bytes() for _ in range(2))
    assert first == second


def test_missing_insert_is_named(tmp_path: Path) -> None:
    """A name in show.toml without a file is an error before anything is made."""
    with pytest.raises(AudioError, match=r"none\.wav: is not there"):
        joined(tmp_path, intro="none.wav")
    assert not (tmp_path / "a.mp3").exists()


def test_long_insert_is_refused(tmp_path: Path) -> None:
    """An intro of minutes is refused: pydub would hold it in memory."""
    tone(tmp_path / "long.wav", duration_s=121, rate_hz=8000)
    with pytest.raises(AudioError, match="is 121 s long; an intro or outro has at most 120 s"):
        joined(tmp_path, intro="long.wav")
