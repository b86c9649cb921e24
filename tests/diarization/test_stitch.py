"""Windows are stitched to turns, with synthetic voices."""

import kaldi_native_fbank
import numpy as np
import pytest
from numpy.typing import NDArray

from podcast_pipeline.diarization import choose_diarizer
from podcast_pipeline.diarization.assign import DiarizationTurn
from podcast_pipeline.diarization.boundaries import (
    FRAME_S,
    MAX_MARGIN_S,
    MIN_MARGIN_S,
    extend_turns,
    frame_levels_db,
)
from podcast_pipeline.diarization.clustering import cluster_embeddings
from podcast_pipeline.diarization.fbank import BINS, FULL_SCALE, SAMPLE_RATE_HZ, fbank_features
from podcast_pipeline.diarization.stitch import DiarizationWindow, VoiceEmbedding, speech_pieces, stitch

FRAMES = 589
Frames = NDArray[np.bool_]


def person(number: int, *, noise: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return an embedding of a person's voice, of length 1."""
    voice = np.eye(8)[number] + rng.normal(0, noise, 8)
    unit: NDArray[np.float32] = (voice / np.linalg.norm(voice)).astype(np.float32)
    return unit


def spans(count: int) -> NDArray[np.float64]:
    """Return the spans of pieces that follow each other."""
    starts = np.arange(count) * 2.5
    return np.stack([starts, starts + 2.5], axis=1)


@pytest.mark.parametrize(("people", "count"), [(2, None), (3, None), (3, 3), (3, 2)])
def test_voices_are_grouped_by_person(people: int, count: int | None) -> None:
    """There are as many groups as people, or as `count` if given."""
    rng = np.random.default_rng(people)
    voices = np.stack([person(i % people, noise=0.1, rng=rng) for i in range(24)])
    labels = cluster_embeddings(voices, [2.0] * 24, spans(24), count=count)
    assert len(set(labels.tolist())) == (count or people)
    if count in (None, people):
        assert all(len({int(labels[i]) for i in range(k, 24, people)}) == 1 for k in range(people))


@pytest.mark.parametrize("count", [1, 2, 9])
def test_one_voice_is_one_person(count: int) -> None:
    """Embeddings that are all the same are one group, though rounding may give a cosine above 1."""
    voice = np.array([0.1, 0.7, 0.7071068], np.float32)
    voices = np.tile(voice / np.linalg.norm(voice), (count, 1)) * np.float32(1.0000001)
    assert cluster_embeddings(voices, [5.0] * count, spans(count), count=None).tolist() == [0] * count


def test_a_cough_is_no_speaker() -> None:
    """A voice with too little speech goes to the nearest speaker."""
    rng = np.random.default_rng(1)
    voices = np.stack([*(person(0, noise=0.05, rng=rng) for _ in range(6)), person(5, noise=0.05, rng=rng)])
    assert cluster_embeddings(voices, [2.0] * 6 + [1.0], spans(7), count=None).tolist() == [0] * 7


def test_one_sound_in_two_windows_is_no_second_person() -> None:
    """Embeddings of one sound are alike, which says nothing about a person's voice at other times."""
    voices = np.array([[1, 0.35, 0], [1, 0, 0], [1, -0.3, 0], [1, 0, 0.75], [1, 0, 0.75]], np.float32)
    voices /= np.linalg.norm(voices, axis=1, keepdims=True)
    seconds = [1.2, 3.0, 2.8, 3.0, 3.0]
    overlapping = np.array([[0, 1.2], [0, 3.0], [1.2, 4.0], [4.0, 7.0], [4.5, 7.5]])
    assert set(cluster_embeddings(voices, seconds, spans(5), count=None).tolist()) == {0, 1}
    assert cluster_embeddings(voices, seconds, overlapping, count=None).tolist() == [0] * 5


def window(
    start_s: float, spoken: dict[int, list[tuple[float, float]]], people: dict[int, int]
) -> DiarizationWindow:
    """Return a window of 10 s: local speaker -> when, local speaker -> who it is."""
    rng = np.random.default_rng(round(start_s))
    activity = np.zeros((FRAMES, 3), np.bool_)
    for local, stretches in spoken.items():
        for first_s, last_s in stretches:
            activity[int(first_s / FRAME_S) : int(last_s / FRAME_S), local] = True
    voices = [
        VoiceEmbedding(
            p.local, p.first, p.last, person(people[p.local], noise=0.05, rng=rng), p.clean.sum() * FRAME_S
        )
        for p in speech_pieces(activity)
    ]
    return DiarizationWindow(start_s, activity, np.full(FRAMES, -60, np.float32), tuple(voices))


def test_local_speakers_become_people() -> None:
    """The order of local speakers in a window does not change the turns."""
    windows = [
        window(0, {0: [(0.5, 6)], 1: [(6.5, 10)]}, {0: 0, 1: 1}),
        window(5, {0: [(1.5, 7)], 2: [(0, 1), (7.5, 10)]}, {0: 1, 2: 0}),
        window(10, {1: [(0, 2)], 0: [(2.5, 8)]}, {1: 1, 0: 0}),
    ]
    result = stitch(windows, count=None)
    assert [t.speaker for t in result.turns] == ["0", "1", "0"]
    assert [t.start_s for t in result.turns] == pytest.approx([0.4, 6.3, 12.3], abs=0.2)
    assert all(t.certainty > 0.9 for t in result.turns)
    assert len(result.voices) == 2


def test_two_at_once_are_two_turns() -> None:
    """Overlap that segmentation sees is in both speakers' turns."""
    windows = [window(0, {0: [(0.5, 6)], 1: [(4, 9.5)]}, {0: 0, 1: 1})]
    first, second = stitch(windows, count=2).turns
    assert second.start_s < 4.2
    assert first.end_s > 5.8


def sounding(*stretches: tuple[float, float]) -> NDArray[np.float32]:
    """Return the levels of 10 s: loud in these stretches, quiet everywhere else."""
    levels = np.full(FRAMES, -70, np.float32)
    for first_s, last_s in stretches:
        levels[round(first_s / FRAME_S) : round(last_s / FRAME_S)] = -30
    return levels


@pytest.mark.parametrize(
    ("sound", "turns", "settled"),
    [
        ((2, 4), [(2, 4)], [(2 - MIN_MARGIN_S, 4 + MIN_MARGIN_S)]),  # silence around it
        ((1.8, 4.3), [(2, 4)], [(1.8, 4.3)]),  # a breath before, an echo after
        ((1, 6), [(2, 4)], [(2 - MAX_MARGIN_S, 4 + MAX_MARGIN_S)]),  # music
        ((0, 4), [(0.2, 4)], [(0, 4 + MIN_MARGIN_S)]),  # the beginning of the recording
        (
            (1, 6),
            [(2, 4), (4.2, 5)],
            [(2 - MAX_MARGIN_S, 4.1), (4.1, 5 + MAX_MARGIN_S)],
        ),  # half of the pause each
        (
            (1, 6),
            [(2, 4), (3, 5)],
            [(2 - MAX_MARGIN_S, 4), (3, 5 + MAX_MARGIN_S)],
        ),  # nothing where somebody else speaks
    ],
)
def test_turns_end_with_their_sound(
    sound: tuple[float, float], turns: list[tuple[float, float]], settled: list[tuple[float, float]]
) -> None:
    """A turn is extended by the sound around it up to another turn, and by very little silence."""
    spoken = [DiarizationTurn(start_s=a, end_s=b, speaker=str(i)) for i, (a, b) in enumerate(turns)]
    found = [(turn.start_s, turn.end_s) for turn in extend_turns(spoken, sounding(sound))]
    assert found == [pytest.approx(edges, abs=FRAME_S) for edges in settled]


def test_padding_is_not_counted_as_silence() -> None:
    """The zeros that pad a window do not change the levels."""
    noise = np.random.default_rng(3).normal(0, 0.01, 27_000).astype(np.float32)
    assert frame_levels_db(np.pad(noise, (0, 9000))).tolist() == frame_levels_db(noise).tolist()
    assert frame_levels_db(noise) == pytest.approx(-40, abs=2)


def test_silence_has_no_turns() -> None:
    """A recording in which nobody speaks has neither turns nor voices."""
    nothing = np.zeros(0, np.float32)
    result = stitch([DiarizationWindow(0, np.zeros((FRAMES, 3), np.bool_), nothing, ())], count=None)
    assert (result.turns, result.voices) == ((), {})


def test_features_are_kaldis() -> None:
    """One row each 10 ms; they are those of kaldi-native-fbank, which calculates in 32 bits."""
    samples = np.random.default_rng(2).normal(0, 0.1, 24_000).astype(np.float32)
    kaldi = kaldi_native_fbank.OnlineFbank(
        kaldi_native_fbank.FbankOptions(
            frame_opts=kaldi_native_fbank.FrameExtractionOptions(dither=0),
            mel_opts=kaldi_native_fbank.MelBanksOptions(num_bins=BINS),
        )
    )
    kaldi.accept_waveform(SAMPLE_RATE_HZ, samples * FULL_SCALE)
    theirs = np.stack([kaldi.get_frame(number) for number in range(kaldi.num_frames_ready)])
    ours = fbank_features(samples)
    assert ours.shape == theirs.shape == (148, BINS)
    assert np.abs(ours - theirs).max() < 0.001


def test_off_is_no_engine() -> None:
    """`off` leaves a transcript without speakers, whatever is installed."""
    assert choose_diarizer("off") is None
