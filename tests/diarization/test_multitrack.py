"""One microphone each: exact speakers, no word twice, both where two speak at once, a level mix."""

import json
import re
import wave
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from podcast_pipeline.audio.ffmpeg import Ffmpeg, find_ffmpeg
from podcast_pipeline.audio.loudness import measure_loudness
from podcast_pipeline.audio.source import check_audio
from podcast_pipeline.audio.tracks import Track, check_tracks, extract_track, mix_tracks
from podcast_pipeline.diarization.crosstalk import Excerpt, find_activity, track_levels_db
from podcast_pipeline.diarization.multitrack import transcribe_tracks
from podcast_pipeline.errors import AudioError
from podcast_pipeline.model import Progress, ProgressCallback, Transcript, Word
from podcast_pipeline.transcription import TranscriptionOptions
from podcast_pipeline.transcription.decode import Recording
from podcast_pipeline.transcription.segments import to_segments
from tests.support.paths import ROOT
from tests.support.show import SLUG, ShowFolder, build_show_folder

RATE_HZ = 16_000
HOST, GUEST = (
    ((0.3, 7.9), (16.3, 28.6)),
    ((8.55, 15.7), (29.3, 37.7)),
)  # turns of the sample, with their pauses
EARLIER_S = 1.6  # the guest begins before the host has ended
BLEED = 0.1  # -20 dB
LENGTH_S = 38.0
REFERENCE = (ROOT / "tests/data/sample/reference.txt").read_text().splitlines()
Samples = NDArray[np.float32]


def silent(_: object) -> None:
    """Ignore progress."""


