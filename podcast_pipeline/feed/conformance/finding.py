"""What a check says."""

from dataclasses import dataclass
from typing import Literal, cast

from lxml import etree

Severity = Literal["error", "warning"]
"""error: apps or directories fail on it. warning: some do, or a standard advises against it."""


@dataclass(frozen=True)
class FeedFinding:
    """One broken rule at one place.

    Attributes:
        rule: its id in docs/conformance.md, like F10.
        line: of the feed's source, from 1; None where the finding is not about a line. Beyond line
            65,535 libxml2 no longer counts every element, and the line may be one or two off.
        message: what is wrong. fix: what to do.
    """

    rule: str
    severity: Severity
    line: int | None
    message: str
    fix: str


def error(rule: str, where: etree._Element | None, message: str, fix: str) -> FeedFinding:
    """Return an error at an element; None where there is no line to name."""
    return FeedFinding(rule, "error", _line(where), message, fix)


def warning(rule: str, where: etree._Element | None, message: str, fix: str) -> FeedFinding:
    """Return a warning at an element; None where there is no line to name."""
    return FeedFinding(rule, "warning", _line(where), message, fix)


def _line(where: etree._Element | None) -> int | None:
    return None if where is None else cast(int, where.sourceline)
