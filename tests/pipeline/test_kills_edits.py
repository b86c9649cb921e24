"""kill -9 of `publish` and `transcribe SLUG` on an edited transcript.md, and saves while they run."""

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

import pytest

from podcast_pipeline import cli, open_show, transcription
from podcast_pipeline.cli import app
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.model import ProgressCallback, Transcript
from podcast_pipeline.model.catalog import to_json, transcript_from_json
from podcast_pipeline.transcript.markdown import HINT
from podcast_pipeline.transcription import TranscriptionOptions
from tests.support.bucket_show import files, objects, soak_amounts
from tests.support.databases import PROCESSES
from tests.support.show import SLUG, ShowFolder, copy_show_folder

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
COMMANDS = ("publish", "transcribe")
OTHER_WORDS = "second.json"  # in the show's folder: the result of the second transcription
BACKUP = re.compile(r"put it back from build/(transcript\.[0-9a-f]{16}\.json)")


@dataclass(frozen=True)
class FileTranscriber:
    """A transcriber that returns the transcript of a file."""

    path: Path

    def transcribe(
        self,
        recording: Path,  # noqa: ARG002
        *,
        options: TranscriptionOptions,  # noqa: ARG002
        report: ProgressCallback,  # noqa: ARG002
    ) -> Transcript:
        """Return the transcript of the file."""
        return transcript_from_json(self.path.read_bytes(), str(self.path))


def run_here(folder: Path, environment: dict[str, str], command: str) -> None:
    """Run `podcast` in this process with a stopped clock and a `FileTranscriber`."""
    os.chdir(folder)
    os.environ.update(environment)
    sys.argv = [
        "podcast",
        "--quiet",
        command,
        SLUG,
        *(["--output", "out"] if command == "transcribe" else []),
    ]
    with pytest.MonkeyPatch.context() as patch, (folder / "stderr").open("w", encoding="utf-8") as error_line:
        patch.setattr(sys, "stderr", error_line)
        patch.setattr(app, "CliSession", partial(CliSession, clock=lambda: NOW))
        transcriber = FileTranscriber(folder / OTHER_WORDS)
        patch.setattr(transcription, "load_transcriber", lambda *_, **__: transcriber)
        cli.main()


def start(show: ShowFolder, command: str) -> BaseProcess:
    process = PROCESSES.Process(target=run_here, args=(show.folder, show.environment, command))
    process.start()
    return process


def run(show: ShowFolder, command: str) -> str:
    """Run a command to its end; return "", or its error line."""
    process = start(show, command)
    process.join()
    error_line = (show.folder / "stderr").read_text(encoding="utf-8").strip()
    assert (process.exitcode, "\n" in error_line) in ((0, False), (0, True), (1, False)), error_line
    return error_line if process.exitcode else ""


def read(show: ShowFolder) -> str:
    return (show.episode / "transcript.md").read_text(encoding="utf-8")


def changed(random: Random, text: str, written: str) -> str:
    """Return a transcript.md with a random word replaced by `written`, or `written` inserted."""
    head, hint, body = text.partition(HINT)
    spots = [m.span() for m in re.finditer(r"(?<= )[a-z]+(?=[ .,])", body)]
    first, last = random.choice(spots)
    return f"{head}{hint}{body[:first]}{written}{body[random.choice((first, last)) :]}".replace(
        f"{written}{body[first:last]}", f"{written} {body[first:last]}"
    )


def replaced(path: Path, data: bytes) -> None:
    """Save as most editors do: write a temporary file and rename it."""
    beside = path.with_name("transcript.md.tmp")
    beside.write_bytes(data)
    beside.replace(path)


def overwritten(path: Path, data: bytes) -> None:
    """Save as nano does: overwrite the file in place."""
    path.write_bytes(data)


def set_aside(path: Path, data: bytes) -> None:
    """Save as vim does: rename the old file first."""
    if path.exists():
        path.replace(path.with_name("transcript.md~"))
    path.write_bytes(data)


SAVES: tuple[Callable[[Path, bytes], None], ...] = (replaced, overwritten, set_aside)


@pytest.fixture(scope="module")
def origin(published: ShowFolder, tmp_path_factory: pytest.TempPathFactory) -> ShowFolder:
    """A published show with the result of a second transcription; never change it, copy it."""
    show = copy_show_folder(published, tmp_path_factory.mktemp("edited") / "show")
    transcript = (show.episode / "transcript.json").read_bytes()
    words = transcript_from_json(
        transcript.replace(b" best", b" finest").replace(b" the", b" da", 3), "heard"
    )
    receipt = words.receipt and words.receipt.model_copy(update={"model": "other"})
    (show.folder / OTHER_WORDS).write_bytes(to_json(words.model_copy(update={"receipt": receipt})))
    assert run(show, "publish") == ""
    return show


