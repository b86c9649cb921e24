"""Windows, simulated on Linux: no command is a traceback, and a folder as the store is refused with a line.

Real Windows has never run this; docs/how-to/storage.md says what was simulated.
"""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.support.audio_files import tone
from tests.support.paths import ROOT
from tests.support.show import clean_environment

SLUG = "the-talk"
REFUSED = "a folder as the store needs Linux or macOS"
NEED_NO_STORE = (
    *(["init", "."], ["ingest", "talk.wav", "--title", "The talk"], ["transcribe", SLUG], ["review", SLUG]),
    *(["subscribers", "add", "ann@example.org"], ["subscribers", "export", "people.csv"], ["voices", "list"]),
)
NEED_A_STORE = (
    *(["publish", "--yes", SLUG], ["list"], ["status", SLUG], ["doctor"], ["rebuild"], ["gc", "--yes"]),
    *(["withdraw", SLUG, "--all", "--yes"], ["unpublish", SLUG, "--yes"]),
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What each command did, in one process: with a folder as the store, then with S3."""
    folder = tmp_path_factory.mktemp("windows")
    tone(folder / "talk.wav")
    bucket = {"PODCAST_STORAGE_KIND": "s3", "PODCAST_STORAGE_PUBLIC_BUCKET": "talks"}
    commands = [
        *(({}, words) for words in (NEED_NO_STORE[0], *NEED_A_STORE)),
        *((bucket, words) for words in (*NEED_NO_STORE[1:], *NEED_A_STORE)),
    ]
    (folder / "commands.json").write_text(json.dumps(commands), encoding="utf-8")
    program = [sys.executable, "-W", "ignore", "-m", "tests.support.simulated_windows", "commands.json"]
    environment = {**clean_environment(), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    helps = len(found) - len(commands)
    return {
        "help": found[:helps],
        "folder": found[helps + 1 : helps + 1 + len(NEED_A_STORE)],
        "bucket": found[helps + 1 + len(NEED_A_STORE) :],
    }


def test_no_command_is_a_traceback(told: dict[str, list[dict[str, Any]]]) -> None:
    """Each ends with its exit code, or with one line."""
    everything = [one for part in told.values() for one in part]
    assert len(told["help"]) > 40
    assert [one["traceback"] for one in everything if one["traceback"]] == []
    assert {one["code"] for one in told["help"]} == {0}


def test_a_folder_as_the_store_is_refused_with_the_two_ways_out(
    told: dict[str, list[dict[str, Any]]],
) -> None:
    """Every command that needs a store says so, and names S3 and WSL."""
    for one in told["folder"]:
        assert REFUSED in one["said"], one
        assert 'set kind = "s3" (docs/how-to/storage.md), or work in WSL' in one["said"]


def test_with_a_bucket_everything_works(told: dict[str, list[dict[str, Any]]]) -> None:
    """A first day: ingest, transcribe, publish, subscribers, withdraw."""
    failed = [one for one in told["bucket"] if one["code"] != 0 and one["words"] != ["doctor"]]
    assert [(one["words"], one["said"]) for one in failed] == []
