"""The REST API over HTTP: keys and scopes, each operation, repeated requests, refusals, what is logged."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Response
from sqlalchemy import select
from starlette.testclient import TestClient

from podcast_pipeline.audience.api.keys import SCOPES, ApiKeys
from podcast_pipeline.audience.database.tables import api_requests, audit_log
from podcast_pipeline.audience.subscribers.privacy.retention import purge
from podcast_pipeline.web.routes.api import MAX_BODY_BYTES
from tests.support.site import NOW, SHOW_ID, Site, flagship

on_each_database = pytest.mark.usefixtures("each_database")

ADA = "ada@example.org"
PEOPLE = "/api/v1/subscribers"
JOINED: dict[str, Any] = {
    "foreign_id": "s-1",
    "email": ADA,
    "starts_at": NOW.isoformat(),
    "period_ends_at": (NOW + timedelta(days=30)).isoformat(),
}


class Program:
    """A program of the newsroom with a key, and the site that it asks."""

    def __init__(self, folder: Path) -> None:
        self.site = Site.make(folder)
        self.keys = ApiKeys(self.site.subscribers.engine, show_id=SHOW_ID)
        self.key, self.text = self.keys.add("crm", SCOPES, now=NOW)
        self.client = TestClient(
            self.site.app(), base_url="http://127.0.0.1:8080", raise_server_exceptions=False
        )

    def ask(
        self, method: str, path: str, body: object = None, *, key: str | None = None, once: str = ""
    ) -> Response:
        """Send a request with a key and, where `once` is given, an Idempotency-Key."""
        headers = {"authorization": f"Bearer {self.text if key is None else key}"}
        headers |= {"idempotency-key": once} if once else {}
        return self.client.request(method, path, json=body, headers=headers)

    def actors(self) -> list[tuple[str, str]]:
        """Return the action and the actor of every change."""
        query = select(audit_log.c.action, audit_log.c.actor).order_by(audit_log.c.id)
        with self.keys.engine.connect() as connection:
            return [(action, actor) for action, actor in connection.execute(query)]


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """A program with a key of all scopes."""
    program = Program(tmp_path)
    yield program
    program.client.close()
    program.site.close()


@on_each_database
def test_a_subscription_is_made_changed_and_looked_up(program: Program) -> None:
    """The new subscriber reads at once; the key is the actor; the same facts again change nothing."""
    flagship(program.site)
    made = program.ask("POST", PEOPLE, JOINED)
    assert made.status_code == 201, made.text
    ada = made.json()
    (entitlement,) = ada["entitlements"]
    assert (ada["email"], ada["state"], entitlement["source"]) == (ADA, "active", "api:crm")
    assert entitlement["ends_at"] == "2026-04-16T12:00:00Z"  # 30 days and 7 of grace
    feed = program.client.get(f"/feeds/{program.site.subscribers.feed_token(ADA)}/feed.xml")
    assert feed.text.count("<podcast:transcript ") == 3
    again = program.ask("POST", PEOPLE, JOINED)
    assert (again.status_code, again.json()) == (200, ada)
    refunded = program.ask("POST", PEOPLE, JOINED | {"ended_at": NOW.isoformat()})
    assert (refunded.status_code, refunded.json()["state"]) == (200, "lapsed")
    one = program.ask("GET", f"{PEOPLE}/{ada['id']}")
    for asked in ({"email": ADA.upper()}, {"foreign_id": "s-1"}):
        assert program.ask("POST", f"{PEOPLE}/find", asked).json() == one.json() == refunded.json()
    actor = program.key.actor
    assert program.actors() == [("added", actor), ("entitlement_changed", actor)]


@on_each_database
def test_suspend_resume_rotate_and_erase(program: Program) -> None:
    """Each does what the command does; no answer has a private link; an erased person is not there."""
    path = f"{PEOPLE}/{program.ask('POST', PEOPLE, JOINED).json()['id']}"
    first = program.site.subscribers.feed_token(ADA)
    assert program.ask("POST", f"{path}/suspend", {"reason": "a dispute"}).json()["state"] == "suspended"
    assert program.site.subscribers.get(ADA).suspended_reason == "a dispute"
    assert program.ask("POST", f"{path}/resume").json()["state"] == "active"
    rotated = program.ask("POST", f"{path}/rotate")
    second = program.site.subscribers.feed_token(ADA)
    assert rotated.status_code == 200
    assert first != second
    assert second not in rotated.text
    program.site.subscribers.remove(ADA, now=NOW, origin="cli")
    assert program.ask("POST", f"{path}/rotate").status_code == 409
    gone = program.ask("DELETE", path)
    assert (gone.status_code, gone.content) == (204, b"")
    for method, asked in (("GET", path), ("DELETE", path), ("POST", f"{path}/resume")):
        assert program.ask(method, asked).status_code == 404
    late = program.ask("POST", PEOPLE, JOINED)
    assert (late.status_code, late.headers["content-type"]) == (409, "application/problem+json")
    changes = ("suspended", "resumed", "rotated", "erased")
    assert {(action, program.key.actor) for action in changes} < set(program.actors())


def test_pages_have_everybody_once(program: Program) -> None:
    """The cursor leads through all, oldest first; canaries and the erased are not among them."""
    for number in range(5):
        program.ask("POST", PEOPLE, JOINED | {"foreign_id": f"s-{number}", "email": f"{number}@example.org"})
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = program.ask("GET", f"{PEOPLE}?limit=2" + (f"&after={after}" if after else "")).json()
        seen += [each["email"] for each in page["subscribers"]]
        after = page["next"]
    assert seen == [f"{number}@example.org" for number in range(5)]
    assert program.ask("GET", "/api/v1/events").json() == {"events": [], "next": None}


@on_each_database
def test_the_same_request_has_the_same_outcome(program: Program) -> None:
    """A rotation is done once; another request with the name is refused; a refused one may be mended."""
    made = [program.ask("POST", PEOPLE, JOINED, once="join-1") for _ in range(2)]
    assert [each.status_code for each in made] == [201, 201]
    assert made[0].json() == made[1].json()
    path = f"{PEOPLE}/{made[0].json()['id']}/rotate"
    program.ask("POST", path, once="rotate-1")
    token = program.site.subscribers.feed_token(ADA)
    assert program.ask("POST", path, once="rotate-1").status_code == 200
    assert program.site.subscribers.feed_token(ADA) == token
    other = program.ask("POST", PEOPLE, JOINED | {"plan": "student"}, once="join-1")
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (422, "Idempotency-Key")
    assert program.ask("POST", PEOPLE, JOINED | {"plan": "none"}, once="x").status_code == 422
    assert program.ask("POST", PEOPLE, JOINED, once="x").status_code == 200
    with program.keys.engine.connect() as connection:
        stored = str(connection.execute(select(api_requests)).all())
    assert ADA not in stored
    assert "join-1" not in stored


def test_a_request_that_a_killed_server_left_is_done_after_a_minute(program: Program) -> None:
    """Before, it is under way: 409."""
    program.ask("POST", PEOPLE, JOINED, once="join-1")
    with program.keys.engine.begin() as connection:
        connection.execute(api_requests.update().values(status=None, subscriber_id=None))
    assert program.ask("POST", PEOPLE, JOINED, once="join-1").status_code == 409
    program.site.clock.now = NOW + timedelta(minutes=2)
    assert program.ask("POST", PEOPLE, JOINED, once="join-1").status_code == 200


def test_a_key_does_what_its_scopes_say(program: Program) -> None:
    """Each scope opens its own operations alone; a revoked or wrong key opens none."""
    paths = {"subscribers:read": ("GET", PEOPLE), "events:read": ("GET", "/api/v1/events")}
    paths["subscribers:write"] = ("POST", PEOPLE)
    for scope in SCOPES:
        key, text = program.keys.add("other", [scope], now=NOW)
        got = {
            name: program.ask(*asked, JOINED, key=text).status_code in (200, 201)
            for name, asked in paths.items()
        }
        assert got == {name: name == scope for name in paths}
        program.keys.revoke(key.id, now=NOW)
        assert program.ask("GET", PEOPLE, key=text).status_code == 401
    refused = program.ask("GET", PEOPLE, key="")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    ("body", "status", "pointers"),
    [
        (b"{", 400, []),
        (b"\xff", 400, []),
        (b"[]", 422, ["#/"]),
        (b"{}", 422, ["#/foreign_id", "#/email", "#/starts_at"]),
        (b"x" * (MAX_BODY_BYTES + 1), 413, []),
    ],
)
def test_a_bad_body_is_a_problem(program: Program, body: bytes, status: int, pointers: list[str]) -> None:
    """The answer names each wrong field."""
    headers = {"authorization": f"Bearer {program.text}"}
    answer = program.client.post(PEOPLE, content=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    assert [each["pointer"] for each in problem["errors"]] == pointers


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("plan", "gold"),
        ("email", "not an address"),
        ("foreign_id", "a\u0000b"),
        ("starts_at", "0001-01-01T00:00:00+14:00"),
        ("starts_at", "2026-01-01T00:00:00"),
        ("starts_at", 5),
        ("made_up", 1),
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not(program: Program, field: str, value: object) -> None:
    """Nothing is stored, and no answer repeats what was sent."""
    answer = program.ask("POST", PEOPLE, JOINED | {field: value})
    assert answer.status_code == 422, answer.text
    assert [each["pointer"] for each in answer.json()["errors"]] == [f"#/{field}"]
    assert str(value) not in answer.text or field == "starts_at"
    assert list(program.site.subscribers.list_all()) == []


def test_too_many_wrong_keys_and_too_many_requests_wait(program: Program) -> None:
    """429 says when; a network that guesses is not let in with a right key either."""
    for _ in range(60):
        assert program.ask("GET", PEOPLE, key="pk_x").status_code == 401
    for key in ("pk_x", program.text):
        answer = program.ask("GET", PEOPLE, key=key)
        assert (answer.status_code, answer.headers["content-type"]) == (429, "application/problem+json")
        assert int(answer.headers["retry-after"]) > 0


def test_no_cookie_no_other_site_and_no_address_in_the_log(
    program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer has neither Set-Cookie nor CORS; logs have no address and no secret."""
    with caplog.at_level(logging.INFO, "podcast_pipeline"):
        made = program.ask("POST", PEOPLE, JOINED)
        program.ask("POST", f"{PEOPLE}/find", {"email": ADA})
        program.ask("GET", PEOPLE, key=program.text[:-1])
    lines = "\n".join(record.getMessage() for record in caplog.records)
    assert "POST /api/v1/subscribers 201" in lines
    assert ADA not in lines
    assert program.text.partition(".")[2][:20] not in lines
    assert made.headers["cache-control"] == "no-store"
    assert [name for name in made.headers if name.startswith(("set-cookie", "access-control"))] == []
    assert program.client.options(PEOPLE).status_code == 405
    assert program.ask("PUT", PEOPLE).headers["content-type"] == "application/problem+json"
    assert program.ask("GET", f"/api/v1/{uuid4()}").headers["content-type"] == "application/problem+json"


def test_a_repeated_request_is_remembered_for_a_day(program: Program) -> None:
    """The daily retention deletes older ones; an erasure deletes those of the person at once."""
    subscribers = program.site.subscribers
    kept = {"network_kept": timedelta(days=30), "audit_kept": timedelta(days=365)}
    ada = program.ask("POST", PEOPLE, JOINED, once="join-1").json()
    program.ask("POST", PEOPLE, JOINED | {"foreign_id": "s-2", "email": "bob@example.org"}, once="join-2")

    def number() -> int:
        with program.keys.engine.connect() as connection:
            return len(connection.execute(select(api_requests)).all())

    purge(subscribers.engine, show_id=SHOW_ID, **kept, now=NOW + timedelta(hours=24))
    assert number() == 2
    assert program.ask("DELETE", f"{PEOPLE}/{ada['id']}").status_code == 204
    assert number() == 1
    purge(subscribers.engine, show_id=SHOW_ID, **kept, now=NOW + timedelta(hours=25))
    assert number() == 0
