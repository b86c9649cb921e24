"""`podcast transcribe` for a person: bad input is one clear line, and progress says how long it will take."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from podcast_pipeline.cli.output import progress_note
from podcast_pipeline.model import Progress
from podcast_pipeline.transcription.weights import MODEL_FILE, PACKAGED_MODELS
from tests.support.paths import ROOT
from tests.support.show import (
    MODEL,
    PODCAST,
    SLUG,
    ShowFolder,
    build_show_folder,
    clean_environment,
    run_ffmpeg,
)
from tests.support.sounds import noise, write_wav

PATIENCE_S = 300
SOURCE = ROOT / "episodes" / SLUG / "source.flac"


@pytest.fixture
def bare(tmp_path: Path) -> ShowFolder:
    """A folder without a show, which is its own home folder."""
    folder = tmp_path / "bare"
    folder.mkdir()
    return ShowFolder(folder)


def clip(show: ShowFolder, seconds: int, name: str = "clip.flac") -> Path:
    run_ffmpeg("-i", SOURCE, "-t", str(seconds), show.folder / name)
    return show.folder / name


def transcribe(show: ShowFolder, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Transcribe with tiny.en unless the arguments name a model."""
    return show.run("transcribe", "--model", MODEL, *arguments, "--format", "txt", **own_home(show))


def own_home(show: ShowFolder) -> dict[str, str]:
    """Return the variables of a home of its own, with an empty cache."""
    home = show.folder / "home"
    return {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}


def test_a_corrupt_tail_is_heard_up_to_the_fault(bare: ShowFolder) -> None:
    """The words before the corrupt tail are there, and one line has the time of the fault."""
    path = clip(bare, 16)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    done = transcribe(bare, path.name)
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("podcast: clip.flac: is damaged; the transcript ends at 9.")
    assert "best of times" in (bare.folder / "clip.txt").read_text(encoding="utf-8")


def test_a_glitch_costs_only_itself(bare: ShowFolder) -> None:
    """The words on both sides of a glitch are there, and one line has the time of the glitch."""
    whole = clip(bare, 30, "clip.mp3")
    content = whole.read_bytes()
    half = len(content) // 2
    whole.write_bytes(content[:half] + b"U" * 600 + content[half + 600 :])
    done = transcribe(bare, whole.name)
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("podcast: clip.mp3: is damaged; audio that cannot be decoded at ")
    assert line.endswith(" s is left out")
    assert len((bare.folder / "clip.txt").read_text(encoding="utf-8").split()) > 50


def test_no_recording_s_files_overwrite_another_s(bare: ShowFolder) -> None:
    """The second of two recordings with the same name is refused; the others are transcribed."""
    first = clip(bare, 8, "clip.flac")
    (bare.folder / "day2").mkdir()
    second = write_wav(bare.folder / "day2/clip.wav", noise(2))
    itself = write_wav(bare.folder / "itself.txt", noise(2))
    kept = itself.read_bytes()
    names = [str(path.relative_to(bare.folder)) for path in (first, second, itself)]
    done = transcribe(bare, *names, write_wav(bare.folder / "last.wav", noise(2)).name)
    assert done.returncode == 1
    assert done.stderr.splitlines()[:2] == [
        "podcast: day2/clip.wav: would overwrite clip.txt; run it with another --output",
        "podcast: itself.txt: would overwrite itself.txt; run it with another --output",
    ]
    assert "best of times" in (bare.folder / "clip.txt").read_text(encoding="utf-8")
    assert itself.read_bytes() == kept
    assert (bare.folder / "last.txt").is_file()


def test_each_recording_is_written_before_the_next_is_heard(bare: ShowFolder) -> None:
    """The first result is written while the second recording is an empty pipe."""
    write_wav(bare.folder / "a.wav", noise(2))
    os.mkfifo(bare.folder / "pipe.wav")
    with subprocess.Popen(
        [PODCAST, "transcribe", "--model", MODEL, "a.wav", "pipe.wav", "--format", "txt"],
        cwd=bare.folder,
        env={**clean_environment(), **own_home(bare)},
    ) as running:
        try:
            until = time.monotonic() + PATIENCE_S
            while not (bare.folder / "a.txt").exists():
                assert time.monotonic() < until
                assert running.poll() is None
                time.sleep(0.1)
        finally:
            running.kill()


