"""`podcast subscribers events` and `reconcile`, the secrets of membership sites, and the jobs of a server."""

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from podcast_pipeline.audience.membership.events import MembershipEvents
from podcast_pipeline.audience.membership.reconcile import reconcile
from podcast_pipeline.audience.membership.sources.generic import GenericHook
from podcast_pipeline.audience.membership.sources.stripe_api import Stripe, StripeApi
from podcast_pipeline.cli.app import app
from podcast_pipeline.cli.doctor.services import CHECKS
from podcast_pipeline.cli.output import Output
from podcast_pipeline.cli.session import CliSession
from tests.support.fake_stripe import KEY, WEBHOOK_SECRET, FakeStripe
from tests.support.site import SHOW_TOML, Site

SECRET = "whsec_" + b64encode(b"k" * 32).decode()
HOOK = {"PODCAST_HOOK_SECRET": SECRET}
ADA = "ada@example.org"


class Office:
    """A show whose commands run in this process, with events of the generic hook."""

    def __init__(self, folder: Path) -> None:
        self.site = Site.make(folder)
        toml = SHOW_TOML.format(show=self.site.config.show, site=self.site.config.urls.site)
        (folder / "show.toml").write_text(toml, encoding="utf-8")
        self.hook = GenericHook(SECRET, ("standard",))
        self.events = MembershipEvents(self.site.subscribers, {"generic": self.hook}, grace_days=7)

    def run(self, *words: str, **environment: str) -> Result:
        """Run a command."""
        settings = {"PODCAST_DATABASE_URL": "", "PODCAST_SECRET_KEY": "k" * 32, **environment}
        words = ("--project", str(self.site.config.folder), *words)
        return CliRunner(env=settings).invoke(app, words)

    def read(self, *words: str, **environment: str) -> Any:
        """Return what a command says as JSON."""
        return json.loads(self.run("--json", *words, **environment).stdout)

    def store(self, event_id: str, **data: object) -> None:
        """Store an event of the hook."""
        now = datetime.now(UTC)
        told = {"type": "subscriber.created", "timestamp": now.isoformat(), "data": {"id": "m-1"} | data}
        event = self.hook.parse({"webhook-id": event_id}, json.dumps(told).encode(), now=now)
        self.events.store("generic", event, now)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A show without subscribers."""
    office = Office(tmp_path)
    yield office
    office.site.close()


def test_events_are_listed_and_counted(office: Office) -> None:
    """What waits, what was applied, what failed and why; no address and no body."""
    office.store("msg_1", email=ADA)
    office.store("msg_2", email="nonsense")
    assert office.run("jobs", "run", **HOOK).exit_code == 0
    office.store("msg_3", email=ADA)
    told = office.read("subscribers", "events", **HOOK)
    assert [(row["event_id"], row["outcome"]) for row in told["events"]] == [
        ("msg_1", "created"),
        ("msg_2", "failed"),
        ("msg_3", None),
    ]
    counted = {(each["kind"], each["outcome"]): each["number"] for each in told["counts"]}
    assert counted == {("subscriber.created", outcome): 1 for outcome in ("created", "failed", "waits")}
    assert "body" not in told["events"][0]
    undone = office.read("subscribers", "events", "--undone", **HOOK)
    assert [row["event_id"] for row in undone["events"]] == ["msg_2", "msg_3"]


def test_an_event_is_applied_again_by_its_id(office: Office) -> None:
    """Nothing changes where it was applied; an id that is not there is told."""
    office.store("msg_1", email=ADA)
    (row,) = office.events.last()
    assert office.read("subscribers", "events", "--apply", str(row.id), **HOOK)["applied"] == {
        str(row.id): "created"
    }
    assert office.read("subscribers", "events", "--apply", str(row.id), **HOOK)["applied"] == {
        str(row.id): "unchanged"
    }
    missing = office.run("subscribers", "events", "--apply", "4711", **HOOK)
    assert missing.exit_code == 1
    assert "event 4711: is not stored; see `podcast subscribers events`" in str(missing.exception)


def test_an_event_whose_secret_is_gone_waits(office: Office) -> None:
    """One line names the secret's page; with the secret it is applied."""
    office.store("msg_1", email=ADA)
    (row,) = office.events.last()
    told = office.run("subscribers", "events", "--apply", str(row.id))
    assert told.exit_code == 1
    assert "generic: has no secret in the environment; see docs/reference/hooks.md" in str(told.exception)
    assert office.events.last()[0].outcome is None


