"""Opens recordings, for PyAV and ffmpeg alike: by content, as one local file, to where the sound ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import av.container
import av.error

from podcast_pipeline.audio.recording.chunks import SoundExtent, odd_extent
from podcast_pipeline.errors import AudioError

OF_RECORDERS = "wav,w64,aiff,caf,flac,mp3,aac,mov,ogg,matroska"
OF_TELEPHONES_AND_CAMERAS = "amr,asf,avi,wv,ac3,eac3,mpegts,mpeg,flv,mxf"
RARE = "au,voc,ape,tta,tak,mpc,mpc8,dts,truehd,dsf,xwma,qcp,dss,oma,rm,wtv,loas"
FORMATS = f"{OF_RECORDERS},{OF_TELEPHONES_AND_CAMERAS},{RARE}"
"""Formats of libavformat that are opened: content decides, not the file's name. No playlist is among them,
nor anything that refers to other files."""

OPEN_OPTIONS = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
WHAT_TO_DO = "Export it again as WAV, FLAC or MP3"
LEAST_HIDDEN_S = 0.2  # less may be padding
BEGIN_BYTES = 512
FOREIGN_BEGINS = {
    b"#EXTM3U": "a playlist (M3U, HLS)",
    b"ffconcat": "a playlist (ffconcat)",
    b"[playlist]": "a playlist (PLS)",
    b"[reference]": "a playlist (ASX)",
    b"<asx": "a playlist (ASX)",
    b"v=0": "a session description (SDP)",
    b"<": "a page or XML",
    b"{": "JSON",
    b"[": "JSON",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "packed with gzip",
    b"%PDF": "a PDF",
    b"#": "a text or a playlist",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"MThd": "MIDI, which has notes and no sound",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"\x89PNG": "a picture (PNG)",
    b"GIF8": "a picture (GIF)",
    b"\xd0\xcf\x11\xe0": "an Office document",
}
"""What other files begin with, after a byte order mark and white space."""


@dataclass(frozen=True)
class RecordingSource:
    """A file, and how it is opened.

    Attributes:
        extent: where its sound ends, if something else than chunks follows; None for an ordinary file.
    """

    path: Path
    extent: SoundExtent | None = None

    @property
    def address(self) -> str:
        """What PyAV and ffmpeg open."""
        path = str(self.path.absolute())
        return f"subfile,,start,0,end,{self.extent.end_byte},,:{path}" if self.extent else path

    @property
    def options(self) -> dict[str, str]:
        """The options of libavformat."""
        if not self.extent:
            return OPEN_OPTIONS
        options = {"format_whitelist": "wav", "protocol_whitelist": "file,subfile"}
        return {**options, "ignore_length": "1"} if self.extent.hidden_bytes else options

    @property
    def arguments(self) -> list[str]:
        """The same as an input of ffmpeg's command line."""
        options = [word for name, value in self.options.items() for word in (f"-{name}", value)]
        return [*options, "-i", self.address]


def find_source(path: Path) -> RecordingSource:
    """Look how a file must be opened, so that all of its sound is there.

    Raises:
        AudioError: there is no such file, or it has sound beyond its header that no decoder can be told of.
    """
    _require_bytes(path)
    extent = odd_extent(path)
    if extent is None:
        return RecordingSource(path)
    if not extent.hidden_bytes:  # libavformat would look through all zeros for chunks
        return RecordingSource(path, extent if extent.can_reopen else None)
    with _open(RecordingSource(path)) as container:
        bytes_per_s = max(container.streams.audio[0].codec_context.bit_rate or 0, 8) / 8
    if extent.hidden_bytes < bytes_per_s * LEAST_HIDDEN_S:
        return RecordingSource(path)
    if not extent.can_reopen:
        raise AudioError(
            path,
            f"has more sound than its header says ({extent.seconds(bytes_per_s)}); open it in an audio editor"
            " as raw data and export it as WAV, or copy the recording again",
        )
    return RecordingSource(path, extent)


@contextmanager
def open_recording(path: Path) -> Iterator[av.container.InputContainer]:
    """Open a recording for PyAV; tags are not read, so their encoding does not matter.

    Raises:
        AudioError: it is missing or no audio, with what it is and what to do; or a decoder gives it up.
    """
    with _open(find_source(path)) as container:
        try:
            yield container
        except av.error.FFmpegError as error:
            raise AudioError(path, _refusal(path, error)) from error


def _open(source: RecordingSource) -> av.container.InputContainer:
    try:
        return av.open(source.address, options=source.options, metadata_errors="ignore")
    except av.error.FFmpegError as error:
        raise AudioError(source.path, _refusal(source.path, error)) from error


def _refusal(path: Path, error: av.error.FFmpegError) -> str:
    """Return what is wrong with a file that cannot be opened, and what to do."""
    if begin := foreign_begin(path):
        return f"is no audio, but {begin}; name the recording itself"
    if isinstance(error, av.error.PatchWelcomeError):
        return f"changes its rate or channels on the way, which cannot be read in this format. {WHAT_TO_DO}"
    if isinstance(error, av.error.ArgumentError):
        kind = path.suffix.lower() or "unknown to us"
        return f"is in a format that is not read ({kind}); convert it: ffmpeg -i {path.name!r} recording.wav"
    return f"cannot be read as audio ({error.strerror or 'unknown'}); is it whole? {WHAT_TO_DO}"


def foreign_begin(path: Path) -> str | None:
    """Return what a file is by its first bytes, None for audio and what is unknown."""
    with path.open("rb") as file:
        begin = file.read(BEGIN_BYTES)
    words = begin.removeprefix(b"\xef\xbb\xbf").lstrip()
    folded = words.lower()  # playlists are written in any case
    return next((name for magic, name in FOREIGN_BEGINS.items() if folded.startswith(magic.lower())), None)


def _require_bytes(path: Path) -> None:
    if path.is_dir():
        raise AudioError(path, "is a folder; name the recording in it")
    if not path.is_file():
        raise AudioError(path, "is not there; check the name")
    if path.stat().st_size == 0:
        raise AudioError(path, "is empty; copy the recording again")
