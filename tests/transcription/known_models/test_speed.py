"""How long a transcription takes is told from what this machine did before, and scaled to other models."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.transcription import TranscriptionOptions
from podcast_pipeline.transcription.decode import Samples
from podcast_pipeline.transcription.engine import DecodingOptions, EngineWord
from podcast_pipeline.transcription.known_models import speed
from podcast_pipeline.transcription.known_models.measure import measure_speed
from podcast_pipeline.transcription.known_models.speed import (
    MeasuredSpeed,
    about,
    estimate_hour_s,
    hour_line,
    known_speeds,
    remember_speed,
    waiting_line,
)
from podcast_pipeline.transcription.known_models.table import PUBLISHED_MODELS
from podcast_pipeline.transcription.transcriber import EngineTranscriber
from podcast_pipeline.transcription.weights import Weights
from tests.support.sounds import SAMPLE, ignore_progress

BASE = MeasuredSpeed(engine="openvino", model="base", audio_s=1800, wall_s=60)


class OneWordEngine:
    """An engine that finds one word in each window."""

    name, version, batch_size, workers = "openvino", "0", 4, 2
    settings: Mapping[str, str | int | float | bool | None] = MappingProxyType({})
    languages = frozenset({"en", "fr"})
    weights = Weights("base", Path("base"), "0" * 64, Path("derived"))

    def language_probabilities(self, windows: Sequence[Samples]) -> list[Mapping[str, float]]:
        """Return English."""
        return [{"en": 1.0} for _ in windows]

    def transcribe_windows(
        self,
        windows: Iterable[Samples],
        task: DecodingOptions,  # noqa: ARG002
    ) -> list[tuple[EngineWord, ...]]:
        """Return a word for each window."""
        return [(EngineWord(" word", 0.0, len(window) / 16_000, 1.0),) for window in windows]


@pytest.fixture(autouse=True)
def user_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the tests an empty cache folder of the user."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    return tmp_path / "user" / "podcast-pipeline"


def test_a_measured_model_is_told_as_it_was() -> None:
    """An hour takes twice what half an hour took."""
    assert estimate_hour_s("base", [BASE]) == 120


def test_another_model_is_scaled_by_its_work() -> None:
    """Larger encoders take longer, in their order; a distilled decoder takes less than the whole one."""
    hours = [estimate_hour_s(name, [BASE]) or 0 for name in ("tiny", "small", "medium", "large-v3")]
    assert hours == sorted(hours)
    assert 0 < hours[0] < 120 < hours[1]
    turbo, distilled = (
        estimate_hour_s(name, [BASE]) or 0 for name in ("large-v3-turbo", "distil-large-v3.5")
    )
    assert distilled < turbo < hours[-1]


@pytest.mark.parametrize(("model", "measured_s"), [("small", 19.8), ("medium", 59.2)])
def test_a_larger_model_is_estimated_as_it_was_measured(
    model: str, measured_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a tenth, from the 7.2 s of `base` (docs/evidence/performance.md, "Other models": five beams)."""
    monkeypatch.setattr(speed, "BEAMS", 5)
    known = [MeasuredSpeed(engine="openvino", model="base", audio_s=3600, wall_s=7.2)]
    assert estimate_hour_s(model, known) == pytest.approx(measured_s, rel=0.1)


def test_the_nearest_model_tells_more() -> None:
    """Of several measured models the one nearest in work is scaled."""
    small = MeasuredSpeed(engine="openvino", model="small", audio_s=100, wall_s=100)
    from_both, from_small = (estimate_hour_s("medium", known) for known in ([BASE, small], [small]))
    assert from_both == from_small


def test_an_unknown_model_has_no_estimate() -> None:
    """A folder of somebody's own is estimated only where it was used before."""
    own = MeasuredSpeed(engine="openvino", model="our-own", audio_s=100, wall_s=10)
    assert estimate_hour_s("our-own", [BASE]) is None
    assert estimate_hour_s("base", [own]) is None
    assert estimate_hour_s("our-own", [BASE, own]) == 360


