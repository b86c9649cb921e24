"""The number type by processor, by a pin and by measurement, and how close 8 bits are to float32."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from llvmlite import binding
from numba.core import config
from numpy.typing import NDArray

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.transcription import PRECISIONS
from podcast_pipeline.transcription.engines.openvino import encoder_speed
from podcast_pipeline.transcription.engines.openvino.encoder import build_encoder_graph
from podcast_pipeline.transcription.engines.openvino.precision import (
    CANDIDATES,
    choose_precision,
    compile_settings,
    layer_builder,
    processor_flags,
)

SAPPHIRE_RAPIDS = "avx2 fma avxvnni avx512f avx512vnni avx512bf16 amx-tile amx-bf16 amx-int8"
COOPER_LAKE = "avx2 fma avx512f avx512vnni avx512bf16"
TURIN = "avx2 fma avxvnni avx512f avx512vnni avx512bf16 sse4a"
CASCADE_LAKE = "avx2 fma avx512f avx512vnni"
ALDER_LAKE = "avx2 fma avxvnni"
HASWELL = "avx2 fma"
GRAVITON = "neon dotprod i8mm bf16 sve"
TOLERANCE = 0.06  # of the encoder's output, by its size


class Stopwatch:
    """A measurement that counts its calls; 8 bits take less than float32."""

    def __init__(self) -> None:
        self.calls = list[str]()

    def __call__(self, precision: str) -> float:
        """Return milliseconds."""
        self.calls.append(precision)
        return {"f32": 30.0, "int8": 20.0}[precision]


def never(precision: str) -> float:
    raise AssertionError(f"{precision} was measured")


def flags(names: str) -> frozenset[str]:
    return frozenset(names.split())


@pytest.mark.parametrize(
    ("names", "precision", "encoder_hint", "decoder_hint"),
    [
        (SAPPHIRE_RAPIDS, "bf16", "bf16", "bf16"),
        (TURIN, "int8", "bf16", "f32"),
        (COOPER_LAKE, "int8", "f32", "f32"),
        (CASCADE_LAKE, "int8", "f32", "f32"),
        (ALDER_LAKE, "int8", "f32", "f32"),
        (HASWELL, "f32", "f32", "f32"),
    ],
)
def test_the_table_knows_the_processor(
    tmp_path: Path, names: str, precision: str, encoder_hint: str, decoder_hint: str
) -> None:
    """Each row of the table decides without a measurement, and says for which processor."""
    choice = choose_precision("auto", never, flags=flags(names), folder=tmp_path)
    assert choice[:3] == (precision, encoder_hint, decoder_hint)
    assert choice.reason.startswith("the fastest on A")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("names", [GRAVITON, "neon", ""])
def test_another_processor_is_measured_once(tmp_path: Path, names: str) -> None:
    """On arm64, and where nothing is known of it, the candidates are measured, and kept for the next run."""
    stopwatch = Stopwatch()
    first, second = (
        choose_precision("auto", stopwatch, flags=flags(names), folder=tmp_path) for _ in range(2)
    )
    assert first == second == ("int8", "f32", "f32", first.reason)
    assert first.reason == "the fastest of f32 30 ms, int8 20 ms, as measured on this processor"
    assert stopwatch.calls == [*CANDIDATES]
    choose_precision("auto", stopwatch, flags=flags("sve2"), folder=tmp_path)
    assert stopwatch.calls == [*CANDIDATES] * 2


@pytest.mark.parametrize("content", [b"", b"\0" * 200, b'{"measured": {"x": 1}}'])
def test_a_damaged_file_is_measured_again(tmp_path: Path, content: bytes) -> None:
    """A file that is cut, empty or of another form is replaced."""
    stopwatch = Stopwatch()
    choose_precision("auto", stopwatch, flags=flags(GRAVITON), folder=tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(content)
    choose_precision("auto", stopwatch, flags=flags(GRAVITON), folder=tmp_path)
    assert stopwatch.calls == [*CANDIDATES] * 2
    assert file.read_bytes() == whole


def test_a_time_that_is_none_is_measured_again(tmp_path: Path) -> None:
    """A file with the right keys may have a number that no clock shows."""
    stopwatch = Stopwatch()
    choose_precision("auto", stopwatch, flags=flags(GRAVITON), folder=tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for wrong in (b"NaN", b"-1.0"):
        file.write_bytes(whole.replace(b"30.0", wrong))
        choose_precision("auto", stopwatch, flags=flags(GRAVITON), folder=tmp_path)
        assert file.read_bytes() == whole


def test_without_a_cache_it_is_measured_every_time(tmp_path: Path) -> None:
    """A folder that cannot be written costs the measurement, and nothing else."""
    (tmp_path / "file").touch()
    stopwatch = Stopwatch()
    for _ in range(2):
        choose_precision("auto", stopwatch, flags=flags(GRAVITON), folder=tmp_path / "file")
    assert stopwatch.calls == [*CANDIDATES] * 2


@pytest.mark.parametrize("pinned", [name for name in PRECISIONS if name != "auto"])
@pytest.mark.parametrize("names", [SAPPHIRE_RAPIDS, TURIN, GRAVITON, ""])
def test_a_pin_counts_on_every_processor_that_has_it(tmp_path: Path, pinned: str, names: str) -> None:
    """A pinned precision is not measured."""
    choice = choose_precision(pinned, never, flags=flags(names), folder=tmp_path)
    assert (choice.precision, choice.reason) == (pinned, "pinned")


def test_bf16_is_refused_where_it_would_be_imitated(tmp_path: Path) -> None:
    """OpenVINO would take 35 times as long as with float32; the line says what to do."""
    with pytest.raises(TranscriptionError, match=r"bf16: this processor has no such numbers.*; use auto"):
        choose_precision("bf16", never, flags=flags(CASCADE_LAKE), folder=tmp_path)


def test_flags_follow_the_limit_of_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    """NUMBA_CPU_FEATURES limits what is chosen, as it limits our kernels."""
    monkeypatch.setattr(config, "CPU_FEATURES", "+avx2,+fma,-avx512f,-avx512vnni")
    assert processor_flags() == {"avx2", "fma"}
    monkeypatch.setattr(config, "CPU_FEATURES", "")
    assert processor_flags() == frozenset()
    monkeypatch.setattr(config, "CPU_FEATURES", None)
    assert processor_flags() == {name for name, has in binding.get_host_cpu_features().items() if has}


def test_eight_bits_are_close_to_float32() -> None:
    """One layer of an encoder with random weights, keys and values: within TOLERANCE of float32's."""
    mel = np.random.default_rng(1).normal(size=(1, encoder_speed.N_MELS, 3000)).astype(np.float32)
    exact, rounded = (outputs(name, mel) for name in ("f32", "int8"))
    for name, expected in exact.items():
        off = np.linalg.norm(rounded[name] - expected) / np.linalg.norm(expected)
        assert 0 < off < TOLERANCE


def outputs(precision: str, mel: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
    """Return the keys and the values of an encoder of one layer."""
    choice = choose_precision(precision, never, flags=frozenset())
    graph = build_encoder_graph(layer_builder(choice, encoder_speed._random_variables()))
    compiled = ov.Core().compile_model(graph, "CPU", compile_settings(choice.encoder_hint, 1))
    found = compiled([mel])
    return {
        name: (np.array(found[place]).view(np.uint16).astype(np.uint32) << 16).view(np.float32)
        for place, name in enumerate(("keys", "values"))
    }


def test_the_measurement_tells_milliseconds() -> None:
    """Each candidate takes some time on this processor."""
    assert all(encoder_speed.encoder_time_ms(name) > 0 for name in CANDIDATES)
