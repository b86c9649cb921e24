"""What is wrong with a recording is told before the long work: by `ingest`, `publish` and `transcribe`."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from podcast_pipeline.audio.recording.findings import RecordingFinding
from podcast_pipeline.audio.tracks import Track
from podcast_pipeline.pipeline import publish, recordings
from tests.support.audio_files import SAMPLE
from tests.support.pipeline import context_of
from tests.support.show import ShowFolder, build_show_folder
from tests.support.sounds import samples_of, write_wav

Told = list[tuple[str, RecordingFinding]]


@pytest.fixture
def show(tmp_path: Path) -> ShowFolder:
    return build_show_folder(tmp_path / "show")


@pytest.fixture(scope="module")
def out_of_phase(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of the sample, its right channel turned around."""
    voice = samples_of(SAMPLE)[: 20 * 16_000]
    return write_wav(tmp_path_factory.mktemp("phase") / "two mics.wav", np.stack([voice, -voice], axis=1))


def kinds(told: Told) -> list[tuple[str, str]]:
    return [(subject, finding.kind) for subject, finding in told]


def test_an_ingested_recording_is_told_and_read_once(show: ShowFolder, out_of_phase: Path) -> None:
    """`ingest` tells, and `publish` again before its work, from a note; without one it reads again."""
    told: Told = []
    steps: list[str] = []
    context = replace(
        context_of(show), tell=lambda *one: told.append(one), report=lambda event: steps.append(event.step)
    )
    slug = publish.ingest(context, out_of_phase)
    assert kinds(told) == [(slug, "out of phase")]
    steps.clear()
    folder = context.library.folder(slug)
    recordings.tell_recording(folder, context)
    assert steps == []
    for note in folder.build.glob("findings.*"):
        note.write_text("{}")
    recordings.tell_recording(folder, context)
    assert "check" in steps
    assert kinds(told) == [(slug, "out of phase")] * 3


def test_tracks_are_told_with_the_file_s_name(show: ShowFolder, tmp_path: Path) -> None:
    """Of separate tracks each file has its own findings, and their silences are none."""
    voice = samples_of(SAMPLE)[: 40 * 16_000]
    first, second = voice.copy(), voice.copy()
    first[20 * 16_000 :] = 0
    second[: 20 * 16_000] = 0
    tracks = [
        Track("Ann", write_wav(tmp_path / "ann.wav", np.clip(200 * first, -1, 1))),
        Track("Bob", write_wav(tmp_path / "bob.wav", second)),
    ]
    told: Told = []
    context = replace(context_of(show), tell=lambda *one: told.append(one))
    slug = publish.ingest_tracks(context, tracks, title="Two tracks")
    assert kinds(told) == [(slug, "clipped")]
    assert told[0][1].message.startswith("ann.wav is clipped")


def test_ingest_prints_one_line_and_json(show: ShowFolder, out_of_phase: Path) -> None:
    """On stderr it is one line with the slug, in the document it is under `findings`."""
    done = show.run("--json", "ingest", str(out_of_phase))
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    (finding,) = json.loads(done.stdout)["findings"]
    assert line == f"podcast: two-mics: {finding['message']}"
    assert finding["kind"] == "out of phase"


def test_words_out_of_phase_are_recognised_and_it_is_told(show: ShowFolder, out_of_phase: Path) -> None:
    """`transcribe FILE` hears one channel where both cancel each other out, and says so."""
    done = show.run("--json", "transcribe", "--model", "tiny.en", str(out_of_phase), "--format", "txt")
    assert done.returncode == 0, done.stderr
    (document,) = json.loads(done.stdout)["transcripts"]
    assert [finding["kind"] for finding in document["findings"]] == ["out of phase"]
    assert document["word_count"] > 30
    assert "out of phase" in done.stderr
