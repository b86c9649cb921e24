"""What is wrong with a recording is found by its levels, and a good recording has no finding."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from podcast_pipeline.audio.recording.findings import LevelReport, RecordingFinding
from podcast_pipeline.audio.recording.levels import PART_S, LevelMeter
from podcast_pipeline.audio.source import check_audio, look_at
from tests.support.audio_files import SAMPLE, ignore_progress, make_audio
from tests.support.sounds import write_wav

RATE_HZ = 16_000
Sound = NDArray[np.float64]


def voice(seconds: float, *, level_db: float = -20, seed: int = 0) -> Sound:
    """Return noise that comes and goes like syllables and sentences."""
    draw = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    syllables = 0.15 + np.abs(np.sin(2 * np.pi * 2.3 * time + seed))
    sentences = np.where((time + seed) % 4 < 3.4, 1, 0.01)
    return np.asarray(draw.normal(0, 10 ** (level_db / 20), len(time)) * syllables * sentences)


def pause(seconds: float) -> Sound:
    """Return the noise of a quiet room."""
    return np.random.default_rng(1).normal(0, 10 ** (-72 / 20), int(seconds * RATE_HZ))


def findings(
    *channels: Sound, is_track: bool = False, is_lossless: bool = True, block: int = 5_000
) -> tuple[RecordingFinding, ...]:
    """Return what is found in samples that arrive in blocks."""
    meter = LevelMeter(is_lossless=is_lossless)
    samples = np.round(np.stack(channels) * 32768) / 32768
    for start in range(0, samples.shape[1], block):
        meter.add(samples[:, start : start + block].astype(np.float32), RATE_HZ)
    return LevelReport(meter.finish(), Path("a talk.wav"), is_lossless, is_track).findings()


def kinds(found: Iterable[RecordingFinding]) -> list[str]:
    return [finding.kind for finding in found]


def turns(seconds: float, count: int) -> Sound:
    """Return 1 where the first of two speakers speaks, else 0: turns of equal length."""
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return np.asarray(time // (seconds / count) % 2 == 0, np.float64)


@pytest.mark.parametrize("block", [160, 5_000, 1_000_000])
def test_a_good_recording_has_no_finding(block: int) -> None:
    """Mono, stereo, and stereo of a room with two speakers at its sides are as they should be."""
    speech = voice(60)
    assert findings(speech, block=block) == ()
    assert findings(speech, 0.8 * speech) == ()
    first, second = voice(60) * turns(60, 8), voice(60, seed=2) * (1 - turns(60, 8))
    assert findings(first + 0.5 * second, 0.5 * first + second) == ()


@pytest.mark.parametrize("gain_db", [12, 20, 30])
@pytest.mark.parametrize("ceiling", [1 - 2**-15, 0.5])
def test_flat_tops_are_clipped(gain_db: float, ceiling: float) -> None:
    """Samples at the limit are found also where they were lowered afterwards, with the place of the first."""
    time = np.arange(36 * RATE_HZ) / RATE_HZ
    vowel = 0.7 * np.sin(2 * np.pi * 150 * time) * np.sin(2 * np.pi * 2.3 * time) ** 2
    loud = np.clip(10 ** (gain_db / 20) * vowel, -1, 1) * ceiling
    (finding,) = findings(np.concatenate([0.9 * ceiling * vowel[: 4 * RATE_HZ], loud]))
    assert finding.kind == "clipped"
    assert finding.at_s == pytest.approx(4, abs=0.5)


def test_a_loud_recording_is_not_clipped() -> None:
    """Peaks that touch full scale now and then are no flat tops, and float above it is not clipped."""
    speech = voice(60)
    assert findings(speech / np.abs(speech).max()) == ()
    assert findings(30 * speech) == ()


def test_clipping_before_a_codec_is_found() -> None:
    """A decoder rounds flat tops; so many samples near full scale are clipped all the same."""
    rounded = np.clip(
        np.clip(20 * voice(30), -1, 1) + np.random.default_rng(3).normal(0, 0.01, 30 * RATE_HZ), -2, 2
    )
    assert kinds(findings(rounded, is_lossless=False)) == ["clipped"]
    assert findings(2 * voice(30), is_lossless=False) == ()


@pytest.mark.parametrize("bleed", [0.0, 0.1, 0.25])
def test_one_voice_in_each_ear_has_the_command(bleed: float) -> None:
    """Two microphones left and right are found, with bleed, and the command names both channels."""
    first, second = voice(60) * turns(60, 8), voice(60, seed=2) * (1 - turns(60, 8))
    (finding,) = findings(first + bleed * second + pause(60), second + bleed * first + pause(60))
    assert finding.kind == "one voice in each ear"
    assert "podcast ingest --track 'HOST=a talk.wav:1' --track 'GUEST=a talk.wav:2'" in finding.message


def test_a_mono_recording_in_one_ear_is_not_two_voices() -> None:
    """All of it on one side is one microphone."""
    assert findings(voice(60), pause(60)) == ()


@pytest.mark.parametrize("apart_db", [12, 16])
@pytest.mark.parametrize("count", [4, 10])
def test_a_quiet_speaker_is_found(apart_db: float, count: int) -> None:
    """A guest far below the host in one mix is told with the difference and a place."""
    first = turns(80, count)
    mix = voice(80, level_db=-18) * first + voice(80, level_db=-18 - apart_db, seed=2) * (1 - first)
    (finding,) = findings(mix)
    assert finding.kind == "quiet speaker"
    assert f"{apart_db} dB quieter" in finding.message
    assert finding.at_s == pytest.approx(80 / count, abs=2)


def test_speakers_nearly_alike_are_no_finding() -> None:
    """A few decibels are ordinary."""
    first = turns(80, 6)
    assert findings(voice(80) * first + voice(80, level_db=-26, seed=2) * (1 - first)) == ()


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ((pause(20), voice(40)), "20 s at 0:00"),
        ((voice(40), pause(60)), "60 s at 0:40"),
        ((voice(40), pause(90), voice(40)), "90 s at 0:40"),
        ((pause(12), voice(40), pause(30), voice(30), pause(15)), "12 s at 0:00, 30 s at 0:52, 15 s at 1:52"),
        ((voice(20), pause(10), voice(20), pause(5)), None),
    ],
)
def test_long_silences_are_listed(parts: tuple[Sound, ...], told: str | None) -> None:
    """Silence at the start, inside and at the end is told with length and place; short ones are pauses."""
    found = findings(np.concatenate(parts))
    assert [finding.message.split(": ")[1].split(";")[0] for finding in found] == ([told] if told else [])


def test_a_creak_does_not_end_a_silence() -> None:
    """A sound of a moment in a long silence is part of it."""
    silent = pause(60)
    silent[30 * RATE_HZ : 30 * RATE_HZ + 1_000] += voice(1)[:1_000]
    assert "60 s at 0:40" in findings(np.concatenate([voice(40), silent]))[0].message


def test_a_very_quiet_recording_has_its_gain() -> None:
    """What will be raised is told with the decibels."""
    (finding,) = findings(voice(40, level_db=-60))
    assert finding.kind == "very quiet"
    assert "raised by about 4" in finding.message


@pytest.mark.parametrize("gain", [-1.0, -0.7])
def test_channels_that_cancel_each_other_are_out_of_phase(gain: float) -> None:
    """One cable wired the other way is told, also where one side is quieter."""
    speech = voice(40)
    assert kinds(findings(speech, gain * speech + pause(40))) == ["out of phase"]


def test_a_track_is_silent_while_others_speak() -> None:
    """Of one speaker's own track neither silence nor two levels are told."""
    track = np.concatenate([pause(30), voice(40), pause(60), voice(30, level_db=-36)])
    assert findings(track, is_track=True) == ()
    assert kinds(findings(np.clip(20 * track, -1, 1), is_track=True)) == ["clipped"]


