"""Models are fetched by name with a bar, resumed after a cut, and only with the expected bytes."""

import errno
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from unittest.mock import Mock

import pytest
from huggingface_hub import constants, file_download

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.model import Progress
from podcast_pipeline.transcription.hub import fetch_from_hub
from podcast_pipeline.transcription.known_models import trust
from podcast_pipeline.transcription.known_models.table import PUBLISHED_MODELS
from podcast_pipeline.transcription.weights import PACKAGED_MODELS, find_weights
from tests.support.http_servers import FileHost, running_host
from tests.support.hub import COMMIT, hub_files, sha256
from tests.support.ports import free_port
from tests.support.sounds import ignore_progress

MODEL = bytes(range(256)) * 400
OTHER = MODEL[::-1]
REPOSITORY = "somebody/whisper-new"
CHUNK = 10_000


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileHost]:
    """Run a hub without models; nothing of this machine's caches is seen."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    with running_host() as host:
        visit(host.url, tmp_path / "hub", monkeypatch)
        yield host


def visit(url: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what the hub's library read from HF_ENDPOINT, HF_HOME and HF_HUB_OFFLINE when it was imported."""
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", CHUNK)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str | None], None]:
    """Return a function that gives the model `small` another SHA-256 in the table."""

    def change(model: str, expected: str | None) -> None:
        entry = replace(PUBLISHED_MODELS[model], sha256=expected)
        table = MappingProxyType({**PUBLISHED_MODELS, model: entry})
        monkeypatch.setattr(trust, "PUBLISHED_MODELS", table)

    return change


def fetch(model: str) -> Path:
    return fetch_from_hub(model, report=ignore_progress)


def ranges(hub: FileHost) -> list[str | None]:
    """Return the ranges of the requests for the bytes of model.bin."""
    return [at for method, path, at in hub.requests if method == "GET" and path.endswith("/model.bin")]


def test_the_table_has_a_commit_for_every_name_and_the_bytes_of_all_but_one() -> None:
    """Revisions are commits, hashes are SHA-256, and those of packaged models are the packages'."""
    assert all(len(model.revision) == 40 for model in PUBLISHED_MODELS.values())
    assert [name for name, model in PUBLISHED_MODELS.items() if not model.sha256] == ["distil-large-v2"]
    assert {name: PUBLISHED_MODELS[name].sha256 for name in PACKAGED_MODELS} == {
        name: packaged.sha256["model.bin"] for name, packaged in PACKAGED_MODELS.items()
    }


def test_a_model_is_fetched_once_with_a_bar(
    hub: FileHost, known: Callable[[str, str | None], None], tmp_path: Path
) -> None:
    """All files come from the commit of the table, progress counts bytes, and the second time asks nobody."""
    known("small", sha256(MODEL))
    published = PUBLISHED_MODELS["small"]
    at = {"revision": published.revision, "commit": published.revision}
    hub.files.update(hub_files(published.repository, MODEL, **at))
    seen = list[Progress]()
    folder = fetch_from_hub("small", report=seen.append)
    assert {file.name for file in folder.iterdir()} == {
        "model.bin",
        "config.json",
        "tokenizer.json",
        "vocabulary.txt",
    }
    assert {progress.step for progress in seen} == {"fetch small"}
    done = [progress.done for progress in seen]
    assert (done[0], done[-1], seen[0].total, seen[0].unit) == (0, len(MODEL), len(MODEL), "bytes")
    asked = len(hub.requests)
    found = find_weights("small", cache=tmp_path, hub=fetch)
    assert (found.path, found.sha256, len(hub.requests)) == (folder, sha256(MODEL), asked)


def test_an_interrupted_download_goes_on_where_it_stopped(hub: FileHost) -> None:
    """After Ctrl-C in the middle the next run asks for the rest only."""
    hub.files.update(hub_files(REPOSITORY, MODEL))

    def interrupt(progress: Progress) -> None:
        if progress.done > len(MODEL) / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_from_hub(REPOSITORY, report=interrupt)
    seen = list[Progress]()
    folder = fetch_from_hub(REPOSITORY, report=seen.append)
    assert (folder / "model.bin").read_bytes() == MODEL
    whole, rest = ranges(hub)
    assert (whole, rest is not None and rest.startswith("bytes=")) == (None, True)
    assert (seen[0].done, seen[1].done > len(MODEL) / 3, seen[-1].done) == (0, True, len(MODEL))


def test_a_cut_connection_is_resumed_in_the_same_run(hub: FileHost) -> None:
    """A host that closes the connection in the middle is asked for the rest."""
    files = hub_files(REPOSITORY, MODEL)
    for path, file in files.items():
        if path.endswith("main/model.bin"):
            file.faults.add("breaks")
    hub.files.update(files)
    assert (fetch(REPOSITORY) / "model.bin").read_bytes() == MODEL
    whole, rest = ranges(hub)
    assert (whole, (rest or "").startswith("bytes=")) == (None, True)


