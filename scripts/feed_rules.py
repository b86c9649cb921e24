"""Every rule of `podcast feed check` as a row of docs/reference/feed-rules.md.

The requirement of a rule is in the docstrings of podcast_pipeline.feed.conformance (`F2: …`). Severity and
remedy are those of the findings for the faults of tests/support/rule_cases, checked on each run.
"""

import inspect
import json
import pkgutil
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from importlib import import_module

from podcast_pipeline.feed import conformance
from podcast_pipeline.feed.conformance import FeedFinding
from tests.support.http_servers import running_host
from tests.support.rule_cases import documents, files, hosts

CHECKED = re.compile(r"([FTH]\d+): (.*?)(?=\s+[FTHP]\d+: |\n|$)")
HEAD = ("rule", "severity", "asks for", "what to do", "planted by")


@dataclass(frozen=True)
class Planted:
    """A finding of the checker for a fault that a test plants."""

    test: str
    finding: FeedFinding


def table() -> Iterator[str]:
    """Yield the lines of the table."""
    yield _row(HEAD)
    yield _row(["---"] * len(HEAD))
    planted, asked = list(_planted()), _asked()
    for rule in sorted(asked, key=lambda rule: ("FTH".index(rule[0]), int(rule[1:]))):
        mine = [plant for plant in planted if plant.finding.rule == rule]
        yield _row([rule, *(" · ".join(_each(cells)) for cells in _cells(asked[rule], mine))])


def _cells(asked: list[str], planted: list[Planted]) -> Iterator[Iterable[str]]:
    findings = [plant.finding for plant in planted]
    yield sorted({finding.severity for finding in findings})
    yield asked
    yield (escape(finding.fix, quote=False).replace("|", r"\|") for finding in findings)
    yield (f"`{plant.test}`" for plant in planted)


def _each(cells: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(cells))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _asked() -> dict[str, list[str]]:
    """Return the requirements in the docstrings of the checker, by rule."""
    asked: dict[str, list[str]] = {}
    for found in pkgutil.iter_modules(conformance.__path__):
        module = import_module(f"{conformance.__name__}.{found.name}")
        for _, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__:
                for rule, text in CHECKED.findall(inspect.getdoc(function) or ""):
                    asked.setdefault(rule, []).append(text.removesuffix("."))
    return asked


def _planted() -> Iterator[Planted]:
    for name, findings in (
        ("test_rules.py", _of_feeds()),
        ("test_fetched_files.py", _of_files()),
        ("test_check.py", _of_hosts()),
    ):
        yield from (Planted(name, finding) for finding in findings)


def _of_feeds() -> Iterator[FeedFinding]:
    for _, _, right, wrong in documents.FAULTS:
        yield from conformance.check_feed(documents.RIGHT.replace(right, wrong, 1).encode())


def _of_files() -> Iterator[FeedFinding]:
    for mime, right, wrong, *_ in files.TRANSCRIPT_FAULTS:
        yield from conformance.check_transcript(
            files.TYPES[mime].replace(right, wrong, 1).encode(), mime, duration_s=files.DURATION_S
        )
    for document, _ in files.CHAPTERS_FAULTS:
        yield from conformance.check_chapters(json.dumps(document).encode(), duration_s=100)
    for data, content_type, _ in files.ARTWORK_FAULTS:
        yield from conformance.check_artwork(data, content_type)
    for answer, *_ in files.RESPONSE_FAULTS:
        yield from conformance.check_responses([answer])


def _of_hosts() -> Iterator[FeedFinding]:
    """Yield the findings for a local host with one fault at a time."""
    for _, _, break_it in hosts.FAULTS.values():
        with running_host() as running:
            running.files.update(hosts.right_files(running.url))
            break_it(running.files)
            yield from hosts.findings(f"{running.url}/feed.xml")
