"""The wheel in an empty environment, far from the checkout: without extras, then with those of a producer."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.support.http_servers import running_podcast
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.show import SLUG

RECORDING = ROOT / "episodes" / SLUG / "source.flac"
TORCHLESS = ("transcribe", "weights")


class Environment:
    """A virtual environment with the wheel, and an empty home."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.folder, self.wheel, self.home = folder, wheel, folder / "home"
        self.home.mkdir(parents=True)
        self._run([sys.executable, "-m", "venv", folder / "venv"])

    @property
    def variables(self) -> dict[str, str]:
        """The environment's variables: no setting of this machine but where pip finds packages."""
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "LANG"))}
        return {**kept, "HOME": str(self.home), "PATH": "/usr/bin:/bin", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def install(self, *extras: str) -> None:
        """Install the wheel with some extras, in the versions that are tested."""
        wheel = f"{self.wheel}[{','.join(extras)}]" if extras else str(self.wheel)
        pip = self.folder / "venv" / "bin" / "pip"
        self._run([pip, "install", "--quiet", "--constraint", ROOT / "constraints.txt", wheel])

    def podcast(self, *arguments: str | Path, check: int = 0) -> str:
        """Run `podcast` in the home and return what it printed."""
        done = self._run([self.command, *arguments], check=check)
        return done.stdout + done.stderr

    @property
    def command(self) -> Path:
        """The installed `podcast`."""
        return self.folder / "venv" / "bin" / "podcast"

    def has(self, package: str) -> bool:
        """Tell whether a package can be imported."""
        python = self.folder / "venv" / "bin" / "python"
        done = subprocess.run([python, "-c", f"import {package}"], capture_output=True, check=False)
        return done.returncode == 0

    def _run(self, command: list[str | Path], *, check: int = 0) -> "subprocess.CompletedProcess[str]":
        cwd = self.home / "show" if (self.home / "show").is_dir() else self.home
        done = subprocess.run(
            command, cwd=cwd, env=self.variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == check, f"{command}\n{done.stdout}{done.stderr}"
        return done


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """The wheel without extras."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command = [*pip, "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    environment = Environment(folder / "empty", wheel)
    environment.install()
    yield environment
    shutil.rmtree(folder)  # more than a gigabyte


def test_a_producers_evening(environment: Environment) -> None:
    """Without extras a show can be made and looked after, and what is missing is said before the work."""
    environment.podcast("init", "show")
    said = environment.podcast("doctor", check=3)
    advice = "run `pip install 'podcast-pipeline[transcribe]'`"
    assert [x for x in said.splitlines() if x.startswith("BAD")] == [
        f"BAD  weights: speech engine: none is installed; {advice}"
    ]
    assert "note extra: speakers is not installed" in said
    line = environment.podcast("publish", RECORDING, "--title", "Two winters", check=1)
    assert line == f"podcast: speech engine: none is installed; {advice}\n"
    assert list((environment.home / "show" / "episodes").iterdir()) == []
    assert "/feeds/" in environment.podcast("subscribers", "add", "reader@example.org")
    assert not environment.has("torch")

    environment.install(*TORCHLESS)
    said = environment.podcast("publish", RECORDING, "--title", "Two winters")
    assert "two-winters: people are not told apart; run `pip install 'podcast-pipeline[speakers]'`" in said
    assert not environment.has("torch")
    port = free_port()
    show = environment.home / "show"
    with (
        running_podcast(environment.command, show, port, environment.variables) as site,
        urlopen(f"{site}/public/feed.xml", timeout=20) as answer,  # noqa: S310 (our own server)
    ):
        assert b"<title>Two winters</title>" in answer.read()
