import os
import time
from pathlib import Path

import pytest

from podcast_pipeline.audio.ffmpeg import Ffmpeg, error_line, find_ffmpeg
from podcast_pipeline.errors import AudioError
from podcast_pipeline.model import Progress
from tests.support.audio_files import FFMPEG, ignore_progress

ENDLESS = ("-re", "-f", "lavfi", "-i", "sine=d=600", "-f", "null", "-")


def test_wheel_is_used_without_one_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PATH has no ffmpeg, the one in imageio-ffmpeg's wheel is used."""
    monkeypatch.setenv("PATH", "/nowhere")
    assert "imageio_ffmpeg" in str(find_ffmpeg())


def test_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ffmpeg on PATH is preferred."""
    own = tmp_path / "ffmpeg"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_ffmpeg() == own


def test_failure_names_the_file_and_the_reason(tmp_path: Path) -> None:
    """A failed run is one line: our file, and ffmpeg's last line with a cause."""
    source = tmp_path / "none.wav"
    with pytest.raises(AudioError) as caught:
        FFMPEG.run(
            ["-i", str(source), "-f", "null", "-"],
            subject=source,
            step="x",
            total_s=1,
            report=ignore_progress,
        )
    assert str(caught.value).startswith(f"{source}: ffmpeg failed: ")
    assert "No such file or directory" in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_full_disk_is_said() -> None:
    """When the disk is full the line says so, not that a conversion failed."""
    arguments = ["-f", "lavfi", "-i", "sine=d=60", "-f", "wav", "/dev/full"]
    with pytest.raises(AudioError, match=r"^/dev: No space left on device; make room"):
        FFMPEG.run(arguments, subject=Path("a.wav"), step="x", total_s=60, report=ignore_progress)


def test_empty_phrases_are_not_the_reason() -> None:
    """Lines that give no cause, and ffmpeg's prefixes, are left out."""
    empty = "[out#0/mp3 @ 0x1] Task finished with error code: -5\nConversion failed!\n"
    assert error_line(f"[mp3 @ 0x55] Disk on fire.\n{empty}") == "Disk on fire"
    assert error_line("\n") == "its log gives no cause"


def test_progress_is_told_in_seconds() -> None:
    """Progress starts at 0, is in seconds of audio and ends at the total."""
    seen: list[Progress] = []
    arguments = ["-f", "lavfi", "-i", "sine=d=30", "-f", "null", "-"]
    FFMPEG.run(arguments, subject=Path("a"), step="work", total_s=30, report=seen.append)
    assert {(p.step, p.total, p.unit) for p in seen} == {("work", 30, "s")}
    assert (seen[0].done, seen[-1].done) == (0, 30)


def test_interruption_kills_the_child(tmp_path: Path) -> None:
    """Control-C while ffmpeg works leaves no process behind."""
    script = tmp_path / "ffmpeg"
    script.write_text(f'#!/bin/sh\necho $$ > {tmp_path}/pid\nexec {FFMPEG.path} "$@"\n')
    script.chmod(0o755)

    def interrupt(progress: Progress) -> None:
        if progress.done > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Ffmpeg(script).run(ENDLESS, subject=Path("a"), step="x", total_s=600, report=interrupt)
    started = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 5
    while Path(f"/proc/{started}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(started, 0)


NO_LIBRARY = "libx.so.59: cannot open shared object file"
BROKEN = {
    "missing library": (f"#!/bin/sh\necho '{NO_LIBRARY}' >&2\nexit 127\n", NO_LIBRARY),
    "another machine's": ("\x7fELF no program of this machine", "Exec format error"),
    "no reason": ("#!/bin/sh\nexit 3\n", "exit code 3"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_ffmpeg_that_cannot_start_is_replaced(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The packaged one is used, with one line that names the broken one and why it cannot start."""
    program, (content, reason) = tmp_path / "ffmpeg", BROKEN[name]
    program.write_text(content)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    assert "imageio_ffmpeg" in str(find_ffmpeg(said.append))
    (line,) = said
    assert line.startswith(f"{program}: cannot start (")
    assert reason in line
