"""Speakers of a file that is no episode."""

import json
from pathlib import Path

import pytest

from podcast_pipeline.diarization import diarize
from podcast_pipeline.diarization.assign import DiarizationResult, DiarizationTurn
from podcast_pipeline.model import CaptionFormat, Receipt, Transcript
from podcast_pipeline.transcript.captions.formats import render_captions
from tests.support.sounds import ignore_progress
from tests.support.transcripts import recognized


class TwoVoices:
    """A diarizer that hears one voice for a second and a half, then another."""

    name, version = "senko", "1"

    def diarize(self, *_: object, **__: object) -> DiarizationResult:
        """Return two turns."""
        turns = (
            DiarizationTurn(speaker="A", start_s=0.0, end_s=1.45, certainty=1.0),
            DiarizationTurn(speaker="B", start_s=1.45, end_s=9.0, certainty=1.0),
        )
        return DiarizationResult(turns=turns, voices={"A": (1.0, 0.0), "B": (0.0, 1.0)})


def words() -> Transcript:
    receipt = Receipt(
        engine="e", engine_version="1", model="m", weights_sha256="0" * 64, audio_sha256="0" * 64
    )
    return recognized("Is the river rising? No. It is falling.").model_copy(update={"receipt": receipt})


@pytest.mark.parametrize(
    ("format_", "label"),
    [
        ("vtt", "<v Speaker 2>"),
        ("srt", "Speaker 2: "),
        ("txt", "Speaker 2: "),
        ("html", "<cite>Speaker 2:</cite>"),
        ("json", '"speaker": "Speaker 2"'),
    ],
)
def test_a_files_speakers_are_in_every_format(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, format_: CaptionFormat, label: str
) -> None:
    """The words of a file get the speakers that the engine hears."""
    monkeypatch.setattr(diarize, "load_diarizer", lambda _: TwoVoices())
    said = diarize.diarize_file(words(), tmp_path / "a.wav", engine="senko", known=(), report=ignore_progress)
    text = render_captions(said, format_).decode()
    assert label in text
    if format_ == "json":
        assert [s["speaker"] for s in json.loads(text)["segments"]] == ["Speaker 1", "Speaker 2"]
