"""What a check of `podcast doctor` is, and what it finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from podcast_pipeline.cli.session import CliSession


@dataclass(frozen=True)
class DoctorFinding:
    """The result of one check; `ok` None marks advice."""

    name: str
    ok: bool | None
    said: str


Check = Callable[[CliSession], Iterator[DoctorFinding]]
