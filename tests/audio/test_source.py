import struct
from pathlib import Path

import numpy as np
import pytest
from mutagen.ogg import OggPage

from podcast_pipeline.audio.source import check_audio, check_sound, played_s
from podcast_pipeline.errors import AudioError
from podcast_pipeline.model import Progress
from tests.support.audio_files import SAMPLE, ignore_progress, make_audio, tone, truncate

TAKEN = {
    "a.wav": (),
    "float.wav": ("-c:a", "pcm_f32le"),
    "bytes.wav": ("-c:a", "pcm_u8"),
    "deep.wav": ("-c:a", "pcm_s24le"),
    "a.aiff": (),
    "a.flac": (),
    "a.mp3": (),
    "no-xing.mp3": ("-q:a", "4", "-write_xing", "0"),
    "a.m4a": (),
    "a.aac": (),
    "a.ogg": (),
    "a.opus": (),
    "a.webm": (),
    "a.wma": ("-c:a", "wmav2"),
    "a.avi": ("-c:a", "aac"),
    "a.wv": (),
    "a.ac3": (),
    "a.eac3": (),
    "a.ts": ("-c:a", "mp2"),
    "a.mpg": ("-c:a", "mp2"),
    "a.au": (),
    "a.tta": (),
    "a.w64": (),
    "a.caf": (),
    "rf64.wav": ("-rf64", "always"),
}
CODECS_OF_FILMS = {".webm": ("libvpx", "libopus"), ".wmv": ("wmv2", "wmav2"), ".flv": ("flv", "aac")}
COUNTED = (
    "a.w64",
    "a.caf",
    "rf64.wav",
    "a.wma",
    "a.avi",
    "a.wav",
    "a.aiff",
    "a.flac",
    "a.mp3",
    "a.ogg",
    "a.opus",
    "a.webm",
)


def refusal(path: Path) -> str:
    with pytest.raises(AudioError) as caught:
        check_audio(path, report=ignore_progress)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value.message


@pytest.mark.parametrize("name", TAKEN)
def test_usual_formats_are_taken(tmp_path: Path, name: str) -> None:
    """Every format a recorder writes is read to its end, whether or not its header carries a length."""
    path = tone(tmp_path / name, duration_s=3, rate_hz=48000, form=TAKEN[name])
    source = check_audio(path, report=ignore_progress)
    assert source.duration_s == pytest.approx(3, abs=0.08)
    assert (source.channels, source.sample_rate_hz) == (1, 48000)


def test_sample_is_counted_exactly() -> None:
    """The length is that of the decoded samples, not of the header."""
    source = check_audio(SAMPLE, report=ignore_progress)
    assert (source.duration_s, source.channels, source.sample_rate_hz) == (71.13, 1, 24000)
    assert source.codec == "flac"


