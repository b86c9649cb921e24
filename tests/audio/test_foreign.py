"""Audio files of other hosts: what they are by content, and what is none."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from podcast_pipeline.audio.artwork import identify_picture
from podcast_pipeline.audio.foreign import identify_audio
from podcast_pipeline.errors import AudioError
from podcast_pipeline.model.media_types import AUDIO_TYPES
from tests.support.imported_show import audio_bytes
from tests.support.show import run_ffmpeg

SINE = ("-f", "lavfi", "-i", "sine=duration=3")
FILM = ("-f", "lavfi", "-i", "testsrc=duration=3:size=64x64:rate=5")
MADE = {
    "mp3": (SINE, ".mp3", "audio/mpeg"),
    "m4a": ((*SINE, "-movflags", "+faststart"), ".m4a", "audio/m4a"),
    "mp4": ((*FILM, *SINE, "-c:v", "mpeg4"), ".mp4", "video/mp4"),
    "opus": (SINE, ".opus", "audio/opus"),
    "ogg": ((*SINE, "-c:a", "libvorbis"), ".ogg", "audio/ogg"),
    "flac": (SINE, ".flac", "audio/flac"),
    "wav": (SINE, ".wav", "audio/wav"),
    "aac": (SINE, ".aac", "audio/aac"),
    "webm": ((*SINE, "-c:a", "libopus"), ".webm", "audio/webm"),
    "mka": ((*SINE, "-c:a", "aac"), ".mkv", "audio/x-matroska"),
}
SCRIPT = b"<script>alert(1)</script>"


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """Return the bytes of a file of a format, encoded once."""
    folder = tmp_path_factory.mktemp("made")

    def made(name: str) -> bytes:
        path = folder / f"a.{name}"
        if not path.exists():
            run_ffmpeg(*MADE[name][0], path)
        return path.read_bytes()

    return made


@pytest.mark.parametrize("name", MADE)
def test_a_format_is_known_by_its_content(make: Callable[[str], bytes], tmp_path: Path, name: str) -> None:
    """Under another name too, a file has the suffix and the type of what it is, and its duration."""
    (tmp_path / "a.html").write_bytes(make(name))
    found = identify_audio(tmp_path / "a.html")
    assert (found.suffix, found.content_type) == MADE[name][1:]
    assert found.content_type in AUDIO_TYPES[found.suffix]
    assert found.duration_s == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("name", ["mp3", "m4a", "opus", "flac", "wav"])
def test_half_a_file_is_truncated(make: Callable[[str], bytes], tmp_path: Path, name: str) -> None:
    """A file whose container states more than is there is refused."""
    whole = make(name)
    (tmp_path / "a").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AudioError, match="is truncated"):
        identify_audio(tmp_path / "a")


def test_a_polyglot_is_what_it_plays(tmp_path: Path) -> None:
    """An MP3 with a script in its tag, or behind it, is an MP3; it is served as one and as nothing else."""
    tagged = b"ID3\x03\x00\x00\x00\x00\x01\x00" + SCRIPT.ljust(128, b"\0") + audio_bytes("a")
    for data in (tagged, audio_bytes("a") + SCRIPT * 20):
        (tmp_path / "a.html").write_bytes(data)
        assert identify_audio(tmp_path / "a.html").content_type == "audio/mpeg"


@pytest.mark.parametrize(
    "begin", [b"<", b"\xef\xbb\xbf\n <", b" {", b"PK\x03\x04", b"\x1f\x8b", b"%PDF", b"#!"]
)
def test_another_kind_of_file_with_audio_inside_is_none(tmp_path: Path, begin: bytes) -> None:
    """A page, JSON or an archive is refused though an MP3 follows in it."""
    (tmp_path / "a.mp3").write_bytes(begin + SCRIPT + audio_bytes("a"))
    with pytest.raises(AudioError, match="is no audio"):
        identify_audio(tmp_path / "a.mp3")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300), st.integers(0, 3000), st.booleans())
def test_any_bytes_are_audio_or_refused(tmp_path: Path, piece: bytes, at: int, alone: bool) -> None:
    """Damaged and random bytes are a known format, or one line."""
    whole = audio_bytes("a", 4000)
    (tmp_path / "a").write_bytes(piece if alone else whole[:at] + piece + whole[at + len(piece) :])
    with suppress(AudioError):
        assert identify_audio(tmp_path / "a").suffix in AUDIO_TYPES


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"]))
def test_any_bytes_are_a_picture_or_none(data: bytes, begin: bytes) -> None:
    """Random bytes behind the begin of a picture are no picture."""
    assert identify_picture(begin + data) is None