def write(path: Path, *channels: Samples) -> Path:
    """Write 16-bit WAV."""
    frames = np.stack(channels, axis=1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((np.clip(frames, -1, 1) * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def microphones() -> tuple[Samples, Samples]:
    """Host and guest of the sample, talking over each other, each in the other's microphone at -20 dB."""
    sample = np.concatenate(list(Recording(ROOT / "episodes" / SLUG / "source.flac").blocks()))
    noise = np.random.default_rng(4).normal(0, 3e-4, (2, int(LENGTH_S * RATE_HZ))).astype(np.float32)
    voices = np.zeros_like(noise)
    for voice, turns, earlier_s in ((voices[0], HOST, 0.0), (voices[1], GUEST, EARLIER_S)):
        for start_s, end_s in turns:
            turn = sample[int(start_s * RATE_HZ) : int(end_s * RATE_HZ)]
            at = int((start_s - earlier_s) * RATE_HZ)
            voice[at : at + len(turn)] = turn
    host, guest = voices
    return host + BLEED * guest + noise[0], 0.5 * (guest + BLEED * host + noise[1])


def test_each_track_is_active_where_its_speaker_speaks(microphones: tuple[Samples, Samples]) -> None:
    """Bleed at -20 dB is not activity; overlap is activity of both; a quieter microphone changes nothing."""
    rows = np.stack([track_levels_db([track]) for track in microphones])
    host, guest = find_activity(rows).stretches
    assert sum(b - a for a, b in host) == pytest.approx(sum(b - a for a, b in HOST), abs=3)
    assert not any(9.0 < moment < 15.5 for pair in host for moment in pair)
    assert any(a < 7.5 and b > 13.5 for a, b in guest)  # begins over the host's last words


def test_a_track_with_bleed_only_is_not_active() -> None:
    """A track whose speaker is silent has no active stretch."""
    rng = np.random.default_rng(1)
    voice = rng.normal(0, 0.1, 20 * RATE_HZ).astype(np.float32) * (
        np.arange(20 * RATE_HZ) // RATE_HZ % 3 == 0
    )
    noise = rng.normal(0, 2e-4, (2, len(voice)))
    rows = np.stack([track_levels_db([voice + noise[0]]), track_levels_db([BLEED * voice + noise[1]])])
    voice_stretches, bleed_stretches = find_activity(rows).stretches
    assert len(voice_stretches) == 7
    assert bleed_stretches == []


def test_an_excerpt_keeps_times() -> None:
    """A speaker's turns are joined across blocks, and a word in the excerpt has its time in the track."""
    blocks = [np.arange(RATE_HZ, dtype=np.float32) + i * RATE_HZ for i in range(4)]
    excerpt = Excerpt.of([(0.5, 1.2), (3.0, 3.5)], margin_s=0.1)
    cut = np.concatenate(list(excerpt.cut(blocks)))
    for begin_s, end_s in ((0.2, 0.4), (1.0, 1.5)):
        start_s, stop_s = excerpt.to_track_times(begin_s, end_s)
        assert start_s == pytest.approx(cut[round(begin_s * RATE_HZ)] / RATE_HZ, abs=1e-3)
        assert stop_s == pytest.approx(cut[round(end_s * RATE_HZ)] / RATE_HZ, abs=1e-3)
    assert excerpt.to_track_times(0.7, 0.95) == pytest.approx((1.1, 1.3))  # not into the pause


def test_words_of_two_microphones_have_exact_speakers(
    tmp_path: Path, microphones: tuple[Samples, Samples]
) -> None:
    """With two `--track`: each word once, with its speaker, overlapping sentences whole, both names."""
    show = build_show_folder(tmp_path / "show")
    both = write(tmp_path / "both.wav", *microphones, np.zeros_like(microphones[0]))
    refused = show.run("publish", str(both))
    assert refused.returncode == 1
    assert "--track" in refused.stderr
    tracks = ("--track", f"Ann={both}:1", "--track", f"Bob={both}:2")
    done = show.run("ingest", *tracks, "--slug", "both", "--title", "Both")
    assert done.returncode == 0, done.stderr
    again = show.run("--json", "ingest", *tracks)
    assert json.loads(again.stdout)["slug"] == "both"
    done = show.run("transcribe", "both", "--output", str(tmp_path / "out"), "--format", "vtt")
    assert done.returncode == 0, done.stderr
    words_by_speaker = spoken(show, "both")
    assert list(words_by_speaker) == ["Ann", "Bob"]
    for name, lines in (("Ann", REFERENCE[0:3:2]), ("Bob", REFERENCE[1:4:2])):
        true, ours = Counter(plain(" ".join(lines))), Counter(words_by_speaker[name])
        assert sum((ours - true).values()) <= 3, ours - true  # tiny.en mishears a word or two
        assert sum((true - ours).values()) <= 3, true - ours
    assert "<v Ann>" in (tmp_path / "out/both.vtt").read_text()


class ScriptedTranscriber:
    """A transcriber that has the words of each file by its name; words are (text, start_s)."""

    def __init__(self, **words: list[tuple[str, float]]) -> None:
        self.words = words
        self.languages: list[str | None] = []
        self.announced_s: list[float | None] = []

    def transcribe(
        self,
        recording: Path,
        *,
        options: TranscriptionOptions,
        report: ProgressCallback,
        announced_s: float | None = None,
    ) -> Transcript:
        """Return the words of a file."""
        self.languages.append(options.language)
        self.announced_s.append(announced_s)
        for done in (0, 3, 10):
            report(Progress(step="transcribe", done=done, total=10, unit="s"))
        said = [
            Word(text=f" {text}", start_s=at_s, end_s=at_s + 0.3)
            for text, at_s in self.words[recording.stem.split(".")[0].replace("-", "_")]
        ]
        return Transcript(language="en", duration_s=LENGTH_S, segments=to_segments(said))


def test_the_words_of_mix_and_tracks_are_merged(tmp_path: Path, microphones: tuple[Samples, Samples]) -> None:
    """What only the mix has, and what both readings have, is there once, with its speaker and time."""
    host, guest = microphones
    tracks = [Track("Ann", write(tmp_path / "a.wav", host)), Track("Bob", write(tmp_path / "b.wav", guest))]
    mix = write(tmp_path / "mix.wav", host + guest)
    transcriber = ScriptedTranscriber(
        mix=[("him", 2.0), ("not", 5.2), ("reciter", 11.0)],
        track_0=[("him", 1.85)],
        track_1=[("reciter", 4.2)],  # of the excerpt: the guest begins at 7 s
    )
    told = transcribe_tracks(
        tracks,
        mix,
        transcriber,
        options=TranscriptionOptions(),
        ffmpeg=Ffmpeg(find_ffmpeg()),
        report=silent,
    )
    said = [(told.speaker_name(s.speaker), s.text) for s in told.segments]
    assert said == [("Ann", "him"), ("Ann", "not"), ("Bob", "reciter")]
    assert [s.start_s for s in told.segments] == pytest.approx([2.0, 5.2, 11.0], abs=0.3)
    assert told.dropped == ()
    assert transcriber.languages == [None, "en", "en"]


def test_mix_and_tracks_are_one_step(tmp_path: Path, microphones: tuple[Samples, Samples]) -> None:
    """The progress grows over all readings and ends once; one line tells the time of all of them."""
    host, guest = microphones
    tracks = [Track("Ann", write(tmp_path / "a.wav", host)), Track("Bob", write(tmp_path / "b.wav", guest))]
    transcriber = ScriptedTranscriber(mix=[("him", 2.0)], track_0=[("him", 1.85)], track_1=[])
    events: list[Progress] = []
    transcribe_tracks(
        tracks,
        write(tmp_path / "mix.wav", host + guest),
        transcriber,
        options=TranscriptionOptions(),
        ffmpeg=Ffmpeg(find_ffmpeg()),
        report=events.append,
    )
    told = [event for event in events if event.step == "transcribe"]
    done_s = [event.done for event in told]
    assert (done_s[0], done_s, {event.total for event in told}) == (0, sorted(done_s), {told[0].total})
    assert done_s[2] == pytest.approx(LENGTH_S, abs=0.1)
    assert done_s[-1] == pytest.approx(told[0].total)
    assert LENGTH_S * 1.3 < told[0].total < LENGTH_S * 2
    assert transcriber.announced_s == [told[0].total, 0, 0]


class BilingualTranscriber(ScriptedTranscriber):
    """A transcriber to whom the second track is in French."""

    def transcribe(
        self,
        recording: Path,
        *,
        options: TranscriptionOptions,
        report: ProgressCallback,
        announced_s: float | None = None,
    ) -> Transcript:
        """Return the words of a file, those of the second track in French."""
        told = super().transcribe(recording, options=options, report=report, announced_s=announced_s)
        return told.model_copy(update={"language": "fr"}) if "track-1" in recording.stem else told


def test_each_track_has_its_languages(tmp_path: Path, microphones: tuple[Samples, Samples]) -> None:
    """With a list of languages no track must be in the mix's; French is marked in the merged words."""
    host, guest = microphones
    tracks = [Track("Ann", write(tmp_path / "a.wav", host)), Track("Bob", write(tmp_path / "b.wav", guest))]
    transcriber = BilingualTranscriber(mix=[("him", 2.0)], track_0=[("him", 1.85)], track_1=[("lui", 4.2)])
    told = transcribe_tracks(
        tracks,
        write(tmp_path / "mix.wav", host + guest),
        transcriber,
        options=TranscriptionOptions(languages=("en", "fr")),
        ffmpeg=Ffmpeg(find_ffmpeg()),
        report=silent,
    )
    assert [(segment.text, segment.language) for segment in told.segments] == [("him", None), ("lui", "fr")]
    assert transcriber.languages == [None, None, None]


@pytest.mark.parametrize(
    ("of_bob", "doubts"),
    [
        ("tell me now", [("Ann", ("speaker",)), ("Bob", ("speaker",))]),
        ("who are you", [("Ann", ()), ("Bob", ())]),
        ("now", [("Ann", ()), ("Bob", ())]),
    ],
)
def test_one_sentence_of_two_speakers_at_once_is_doubtful(
    tmp_path: Path, of_bob: str, doubts: list[tuple[str, tuple[str, ...]]]
) -> None:
    """Where two tracks have nearly the same words at one time, a person should listen to both."""
    noise = np.random.default_rng(2).normal(0, 3e-4, (2, 12 * RATE_HZ)).astype(np.float32)
    noise[0, 1 * RATE_HZ : 6 * RATE_HZ] *= 300  # Ann speaks, and Bob from 3 s on
    noise[1, 3 * RATE_HZ : 9 * RATE_HZ] *= 300
    tracks = [
        Track(name, write(tmp_path / f"{name}.wav", samples))
        for name, samples in zip(("Ann", "Bob"), noise, strict=True)
    ]
    transcriber = ScriptedTranscriber(
        mix=[],
        track_0=[(word, 2.66 + 0.3 * place) for place, word in enumerate(["tell", "me", "now"])],
        track_1=[(word, 0.66 + 0.3 * place) for place, word in enumerate(of_bob.split())],  # both at 3.5 s
    )
    told = transcribe_tracks(
        tracks,
        write(tmp_path / "mix.wav", noise[0] + noise[1]),
        transcriber,
        options=TranscriptionOptions(),
        ffmpeg=Ffmpeg(find_ffmpeg()),
        report=silent,
    )
    assert sorted((told.speaker_name(s.speaker), s.doubts) for s in told.segments) == doubts


def spoken(show: ShowFolder, slug: str) -> dict[str, list[str]]:
    """Return name -> words of transcript.json."""
    document = json.loads((show.folder / "episodes" / slug / "transcript.json").read_text())
    names = {speaker["id"]: speaker["name"] for speaker in document["speakers"]}
    starts = [segment["words"][0]["start_s"] for segment in document["segments"]]
    assert starts == sorted(starts)
    words_by_speaker: dict[str, list[str]] = {name: [] for name in names.values()}
    for segment in document["segments"]:
        words_by_speaker[names[segment["speaker"]]] += plain(
            "".join(word["text"] for word in segment["words"])
        )
    return words_by_speaker


def plain(text: str) -> list[str]:
    """Return words as they are compared."""
    return re.findall(r"[a-z']+", text.lower())


def test_the_mix_has_every_speaker_equally_loud(tmp_path: Path, microphones: tuple[Samples, Samples]) -> None:
    """A microphone at half the level is as loud in the mix; equal tracks give equal bytes."""
    ffmpeg = Ffmpeg(find_ffmpeg())
    tracks = [
        Track(name, write(tmp_path / f"{name}.wav", samples))
        for name, samples in zip("ab", microphones, strict=True)
    ]
    targets = [tmp_path / "one.flac", tmp_path / "two.flac"]
    for target in targets:
        mix_tracks(tracks, target, ffmpeg=ffmpeg, report=silent)
    assert targets[0].read_bytes() == targets[1].read_bytes()
    assert check_audio(targets[0], report=silent).duration_s == pytest.approx(LENGTH_S, abs=0.05)
    parts = []
    for start_s in (1.0, 9.0):  # the host alone, the guest alone
        part = tmp_path / f"{start_s}.wav"
        whole = np.concatenate(list(Recording(targets[0]).blocks()))
        write(part, whole[int(start_s * RATE_HZ) : int((start_s + 4) * RATE_HZ)])
        parts.append(measure_loudness(part, duration_s=4, ffmpeg=ffmpeg, report=silent).integrated_lufs)
    assert parts[0] == pytest.approx(parts[1], abs=2.5)


def test_one_channel_is_extracted(tmp_path: Path) -> None:
    """FILE:2 is the second channel and nothing of the others, of a file with more than two."""
    tone = (0.5 * np.sin(np.arange(2 * RATE_HZ) / 10)).astype(np.float32)
    four = write(tmp_path / "four.wav", 0 * tone, tone, 0 * tone, 0 * tone)
    extract_track(
        Track("b", four, 2), tmp_path / "b.wav", rate_hz=RATE_HZ, ffmpeg=Ffmpeg(find_ffmpeg()), report=silent
    )
    (samples,) = [np.concatenate(list(Recording(tmp_path / "b.wav").blocks()))]
    assert np.abs(samples - tone).max() < 1e-3


def test_tracks_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    """Each refusal names the file and says what to do."""
    tone = (0.5 * np.sin(np.arange(10 * RATE_HZ) / 10)).astype(np.float32)
    long, short = write(tmp_path / "long.wav", tone), write(tmp_path / "short.wav", tone[: 4 * RATE_HZ])
    four = write(tmp_path / "four.wav", *[tone] * 4)
    cases = {
        "export all tracks from the same start": [Track("a", long), Track("b", short)],
        "has no channel 5": [Track("a", four, 1), Track("b", four, 5)],
        "name b's": [Track("a", long), Track("b", four)],
        "is given twice": [Track("a", long), Track("b", long)],
        "the same name": [Track("Ann", long), Track("ann", four, 1)],
        "two or more": [Track("a", long)],
    }
    for message, tracks in cases.items():
        with pytest.raises(AudioError, match=message):
            check_tracks(tracks, report=silent)
