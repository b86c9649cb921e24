"""The OpenAPI document is true: generated requests get no 5xx and no answer that it does not describe."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from podcast_pipeline.audience.api.keys import SCOPES, ApiKeys
from podcast_pipeline.web.api.operations import OPERATIONS
from tests.support.paths import ROOT
from tests.support.site import NOW, SHOW_ID, Site

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site whose API counts no requests."""
    monkeypatch.setattr("podcast_pipeline.web.rate_limit.RateLimiter.count_holder", lambda *_: None)
    site = Site.make(tmp_path)
    site.subscribers.add("ada@example.org", now=NOW, origin="cli")
    yield site
    site.close()


def test_generated_requests_get_described_answers(site: Site) -> None:
    """Of every operation, with right and wrong bodies, queries and paths, by schemathesis."""
    _, text = ApiKeys(site.subscribers.engine, show_id=SHOW_ID).add("crm", SCOPES, now=NOW)
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", site.app())
    names = set()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        names.add(operation.definition.raw["operationId"])
        cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

        @settings(
            max_examples=5,
            phases=[Phase.generate],
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(cases)
        def ask(case: schemathesis.Case[Any]) -> None:
            answer = case.call(headers={"authorization": f"Bearer {text}"})
            case.validate_response(answer, checks=CHECKS)

        ask()
    assert names == {operation.name for operation in OPERATIONS}


def test_the_document_is_served_to_everybody(site: Site) -> None:
    """It has each operation's scope, and no address of a person."""
    with TestClient(site.app()) as client:
        document = client.get("/api/openapi.json").json()
    described = {each["operationId"] for path in document["paths"].values() for each in path.values()}
    assert described == {operation.name for operation in OPERATIONS}
    assert "example.org" not in str(document["components"])


def test_the_reference_has_every_operation() -> None:
    """A line with method, path, scope and purpose for each."""
    text = (ROOT / "docs/reference/rest-api.md").read_text(encoding="utf-8")
    missing = [
        line
        for each in OPERATIONS
        if (line := f"| `{each.method} {each.path}` | `{each.scope}` | {each.summary} |") not in text
    ]
    assert missing == []
