"""Conformance of fetched transcripts, chapters, artwork and responses."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podcast_pipeline.feed.conformance import (
    FeedFinding,
    RecordedResponse,
    check_artwork,
    check_chapters,
    check_responses,
    check_transcript,
)
from tests.support.rule_cases.files import (
    ARTWORK_FAULTS,
    CHAPTERS_FAULTS,
    DURATION_S,
    RESPONSE_FAULTS,
    RIGHT,
    TRANSCRIPT_FAULTS,
    TYPES,
    VTT,
    picture,
)


def broken(findings: tuple[FeedFinding, ...]) -> set[tuple[str, str, int | None]]:
    return {(f.rule, f.severity, f.line) for f in findings}


@pytest.mark.parametrize("mime", TYPES)
def test_right_transcript_has_no_findings(mime: str) -> None:
    """A valid transcript of each kind has no findings."""
    assert check_transcript(TYPES[mime].encode(), mime, duration_s=DURATION_S) == ()


@pytest.mark.parametrize(("mime", "right", "wrong", "rule", "severity", "line"), TRANSCRIPT_FAULTS)
def test_fault_in_a_transcript_is_found(
    mime: str, right: str, wrong: str, rule: str, severity: str, line: int | None
) -> None:
    """Each fault is found, with the rule and the line in the file."""
    assert right in TYPES[mime]
    data = TYPES[mime].replace(right, wrong, 1).encode()
    assert broken(check_transcript(data, mime, duration_s=DURATION_S)) == {(rule, severity, line)}


def test_transcript_in_another_encoding_is_found() -> None:
    """A transcript must be UTF-8; a byte order mark is allowed."""
    assert broken(check_transcript(VTT.encode("utf-16"), "text/vtt")) == {("T2", "error", 1)}
    assert check_transcript(b"\xef\xbb\xbf" + VTT.encode(), "text/vtt") == ()


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(TYPES)), st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_crash_the_checks(mime: str, data: bytes) -> None:
    """Any bytes are checked without an exception."""
    check_transcript(data, mime, duration_s=10)
    check_transcript(TYPES[mime].encode()[: len(data)] + data, mime)
    check_chapters(data, duration_s=10)


@pytest.mark.parametrize(("document", "count"), CHAPTERS_FAULTS)
def test_chapters_are_ascending_and_inside_the_audio(document: Any, count: int) -> None:
    """F15 in the file itself: a version, a start for each, ascending, not after the end."""
    findings = check_chapters(json.dumps(document).encode(), duration_s=100)
    assert [f.rule for f in findings] == ["F15"] * count


def test_right_artwork_has_no_findings() -> None:
    """A square JPEG or PNG of 1400 to 3000 px in RGB at 72 dpi has no findings."""
    assert check_artwork(picture(), "image/jpeg") == ()
    assert check_artwork(picture((3000, 3000), form="PNG"), "image/png; charset=binary") == ()


@pytest.mark.parametrize(("data", "content_type", "severity"), ARTWORK_FAULTS)
def test_fault_in_artwork_is_found(data: bytes, content_type: str, severity: str) -> None:
    """Any fault in artwork is a finding of F4."""
    assert broken(check_artwork(data, content_type)) == {("F4", severity, None)}


def test_picture_bomb_is_refused_by_its_header() -> None:
    """A PNG that claims 100,000 × 100,000 px is not decoded."""
    small = picture(form="PNG")
    bomb = small[:16] + (100_000).to_bytes(4) * 2 + small[24:]
    assert [f.rule for f in check_artwork(bomb, "image/png")] == ["F4"]


def test_right_responses_have_no_findings() -> None:
    """Correct responses have no findings."""
    assert check_responses(RIGHT) == ()


@pytest.mark.parametrize(("response", "rule", "severity"), RESPONSE_FAULTS)
def test_fault_in_a_response_is_found(response: RecordedResponse, rule: str, severity: str) -> None:
    """One fault gives one finding, which contains the address."""
    findings = check_responses([*RIGHT, response])
    assert broken(findings) == {(rule, severity, None)}
    assert findings[0].message.startswith(f"{response.kind} u: ")
