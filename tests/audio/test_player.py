"""A passage is played by what is installed, and a line says so where nothing is."""

import os
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from podcast_pipeline.audio.ffmpeg import Ffmpeg, find_ffmpeg
from podcast_pipeline.audio.player import SEEKING, WAV_ONLY, play, play_line
from podcast_pipeline.errors import AudioError
from tests.support.sounds import noise, write_wav


def only(*names: str) -> Callable[[str], str | None]:
    """Return a search path that has these programs only."""
    return lambda name: f"/bin/{name}" if name in names else None


def fake(folder: Path, name: str, script: str) -> Callable[[str], str | None]:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return lambda wanted: str(path) if wanted == name else None


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("ffplay", "ffplay -autoexit -nodisp -loglevel error -ss 8.7 -t 3.5 'a b.wav'"),
        ("mpv", "mpv --no-video --really-quiet --start=8.7 --length=3.5 'a b.wav'"),
        (
            "cvlc",
            (
                "cvlc --intf dummy --play-and-exit --no-video --quiet"
                " --start-time=8.7 --stop-time=12.2 'a b.wav'"
            ),
        ),
    ],
)
def test_the_line_is_one_of_an_installed_player(name: str, line: str) -> None:
    """The command plays the passage with a second on both sides."""
    assert play_line(Path("a b.wav"), 9.7, 11.2, find=only(name)) == line


def test_no_line_without_such_a_player() -> None:
    """Players of whole files have no line, and nobody is told to use a program that is not there."""
    assert play_line(Path("a.wav"), 1, 2, find=only(*WAV_ONLY)) is None
    assert {*SEEKING} & {*WAV_ONLY} == set()


def test_a_player_of_whole_files_gets_an_excerpt(tmp_path: Path) -> None:
    """Without a player that seeks, the passage alone is cut out and played, and removed afterwards."""
    source, heard = tmp_path / "talk.wav", tmp_path / "heard.wav"
    write_wav(source, noise(10))
    aplay = fake(tmp_path, "aplay", f'cp "$2" {heard}')
    play(source, 4.0, 5.0, ffmpeg=Ffmpeg(find_ffmpeg()), find=aplay)
    with wave.open(os.fspath(heard)) as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(3.0, abs=0.05)


def test_what_cannot_be_played_is_one_line(tmp_path: Path) -> None:
    """No player, a player that fails and one that cannot start each give a line."""
    ffmpeg, source = Ffmpeg(find_ffmpeg()), tmp_path / "talk.wav"
    with pytest.raises(AudioError, match="no player is installed; install ffmpeg with ffplay"):
        play(source, 1, 2, ffmpeg=ffmpeg, find=only())
    failing = fake(tmp_path, "mpv", "echo no sound card >&2; exit 2")
    with pytest.raises(AudioError, match="mpv: could not play the passage: no sound card"):
        play(source, 1, 2, ffmpeg=ffmpeg, find=failing)
    with pytest.raises(AudioError, match="ffplay: cannot be started"):
        play(
            source,
            1,
            2,
            ffmpeg=ffmpeg,
            find=lambda name: "/gone" if name == "ffplay" else None,
        )