def test_wrong_bytes_are_refused(hub: FileHost, tmp_path: Path) -> None:
    """Bytes that are not those that the hub announces are deleted, and nothing is in the cache."""
    hub.files.update(hub_files(REPOSITORY, MODEL, says="f" * 64))
    with pytest.raises(TranscriptionError, match=f"{REPOSITORY}: was fetched damaged.*run it again"):
        fetch(REPOSITORY)
    assert [path.name for path in (tmp_path / "hub").rglob("*") if path.suffix == ".part"] == []
    assert not list((tmp_path / "hub").rglob("snapshots"))


@pytest.mark.parametrize(
    ("name", "header"),
    [("config.json", "ETag"), ("model.bin", "X-Linked-Etag"), ("model.bin", "X-Repo-Commit")],
)
def test_no_name_from_the_hub_leads_out_of_the_cache(
    hub: FileHost, tmp_path: Path, name: str, header: str
) -> None:
    """Files and folders of the cache are called as the host says, which may be a path."""
    files = hub_files(REPOSITORY, MODEL)
    for path, file in files.items():
        if path.endswith(name):
            file.headers[header] = '"../../../outside"' if header != "X-Repo-Commit" else "../../../outside"
    hub.files.update(files)
    with pytest.raises(TranscriptionError, match="the hub does not say its SHA-256"):
        fetch(REPOSITORY)
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize("name", ["model.bin", "vocabulary.txt"])
def test_more_bytes_than_the_hub_announces_are_not_written(hub: FileHost, tmp_path: Path, name: str) -> None:
    """A host that never ends would fill the disk: here it announces a byte less than it sends."""
    files = hub_files(REPOSITORY, MODEL)
    for path, file in files.items():
        if path.endswith(name):
            file.headers["X-Linked-Size"] = str(len(file.body) - 1)
    hub.files.update(files)
    with pytest.raises(TranscriptionError, match=r"the hub sends more than the [0-9]+ bytes that it"):
        fetch(REPOSITORY)
    assert not list(tmp_path.rglob("*.part"))


def test_small_files_with_other_bytes_are_refused(hub: FileHost) -> None:
    """The tokens of another model would give other words; git's SHA-1 tells them apart."""
    files = hub_files(REPOSITORY, MODEL)
    for path, file in files.items():
        if path.endswith("tokenizer.json"):
            file.headers["ETag"] = f'"{"a" * 40}"'
    hub.files.update(files)
    with pytest.raises(TranscriptionError, match=r"was fetched damaged: its SHA-1 is [0-9a-f]{40}; run it"):
        fetch(REPOSITORY)


def test_a_link_in_place_of_a_part_is_not_written_through(hub: FileHost, tmp_path: Path) -> None:
    """A cache that several users share may have a link there to a file of one of them."""
    hub.files.update(hub_files(REPOSITORY, MODEL))
    victim = tmp_path / "victim"
    victim.write_bytes(b"keep")
    blobs = tmp_path / "hub/models--somebody--whisper-new/blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{sha256(MODEL)}.podcast.part").symlink_to(victim)
    assert (fetch(REPOSITORY) / "model.bin").read_bytes() == MODEL
    assert victim.read_bytes() == b"keep"