def test_a_second_interrupt_ends_at_once(bare: ShowFolder) -> None:
    """A second SIGINT ends the command with 130 and no traceback, while the first one waits."""
    with subprocess.Popen(
        [PODCAST, "--progress", "json", "transcribe", "--model", MODEL, clip(bare, 60).name],
        cwd=bare.folder,
        env={**clean_environment(), **own_home(bare)},
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr is not None
        while '"transcribe"' not in running.stderr.readline():  # the long work has begun
            pass
        for _ in range(2):
            running.send_signal(signal.SIGINT)
            time.sleep(0.02)
        said = running.stderr.read()
    assert (running.returncode, "Traceback" in said) == (130, False)
    assert "podcast: interrupted; run the same command again\n" in said


def test_a_name_that_would_steer_a_terminal_is_one_plain_line(bare: ShowFolder) -> None:
    """An escape sequence and a line end in a file name are printed as text, on both streams."""
    path = write_wav(bare.folder / "a\x1b[31m\nb.wav", noise(2))
    done = transcribe(bare, path.name)
    assert (done.returncode, len(done.stdout.splitlines()), len(done.stderr.splitlines())) == (0, 1, 1)
    assert "\x1b" not in done.stdout + done.stderr


def test_what_cannot_be_written_is_one_recording_s_error(bare: ShowFolder) -> None:
    """An unwritable output is an error of its recording; the next recording is transcribed."""
    first, second = (write_wav(bare.folder / name, noise(2)) for name in ("a.wav", "b.wav"))
    (bare.folder / "out/a.txt").mkdir(parents=True)
    done = transcribe(bare, first.name, second.name, "--output", "out")
    assert done.returncode == 1
    assert "Is a directory" in done.stderr
    assert (bare.folder / "out/b.txt").is_file()


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_failure(bare: ShowFolder, closed: str) -> None:
    """The command works with closed standard streams, as under a service manager."""
    path = write_wav(bare.folder / "noise.wav", noise(2))
    done = subprocess.run(
        ["bash", "-c", f'"$0" transcribe --model "$1" "$2" --format txt {closed}', PODCAST, MODEL, path.name],
        cwd=bare.folder,
        env={**clean_environment(), **own_home(bare)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert (bare.folder / "noise.txt").is_file()


def test_no_speech_is_an_empty_transcript_and_a_warning(bare: ShowFolder) -> None:
    """A recording without speech gives an empty transcript, a warning and exit 0."""
    write_wav(bare.folder / "noise.wav", noise(8))
    done = transcribe(bare, "noise.wav")
    assert (done.returncode, done.stderr) == (
        0,
        "podcast: noise.wav: no speech was found; the transcript is empty\n",
    )
    assert not (bare.folder / "noise.txt").read_text(encoding="utf-8").strip()


def test_a_full_disk_keeps_what_was_there(bare: ShowFolder) -> None:
    """A full disk is one error line; the finished windows stay for the next run."""
    path = clip(bare, 8)
    assert transcribe(bare, path.name).returncode == 0
    kept = {file: file.read_bytes() for file in bare.folder.rglob("windows/*/*.json")}
    other = clip(bare, 16, "other.flac")
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 1; exec "$0" transcribe --model "$1" "$2"', PODCAST, MODEL, other.name],
        cwd=bare.folder,
        env={**clean_environment(), **own_home(bare)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "cannot save the finished words: File too large; make room and run it again" in line
    assert kept
    assert all(file.read_bytes() == content for file, content in kept.items())
    assert transcribe(bare, other.name).returncode == 0


def test_missing_weights_name_the_command_that_gets_them(bare: ShowFolder) -> None:
    """The error of missing weights that cannot be downloaded names the command that fetches them."""
    done = transcribe(bare, clip(bare, 2).name, "--model", "small")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "its weights are not on this machine, and HF_HUB_OFFLINE forbids fetching them; with a" in line
    assert "`hf download Systran/faster-whisper-small --revision " in line


def test_weights_with_a_wrong_hash_are_refused(bare: ShowFolder) -> None:
    """Weights that were changed on the disk are refused by their hash."""
    known = PACKAGED_MODELS["base"]
    folder = bare.folder / f"home/.cache/podcast-pipeline/cache/weights/base-{known.sha256[MODEL_FILE][:16]}"
    folder.mkdir(parents=True)
    for name in known.files:
        (folder / name).write_text("not the weights", encoding="utf-8")
    done = transcribe(bare, clip(bare, 2).name, "--model", "base")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "is not the expected file: its SHA-256 is" in line


def test_english_only_weights_refuse_another_language(bare: ShowFolder) -> None:
    """tiny.en with French is an error."""
    done = transcribe(bare, clip(bare, 2).name, "--language", "fr")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "tiny.en: supports en only, not fr; use a multilingual model, like base" in line


def test_a_file_in_a_show_gets_its_names(tmp_path: Path) -> None:
    """Hosts and glossary of the show correct names in any recording in its folder."""
    show = build_show_folder(tmp_path / "show")
    settings = show.folder / "show.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(f'{text}\n[glossary]\nterms = ["Dashwoode"]\n', encoding="utf-8")
    run_ffmpeg("-ss", "8.4", "-t", "9", "-i", SOURCE, show.folder / "clip.flac")
    done = show.run("transcribe", "clip.flac", "--format", "txt")
    assert done.returncode == 0, done.stderr
    assert "Dashwoode" in (show.folder / "clip.txt").read_text(encoding="utf-8")


def test_it_says_what_heard_the_words(bare: ShowFolder) -> None:
    """Engine, model and device are printed with the files, and are in the JSON."""
    path = clip(bare, 4)
    home = str(bare.folder / "home")
    done = bare.run("transcribe", path.name, "--model", MODEL, "--engine", "faster-whisper", HOME=home)
    assert "(by faster-whisper tiny.en cpu int8)" in done.stdout
    document = json.loads(bare.run("--json", "transcribe", path.name, "--model", MODEL, HOME=home).stdout)
    assert document["transcripts"][0]["engine"].startswith("openvino tiny.en cpu ")


def test_progress_events_are_json_lines(bare: ShowFolder) -> None:
    """--progress json prints the seconds of audio done and in total, from the start to the end."""
    done = bare.run(
        "--progress",
        "json",
        "transcribe",
        clip(bare, 8).name,
        "--model",
        MODEL,
        HOME=str(bare.folder / "home"),
    )
    events = [json.loads(line) for line in done.stderr.splitlines()]
    totals = {(event["step"], event["unit"], event["total"]) for event in events}
    assert totals == {("check", "s", 8.0), ("transcribe", "s", 8.0)}
    done_s = [event["done"] for event in events if event["step"] == "transcribe"]
    assert [done_s[0], done_s[-1]] == [0, 8]


def test_the_bar_says_how_far_how_fast_and_how_long() -> None:
    """The progress bar has the share, the speed and the remaining time."""
    event = Progress(step="transcribe", done=1800, total=3600, unit="s")
    assert progress_note(event, 60) == "0:30:00 of 1:00:00, 30× real time, 0:01:00 left"
    assert progress_note(event.model_copy(update={"done": 0}), 0) == "0:00:00 of 1:00:00"


def test_speakers_that_cannot_be_found_are_said_before_the_work(tmp_path: Path) -> None:
    """The recording is not opened: it is none, and that is not what the line is about."""
    show = build_show_folder(tmp_path / "show")
    (show.folder / "clip.wav").write_bytes(b"no sound")
    done = transcribe(show, "clip.wav", "--speakers")
    assert done.returncode == 1
    line = '--speakers: speakers are off in show.toml; set engine = "auto" in [speakers]'
    assert done.stderr == f"podcast: {line}\n"
