"""A preview answers the browser that opened its address first, and nobody else."""

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from podcast_pipeline.web.middleware.preview_gate import PreviewDoor, PreviewGate

HOST = "127.0.0.1:41007"


@pytest.fixture
def door() -> PreviewDoor:
    """A door that nobody has opened."""
    return PreviewDoor(HOST)


def client(door: PreviewDoor, host: str = HOST) -> TestClient:
    """Return a browser with no cookies."""
    app = PreviewGate(PlainTextResponse("the page"), door=door)
    return TestClient(app, base_url=f"http://{host}", follow_redirects=False)


def entered(door: PreviewDoor) -> TestClient:
    """Return the browser that opened the printed address."""
    browser = client(door)
    assert browser.get(door.address).status_code == 303
    return browser


def test_the_printed_address_opens_once(door: PreviewDoor) -> None:
    """It becomes a cookie that no script reads and no other site sends; a second browser stays outside."""
    browser = client(door)
    answer = browser.get(door.address)
    assert (answer.status_code, answer.headers["location"]) == (303, "/preview")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert door.secret not in cookie
    assert browser.get("/preview").text == "the page"
    second = client(door)
    assert second.get(door.address).status_code == 403
    assert second.get("/preview").status_code == 403


def test_a_head_request_does_not_use_the_address_up(door: PreviewDoor) -> None:
    """What looks at a link before a person follows it closes no door."""
    assert client(door).head(door.address).status_code == 403
    assert client(door).get(door.address).status_code == 303


@pytest.mark.parametrize("path", ["/", "/preview", "/episodes/a", "/public/audio/a.mp3", "/preview/open/"])
def test_without_the_cookie_there_is_nothing(door: PreviewDoor, path: str) -> None:
    """Pages, sound and a guessed address are refused with what to do; the right one still opens."""
    answer = client(door).get(path)
    assert (answer.status_code, "podcast preview" in answer.text) == (403, True)
    assert client(door).get(f"/preview/open/{'x' * 43}").status_code == 403
    assert client(door).get(f"/preview/open/{'é' * 5}").status_code == 403
    entered(door)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:41007", "localhost:41007", "127.0.0.1", "127.0.0.1:41008", ""]
)
def test_another_host_is_refused_before_anything(door: PreviewDoor, host: str) -> None:
    """A name that resolves to this machine (DNS rebinding) gets nothing, and does not use the address up."""
    browser = entered(door)
    assert browser.get("/preview", headers={"Host": host}).status_code == 421
    fresh = PreviewDoor(HOST)
    assert client(fresh).get(fresh.address, headers={"Host": host}).status_code == 421
    entered(fresh)


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-site", 403), ("none", 200)])
def test_a_page_of_another_server_embeds_nothing(door: PreviewDoor, site: str, status: int) -> None:
    """A server on another port of this machine is the same site to a browser, and is refused as well."""
    assert entered(door).get("/preview", headers={"Sec-Fetch-Site": site}).status_code == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_it_is_read_only(door: PreviewDoor, method: str) -> None:
    """Nothing but GET and HEAD is answered."""
    assert entered(door).request(method, "/preview").status_code == 405


def test_a_cookie_of_another_preview_opens_nothing(door: PreviewDoor) -> None:
    """Each preview has a secret of its own; a broken Cookie header is no error."""
    for value in (
        f"{door.cookie_name}=guessed",
        f"preview-1={door.cookie}",
        "\x7f;;=",
        f"{door.cookie_name}=é",
    ):
        assert client(door).get("/preview", headers=[(b"Cookie", value.encode())]).status_code == 403


def test_no_secret_is_in_a_repr(door: PreviewDoor) -> None:
    """An error that prints the door prints no secret."""
    assert door.secret not in repr(door)
    assert door.cookie not in repr(door)
