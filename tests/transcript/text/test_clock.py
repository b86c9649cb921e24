"""Seconds as a clock, in two formats."""

import pytest

from podcast_pipeline.transcript.text.clock import format_clock, format_short_clock


@pytest.mark.parametrize(
    ("seconds", "clock", "short_clock"),
    [
        (0, "00:00:00", "0:00"),
        (5.9, "00:00:05", "0:05"),
        (65, "00:01:05", "1:05"),
        (3599.999, "00:59:59", "59:59"),
        (3723, "01:02:03", "1:02:03"),
        (360_000, "100:00:00", "100:00:00"),
    ],
)
def test_both_formats_are_cut_to_the_second(seconds: float, clock: str, short_clock: str) -> None:
    """Hours stand always, or where there are any; nothing is rounded up."""
    assert format_clock(seconds) == clock
    assert format_short_clock(seconds) == short_clock
