"""Sign-in with an account, as show.toml and the environment have it."""

from pathlib import Path

import pytest

from podcast_pipeline.cli.oidc import open_oidc
from podcast_pipeline.cli.output import Output
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import ConfigError
from tests.support.paths import ROOT
from tests.support.show import ShowFolder

MAIL = '\n[mail]\nhost = "127.0.0.1"\n'
TABLE = '\n[signin.oidc]\nissuer = "https://accounts.example"\nclient_id = "podcast"\n'


def session_of(tmp_path: Path, *tables: str) -> CliSession:
    """Return a session of a show with these tables in its show.toml."""
    text = (ROOT / "show.toml").read_text(encoding="utf-8")
    (tmp_path / "show.toml").write_text(text + "".join(tables), encoding="utf-8")
    return CliSession(ShowFolder(tmp_path).init_database().folder, Output())


def test_the_table_and_the_environment_make_the_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issuer and id from show.toml, the secret from the environment, the way back from the site's address."""
    monkeypatch.setenv("PODCAST_OIDC_CLIENT_SECRET", "of-the-client")
    monkeypatch.setenv("PODCAST_URLS_SITE", "https://podcast.example")
    session = session_of(tmp_path, MAIL, TABLE)
    oidc = open_oidc(session, session.subscribers)
    assert oidc is not None
    client = oidc.provider.client
    assert (client.issuer, client.client_id) == ("https://accounts.example", "podcast")
    assert client.client_secret == "of-the-client"
    assert client.redirect_uri == "https://podcast.example/signin/account/back"
    session.database.dispose()


@pytest.mark.parametrize("tables", [(MAIL,), (TABLE,)], ids=["no table", "no mail server"])
def test_without_the_table_or_a_mail_server_there_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tables: tuple[str, ...]
) -> None:
    """A table without a mail server is warned of: the account page and the mailed link need one."""
    session = session_of(tmp_path, *tables)
    assert open_oidc(session, session.subscribers) is None
    assert ("set host in [mail]" in capsys.readouterr().err) == (TABLE in tables)
    session.database.dispose()


@pytest.mark.parametrize("issuer", ["http://accounts.example", "accounts.example", "https://a.example/?x=1"])
def test_an_issuer_is_https_or_on_this_machine(tmp_path: Path, issuer: str) -> None:
    """Nobody on the way reads a code."""
    with pytest.raises(ConfigError, match="write it like https://"):
        _ = session_of(tmp_path, MAIL, TABLE.replace("https://accounts.example", issuer)).config