def test_nothing_known_says_nothing() -> None:
    """Without a measurement there is no line."""
    assert (hour_line([]), waiting_line("base", 36_000, [])) == ("", "")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(3, "10 s"), (44, "40 s"), (100, "2 min"), (3480, "58 min"), (5400, "1 h 30 min"), (7250, "2 h")],
)
def test_durations_are_round(seconds: float, said: str) -> None:
    """About is said as a person says it."""
    assert about(seconds) == said


def test_the_line_of_the_hour_compares_models() -> None:
    """The line begins with the fastest one."""
    line = hour_line([BASE])
    assert line.startswith("one hour of audio takes about ")
    assert ", 2 min with base, " in line
    assert "with large-v3-turbo" in line


def test_a_long_transcription_is_announced_and_a_short_one_not() -> None:
    """From a minute on the line says how long."""
    assert waiting_line("base", 3480, [BASE]) == "about 2 min for 58 min of audio with base"
    assert waiting_line("base", 600, [BASE]) == ""


def test_speeds_are_kept_for_each_engine_and_model(user_cache: Path) -> None:
    """The last run of a model counts; a damaged file is no speed."""
    remember_speed(BASE)
    remember_speed(BASE.model_copy(update={"wall_s": 90.0}))
    remember_speed(BASE.model_copy(update={"engine": "faster-whisper", "model": "owner/name"}))
    (user_cache / "speed" / "openvino small.json").write_bytes(b"\0\0")
    endless = '{"engine": "openvino", "model": "tiny", "audio_s": 1e-308, "wall_s": 1e308}'
    (user_cache / "speed" / "openvino tiny.json").write_text(endless)
    assert [known.wall_s for known in known_speeds("openvino")] == [90.0]
    assert [known.model for known in known_speeds("faster-whisper")] == ["owner/name"]


def test_a_transcription_is_measured_and_one_from_the_cache_is_not(
    tmp_path: Path, user_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is long enough is kept; the same one again, whose windows are there, says nothing."""
    monkeypatch.setattr(speed, "SHORTEST_S", 60.0)
    transcriber = EngineTranscriber(OneWordEngine(), cache=tmp_path / "cache")
    transcriber.transcribe(SAMPLE, options=TranscriptionOptions("en"), report=ignore_progress)
    (measured,) = known_speeds("openvino")
    assert (measured.model, measured.audio_s > 60) == ("base", True)
    (user_cache / "speed" / "openvino base.json").unlink()
    transcriber.transcribe(SAMPLE, options=TranscriptionOptions("en"), report=ignore_progress)
    assert known_speeds("openvino") == []


def test_a_distilled_model_takes_english_only(tmp_path: Path) -> None:
    """Whatever its vocabulary has, it was trained on English: another language is refused with what to do."""

    class DistilledEngine(OneWordEngine):
        weights = replace(OneWordEngine.weights, is_english_only=True)

    transcriber = EngineTranscriber(DistilledEngine(), cache=tmp_path / "cache")
    with pytest.raises(TranscriptionError, match="supports en only, not fr; use a multilingual model"):
        transcriber.transcribe(SAMPLE, options=TranscriptionOptions("fr"), report=ignore_progress)


def test_a_long_recording_is_announced_once(tmp_path: Path) -> None:
    """Before the work one line says how long it takes with this model here."""
    remember_speed(BASE.model_copy(update={"wall_s": 1e5}))
    said = list[str]()
    transcriber = EngineTranscriber(OneWordEngine(), cache=tmp_path / "cache", note=said.append)
    transcriber.transcribe(SAMPLE, options=TranscriptionOptions("en"), report=ignore_progress)
    (line,) = said
    assert line.startswith("about ")
    assert line.endswith(" of audio with base")


def test_a_machine_is_measured_without_a_recording() -> None:
    """One window for each worker tells the speed, the decoder's share added."""
    measured = measure_speed(OneWordEngine())
    assert (measured.engine, measured.model, measured.audio_s) == ("openvino", "base", 60)


def test_every_shape_has_work() -> None:
    """Each model of the table can be estimated."""
    assert all((estimate_hour_s(name, [BASE]) or 0) > 0 for name in PUBLISHED_MODELS)
