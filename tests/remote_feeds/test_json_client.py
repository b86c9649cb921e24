"""What a service that is asked for JSON may answer, and what it may cost."""

import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from podcast_pipeline.errors import FetchError, ForbiddenAddress, RemoteFileUnusable
from podcast_pipeline.remote_feeds.json_client import MAX_BYTES, JsonClient
from tests.support.http_servers import FileHost, ServedFile, running_host
from tests.support.slow_host import dripping_host

SECRET = "code=of-the-reader"


@pytest.fixture
def host() -> Iterator[FileHost]:
    """A service of this machine."""
    with running_host() as running:
        yield running


def served(host: FileHost, body: bytes, status: int = 200, **headers: str) -> str:
    """Serve a body and return its address, which has a secret in its query."""
    host.files[f"/?{SECRET}"] = ServedFile(body, "application/json", status, headers=headers)
    return f"{host.url}/?{SECRET}"


def test_a_json_object_is_returned(host: FileHost) -> None:
    """As it is."""
    with closing(JsonClient(host.url)) as client:
        assert client.request("GET", served(host, b'{"a": [1]}')) == {"a": [1]}


@pytest.mark.parametrize(
    ("body", "status", "line"),
    [
        (b"<html>", 200, "answers with no JSON"),
        (b"\xff", 200, "answers with no JSON"),
        (b"[" * 100_000, 200, "answers with no JSON"),
        (b"[1]", 200, "answers with no JSON object"),
        (b'{"error": "no"}', 400, "answers with status 400"),
        (json.dumps({"a": "x" * MAX_BYTES}).encode(), 200, f"answers with more than {MAX_BYTES} bytes"),
    ],
    ids=["html", "bytes", "nested", "list", "status", "large"],
)
def test_any_other_answer_is_an_error_without_a_secret(
    host: FileHost, body: bytes, status: int, line: str
) -> None:
    """It names the host and what is wrong, and neither the address nor the answer."""
    with closing(JsonClient(host.url)) as client, pytest.raises(RemoteFileUnusable) as caught:
        client.request("GET", served(host, body, status))
    assert str(caught.value) == f"127.0.0.1: {line}"


def test_a_redirect_is_not_followed(host: FileHost) -> None:
    """A code and a secret go to the address that was checked, and nowhere else."""
    address = served(host, b"", 307, Location=f"{host.url}/elsewhere")
    with closing(JsonClient(host.url)) as client, pytest.raises(RemoteFileUnusable, match="status 307"):
        client.request("GET", address)
    assert len(host.requests) == 1


@pytest.mark.parametrize("where", ["headers", "body"])
def test_a_slow_answer_ends(where: str) -> None:
    """A byte now and then does not hold a thread."""
    with (
        dripping_host(where) as url,
        closing(JsonClient(url, answer_s=0.3)) as client,
        pytest.raises(FetchError, match="cannot be asked"),
    ):
        client.request("GET", url)


def test_a_public_service_leads_to_no_private_address(host: FileHost) -> None:
    """Only hosts of the class that show.toml names are asked."""
    address = served(host, b"{}")
    with (
        closing(JsonClient("https://93.184.216.34")) as client,
        pytest.raises(ForbiddenAddress, match="a loopback address"),
    ):
        client.request("GET", address)
