"""Faults between `publish` and a real S3 server: success after a retry, or one error line and no change."""

import time

import pytest

from podcast_pipeline.model.catalog import CATALOG_KEY
from podcast_pipeline.storage.objects import FEED_KEY
from tests.support import faults
from tests.support.bucket_show import objects, verified_feed_and_catalog
from tests.support.disturbed_publication import Scenario, body_of
from tests.support.faults import Fault

ALWAYS = 1_000_000
BOUND_S = 150.0  # six attempts with their pauses, and a busy machine
STALL_BOUND_S = 240.0
BUSY = faults.refuse(503, "SlowDown", Retry_After="1")

PASSING: dict[str, tuple[str, str, Fault, int]] = {
    "503 with Retry-After at an upload": ("PUT", "private/documents", BUSY, 2),
    "503 at the catalog": ("PUT", CATALOG_KEY, BUSY, 2),
    "503 when read back by URL": ("GET", "public/chapters", BUSY, 1),
    "reset at the feed": ("PUT", FEED_KEY, faults.reset, 2),
    "reset in the middle of a body": ("GET", "private/documents", faults.reset_in_body, 1),
    "reset in a body read by URL": ("GET", "public/chapters", faults.reset_in_body, 1),
    "truncated answer": ("GET", CATALOG_KEY, faults.truncate, 1),
    "truncated answer by URL": ("GET", "public/chapters", faults.truncate, 1),
    "answer lost after the catalog was written": ("PUT", CATALOG_KEY, faults.lose_response, 1),
    "answer lost after the feed was written": ("PUT", FEED_KEY, faults.lose_response, 1),
    "wrong ETag of the catalog": ("GET", CATALOG_KEY, faults.wrong_etag, 1),
    "wrong ETag of the feed": ("GET", FEED_KEY, faults.wrong_etag, 1),
}

LASTING: dict[str, tuple[str, Fault, str]] = {
    "expired credential": ("PUT", faults.refuse(400, "ExpiredToken"), "credentials have expired"),
    "full bucket": ("PUT", faults.refuse(507, "InsufficientStorage"), "the store is full"),
    "read-only policy": ("PUT", faults.refuse(403, "AccessDenied"), "not allowed with these credentials"),
    "wrong clock": ("GET", faults.refuse(403, "RequestTimeTooSkewed"), "clock is wrong"),
    "overloaded": ("PUT", BUSY, "overloaded"),
    "resets": ("PUT", faults.reset, "connection broke or stalled"),
    "truncated answers": ("GET", faults.truncate, "run again|check the network"),
    "wrong ETags": ("PUT", faults.wrong_etag, "reads back differently"),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_fault_that_passes_is_not_seen(corrected: Scenario, name: str) -> None:
    """One run completes the publication in spite of the fault."""
    method, text, fault, times = PASSING[name]
    corrected.set_up()
    corrected.proxy.inject(method, fault, times=times, text=text)
    began = time.monotonic()
    corrected.show.publish()
    assert time.monotonic() - began < BOUND_S
    assert corrected.proxy.plans[0].times == 0
    assert objects(corrected.store) == corrected.after


@pytest.mark.soak
def test_a_stall_of_a_minute_is_waited_out(corrected: Scenario) -> None:
    """A request to a server that stalls in an upload is retried."""
    corrected.set_up()
    corrected.proxy.inject("PUT", faults.stall, text="private/documents")
    corrected.proxy.inject("GET", faults.stall_in_body, text="public/chapters")
    began = time.monotonic()
    corrected.show.publish()
    assert time.monotonic() - began < STALL_BOUND_S
    assert objects(corrected.store) == corrected.after


@pytest.mark.parametrize("name", LASTING)
def test_a_fault_that_lasts_is_one_line_and_nothing_changed(corrected: Scenario, name: str) -> None:
    """Catalog and feed stay, the error line names the remedy, and the same command completes later."""
    method, fault, line = LASTING[name]
    corrected.set_up()
    corrected.proxy.inject(method, fault, times=ALWAYS)
    began = time.monotonic()
    assert _fails(corrected)
    assert time.monotonic() - began < BOUND_S
    said = corrected.show.error_line()
    assert any(part in said for part in line.split("|")), said
    assert "\n" not in said
    corrected.proxy.clear()
    assert verified_feed_and_catalog(corrected.show, corrected.store) == (
        body_of(corrected.before, FEED_KEY),
        body_of(corrected.before, CATALOG_KEY),
    )
    corrected.assert_outcome()


def test_a_fault_that_begins_between_catalog_and_feed_is_caught_up(corrected: Scenario) -> None:
    """Listeners keep the complete old feed; the same command then writes the new feed."""
    corrected.set_up()
    corrected.proxy.inject("PUT", faults.refuse(403, "AccessDenied"), times=ALWAYS, text=FEED_KEY)
    assert _fails(corrected)
    corrected.proxy.clear()
    feed, written = verified_feed_and_catalog(corrected.show, corrected.store)
    assert feed == body_of(corrected.before, FEED_KEY)
    assert written == body_of(corrected.after, CATALOG_KEY)
    corrected.assert_outcome()


def _fails(scenario: Scenario) -> bool:
    process = scenario.show.publisher()
    process.start()
    process.join()
    return process.exitcode == 1
