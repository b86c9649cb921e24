"""A publication is one bar: it only grows, ends at 100 %, and tells the time left."""

import io
import sys
import time

import pytest

from podcast_pipeline.cli.output import Output
from podcast_pipeline.cli.run_progress import COSTS, RunProgress
from podcast_pipeline.model import Progress

RUN = (  # of a new recording, as `publish` reports it
    *(("check", 0), ("check", 1), ("transcribe", 0), ("measure", 0), ("transcribe", 0.5), ("measure", 1)),
    *(("master", 0), ("transcribe", 1), ("master", 0.3), ("transcribe", 0), ("speakers", 0)),
    *(("speakers", 1), ("master", 1), ("tag", 1), ("check feed", 1), ("store", 0), ("store", 1), ("feed", 1)),
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


def test_words_that_are_there_are_no_part_of_the_run() -> None:
    """Then mastering is nearly all; the next recording has its words to come again."""
    run = RunProgress(2)
    run.has_words()
    (first,) = shares(run, (("master", 1),))
    run.finish_recording()
    second = shares(run, (("check", 1), ("master", 1)))[-1]
    done_s = COSTS["check"] + COSTS["master"]
    assert first == pytest.approx(done_s / (done_s + COSTS["store"]) / 2)
    assert second == pytest.approx((1 + done_s / sum(COSTS.values())) / 2)


def test_a_list_of_languages_is_part_of_the_run() -> None:
    """The bar grows while the languages are found; without a list they cost nothing."""
    told = shares(RunProgress(1), (("check", 1), ("languages", 0), ("languages", 0.5), ("languages", 1)))
    assert told[0] <= told[1] < told[2] < told[3]
    (all_words,) = shares(RunProgress(1), (("transcribe", 1),))
    assert all_words == pytest.approx((COSTS["check"] + COSTS["transcribe"]) / sum(COSTS.values()))


def test_tracks_are_transcribed_in_twice_the_time_and_diarized_in_none() -> None:
    """Their two readings are one step of twice the cost; nobody looks for speakers."""
    told = shares(
        RunProgress(1), (("check a.wav", 1), ("track Ann", 1), ("transcribe", 0.5), ("transcribe", 1))
    )
    half, whole = COSTS["check"] + COSTS["transcribe"], COSTS["check"] + 2 * COSTS["transcribe"]
    every = whole + COSTS["master"] + COSTS["store"]
    assert told[2:] == pytest.approx([half / every, whole / every])


def test_what_was_not_needed_counts_at_the_end() -> None:
    """Where nobody looks for speakers, and the audio is published already."""
    (share,) = shares(RunProgress(1), (("store", 0.5),))
    assert share == pytest.approx(1 - COSTS["store"] / 2 / sum(COSTS.values()))


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


def test_a_step_of_the_next_recording_is_measured_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that does not report its begin took no time of the recording before."""
    moments = iter([10.0, 10.0, 10.0, 12.0, 100.0, 100.0, 101.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(moments))
    output = Output(quiet=True)
    output.report(Progress(step="speakers", done=0, total=2))
    output.report(Progress(step="speakers", done=1, total=2))
    output.forget_steps()
    assert output.seconds == {}
    output.report(Progress(step="speakers", done=1, total=2))
    assert output.seconds["speakers"] <= 1


def test_nothing_is_shown_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal, and with --quiet on one, there is no bar."""
    output = Output()
    output.begin_run(1)
    for step, done in RUN:
        output.report(Progress(step=step, done=done, total=1))
    output.finish_recording()
    output.close()
    assert capsys.readouterr() == ("", "")
