"""A header that mentions less sound than there is loses nothing silently, whatever the container."""

import struct
import wave
from pathlib import Path

import pytest

from podcast_pipeline.audio.recording import chunks
from podcast_pipeline.audio.recording.chunks import is_short, odd_extent
from podcast_pipeline.audio.recording.opening import RecordingSource, find_source
from podcast_pipeline.audio.source import check_audio
from podcast_pipeline.errors import AudioError
from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ, Recording
from tests.support.audio_files import FFMPEG, ignore_progress, make_audio, tone

WRAP_BYTES = 1 << 22  # of the test: no file of 4 GiB on the disk
FORMATS = {
    "a.wav": (b"data", 4, "<I", 0),
    "rf64.wav": (b"ds64", 16, "<Q", 0),
    "a.w64": (b"data" + bytes.fromhex("f3acd3118cd100c04f8edb8a"), 16, "<Q", 24),
    "a.aiff": (b"SSND", 4, ">I", 8),
    "a.caf": (b"data", 4, ">Q", 4),
}
"""Name -> (chunk, where its size stands behind the name, format of the size, what it counts beside sound)."""


def shorten_header(path: Path, seconds: float) -> Path:
    """Write a length into the header of a 16-bit mono file of 8 kHz, as a lost power supply leaves it."""
    name, at, form, more = FORMATS[path.name]
    data = bytearray(path.read_bytes())
    at += data.index(name)
    struct.pack_into(form, data, at, int(seconds * 16_000) + more)
    if path.suffix == ".aiff":
        struct.pack_into(">I", data, data.index(b"COMM") + 10, int(seconds * 8_000))
    path.write_bytes(data)
    return path


def made(folder: Path, name: str) -> Path:
    """Return 12 seconds in a format."""
    form = ("-rf64", "always") if name == "rf64.wav" else ()
    return tone(folder / name, duration_s=12, rate_hz=8_000, form=form)


@pytest.mark.parametrize("name", FORMATS)
def test_a_right_header_hides_nothing(tmp_path: Path, name: str) -> None:
    """A whole file with chunks behind its sound has no other sound, and is not short."""
    path = made(tmp_path, name)
    assert odd_extent(path) is None
    assert not is_short(path)


@pytest.mark.parametrize("name", ["a.wav", "rf64.wav"])
def test_all_sound_is_taken_and_told(tmp_path: Path, name: str) -> None:
    """Check, engine and ffmpeg read a WAV to its end, and both lengths are told."""
    path = shorten_header(made(tmp_path, name), 4)
    source = check_audio(path, report=ignore_progress)
    assert source.duration_s == pytest.approx(12, abs=0.01)
    assert [finding.kind for finding in source.findings] == ["header"]
    assert "the header says 4.0 s, the file has 12.0 s" in source.findings[0].message
    assert sum(map(len, Recording(path).blocks())) / SAMPLE_RATE_HZ == pytest.approx(12, abs=0.02)
    out = tmp_path / "out.wav"
    arguments = [*find_source(path).arguments, str(out)]
    FFMPEG.run(arguments, subject=path, step="copy", total_s=12, report=ignore_progress)
    assert check_audio(out, report=ignore_progress).duration_s == pytest.approx(12, abs=0.01)


@pytest.mark.parametrize("name", ["a.w64", "a.aiff", "a.caf"])
def test_what_cannot_be_taken_is_refused_with_both_lengths(tmp_path: Path, name: str) -> None:
    """Where libavformat cannot be told to read on, the file is refused by check and by engine."""
    path = shorten_header(made(tmp_path, name), 4)
    for read in (lambda: check_audio(path, report=ignore_progress), lambda: list(Recording(path).blocks())):
        with pytest.raises(AudioError, match=r"the header says 4\.0 s, the file has 12\.0 s"):
            read()


@pytest.mark.parametrize("behind", [bytes(50_000), b"TAG" + bytes(125), b"LIST\x04\0\0\0INFO", b"\0"])
def test_what_is_no_sound_behind_a_wav_is_left_out(tmp_path: Path, behind: bytes) -> None:
    """Zeros of a recorder that reserves room, chunks and small tags are not taken for sound."""
    path = made(tmp_path, "a.wav")
    path.write_bytes(path.read_bytes() + behind)
    source = check_audio(path, report=ignore_progress)
    assert (source.duration_s, source.findings) == (12, ())


@pytest.mark.parametrize("behind", [b"", b"LIST\x04\0\0\0INFO"])
def test_a_size_that_wrapped_at_4_gib_is_undone(
    tmp_path: Path, behind: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 32-bit size wraps: the sound ends where chunks or the file's end follow, 4 GiB (here 4 MiB) later."""
    assert chunks.WRAP_BYTES == 2**32
    monkeypatch.setattr(chunks, "WRAP_BYTES", WRAP_BYTES)
    path, second_bytes = tmp_path / "a.wav", 2 * 48_000
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes(b"\x01\x10" * 48_000)
    with path.open("r+b") as file:
        file.truncate(44 + WRAP_BYTES + second_bytes)
        file.seek(44 + WRAP_BYTES)
        file.write(b"\x01\x10" * 48_000 + behind)
    found = odd_extent(path)
    assert found is not None
    assert (found.start_byte, found.end_byte) == (44, 44 + WRAP_BYTES + second_bytes)
    address = RecordingSource(path, found).address
    assert address.startswith(f"subfile,,start,0,end,{found.end_byte},,:")


def test_zeros_behind_the_sound_are_not_looked_through(tmp_path: Path) -> None:
    """Zeros of a recorder that reserves room end the file for every decoder: ffmpeg would take minutes."""
    path = made(tmp_path, "a.wav")
    whole_bytes = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(whole_bytes + 100_000)
    assert find_source(path).address == f"subfile,,start,0,end,{whole_bytes},,:{path}"
    assert "ignore_length" not in find_source(path).options


def test_a_short_file_is_short(tmp_path: Path) -> None:
    """A file that ends before its sound does is not taken for one with a wrong header."""
    for name in FORMATS:
        path = made(tmp_path, name)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert odd_extent(path) is None
        assert is_short(path)


def test_other_files_have_no_chunks(tmp_path: Path) -> None:
    """A file of another kind, and one that begins like a WAV, are left to the decoder."""
    for number, data in enumerate((b"", b"fLaC", b"RIFF", b"RIFF\0\0\0\0WAVE", b"riff" + bytes(60))):
        path = tmp_path / str(number)
        path.write_bytes(data)
        assert odd_extent(path) is None


def test_a_wrong_header_is_heard_in_a_published_loudness(tmp_path: Path) -> None:
    """What follows the header's length is mastered, too: the file with tone only there is no silence."""
    wave_form = "if(lt(t\\,4)\\,0.0001*sin(t)\\,0.25*sin(2*PI*440*t))"
    path = make_audio(tmp_path / "a.wav", "-f", "lavfi", "-i", f"aevalsrc={wave_form}:s=8000:d=12")
    assert shorten_header(path, 4) is not None
    assert check_audio(path, report=ignore_progress).duration_s == pytest.approx(12, abs=0.01)
