"""API keys: made, found by their text alone, shown once, revoked."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from podcast_pipeline.audience.api.keys import SCOPES, ApiKeys
from podcast_pipeline.audience.database import open_database
from podcast_pipeline.audience.database.tables import api_keys
from podcast_pipeline.audit.finding import redact as redact_finding
from podcast_pipeline.cli.app import app
from podcast_pipeline.errors import ApiKeyError
from podcast_pipeline.web.middleware.access_log import redact
from tests.support.databases import close_engine, create_sqlite
from tests.support.paths import ROOT
from tests.support.show import ShowFolder
from tests.support.site import NOW, SHOW_ID


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[ApiKeys]:
    """The keys of a show, none yet."""
    create_sqlite(tmp_path)
    engine = open_database(None, tmp_path)
    yield ApiKeys(engine, show_id=SHOW_ID)
    close_engine(engine)


def test_a_key_is_found_by_its_whole_text_and_never_after_its_end(keys: ApiKeys) -> None:
    """Another secret, another show and a revoked key find nothing; the use is noted."""
    key, text = keys.add("crm", ["subscribers:write", "subscribers:read"], now=NOW)
    assert (key.scopes, key.source, key.actor) == (SCOPES[:2], "api:crm", f"key {key.id}")
    found = keys.find(text, now=NOW)
    assert found == key
    assert [each.last_used_at for each in keys.list_all()] == [NOW]
    other, _ = keys.add("crm", ["events:read"], now=NOW)
    wrong = [
        text[:-1],
        text[:-1] + ("a" if text[-1] != "a" else "b"),
        text.replace(key.id, other.id),
        "",
        "é",
    ]
    assert [keys.find(each, now=NOW) for each in wrong] == [None] * 5
    assert ApiKeys(keys.engine, show_id=uuid4()).find(text, now=NOW) is None
    later = NOW + timedelta(days=1)
    assert keys.revoke(key.id, now=later).revoked_at == later
    assert keys.revoke(key.id, now=later + timedelta(days=1)).revoked_at == later
    assert keys.find(text, now=later) is None


def test_the_secret_is_nowhere(keys: ApiKeys) -> None:
    """The database has a hash; logs and reports have stars."""
    _, text = keys.add("crm", ["events:read"], now=NOW)
    secret = text.partition(".")[2]
    with keys.engine.connect() as connection:
        assert secret not in str(connection.execute(select(api_keys)).all())
    assert secret not in redact(f"/api/v1/{text}")
    assert redact_finding(f"a {text} b") == "a pk_*** b"


@pytest.mark.parametrize(
    ("name", "scopes", "line"),
    [
        ("", ["events:read"], "is not a name"),
        ("Über", ["events:read"], "is not a name"),
        ("a" * 29, ["events:read"], "is not a name"),
        ("crm", ["all"], "all: is not a scope; known are subscribers:read"),
        ("crm", [], "--scope: is missing"),
    ],
)
def test_what_is_wrong_with_a_key_is_said(keys: ApiKeys, name: str, scopes: list[str], line: str) -> None:
    """One line names it; nothing is stored."""
    with pytest.raises(ApiKeyError, match=line):
        keys.add(name, scopes, now=NOW)
    assert keys.list_all() == []


def test_the_commands_show_a_key_once(tmp_path: Path) -> None:
    """The first prints it, `list` and `revoke` do not; an unknown id is an error."""
    (tmp_path / "show.toml").write_bytes((ROOT / "show.toml").read_bytes())
    ShowFolder(tmp_path).init_database()

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, ["--project", str(tmp_path), *words])
        assert result.exit_code == 0, result.output
        return result.output

    text = run("api-keys", "add", "crm", "--scope", "events:read", "--scope", "subscribers:read").strip()
    key_id = text[3:19]
    assert f"{key_id}  crm" in run("api-keys", "list")
    assert run("api-keys", "revoke", key_id) == f"crm: key {key_id} is revoked\n"
    (listed,) = json.loads(run("--json", "api-keys", "list"))["keys"]
    assert (listed["id"], listed["scopes"]) == (key_id, ["subscribers:read", "events:read"])
    assert text.partition(".")[2] not in run("api-keys", "list") + json.dumps(listed)
    unknown = CliRunner().invoke(app, ["--project", str(tmp_path), "api-keys", "revoke", "no"])
    assert isinstance(unknown.exception, ApiKeyError)
