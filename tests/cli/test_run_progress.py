"""A publication is one bar: it only grows, ends at 100 %, and tells the time left."""

import io
import sys

import pytest

from podcast_pipeline.cli.output import Output
from podcast_pipeline.cli.run_progress import COSTS, RunProgress
from podcast_pipeline.model import Progress

RUN = (  # of a new recording, as `publish` reports it
    *(("check", 0), ("check", 1), ("transcribe", 0), ("transcribe", 0.5), ("transcribe", 1)),
    *(("transcribe", 0), ("speakers", 0), ("speakers", 1), ("check", 0), ("check", 1), ("measure", 1)),
    *(("master", 0), ("master", 1), ("tag", 1), ("check feed", 1), ("store", 0), ("store", 1), ("feed", 1)),
)


class Terminal(io.StringIO):
    """Takes what a terminal would show."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return True


def shares(run: RunProgress, events: tuple[tuple[str, float], ...]) -> list[float]:
    """Return the share after each event."""
    told = []
    for step, done in events:
        run.take(Progress(step=step, done=done, total=1))
        told.append(run.share)
    return told


def test_it_grows_from_nothing_to_all() -> None:
    """Also where a step comes twice; the last step is all."""
    told = shares(RunProgress(1), RUN)
    assert told == sorted(told)
    assert told[0] == 0
    assert told[-1] == pytest.approx(1)


def test_a_step_that_is_not_needed_counts() -> None:
    """Where the words are there already, mastering begins behind them."""
    (share,) = shares(RunProgress(1), (("master", 0),))
    assert share == pytest.approx(
        (COSTS["check"] + COSTS["transcribe"] + COSTS["speakers"]) / sum(COSTS.values())
    )


def test_each_recording_has_the_same_share() -> None:
    """One that ended with an error counts as done."""
    run = RunProgress(2)
    shares(run, (("check", 0.5),))
    run.finish_recording()
    assert run.share == 0.5
    assert shares(run, RUN)[-1] == pytest.approx(1)
    run.finish_recording()
    assert (run.share, run.note(10)) == (1, "100%")


def test_the_time_left_follows_from_the_share() -> None:
    """A quarter after a minute leaves three; at the very start nothing is said."""
    assert RunProgress(1, share=0.25).note(60) == "25%, 0:03:00 left"
    assert RunProgress(1, share=0.01).note(1) == "1%"


def test_a_terminal_has_one_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the step at work, and is there again after a warning."""
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    output = Output()
    output.begin_run(1)
    for step, done in RUN:
        output.report(Progress(step=step, done=done, total=1))
        if step == "speakers":
            output.warn("a line")
    output.finish_recording()
    output.close()
    text = shown.getvalue()
    assert ("podcast: a line" in text, "feed" in text, "100%" in text) == (True, True, True)
    assert max(line.count("━") for line in text.split("\r")) <= 40


def test_nothing_is_shown_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal, and with --quiet on one, there is no bar."""
    output = Output()
    output.begin_run(1)
    for step, done in RUN:
        output.report(Progress(step=step, done=done, total=1))
    output.finish_recording()
    output.close()
    assert capsys.readouterr() == ("", "")
