""".github/workflows/ci.yml: what it runs is there, on the Pythons that pyproject.toml names."""

import os
import re
import tomllib

import yaml

from tests.support.paths import ROOT

JOBS = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]
COMMANDS = [step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHON = "Programming Language :: Python :: "


def test_the_workflow_runs_on_every_python_of_the_classifiers() -> None:
    """The least and the first that is too new are those of `requires-python`."""
    named = [line.removeprefix(PYTHON) for line in PROJECT["classifiers"] if line.startswith(PYTHON)]
    assert JOBS["test"]["strategy"]["matrix"]["python"] == named
    least, newest = named[0], int(named[-1].removeprefix("3."))
    assert PROJECT["requires-python"] == f">={least},<3.{newest + 1}"


def test_the_workflow_runs_what_a_person_runs() -> None:
    """Every command is a target of the Makefile or a script, but for git's setting in a container."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in COMMANDS:
        program, *arguments = command.split()
        if program == "make":
            assert re.search(rf"^{arguments[0]}:", makefile, flags=re.MULTILINE), command
        elif program != "git":
            assert os.access(ROOT / program, os.X_OK), command
    assert "make check" in COMMANDS