def test_nothing_is_found_in_silence_or_in_nothing() -> None:
    """Digital silence, one sample and no sample are no recordings to judge."""
    for count in (0, 1, 40 * RATE_HZ):
        assert findings(np.zeros(count)) == ()


def test_memory_is_four_numbers_a_part() -> None:
    """The meter keeps no samples beyond its batch: four hours are half a million numbers."""
    meter = LevelMeter()
    for _ in range(100):
        meter.add(np.zeros((2, 4_800), np.float32), 48_000)
    assert sum(block.shape[1] for block in meter._waiting) < 48_000 * 2
    assert len(meter.finish().mix) == 10 / PART_S


def test_the_sample_has_no_finding() -> None:
    """The sample episode is a good recording."""
    assert check_audio(SAMPLE, report=ignore_progress).findings == ()


@pytest.mark.parametrize("suffix", ["flac", "mp3"])
def test_findings_are_of_what_the_file_holds(tmp_path: Path, suffix: str) -> None:
    """Through a file and its decoder the same is found, for `ingest` and for `transcribe FILE`."""
    wav = write_wav(tmp_path / "a.wav", np.stack([voice(30), -voice(30)], axis=1), rate_hz=RATE_HZ)
    path = make_audio(tmp_path / f"a.{suffix}", "-i", str(wav))
    assert kinds(check_audio(path, report=ignore_progress).findings) == ["out of phase"]
    assert kinds(look_at(path, report=ignore_progress)) == ["out of phase"]


def test_what_cannot_be_read_has_no_findings(tmp_path: Path) -> None:
    """The engine says why it cannot read a file."""
    path = tmp_path / "a.wav"
    path.write_text("no sound")
    assert look_at(path, report=ignore_progress) == ()