@pytest.mark.parametrize(
    ("secrets", "line"),
    [
        ({"PODCAST_STRIPE_KEY": "sk"}, "PODCAST_STRIPE_WEBHOOK_SECRET: is not set, and the other one is"),
        ({"PODCAST_STRIPE_WEBHOOK_SECRET": "s"}, "PODCAST_STRIPE_KEY: is not set, and the other one is"),
        ({"PODCAST_HOOK_SECRET": "swordfish"}, "PODCAST_HOOK_SECRET: is not `whsec_` and the base64 of 24"),
    ],
    ids=str,
)
def test_a_wrong_secret_is_told_at_once(office: Office, secrets: dict[str, str], line: str) -> None:
    """By the command that needs it, in one line without the value."""
    told = office.run("subscribers", "events", **secrets)
    assert told.exit_code == 1
    assert line in str(told.exception)
    assert "swordfish" not in str(told.exception)


def test_without_a_site_there_is_nothing_to_compare(office: Office) -> None:
    """No source has an API."""
    told = office.run("subscribers", "reconcile", "--apply", **HOOK)
    assert (told.exit_code, told.stdout) == (0, "0 differences, 0 mended\n")


def test_reconciliation_shows_and_mends_differences(office: Office) -> None:
    """A dry run changes nothing; applied, nothing is left but what nobody can mend."""
    account = FakeStripe(now=datetime.now(UTC).replace(microsecond=0))
    stripe = Stripe(StripeApi(KEY, transport=account.transport), WEBHOOK_SECRET, {"price_month": "standard"})
    events = MembershipEvents(office.site.subscribers, {"stripe": stripe}, grace_days=7)
    ada, bob = account.subscribe(ADA), account.subscribe("nonsense")
    lines = [
        f"stripe {ada}: was not known",
        f"stripe {bob}: its address is no e-mail address; correct it at the site",
    ]

    def compare(*, is_applied: bool) -> list[str]:
        return [str(each) for each in reconcile(events, now=account.now, is_applied=is_applied)]

    assert compare(is_applied=False) == lines
    assert list(office.site.subscribers.list_all()) == []
    assert compare(is_applied=True) == lines
    assert office.site.subscribers.get(ADA).state(account.now) == "active"
    assert compare(is_applied=True) == lines[1:]
    account.cancel(ada)
    account.now += timedelta(seconds=1)
    assert compare(is_applied=True)[0] == f"stripe {ada}: was known otherwise"
    del account.subscriptions[ada], account.subscriptions[bob]
    assert compare(is_applied=True) == [
        f"stripe {ada}: is not in the site's list any more, or of a price that is no plan; it ends by itself"
    ]


def test_doctor_names_the_sites_and_what_could_not_be_applied(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing without a site; a note for events that failed."""
    monkeypatch.setenv("PODCAST_SECRET_KEY", "k" * 32)

    def findings() -> list[tuple[bool | None, str]]:
        session = CliSession(office.site.config.folder, Output())
        found = [(each.ok, each.said) for each in CHECKS["memberships"](session)]
        session.database.dispose()
        return found

    assert findings() == []
    monkeypatch.setenv("PODCAST_HOOK_SECRET", SECRET)
    assert findings() == [(True, "generic; every event could be applied")]
    office.store("msg_1", email="nonsense")
    office.run("jobs", "run", **HOOK)
    said = "1 event could not be applied; see `podcast subscribers events --undone`"
    assert findings() == [(None, said)]
