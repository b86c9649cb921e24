from pathlib import Path

import numpy as np
import pytest
from mutagen.mp3 import BitrateMode

from podcast_pipeline.audio import master as mastering
from podcast_pipeline.audio.loudness import Loudness, measure_loudness
from podcast_pipeline.audio.master import GainSettings, Master, make_master
from podcast_pipeline.audio.source import check_audio
from podcast_pipeline.config import AudioTable
from podcast_pipeline.errors import AudioError
from podcast_pipeline.model import ProgressCallback
from tests.support.audio_files import (
    FFMPEG,
    SAMPLE,
    TONE,
    ignore_progress,
    make_audio,
    mp3_info,
    samples,
    tone,
    truncate,
)


def master(
    recording: Path, target: Path, report: ProgressCallback = ignore_progress, **settings: object
) -> Master:
    table = AudioTable.model_validate(settings)
    return make_master(recording, target, settings=table, folder=target.parent, ffmpeg=FFMPEG, report=report)


def count_encodes(recording: Path, target: Path) -> tuple[Master, int]:
    """Make a master; return it and how often it was encoded."""
    seen = set[str]()
    made = master(recording, target, report=lambda event: seen.add(event.step))
    return made, sum(step.startswith("master") for step in seen)


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of the sample as 48 kHz stereo, one side quieter."""
    target = tmp_path_factory.mktemp("speech") / "speech.wav"
    return make_audio(
        target, "-i", str(SAMPLE), "-t", "20", "-af", "pan=stereo|c0=c0|c1=0.6*c0", "-ar", "48000"
    )


def test_sample_is_mastered_for_mono(tmp_path: Path) -> None:
    """The mono sample becomes mono at -19 LUFS, below -1 dBTP, exactly as long as the recording."""
    made = master(SAMPLE, tmp_path / "a.mp3")
    assert made.before_lufs == pytest.approx(-24.5, abs=0.2)
    assert made.after.integrated_lufs == pytest.approx(-19, abs=0.3)
    assert made.after.true_peak_dbtp <= -1
    assert made.duration_s == 71.13
    assert made.size_bytes == made.path.stat().st_size
    assert made.timeline.inserts == ()


def test_stereo_is_mastered_for_stereo(speech: Path, tmp_path: Path) -> None:
    """A stereo recording stays stereo at -16 LUFS, and its sides keep their balance."""
    made = master(speech, tmp_path / "a.mp3")
    left, right = np.sqrt((samples(made.path) ** 2).mean(axis=1))
    assert made.after.integrated_lufs == pytest.approx(-16, abs=0.3)
    assert made.after.true_peak_dbtp <= -1
    assert right / left == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize(
    "filters",
    ["volume=-25dB", "volume=14dB,alimiter=limit=1:level=disabled", "volume='if(gt(t,10),3,0.1)':eval=frame"],
    ids=["very quiet", "clipped", "uneven"],
)
def test_difficult_recordings_meet_the_numbers(tmp_path: Path, filters: str) -> None:
    """The MP3 of any recording is within 0.3 LU of the target and below the peak."""
    path = make_audio(tmp_path / "a.flac", "-i", str(SAMPLE), "-t", "20", "-af", filters)
    made = master(path, tmp_path / "a.mp3")
    assert made.after.integrated_lufs == pytest.approx(-19, abs=0.3)
    assert made.after.true_peak_dbtp <= -1


def test_settings_are_followed(speech: Path, tmp_path: Path) -> None:
    """The master has the loudness, peak and bitrate of show.toml."""
    made = master(
        speech, tmp_path / "a.mp3", loudness_stereo_lufs=-20, true_peak_dbtp=-3, bitrate_stereo_kbps=192
    )
    assert made.after.integrated_lufs == pytest.approx(-20, abs=0.3)
    assert made.after.true_peak_dbtp <= -3
    assert mp3_info(made.path).bitrate == 192_000


def test_loudness_between_words_is_kept(tmp_path: Path) -> None:
    """Gain is linear: a part recorded 12 dB quieter is 12 dB quieter in the master."""
    wave = "sin(2*PI*440*t)*if(lt(mod(t\\,4)\\,2)\\,0.2\\,0.05)"
    made = master(tone(tmp_path / "a.wav", wave=wave, duration_s=12), tmp_path / "a.mp3")
    heard = samples(made.path)[0]
    loud, quiet = (np.sqrt((heard[at * 44100 : (at + 1) * 44100] ** 2).mean()) for at in (4, 6))
    assert 20 * np.log10(loud / quiet) == pytest.approx(12.04, abs=0.2)


def test_same_input_gives_same_bytes(speech: Path, tmp_path: Path) -> None:
    """Two runs give the same file, without tags and without a date."""
    first, second = (master(speech, tmp_path / name).path.read_bytes() for name in ("a.mp3", "b.mp3"))
    assert first == second
    assert first[:2] == b"\xff\xfb"
    assert b"TAG" not in first[-128:-125]


def test_player_sees_the_right_length(speech: Path, tmp_path: Path) -> None:
    """The Info header's length, which players show, is the decoded one to within one MP3 frame."""
    made = master(speech, tmp_path / "a.mp3")
    info = mp3_info(made.path)
    assert not info.sketchy
    assert info.bitrate_mode == BitrateMode.CBR
    assert info.length == pytest.approx(made.duration_s, abs=2 * 1152 / 44100)
    assert samples(made.path).shape == (2, 20 * 44100)