@dataclass(frozen=True)
class EditedShow:
    """A show with edits, and the command that a test interrupts."""

    show: ShowFolder
    command: str
    random: Random

    def edit(self, *written: str) -> str:
        """Save and return a transcript.md with these words in it."""
        text = read(self.show)
        for word in written:
            text = changed(self.random, text, word)
        (self.show.episode / "transcript.md").write_text(text, encoding="utf-8")
        return text

    def finish(self) -> None:
        """Run the command until it succeeds, following its error lines."""
        for _ in range(3):
            error_line = run(self.show, self.command)
            if not error_line:
                return
            if backup := BACKUP.search(error_line):
                build = self.show.episode / "build"
                shutil.copy(build / backup[1], self.show.episode / "transcript.json")
        pytest.fail(error_line)

    def assert_kept(self, *written: str) -> None:
        """Assert that words of a person's edits are in the text, or in the reported conflicts."""
        conflicts = json.dumps(json.loads((self.show.episode / "edits.json").read_bytes())["conflicts"])
        for word in written:
            assert word in read(self.show) or word in conflicts, word


def state(show: ShowFolder) -> dict[str, object]:
    """Return what an undisturbed run leaves: the episode's files and the store; not how long steps took."""
    stored = objects(open_show(show.folder).store)
    receipt = json.loads((show.episode / "published.json").read_bytes())
    return {**files(show.episode), **stored, "published.json": {**receipt, "seconds": None}}


def differing(here: dict[str, object], there: dict[str, object]) -> dict[str, tuple[object, object]]:
    """Return the entries that differ, by name."""
    names = here.keys() | there.keys()
    return {name: (here.get(name), there.get(name)) for name in names if here.get(name) != there.get(name)}


def two_edited_shows(origin: ShowFolder, folder: Path, seed: int) -> tuple[EditedShow, EditedShow]:
    """Return two copies of a show with the same edits."""
    random = Random(seed)
    command = random.choice(COMMANDS)
    made = []
    for name in ("disturbed", "left-alone"):
        shutil.rmtree(folder / name, ignore_errors=True)
        made.append(EditedShow(copy_show_folder(origin, folder / name), command, Random(seed)))
        made[-1].edit("zq1", "zq2")
    return made[0], made[1]


@soak_amounts(share=6, full=200)
def test_killed_at_any_time_no_edit_is_lost(origin: ShowFolder, tmp_path: Path, amount: int) -> None:
    """After a kill the same command, run twice, ends in the bytes of two uninterrupted runs."""
    killed = 0
    for seed in range(amount):
        interrupted, undisturbed = two_edited_shows(origin, tmp_path, seed)
        began = time.monotonic()
        undisturbed.finish()
        lasted_s = time.monotonic() - began
        process = start(interrupted.show, interrupted.command)
        process.join(Random(seed).uniform(0, lasted_s))
        process.kill()
        process.join()
        killed += process.exitcode != 0
        for one in (
            interrupted,
            interrupted,
            undisturbed,
        ):  # edits told over new words are told of these the next time
            one.finish()
        interrupted.assert_kept("zq1", "zq2")
        assert differing(state(interrupted.show), state(undisturbed.show)) == {}, seed
    assert killed > amount / 3


@soak_amounts(share=3, full=200)
def test_what_is_saved_meanwhile_is_never_overwritten(
    origin: ShowFolder, tmp_path: Path, amount: int
) -> None:
    """A file that an editor saves while a command runs, killed or not, keeps every edit."""
    for seed in range(amount):
        interrupted, undisturbed = two_edited_shows(origin, tmp_path, seed)
        random, path = Random(seed), interrupted.show.episode / "transcript.md"
        began = time.monotonic()
        undisturbed.finish()
        lasted_s = time.monotonic() - began
        opened = changed(random, read(interrupted.show), "zq3").encode()
        process = start(interrupted.show, interrupted.command)
        process.join(random.uniform(0, lasted_s))
        random.choice(SAVES)(path, opened)
        process.join(random.uniform(0, lasted_s / 2))
        if random.random() < 0.7:
            process.kill()
        process.join()
        backup = [path, *(interrupted.show.episode / "build").glob("transcript.*.md")]
        assert opened in [file.read_bytes() for file in backup if file.exists()], seed
        interrupted.finish()
        interrupted.assert_kept("zq1", "zq2", "zq3")
