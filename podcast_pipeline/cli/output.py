"""Output of a command: results on stdout, progress and warnings on stderr."""

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from io import TextIOWrapper
from typing import Any, Literal, TextIO

import rich.progress
from rich.console import Console
from rich.table import Table
from rich.text import Text

from podcast_pipeline.cli.exit_codes import INTERRUPTED, INTERRUPTED_MESSAGE
from podcast_pipeline.cli.run_progress import RunProgress
from podcast_pipeline.model import CONTROL_CHARACTERS, Progress

PIPE_WIDTH = 1000  # one line per row, for grep and awk
RUN = "run"
ProgressStyle = Literal["auto", "json"]
STEERING = re.compile(rf"{CONTROL_CHARACTERS.pattern}|[\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of text around."""
STEERING_BESIDE_LINES = re.compile(rf"(?![\n\t])(?:{STEERING.pattern})")


class HarmlessStream(TextIOWrapper):
    """A standard stream that steers no terminal, whoever writes: results, warnings, errors, questions, logs.

    What a feed, a file or a mail brings is text; only our tables and bars style it, on `unfiltered`.

    Args:
        stream: the stream that it stands for; stays open.
    """

    def __init__(self, stream: TextIOWrapper) -> None:
        super().__init__(
            stream.buffer,
            encoding=stream.encoding,
            errors="backslashreplace",  # characters that the terminal cannot show
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )
        self.unfiltered = stream

    def write(self, text: str) -> int:
        """Write text with a space for each character that steers a terminal."""
        super().write(STEERING_BESIDE_LINES.sub(" ", text))
        return len(text)


def guard_streams() -> None:
    """Put a HarmlessStream in place of standard output and standard error."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, TextIOWrapper) and not isinstance(stream, HarmlessStream):
            stream.reconfigure(errors="backslashreplace")  # tables and bars write on it
            setattr(sys, name, HarmlessStream(stream))


@dataclass
class Output:
    """Prints text or one JSON document, and measures the time of each step that reports progress.

    Attributes:
        as_json: print one JSON document on stdout and nothing else.
        progress: bars on a terminal (`auto`) or JSON lines on stderr.
        seconds: step -> its duration so far.
        run: of a command whose steps are one run; on a terminal it has one bar.
    """

    as_json: bool = False
    quiet: bool = False
    progress: ProgressStyle = "auto"
    seconds: dict[str, float] = field(default_factory=dict)
    run: RunProgress | None = None
    _run_started_s: float = 0.0
    _started_s: dict[str, float] = field(default_factory=dict)
    _tasks: dict[str, rich.progress.TaskID] = field(default_factory=dict)
    _bars: rich.progress.Progress | None = None
    _interrupted: bool = False

    def interrupt(self, *_signal: object) -> None:
        """Handle Ctrl-C: raise at once, and again at the next progress if a library swallowed the exception.

        A second Ctrl-C ends the process at once, like a kill, which loses nothing.
        """
        if self._interrupted:
            self.warn(INTERRUPTED_MESSAGE)
            os._exit(INTERRUPTED)
        self._interrupted = True
        raise KeyboardInterrupt

    def report(self, event: Progress) -> None:
        """Handle a progress event: measure the time of its step and show it."""
        if self._interrupted:
            raise KeyboardInterrupt
        if event.done == 0:
            self._started_s[event.step] = time.monotonic()
        started_s = self._started_s.setdefault(event.step, time.monotonic())
        self.seconds[event.step] = time.monotonic() - started_s
        if self.run:
            self.run.take(event)
        if self.progress == "json":
            print(_harmless_json(event.model_dump_json()), file=sys.stderr, flush=True)
        elif not self.quiet and sys.stderr.isatty():
            self._show_bar(event)

    def forget_steps(self) -> None:
        """Measure every step anew: the next recording has the same ones."""
        self.seconds.clear()
        self._started_s.clear()

    def begin_run(self, count: int) -> None:
        """Count all steps from now on as one run over `count` recordings."""
        self.run, self._run_started_s = RunProgress(count), time.monotonic()

    def finish_recording(self) -> None:
        """Count a recording of the run as done."""
        if self.run:
            self.run.finish_recording()
            if self._bars is not None:
                self._bars.update(self._tasks[RUN], completed=self.run.share)

    def report_in_lines(self, event: Progress) -> None:
        """Handle an event of a long step: a bar on a terminal, elsewhere a line for each part."""
        self.report(event)
        if event.done and not (self.quiet or self.progress == "json" or sys.stderr.isatty()):
            print(f"{printable(event.step)}: {event.done:g} of {event.total:g}", file=sys.stderr, flush=True)

    def _show_bar(self, event: Progress) -> None:
        if self._bars is None:
            self._bars = rich.progress.Progress(
                rich.progress.TextColumn("{task.description:<12}", markup=False),
                rich.progress.BarColumn(),
                rich.progress.TextColumn("{task.fields[note]}", markup=False),
                *([] if self.run else [rich.progress.TimeElapsedColumn()]),
                console=Console(file=_unfiltered(sys.stderr)),
                transient=True,
            )
            self._bars.start()
        name = RUN if self.run else event.step
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task("", total=None, note="")
        self._bars.update(self._tasks[name], **self._bar(event))

    def _bar(self, event: Progress) -> dict[str, Any]:
        """Return the fields of the run's bar, else of the step's."""
        step = printable(event.step)
        if self.run:
            note = self.run.note(time.monotonic() - self._run_started_s)
            return {"description": step, "completed": self.run.share, "total": 1.0, "note": note}
        note = progress_note(event, self.seconds[event.step])
        return {"description": step, "completed": event.done, "total": event.total or None, "note": note}

    def close(self) -> None:
        """Remove the progress bars from the terminal; the next progress shows them again."""
        if self._bars is not None:
            self._bars.stop()
        self._bars = None
        self._tasks.clear()

    def result(
        self, document: Mapping[str, object], lines: Iterable[str] = (), *, flush: bool = False
    ) -> None:
        """Print the result: the document with --json, else the lines (none with --quiet).

        Args:
            flush: for a command that goes on afterwards.
        """
        self.close()
        if self.as_json:
            print(_harmless_json(json.dumps(document, ensure_ascii=False, default=str)))
        elif not self.quiet:
            for line in lines:
                print("\n".join(map(printable, line.split("\n"))))
        if flush:
            sys.stdout.flush()

    def table(self, title: str, rows: Iterable[tuple[str, ...]], *, columns: tuple[str, ...]) -> None:
        """Print a table; nothing with --json or --quiet."""
        self.close()
        if self.as_json or self.quiet:
            return
        table = Table(title=Text(printable(title)), title_justify="left", box=None, pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(printable(cell)) for cell in row))
        sys.stdout.flush()
        Console(file=_unfiltered(sys.stdout), width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)

    def note(self, line: str) -> None:
        """Print a line on stderr that is no warning, above the bars; not with --quiet or JSON lines."""
        if self.quiet or self.progress == "json":
            return
        text = f"podcast: {printable(line)}"
        if self._bars is None:
            print(text, file=sys.stderr)
        else:
            self._bars.console.print(Text(text))

    def warn(self, line: str) -> None:
        """Print a one-line message on stderr."""
        self.close()
        print(f"podcast: {printable(line)}", file=sys.stderr)


def progress_note(event: Progress, elapsed_s: float) -> str:
    """Return the text beside a bar: audio time done, speed and time left; or megabytes."""
    if event.unit == "bytes":
        return f"{event.done / 1e6:.1f} of {event.total / 1e6:.1f} MB"
    if event.unit != "s":
        return ""
    done = f"{timedelta(seconds=round(event.done))} of {timedelta(seconds=round(event.total))}"
    if not (event.done and elapsed_s):
        return done
    left_s = (event.total - event.done) * elapsed_s / event.done
    return f"{done}, {event.done / elapsed_s:.0f}× real time, {timedelta(seconds=round(left_s))} left"


def format_count(number: int, noun: str) -> str:
    """Return a count with its noun, "1 episode" or "2 episodes"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _unfiltered(stream: TextIO) -> TextIO:
    """Return the stream for rich, which styles; its text went through `printable`."""
    return stream.unfiltered if isinstance(stream, HarmlessStream) else stream


def printable(text: str) -> str:
    """Return the text with a space for each character that could steer a terminal or turn a line around."""
    return STEERING.sub(" ", text)


def _harmless_json(text: str) -> str:
    """Return JSON with the same characters escaped; JSON itself escapes only those below U+0020."""
    return STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
