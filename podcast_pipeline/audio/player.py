"""Plays a passage of a recording with whatever player is installed."""

import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from podcast_pipeline.audio.ffmpeg import Ffmpeg
from podcast_pipeline.errors import AudioError

LEAD_S = 1.0  # played before and after a passage
EXCERPT_RATE_HZ = 44_100

FindProgram = Callable[[str], str | None]
"""Like `shutil.which`."""


def _vlc_arguments(file: Path, start_s: float, length_s: float) -> Sequence[str]:
    shown = ("--intf", "dummy", "--play-and-exit", "--no-video", "--quiet")
    return (*shown, f"--start-time={start_s:.1f}", f"--stop-time={start_s + length_s:.1f}", str(file))


SEEKING: dict[str, Callable[[Path, float, float], Sequence[str]]] = {
    "ffplay": lambda file, start_s, length_s: (
        *("-autoexit", "-nodisp", "-loglevel", "error"),
        *("-ss", f"{start_s:.1f}", "-t", f"{length_s:.1f}", str(file)),
    ),
    "mpv": lambda file, start_s, length_s: (
        *("--no-video", "--really-quiet", f"--start={start_s:.1f}", f"--length={length_s:.1f}", str(file)),
    ),
    "cvlc": _vlc_arguments,
    "vlc": _vlc_arguments,
}
"""Players that play a passage of any recording -> their arguments for (file, start in s, length in s)."""

WAV_ONLY: dict[str, Sequence[str]] = {
    "play": ("-q",),  # sox
    "afplay": (),  # macOS
    "pw-play": (),  # PipeWire
    "paplay": (),  # PulseAudio
    "aplay": ("-q",),  # ALSA
}
"""Players of whole files, which get an excerpt -> their options."""

NO_PLAYER = "no player is installed; install ffmpeg with ffplay, mpv, VLC or sox, or listen to the recording"


def play_line(source: Path, start_s: float, end_s: float, find: FindProgram = shutil.which) -> str | None:
    """Return the shell line that plays a passage, a second more on both sides; None without such a player."""
    for name, arguments in SEEKING.items():
        if find(name):
            return shlex.join([name, *arguments(source, *_with_lead(start_s, end_s))])
    return None


def play(
    source: Path, start_s: float, end_s: float, *, ffmpeg: Ffmpeg, find: FindProgram = shutil.which
) -> None:
    """Play a passage with a second before and after, to its end or until an interrupt.

    Raises:
        AudioError: no player is installed, or the player or ffmpeg failed.
    """
    first_s, length_s = _with_lead(start_s, end_s)
    for name, arguments in SEEKING.items():
        if program := find(name):
            return _run(name, [program, *arguments(source, first_s, length_s)])
    for name, options in WAV_ONLY.items():
        if program := find(name):
            with tempfile.TemporaryDirectory() as work:
                excerpt = Path(work) / "excerpt.wav"
                _cut(source, first_s, length_s, excerpt, ffmpeg)
                return _run(name, [program, *options, str(excerpt)])
    raise AudioError("player", NO_PLAYER)


def _with_lead(start_s: float, end_s: float) -> tuple[float, float]:
    """Return the start and the length of what is played."""
    first_s = max(start_s - LEAD_S, 0.0)
    return first_s, end_s + LEAD_S - first_s


def _cut(source: Path, start_s: float, length_s: float, target: Path, ffmpeg: Ffmpeg) -> None:
    place = ("-ss", f"{start_s:.3f}", "-t", f"{length_s:.3f}")
    to_wav = ("-vn", "-ar", str(EXCERPT_RATE_HZ), "-c:a", "pcm_s16le")
    arguments = [*place, "-i", str(source), *to_wav, str(target)]
    ffmpeg.run(arguments, subject=source, step="cut", total_s=length_s, report=lambda _: None)


def _run(name: str, command: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
        )
    except KeyboardInterrupt:
        return  # enough was heard
    except OSError as error:
        raise AudioError(name, f"cannot be started: {error.strerror}") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise AudioError(name, f"could not play the passage: {lines[-1] if lines else done.returncode}")