def test_nothing_is_left_of_a_failure(tmp_path: Path) -> None:
    """A refused recording leaves neither a target nor a part of it, and an old target stays."""
    whole = tone(tmp_path / "whole.wav", duration_s=20)
    target = tmp_path / "out" / "a.mp3"
    target.parent.mkdir()
    target.write_bytes(b"old")
    with pytest.raises(AudioError, match="truncated"):
        master(truncate(whole, tmp_path / "a.wav", share=0.5), target)
    assert [path.name for path in target.parent.iterdir()] == ["a.mp3"]
    assert target.read_bytes() == b"old"


@pytest.mark.parametrize("noise", ["0.0015*sin(2*PI*50*t)", "0.002*(random(0)-0.5)"])
def test_hum_is_not_made_loud(tmp_path: Path, noise: str) -> None:
    """A recording of nothing but faint hum or hiss is refused instead of raised by fifty decibels."""
    with pytest.raises(AudioError, match="has only faint hum or hiss"):
        master(tone(tmp_path / "a.wav", wave=noise, duration_s=5), tmp_path / "a.mp3")


def test_a_very_quiet_voice_is_raised(tmp_path: Path) -> None:
    """Speech 45 dB below what is usual becomes as loud as any other, and it is told before the work."""
    quiet = make_audio(
        tmp_path / "a.wav", *("-i", str(SAMPLE), "-t", "12", "-af", "volume=-45dB", "-c:a", "pcm_s24le")
    )
    made = master(quiet, tmp_path / "a.mp3")
    assert made.before_lufs < -60
    assert made.after.integrated_lufs == pytest.approx(-19, abs=0.5)
    (finding,) = check_audio(quiet, report=ignore_progress).findings
    assert (finding.kind, "raised by about 4" in finding.message) == ("very quiet", True)


@pytest.mark.parametrize("order", [("stereo", "mono"), ("mono", "stereo")])
@pytest.mark.parametrize("suffix", ["mp3", "aac"])
def test_a_stream_that_changes_is_one_master(tmp_path: Path, order: tuple[str, str], suffix: str) -> None:
    """Parts of other rates and channels are joined once, behind the intro, with all of their sound."""
    parts = {"stereo": ("0.25*sin(2*PI*330*t)|0.25*sin(2*PI*330*t)", 44_100), "mono": (TONE, 48_000)}
    files = [
        tone(tmp_path / f"{n}.{suffix}", wave=parts[name][0], rate_hz=parts[name][1])
        for n, name in enumerate(order)
    ]
    joined = tmp_path / f"joined.{suffix}"
    joined.write_bytes(b"".join(file.read_bytes() for file in files))
    intro = tone(tmp_path / "intro.wav", duration_s=2)
    source = check_audio(joined, report=ignore_progress)
    assert (source.channels, source.is_uniform) == (2, False)
    assert source.duration_s == pytest.approx(6, abs=0.25)
    made = master(joined, tmp_path / "made.mp3", intro=str(intro))
    assert made.duration_s == pytest.approx(source.duration_s + 2, abs=0.1)


LEVELS = {
    "as it is": "anull",
    "quiet": "volume=-30dB",
    "clipped": "volume=24dB,aformat=s16",
    "compressed": "acompressor=threshold=0.05:ratio=8:makeup=8",
    "stereo": "pan=stereo|c0=c0|c1=0.5*c0",
    "pauses": "apad=pad_dur=15",
}


@pytest.mark.parametrize("name", LEVELS)
def test_one_encode_is_enough(name: str, tmp_path: Path) -> None:
    """What limiter and encoder do to an ordinary recording is known before, at any level."""
    recording = make_audio(tmp_path / "a.wav", "-i", str(SAMPLE), "-t", "20", "-af", LEVELS[name])
    made, encodes = count_encodes(recording, tmp_path / "a.mp3")
    assert made.after.integrated_lufs == pytest.approx(-16 if name == "stereo" else -19, abs=0.25)
    assert (made.after.true_peak_dbtp <= -1, encodes) == (True, 1)


