"""`podcast serve` in a process of its own: sign-in by mail if show.toml names a mail server."""

import re
from pathlib import Path

import httpx
import pytest

from tests.support.http_servers import running_site
from tests.support.mail_server import PASSWORD, USER, Mailbox
from tests.support.mail_server import running_mail_server as receiving
from tests.support.ports import free_port
from tests.support.show import build_show_folder

# the server listens on this machine only
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")

ANN = "ann@example.org"
SEAL = re.compile(r'name="seal" value="([^"]+)"')


def post(client: httpx.Client, page: str, **fields: str) -> httpx.Response:
    """Submit the form of a page with its CSRF token."""
    (seal,) = set(SEAL.findall(client.get(page).text))
    return client.post(page, data={"seal": seal, **fields}, follow_redirects=True)


def test_sign_in_from_the_mail(tmp_path: Path) -> None:
    """With a mail server in show.toml a subscriber signs in by the mailed link."""
    show, mailbox = build_show_folder(tmp_path / "show").init_database(), Mailbox()
    assert show.run("subscribers", "add", ANN).returncode == 0
    with receiving(mailbox) as port:
        mail = {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "SECURITY": "none",
            "USERNAME": USER,
            "PASSWORD": PASSWORD,
        }
        environment = {f"PODCAST_MAIL_{name}": value for name, value in mail.items()}
        with (
            running_site(show, free_port(), **environment) as site,
            httpx.Client(base_url=site) as client,
        ):
            assert 'href="/signin"' in client.get("/").text
            assert "Check your mail" in post(client, "/signin", email=ANN).text
            to, message = mailbox.received.get(timeout=10)
            (link,) = re.findall(rf"{site}(/signin/link/\S+)", message.get_content())
            account = post(client, link)
    assert (to, account.url.path) == (ANN, "/account")
    assert ANN in account.text
    assert link.rpartition("/")[2] not in (show.folder / "serve.log").read_text()


def test_without_a_mail_server_nothing_leads_to_sign_in(tmp_path: Path) -> None:
    """A show without [mail] has no sign-in page and no link to one."""
    show = build_show_folder(tmp_path / "show")
    with running_site(show, free_port()) as site:
        assert "/signin" not in httpx.get(f"{site}/").text
        assert "/account" not in httpx.get(f"{site}/").text
        assert httpx.get(f"{site}/signin").status_code == 404
