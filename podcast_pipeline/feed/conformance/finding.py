"""A finding of a conformance check."""

from dataclasses import dataclass
from typing import Literal, cast

from lxml import etree

Severity = Literal["error", "warning"]
"""error: apps or directories fail on the fault. warning: some fail, or a standard advises against it."""


@dataclass(frozen=True)
class FeedFinding:
    """One broken rule at one place.

    Attributes:
        rule: its id, like F10; docs/reference/feed-rules.md lists all rules.
        line: of the feed's source, from 1; None if the finding has no line. Beyond line 65,535 libxml2
            no longer counts every element, and the line may be off by one or two.
        severity: whether apps and directories fail on it, or some do.
        message: the fault.
        fix: an instruction.
    """

    rule: str
    severity: Severity
    line: int | None
    message: str
    fix: str


def error(rule: str, element: etree._Element | None, message: str, fix: str) -> FeedFinding:
    """Return an error at an element; without an element the finding has no line."""
    return FeedFinding(rule, "error", _line(element), message, fix)


def warning(rule: str, element: etree._Element | None, message: str, fix: str) -> FeedFinding:
    """Return a warning at an element; without an element the finding has no line."""
    return FeedFinding(rule, "warning", _line(element), message, fix)


def _line(element: etree._Element | None) -> int | None:
    return None if element is None else cast(int, element.sourceline)