def test_a_peak_over_the_limit_is_encoded_again(
    speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An MP3 that overshoots by more than was left for it is made once more, with a lower ceiling."""
    monkeypatch.setattr(mastering, "OVERSHOOTS_DB", {1: -0.5})
    made, encodes = count_encodes(speech, tmp_path / "a.mp3")
    assert (made.after.true_peak_dbtp <= -1, encodes) == (True, 2)
    assert made.after.integrated_lufs == pytest.approx(-16, abs=0.25)


def test_few_peaks_over_the_limit_need_no_second_encode(
    speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are lowered in the MP3, and the measurements are those of the lowered file."""
    monkeypatch.setattr(mastering, "OVERSHOOTS_DB", {1: 0.1})
    made, encodes = count_encodes(speech, tmp_path / "a.mp3")
    assert (made.after.true_peak_dbtp <= -1, encodes) == (True, 1)
    assert made.after.integrated_lufs == pytest.approx(-16, abs=0.25)
    heard = measure_loudness(made.path, duration_s=20, ffmpeg=FFMPEG, report=ignore_progress)
    assert (made.after, made.duration_s) == (heard, 20)


def test_an_uneven_recording_is_used_as_it_is(tmp_path: Path) -> None:
    """Where the limiter takes what gain gives, the master stays below the loudness, and is encoded once."""
    clicks = "0.9*lt(mod(t\\,2)\\,0.01)*sin(2*PI*800*t)+0.001*sin(2*PI*300*t)"
    made, encodes = count_encodes(tone(tmp_path / "a.wav", wave=clicks, duration_s=20), tmp_path / "a.mp3")
    assert (made.after.integrated_lufs < -19.25, made.after.true_peak_dbtp <= -1) == (True, True)
    assert encodes == 1


def test_the_mp3_is_measured_while_it_is_written(speech: Path, tmp_path: Path) -> None:
    """The measurements are those of the file on the disk."""
    made = master(speech, tmp_path / "a.mp3")
    heard = measure_loudness(made.path, duration_s=20, ffmpeg=FFMPEG, report=ignore_progress)
    assert made.after == heard


def test_what_a_flac_has_lost_is_silence(tmp_path: Path) -> None:
    """Nothing after the fault is earlier in the master, and in the transcript, than it was said."""
    whole = tone(tmp_path / "whole.flac", duration_s=6).read_bytes()
    middle = len(whole) // 2
    damaged = tmp_path / "damaged.flac"
    damaged.write_bytes(whole[:middle] + bytes(20) + whole[middle + 20 :])
    source = check_audio(damaged, report=ignore_progress)
    assert (source.is_uniform, source.duration_s) == (False, 6)
    assert 0.02 < source.lost_s < 0.2
    made = master(damaged, tmp_path / "made.mp3")
    assert made.duration_s == pytest.approx(6, abs=0.01)


def test_a_flac_that_has_lost_much_is_refused(tmp_path: Path) -> None:
    """The line has the seconds, and what to do."""
    whole = tone(tmp_path / "whole.flac", duration_s=6).read_bytes()
    damaged = tmp_path / "damaged.flac"
    damaged.write_bytes(whole[: len(whole) // 2] + whole[len(whole) // 2 + len(whole) // 6 :])
    with pytest.raises(AudioError, match=r"is damaged: [01]\.\d s cannot be decoded; copy it again"):
        check_audio(damaged, report=ignore_progress)


def test_levels_are_corrected_by_what_was_heard() -> None:
    """Loudness that is off moves the gain; a peak that is over lowers the ceiling; the rest stays."""
    levels = GainSettings(recording_db=5, whole_db=0, ceiling_dbfs=-1)
    right = Loudness(integrated_lufs=-16.1, true_peak_dbtp=-1.0, range_lu=5)
    wrong = Loudness(integrated_lufs=-17.0, true_peak_dbtp=-0.4, range_lu=5)
    assert levels.corrected(right, target_lufs=-16, max_true_peak_dbtp=-1) == levels
    corrected = levels.corrected(wrong, target_lufs=-16, max_true_peak_dbtp=-1)
    assert (corrected.recording_db, corrected.whole_db) == (5, 1)
    assert corrected.ceiling_dbfs == pytest.approx(-1.7)


@pytest.mark.parametrize(("measured_lufs", "moved_db"), [(-19.0, 0), (-8.7, -7.3)])
def test_an_uneven_recording_is_lowered_and_never_raised(measured_lufs: float, moved_db: float) -> None:
    """The limiter takes what more gain gives; a master over the target would hurt in the ears."""
    levels = GainSettings(recording_db=5, whole_db=0, ceiling_dbfs=-1, is_uneven=True)
    after = Loudness(integrated_lufs=measured_lufs, true_peak_dbtp=-1.0, range_lu=5)
    corrected = levels.corrected(after, target_lufs=-16, max_true_peak_dbtp=-1)
    assert corrected.whole_db == pytest.approx(moved_db)


def test_a_recording_far_over_full_scale_meets_the_numbers(tmp_path: Path) -> None:
    """A float WAV may be louder than the meter can tell (+10 LUFS): what it tells is corrected."""
    far_over = ("-t", "20", "-af", "volume=45dB:precision=double", "-c:a", "pcm_f32le")
    made = master(make_audio(tmp_path / "loud.wav", "-i", str(SAMPLE), *far_over), tmp_path / "a.mp3")
    assert made.after.integrated_lufs <= -18.75
    assert made.after.true_peak_dbtp <= -1