def test_streamed_wav_is_taken(tmp_path: Path) -> None:
    """A WAV whose writer could not go back to fill in the size is whole."""
    path = tone(tmp_path / "a.wav")
    header = bytearray(path.read_bytes())
    at = header.index(b"data") + 4
    header[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(header)
    assert check_audio(path, report=ignore_progress).duration_s == 3


def test_video_with_sound_is_taken(tmp_path: Path) -> None:
    """Of a recorded call only the sound is used."""
    picture = ("-f", "lavfi", "-i", "color=red:s=64x64:d=3:r=5")
    sound = ("-f", "lavfi", "-i", "sine=d=3")
    path = make_audio(tmp_path / "call.mp4", *picture, *sound, "-c:v", "mpeg4", "-c:a", "aac")
    assert check_audio(path, report=ignore_progress).duration_s == pytest.approx(3, abs=0.05)


@pytest.mark.parametrize("name", COUNTED)
def test_truncated_file_is_refused(tmp_path: Path, name: str) -> None:
    """A file that lost its last part is refused, also where its header still states the whole length."""
    whole = tone(tmp_path / f"whole-{name}", duration_s=20)
    assert "truncated" in refusal(truncate(whole, tmp_path / name, share=0.6))


@pytest.mark.parametrize("faststart", [True, False])
def test_truncated_m4a_is_refused(tmp_path: Path, faststart: bool) -> None:
    """An M4A is refused with its index at either end."""
    form = ("-movflags", "+faststart") if faststart else ()
    whole = tone(tmp_path / "whole.m4a", duration_s=20, form=form)
    reason = refusal(truncate(whole, tmp_path / "a.m4a", share=0.6))
    assert "truncated" in reason if faststart else "cannot be read" in reason


def test_tagged_truncated_mp3_is_refused(tmp_path: Path) -> None:
    """The length in the Xing header is found behind ID3 tags too."""
    whole = tone(tmp_path / "whole.mp3", duration_s=20, form=("-metadata", f"title={'x' * 5000}"))
    assert "truncated: " in refusal(truncate(whole, tmp_path / "a.mp3", share=0.6))


def test_file_that_is_no_audio_is_refused(tmp_path: Path) -> None:
    """Text renamed .mp3 is refused, and so is a playlist, which must fetch nothing."""
    text = tmp_path / "text.mp3"
    text.write_text("These are notes.\n" * 1000)
    assert "cannot be read as audio" in refusal(text)
    text.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    assert "is no audio, but a playlist (M3U, HLS)" in refusal(text)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.m3u8", "#EXTM3U\nhttp://127.0.0.1:9/a.ts\n", "is no audio, but a playlist (M3U, HLS)"),
        ("a.asx", "[Reference]\nRef1=http://127.0.0.1:9/a\n", "is no audio, but a playlist (ASX)"),
        ("b.wma", '<ASX version="3.0"><entry/></ASX>', "is no audio, but a playlist (ASX)"),
        ("a.wav", "ffconcat version 1.0\nfile '/etc/passwd'\n", "is no audio, but a playlist (ffconcat)"),
        ("a.mp3", "<MPD><Period/></MPD>", "is no audio, but a page or XML"),
        ("a.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\n", "is no audio, but a session description (SDP)"),
        ("a.mid", "MThd\0\0\0\6\0\0\0\1\0`", "is no audio, but MIDI"),
    ],
)
def test_what_names_other_files_or_has_no_sound_is_named(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    """A playlist is refused as what it is, whatever its name, and nothing that it names is opened."""
    (tmp_path / name).write_text(content)
    assert reason in refusal(tmp_path / name)


def test_a_format_that_is_not_read_has_a_way_out(tmp_path: Path) -> None:
    """A file that is whole, in a format outside the list, gets the command that converts it."""
    path = make_audio(tmp_path / "my talk.nut", "-f", "lavfi", "-i", "sine=d=3")
    assert "convert it: ffmpeg -i 'my talk.nut' recording.wav" in refusal(path)


TAG = "Gespräch mit Müller".encode("cp1252")


def replace_in(path: Path, old: bytes, new: bytes) -> None:
    """Replace bytes by as many others; the page of an Ogg gets its new checksum."""
    data = path.read_bytes()
    assert len(old) == len(new)
    assert old in data
    path.write_bytes(data.replace(old, new))
    if data.startswith(b"OggS"):
        with path.open("r+b") as file:
            while file.tell() < len(data):
                start = file.tell()
                page = OggPage(file)
                file.seek(start)
                file.write(page.write())


@pytest.mark.parametrize(
    "name", ["a.wav", "a.flac", "a.mp3", "a.m4a", "a.ogg", "a.opus", "a.mka", "a.aiff", "a.wma"]
)
def test_a_tag_of_any_encoding_is_no_fault(tmp_path: Path, name: str) -> None:
    """A title in Windows-1252, as editors on European Windows write it, does not matter in any container."""
    form = ("-metadata", f"title={'x' * len(TAG)}", "-id3v2_version", "4")
    path = tone(tmp_path / name, form=form if name == "a.mp3" else form[:2])
    old, new = b"x" * len(TAG), TAG
    if name == "a.wma":
        old, new = old.decode().encode("utf-16-le"), b"\x00\xd8" * len(TAG)  # halves of pairs
    replace_in(path, old, new)
    assert check_audio(path, report=ignore_progress).duration_s == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("behind", ["another", "ape", "zeros", "id3v1"])
def test_what_is_behind_an_mp3_is_no_truncation(tmp_path: Path, behind: str) -> None:
    """Two joined MP3s with their own headers, an APE tag with a cover, and zeros are taken to their end."""
    first = tone(tmp_path / "1.mp3", duration_s=5, form=("-q:a", "4"))
    second = tone(tmp_path / "2.mp3", duration_s=9, wave="0.1*sin(2*PI*880*t)", form=("-q:a", "9"))
    cover = bytes(range(256)) * 200
    size = len(cover) + 32 + 8 + 18
    items = struct.pack("<II", len(cover) + 10, 2) + b"Cover Art (Front)\0" + b"cover.jpg\0" + cover
    header = b"APETAGEX" + struct.pack("<IIII", 2000, size, 1, 0xA0000000) + bytes(8)
    parts = {
        "another": second.read_bytes(),
        "ape": header + items + header,
        "zeros": bytes(60_000),
        "id3v1": b"TAG" + bytes(125),
    }
    path = tmp_path / "joined.mp3"
    path.write_bytes(first.read_bytes() + parts[behind])
    expected_s = 14 if behind == "another" else 5
    assert check_audio(path, report=ignore_progress).duration_s == pytest.approx(expected_s, abs=0.1)


def test_missing_or_empty_file_is_refused(tmp_path: Path) -> None:
    """A name without a file, a folder and a file without bytes each get their own reason."""
    empty = tmp_path / "empty.mp3"
    empty.touch()
    assert "is not there" in refusal(tmp_path / "none.wav")
    assert "is a folder" in refusal(tmp_path)
    assert "is empty" in refusal(empty)


def test_video_without_sound_is_refused(tmp_path: Path) -> None:
    """A video without an audio track is refused."""
    path = make_audio(tmp_path / "a.mp4", "-f", "lavfi", "-i", "color=red:s=64x64:d=3:r=5", "-c:v", "mpeg4")
    assert "has no audio" in refusal(path)


def test_several_tracks_are_refused(tmp_path: Path) -> None:
    """A file of two audio tracks is refused: using only the first would lose a guest."""
    inputs = ("-f", "lavfi", "-i", "sine=d=3", "-f", "lavfi", "-i", "sine=d=3")
    path = make_audio(tmp_path / "a.mkv", *inputs, "-map", "0:a", "-map", "1:a", "-c:a", "flac")
    assert "has 2 audio tracks; take one (`ffmpeg -i 'a.mkv' -map 0:a:0 recording.wav`" in refusal(path)


@pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.mp4", "a.mov", "a.avi", "a.wmv", "a.flv"])
def test_a_picture_that_outlasts_the_sound_is_taken(tmp_path: Path, name: str) -> None:
    """A screen recording whose sound begins later, or ends earlier, is whole."""
    path = film(tmp_path / name)
    assert check_audio(path, report=ignore_progress).duration_s == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.mp4", "a.avi", "a.wmv"])
def test_a_film_without_its_end_is_refused(tmp_path: Path, name: str) -> None:
    """Its container tells that a part is missing, though the sound has no length of its own."""
    path = film(tmp_path / name)
    truncate(path, path, share=0.9)
    assert refusal(path).startswith(("is truncated", "cannot be read as audio"))


def film(path: Path) -> Path:
    """Make a film of eight seconds; its sound, three seconds, begins after two."""
    picture = ("-f", "lavfi", "-i", "testsrc=s=64x64:d=8:r=5", "-itsoffset", "2")
    sound = ("-f", "lavfi", "-i", "sine=d=3:r=44100", "-map", "0:v", "-map", "1:a")
    codecs = CODECS_OF_FILMS.get(path.suffix, ("mpeg4", "aac"))
    return make_audio(path, *picture, *sound, "-c:v", codecs[0], "-c:a", codecs[1])


def test_many_channels_are_refused(tmp_path: Path) -> None:
    """More than two channels are refused: a person has to name the speaker of each."""
    assert "has 3 channels" in refusal(tone(tmp_path / "a.wav", wave="|".join(["0.2*sin(440*t)"] * 3)))


@pytest.mark.parametrize("wave", ["0", "0.0009*sin(2*PI*440*t)"])
@pytest.mark.parametrize("form", ["pcm_u8", "pcm_s16le", "pcm_f32le"])
def test_silence_is_refused(tmp_path: Path, wave: str, form: str) -> None:
    """Digital silence and an unplugged microphone's noise are refused in every sample format."""
    assert "is silent" in refusal(tone(tmp_path / "a.wav", wave=wave, form=("-c:a", form)))


def test_not_a_number_is_refused(tmp_path: Path) -> None:
    """A float file with a NaN or an infinity in it is refused, and the second is named."""
    for number, bad in enumerate((np.nan, np.inf)):
        path = tone(tmp_path / f"{number}.wav", form=("-c:a", "pcm_f32le"))
        data = bytearray(path.read_bytes())
        data[-44100 * 4 : -44100 * 4 + 4] = np.float32(bad).tobytes()
        path.write_bytes(data)
        assert "no numbers at 2 s" in refusal(path)


def test_short_file_is_refused(tmp_path: Path) -> None:
    """Less than a second is an accident, not an episode."""
    assert "is only 0.90 s" in refusal(tone(tmp_path / "a.wav", duration_s=0.9))


def test_name_that_looks_like_an_address_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A colon, a percent sign or a leading dash in a file's name has no effect."""
    monkeypatch.chdir(tmp_path)
    for name in ("http: part 1.wav", "-i 100%d.wav", "Größe 東京.wav"):
        tone(tmp_path / name)
        assert check_audio(Path(name), report=ignore_progress).duration_s == 3


def test_progress_goes_from_nothing_to_all() -> None:
    """The first report is 0, the last is the whole, and it never goes back."""
    seen: list[Progress] = []
    check_audio(SAMPLE, report=seen.append)
    assert seen[0].done == 0
    assert (seen[-1].done, seen[-1].total) == (71.13, 71.13)
    assert [p.done for p in seen] == sorted(p.done for p in seen)


@pytest.mark.parametrize("name", ["a.mp3", "no-xing.mp3"])
@pytest.mark.parametrize("kept", [0, 0.2, 0.9, 1])
def test_sound_is_counted_before_delivery(tmp_path: Path, name: str, kept: float) -> None:
    """A truncated MP3, empty or with the length of the whole one in its header, is not delivered."""
    path = tone(tmp_path / name, duration_s=5, form=TAKEN[name])
    duration_s = check_audio(path, report=ignore_progress).duration_s
    path.write_bytes(path.read_bytes()[: round(path.stat().st_size * kept)])
    if kept == 1:
        check_sound(path, duration_s=duration_s)
    else:
        with pytest.raises(AudioError, match=rf"has \d\.\d s of sound, not {duration_s:.1f} s"):
            check_sound(path, duration_s=duration_s)


def test_zeros_are_no_sound(tmp_path: Path) -> None:
    """A block that never reached the disk is missing from the count, wherever it is."""
    path = tone(tmp_path / "a.mp3", duration_s=5)
    duration_s = check_audio(path, report=ignore_progress).duration_s
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 8192] = bytes(8192)
    path.write_bytes(data)
    with pytest.raises(AudioError, match="of sound, not"):
        check_sound(path, duration_s=duration_s)


def test_an_mp3_with_less_sound_than_its_header_says(tmp_path: Path) -> None:
    """The length that a player shows is exact, and is no promise that the sound does not keep."""
    whole = tone(tmp_path / "whole.mp3", duration_s=10, form=("-c:a", "libmp3lame"))
    assert played_s(whole) == 10
    with pytest.raises(AudioError, match=r"has [45]\.\d s of sound, not 10\.0 s"):
        played_s(truncate(whole, tmp_path / "part.mp3", share=0.5))
