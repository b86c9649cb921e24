"""Fuzzing of every parser of foreign bytes: it parses or refuses in one line, in bounded time.

`pytest --soak -m soak tests/end_to_end/test_fuzz.py --fuzz-s 150` runs for 150 seconds of CPU time
with each parser and each of two engines: hypothesis, which damages a sample, and libFuzzer, which seeks
unreached code.
"""

import subprocess
import sys
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from podcast_pipeline.audience.subscribers.tokens import parse_token as parse_token
from podcast_pipeline.errors import PodcastError
from podcast_pipeline.search.query import parse_query as parse_query
from tests.support.parsers import PARSERS, reads_or_refuses
from tests.support.paths import ROOT

EXAMPLES = 40
SOAK_EXAMPLES = 1000  # at a time


@st.composite
def damaged(draw: st.DrawFn, sample: bytes) -> bytes:
    """Draw a sample with pieces replaced, repeated and removed, or random bytes."""
    if draw(st.integers(0, 4)) == 0:
        return draw(st.binary(max_size=400))
    data = bytearray(sample)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 30))
        piece = draw(st.one_of(st.binary(max_size=12), st.sampled_from(PIECES), st.just(data[at : at + 60])))
        data[at : at + length] = piece
    return bytes(data)


PIECES = (
    *(b"\0", b"\xff\xfe", b"\xed\xa0\x80", b'"', b"'", b"\\", b"\r", b"\n\n", b"-->", b"&#0;", b"&amp;"),
    *(b"<![CDATA[", b"]]>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"[" * 3000, b"{" * 3000, b"9" * 5000),
    *(
        b"=?\x80utf-8?q?a?=",
        b"1e999",
        b"NaN",
        b"-0",
        b"99999-99-99",
        b"=?utf-8?b?/w==?=",
        b"bytes=",
        b"00:00",
        b"# ",
        b"---\n",
    ),
)


def fuzz(name: str, examples: int) -> int:
    """Fuzz a parser, and return the number of inputs."""
    parser, count = PARSERS[name], 0

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(damaged(parser.sample))
    def feed(data: bytes) -> None:
        nonlocal count
        count += 1
        reads_or_refuses(parser, data)

    feed()
    return count


@pytest.mark.parametrize("name", PARSERS)
def test_a_sample_is_read(name: str) -> None:
    """Each sample is valid, so that the fuzzing reaches the inside of the parser."""
    PARSERS[name].read(PARSERS[name].sample)


@pytest.mark.parametrize("name", PARSERS)
def test_damaged_input_is_read_or_refused(name: str) -> None:
    """No damaged input makes a parser raise another error or exceed the time limit."""
    assert fuzz(name, EXAMPLES) >= EXAMPLES


@pytest.fixture
def fuzz_s(request: pytest.FixtureRequest) -> float:
    """Seconds of CPU time for a parser and an engine."""
    return float(request.config.getoption("--fuzz-s"))


@pytest.mark.soak
@pytest.mark.parametrize("name", PARSERS)
def test_much_damaged_input_is_read_or_refused(
    name: str, fuzz_s: float, capsys: pytest.CaptureFixture[str]
) -> None:
    """Damaged input for --fuzz-s seconds; the number of inputs is printed."""
    until_s, count = time.process_time() + fuzz_s, 0
    while time.process_time() < until_s:
        count += fuzz(name, SOAK_EXAMPLES)
    with capsys.disabled():
        print(f"\n{name}: {count} inputs in {fuzz_s:.0f} s")  # noqa: T201


@pytest.mark.soak
@pytest.mark.parametrize("name", PARSERS)
def test_input_that_seeks_new_paths_is_read_or_refused(
    name: str, fuzz_s: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """libFuzzer, guided by coverage, finds no failing input; the number of inputs is printed."""
    pytest.importorskip("atheris", reason="atheris is not installed; pip install atheris")
    command = [sys.executable, "-m", "tests.support.guided_fuzz", name, str(tmp_path), str(fuzz_s)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    with capsys.disabled():
        print(f"\n{done.stdout.strip()}")  # noqa: T201


BOMBS = (
    ("CSV", b"email\n" + b'"' + b"a,\n" * 300_000),
    ("transcript JSON", b"[" * 900_000),
    ("catalog", b'{"a":' * 200_000),
    ("checked chapters", b"[" * 900_000),
    ("imported chapters", b'{"chapters":' * 80_000),
    ("search query", b'"a" ' * 200_000),
    ("show.toml", b"[" * 900_000),
    ("show.toml", b"a = " + b"9" * 900_000),
    ("episode.toml", b"title = " + b"[" * 900_000),
    ("transcript.md", b"**" * 400_000),
    ("checked feed", b"<!DOCTYPE r [<!ENTITY a '" + b"x" * 5000 + b"'>]><rss>" + b"&a;" * 20_000 + b"</rss>"),
    ("Range", b"bytes=" + b"0-1," * 200_000),
    ("If-* headers", b'W/"' * 100_000 + b"\n" + b"1 " * 100_000 + b"\n\nbytes=" + b"0-," * 100_000),
    ("vtt captions", b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + b"<" * 900_000),
    ("srt captions", b"1\n00:00:01,000 --> 00:00:02,000\n" + b"a\n" * 400_000),
    ("json captions", b'{"version":"1.0.0","segments":' + b"[" * 900_000),
    ("html captions", b"<cite>" * 150_000),
    ("token", b"a" * 900_000),
    ("log", b"/feeds/" * 130_000),
    ("mail", b"To: " + b"<(" * 20_000),
    ("leaks", b"%25" * 300_000),
)


@pytest.mark.parametrize(("name", "bomb"), BOMBS, ids=[name for name, _ in BOMBS])
def test_a_bomb_takes_bounded_time_and_memory(name: str, bomb: bytes) -> None:
    """A hostile megabyte costs less than ten seconds and 200 MB."""
    began = time.process_time()
    with suppress(PodcastError):
        PARSERS[name].read(bomb)
    assert time.process_time() - began < 10
    tracemalloc.start()  # apart: it makes everything four times slower
    with suppress(PodcastError):
        PARSERS[name].read(bomb)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 200e6
