"""What a run prints: results on stdout, progress on stderr."""

import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from podcast_pipeline.cli.exit_codes import INTERRUPTED, INTERRUPTED_MESSAGE
from podcast_pipeline.model import CONTROL_CHARACTERS
from podcast_pipeline.model import Progress as Event

PIPE_WIDTH = 1000  # a line a row, for grep and awk
ProgressStyle = Literal["auto", "json"]


@dataclass
class Output:
    """Prints for a person, or one JSON document; and times the steps that report progress.

    Attributes:
        as_json: stdout gets one JSON document and nothing else.
        progress: bars on a terminal (`auto`), or JSON lines on stderr.
    """

    as_json: bool = False
    quiet: bool = False
    progress: ProgressStyle = "auto"
    seconds: dict[str, float] = field(default_factory=dict)
    _began: dict[str, float] = field(default_factory=dict)
    _tasks: dict[str, TaskID] = field(default_factory=dict)
    _bars: Progress | None = None
    _interrupted: bool = False

    def interrupt(self, *_signal: object) -> None:
        """Take Ctrl-C: at once, or at the next progress where it falls into foreign code that swallows it.

        The second one ends the run where it is, as a kill would, which loses nothing.
        """
        if self._interrupted:
            self.warn(INTERRUPTED_MESSAGE)
            os._exit(INTERRUPTED)
        self._interrupted = True
        raise KeyboardInterrupt

    def report(self, event: Event) -> None:
        """Take progress from a stage: time the step and show it."""
        if self._interrupted:
            raise KeyboardInterrupt
        if event.done == 0:
            self._began[event.step] = time.monotonic()
        self.seconds[event.step] = time.monotonic() - self._began.setdefault(event.step, time.monotonic())
        if self.progress == "json":
            print(event.model_dump_json(), file=sys.stderr, flush=True)
        elif not self.quiet and sys.stderr.isatty():
            self._show(event)

    def _show(self, event: Event) -> None:
        if self._bars is None:
            self._bars = Progress(
                TextColumn("{task.description:<12}"),
                BarColumn(),
                TextColumn("{task.fields[note]}"),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bars.start()
        if event.step not in self._tasks:
            self._tasks[event.step] = self._bars.add_task(event.step, total=event.total or None, note="")
        self._bars.update(
            self._tasks[event.step],
            completed=event.done,
            total=event.total or None,
            note=progress_note(event, self.seconds[event.step]),
        )

    def close(self) -> None:
        """Take the bars off the terminal."""
        if self._bars is not None:
            self._bars.stop()

    def result(self, document: Mapping[str, object], lines: Iterable[str] = ()) -> None:
        """Print the result: the document with --json, else the lines."""
        self.close()
        if self.as_json:
            print(json.dumps(document, ensure_ascii=False, default=str))
        elif not self.quiet:
            for line in lines:
                print(line)

    def table(self, title: str, rows: Iterable[tuple[str, ...]], *, columns: tuple[str, ...]) -> None:
        """Print a table for a person; nothing with --json or --quiet."""
        self.close()
        if self.as_json or self.quiet:
            return
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(printable(cell)) for cell in row))
        Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)

    def warn(self, line: str) -> None:
        """Print one line on stderr that is no error."""
        self.close()
        print(f"podcast: {printable(line)}", file=sys.stderr)


def progress_note(event: Event, elapsed_s: float) -> str:
    """Return what stands beside a bar: audio time done, its pace and the time left; or megabytes."""
    if event.unit == "bytes":
        return f"{event.done / 1e6:.1f} of {event.total / 1e6:.1f} MB"
    if event.unit != "s":
        return ""
    done = f"{timedelta(seconds=round(event.done))} of {timedelta(seconds=round(event.total))}"
    if not (event.done and elapsed_s):
        return done
    left_s = (event.total - event.done) * elapsed_s / event.done
    return f"{done}, {event.done / elapsed_s:.0f}× real time, {timedelta(seconds=round(left_s))} left"


def printable(text: str) -> str:
    """Return the text without what would steer a terminal."""
    return CONTROL_CHARACTERS.sub(" ", text)