def test_a_full_disk_is_no_missing_network(hub: FileHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line says to make room, not to run it again with a network."""
    hub.files.update(hub_files(REPOSITORY, MODEL))
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(file_download, "http_get", Mock(side_effect=full))
    with pytest.raises(TranscriptionError, match="No space left on device; make room, or set HF_HOME"):
        fetch(REPOSITORY)


def test_a_socks_proxy_without_its_package_is_one_line(
    hub: FileHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub's library raises an ImportError for it."""
    hub.files.update(hub_files(REPOSITORY, MODEL))
    missing = ImportError("Using SOCKS proxy, but the 'socksio' package is not installed.")
    monkeypatch.setattr(file_download, "http_get", Mock(side_effect=missing))
    with pytest.raises(TranscriptionError, match=r"fetching them failed \(Using SOCKS proxy"):
        fetch(REPOSITORY)


def test_a_damaged_model_in_the_cache_is_named_and_fetched_again(hub: FileHost, tmp_path: Path) -> None:
    """The line names the file with the bytes, not the link to it: without that the same bytes stay."""
    hub.files.update(hub_files(REPOSITORY, MODEL))
    blob = (fetch(REPOSITORY) / "model.bin").resolve()
    blob.write_bytes(OTHER)
    with pytest.raises(TranscriptionError, match=f"{blob}: is damaged.*delete it and fetch it again"):
        find_weights(REPOSITORY, cache=tmp_path, hub=fetch)
    blob.unlink()
    assert find_weights(REPOSITORY, cache=tmp_path, hub=fetch).sha256 == sha256(MODEL)


def test_a_damaged_note_of_the_trusted_bytes_trusts_nothing(hub: FileHost, tmp_path: Path) -> None:
    """Other bytes under the name are not taken because the note of the first ones cannot be read."""
    hub.files.update(hub_files(REPOSITORY, MODEL))
    find_weights(REPOSITORY, cache=tmp_path, hub=fetch)
    (note,) = (tmp_path / "user").rglob("*.json")
    note.write_text("{")
    with pytest.raises(TranscriptionError, match=f"{note}: is damaged; delete it if you trust"):
        find_weights(REPOSITORY, cache=tmp_path, hub=fetch)
    assert note.read_text() == "{"


def test_other_bytes_than_those_of_the_table_are_not_even_fetched(
    hub: FileHost, known: Callable[[str, str | None], None]
) -> None:
    """What the hub has under the commit is compared with the table before a byte is fetched."""
    published = PUBLISHED_MODELS["small"]
    at = {"revision": published.revision, "commit": published.revision}
    hub.files.update(hub_files(published.repository, OTHER, **at))
    with pytest.raises(TranscriptionError, match=r"faster-whisper-small: its model\.bin is not the expected"):
        fetch("small")
    assert ranges(hub) == []


def test_the_first_bytes_of_a_name_are_trusted_and_others_refused(
    hub: FileHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repository that is in no table keeps the bytes that came first, also on a fresh cache of the hub."""
    hub.files.update(hub_files(REPOSITORY, MODEL))
    assert find_weights(REPOSITORY, cache=tmp_path, hub=fetch).sha256 == sha256(MODEL)
    hub.files = hub_files(REPOSITORY, OTHER)
    visit(hub.url, tmp_path / "fresh", monkeypatch)
    with pytest.raises(TranscriptionError) as refused:
        fetch(REPOSITORY)
    (kept,) = (tmp_path / "user").rglob("*.json")
    assert f"not {sha256(MODEL)}; delete {kept} if you trust the new one" in str(refused.value)
    kept.unlink()
    assert find_weights(REPOSITORY, cache=tmp_path, hub=fetch).sha256 == sha256(OTHER)


def test_a_trusted_repository_stays_at_its_commit(
    hub: FileHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine's cache is filled from the commit that was trusted, though the branch has moved on."""
    hub.files.update(hub_files(REPOSITORY, MODEL))
    find_weights(REPOSITORY, cache=tmp_path, hub=fetch)
    hub.files.update(hub_files(REPOSITORY, OTHER, commit="6" * 40))
    visit(hub.url, tmp_path / "fresh", monkeypatch)
    assert fetch(REPOSITORY).name == COMMIT


def test_bytes_that_were_changed_in_the_cache_are_refused(
    hub: FileHost, known: Callable[[str, str | None], None], tmp_path: Path
) -> None:
    """A snapshot with another file under the name is not used."""
    known("small", sha256(MODEL))
    folder = (
        tmp_path / "hub/models--Systran--faster-whisper-small/snapshots" / PUBLISHED_MODELS["small"].revision
    )
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(OTHER)
    with pytest.raises(TranscriptionError, match=r"is not the expected one.*fetch it again"):
        find_weights("small", cache=tmp_path, hub=fetch)


def put_in_cache(cache: Path, repository: str, content: bytes, commit: str) -> Path:
    """Put model.bin into the hub's cache as another program does that asks for `main`."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    blob, snapshot = folder / "blobs" / sha256(content), folder / "snapshots" / commit
    for parent in (blob.parent, snapshot, folder / "refs"):
        parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(content)
    (snapshot / "model.bin").symlink_to(blob)
    (folder / "refs/main").write_text(commit)
    return snapshot


def test_what_another_program_fetched_is_used_if_it_has_the_bytes(
    hub: FileHost, known: Callable[[str, str | None], None], tmp_path: Path
) -> None:
    """A snapshot of another commit serves without a request; one with other bytes is left alone."""
    known("small", sha256(MODEL))
    repository = PUBLISHED_MODELS["small"].repository
    snapshot = put_in_cache(tmp_path / "hub", repository, MODEL, "7" * 40)
    assert (fetch("small"), hub.requests) == (snapshot, [])
    known("small", sha256(OTHER))
    with pytest.raises(TranscriptionError, match="fetching them failed"):
        fetch("small")


def test_without_a_network_one_line_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens at the hub's address: the line has the command for a machine with a network."""
    visit(f"http://127.0.0.1:{free_port()}", tmp_path, monkeypatch)
    with pytest.raises(TranscriptionError) as refused:
        fetch("large-v3-turbo")
    (line,) = str(refused.value).splitlines()
    assert line.startswith(
        "large-v3-turbo: its weights are not on this machine, and the hub cannot be reached;"
    )
    assert "`hf download mobiuslabsgmbh/faster-whisper-large-v3-turbo --revision 0a363e91" in line


def test_a_repository_that_is_not_there_is_one_line(hub: FileHost) -> None:
    """The hub answers that it has no such repository."""
    path = f"/{REPOSITORY}/resolve/main/model.bin"
    hub.files.update({path: replace(hub_files(REPOSITORY, b"")[path], status=404)})
    hub.files[path].headers["X-Error-Code"] = "RepoNotFound"
    with pytest.raises(TranscriptionError, match="the hub has no such model"):
        fetch(REPOSITORY)
