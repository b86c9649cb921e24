"""Secrets are stars in reprs, tracebacks, errors and the output of commands."""

import json
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from podcast_pipeline import config
from podcast_pipeline.access import Visitor
from podcast_pipeline.audience.database import open_database
from podcast_pipeline.audience.membership.sources.generic import GenericHook
from podcast_pipeline.audience.membership.sources.memberful import Memberful
from podcast_pipeline.audience.membership.sources.stripe_api import Stripe, StripeApi
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.signin import SignIn, SignInMail
from podcast_pipeline.audit import AuditVisitor as Walker
from podcast_pipeline.cli.app import app
from podcast_pipeline.cli.output import Output
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import FeedError, SubscriberError
from podcast_pipeline.feed.private import personalize
from podcast_pipeline.web.middleware.access_log import redact
from tests.support.http_servers import ServedFile, running_host
from tests.support.paths import ROOT
from tests.support.show import ShowFolder

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PASSWORD = "hunter2"
SECRETS = {
    "PODCAST_DATABASE_URL": f"postgresql://pod:{PASSWORD}@db.example/pod",
    "PODCAST_SECRET_KEY": "correct-horse-battery-staple-and-more",
    "PODCAST_MAIL_PASSWORD": "swordfish",
    "PODCAST_PODPING_TOKEN": "open-sesame",
    "PODCAST_OIDC_CLIENT_SECRET": "client-of-the-provider",
    "PODCAST_STRIPE_KEY": "sk_live_rabbit",
    "PODCAST_STRIPE_WEBHOOK_SECRET": "whsec_tortoise",
    "PODCAST_HOOK_SECRET": "whsec_aGFyZQ==",
    "PODCAST_MEMBERFUL_SECRET": "hedgehog",
}
ANN = "ann@example.org"


def membership_sources() -> tuple[object, ...]:
    """Return every source of memberships."""
    api = StripeApi(SECRETS["PODCAST_STRIPE_KEY"])
    return (
        api,
        Stripe(api, SECRETS["PODCAST_STRIPE_WEBHOOK_SECRET"], {}),
        GenericHook("whsec_" + "a" * 32, ()),
        Memberful(SECRETS["PODCAST_MEMBERFUL_SECRET"], {}),
    )


@pytest.fixture
def show(tmp_path: Path) -> Path:
    """A show's folder with the sample's show.toml, a key and an empty database."""
    (tmp_path / "show.toml").write_bytes((ROOT / "show.toml").read_bytes())
    return ShowFolder(tmp_path).init_database().folder


def test_config_and_session_show_stars(show: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither repr nor dump nor JSON of a configuration contains the secrets of the environment."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    loaded = config.load_config(show, SECRETS)
    session = CliSession(show, Output())
    assert session.config == loaded
    shown = (repr(loaded), str(loaded), loaded.model_dump_json(), repr(loaded.model_dump()), repr(session))
    assert not any(secret in text for secret in ("hunter2", *SECRETS.values()) for text in shown)
    assert "**" in repr(loaded)


def test_parts_with_a_key_or_a_token_show_none(tmp_path: Path, opened: Callable[[], Engine]) -> None:
    """The reprs of subscribers, changes, visitors, mails and audit visitors contain no secret."""
    engine = opened()
    people = Subscribers(engine, show_id=uuid4(), secret_key=SECRETS["PODCAST_SECRET_KEY"].encode())
    _, token = people.add(ANN, now=NOW, origin="cli")
    secret = token.partition(".")[2]
    visitor = people.visitor(token)
    assert isinstance(visitor, Visitor)
    signin = SignIn(engine, show_id=people.show_id, secret_key=people.secret_key)
    with people.transaction(NOW, "cli") as change:
        shown = [repr(part) for part in (people, visitor, signin, change)]
    shown.append(repr(SignInMail(ANN, link_secret="l" * 43, code="123456")))
    shown += map(repr, membership_sources())
    shown.append(repr(Walker("active", None, token)))  # type: ignore[arg-type]
    engine.dispose()
    assert not any(
        text in each
        for each in shown
        for text in (secret, "correct-horse", "l" * 43, "123456", "whsec_", "sk_live", "hedgehog")
    ), shown


def test_tracebacks_have_no_secret(tmp_path: Path, closed_port: int) -> None:
    """The tracebacks of an unreachable database and of a broken token contain no secret."""
    told = []
    broken = f"{'x' * 16}.{'hunter2' * 4}"  # a traceback quotes our lines: the secret must not stand in one
    try:
        open_database(f"postgresql://pod:{PASSWORD}@127.0.0.1:{closed_port}/pod", tmp_path)
    except SubscriberError:
        told.append(traceback.format_exc())
    try:
        personalize(b"", broken, lambda _: broken)
    except FeedError:
        told.append(traceback.format_exc())
    assert len(told) == 2
    assert not any("hunter2" in text for text in told)


def test_only_three_commands_print_a_token(show: Path) -> None:
    """add, rotate and link print the field feed_url; no other output contains a token."""
    runner = CliRunner(env={"PODCAST_DATABASE_URL": "", "PODCAST_SECRET_KEY": ""})

    def run(*words: str) -> str:
        done = runner.invoke(app, ["--project", str(show), "--json", "subscribers", *words])
        assert done.exit_code == 0, done.output
        return done.output

    for words in (("add", ANN), ("rotate", ANN), ("link", ANN)):
        told = json.loads(run(*words))
        assert set(told) == {"email", "feed_url"}
    token = told["feed_url"].split("/")[4]
    (show / "people.csv").write_text(f"email\n{ANN}\n", encoding="utf-8")
    quiet = [
        run("list"),
        run("dossier", ANN),
        run("import", str(show / "people.csv")),
        run("export", str(show / "out.csv")),
        (show / "out.csv").read_text(encoding="utf-8"),
        *(run(word, ANN) for word in ("suspend", "resume", "renew", "remove")),
    ]
    selector, _, secret = token.partition(".")
    assert not any(secret in text for text in quiet)
    assert redact(f"/feeds/{selector}.{secret}/feed.xml") == "/feeds/***/feed.xml"


def test_verbose_commands_print_no_address_with_a_secret(show: Path) -> None:
    """-v prints no password and no query of an address that is fetched, as the HTTP library would."""
    with running_host({"/feed.xml": ServedFile(b"<rss/>", "text/xml")}) as host:
        address = host.url.replace("http://", "http://bob:hunter2secret@") + "/feed.xml?token=opensesame"
        done = ShowFolder(show).run("-v", "feed", "check", address)
    assert host.requests
    assert not any(secret in done.stdout + done.stderr for secret in ("hunter2secret", "opensesame"))
