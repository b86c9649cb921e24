"""Seconds as a clock, in two formats."""

import pytest

from podcast_pipeline.transcript.text.clock import format_clock, format_short_clock, parse_clock


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


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12:30.5", 750.5),
        ("750.5", 750.5),
        ("1:02:03", 3723.0),
        ("0:05", 5.0),
        (" 90 ", 90.0),
        ("90:00", 5400.0),
        ("75", 75.0),
        ("1:59.999", 119.999),
        ("1:75", None),
        ("1:60", None),
        ("1:60:00", None),
        ("1:02:60.5", None),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("1:2:3:4", None),
        ("１２", None),
    ],
)
def test_a_clock_is_read(text: str, seconds: float | None) -> None:
    """Times are read as people write them; other text is none."""
    assert parse_clock(text) == seconds
