"""Clients that send slowly, half or ambiguously: over a real port, with raw bytes."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread

import pytest

from podcast_pipeline.web import server
from podcast_pipeline.web.connections import protocol
from tests.support.site import Site

GOOD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
HALF = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Half: "
HOST = b"POST /mail/stop/x HTTP/1.1\r\nHost: x\r\n"
LAST = GOOD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
PATIENCE_S = 20  # for an answer on a busy machine


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A show without episodes."""
    site = Site.make(tmp_path_factory.mktemp("site"))
    yield site
    site.close()


@contextmanager
def serving(site: Site, *, max_connections: int = 100) -> Iterator[int]:
    """Serve the site on a free port."""
    listener = server.listen("127.0.0.1", 0)
    running = server.build_server(site.app(), max_connections=max_connections)
    thread = Thread(target=running.run, kwargs={"sockets": [listener]})
    port = int(listener.getsockname()[1])
    thread.start()
    yield port
    running.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def port(site: Site) -> Iterator[int]:
    """The port of a server with the usual limits."""
    with serving(site) as port:
        yield port


def connect(port: int, data: bytes = b"") -> socket.socket:
    """Open a connection and send bytes."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    connection.sendall(data)
    return connection


def statuses(port: int, data: bytes) -> list[int]:
    """Send bytes and return the statuses of all answers until the server closes."""
    answer = b""
    with connect(port, data) as connection:
        while piece := connection.recv(4096):
            answer += piece
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def closed_by_server(connection: socket.socket) -> bool:
    """Wait until the server closes a connection; reset counts, too."""
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


def refuses_more(connection: socket.socket, piece: bytes, *, pause_s: float = 0) -> bool:
    """Send a piece again and again until the server has closed the connection."""
    try:
        while True:
            connection.sendall(piece)
            time.sleep(pause_s)
    except OSError:
        return True


@pytest.mark.parametrize(
    "begun",
    [b"", HALF, HOST + b"Content-Length: 9\r\n\r\nseal", HOST + b"Transfer-Encoding: chunked\r\n\r\n4\r\nse"],
    ids=["nothing", "header", "body", "chunk"],
)
def test_a_request_that_does_not_end_is_closed(
    site: Site, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    """Whatever of a request is missing, its connection is closed, while others are answered."""
    monkeypatch.setattr(protocol, "REQUEST_S", 0.2)
    with serving(site) as port, connect(port, begun) as slow:
        assert statuses(port, LAST) == [200]
        assert closed_by_server(slow)


def test_drops_of_a_header_win_no_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline is for the whole request: a byte now and then does not move it."""
    monkeypatch.setattr(protocol, "REQUEST_S", 0.3)
    with serving(site) as port, connect(port, HALF) as slow:
        assert refuses_more(slow, b"a", pause_s=0.05)


def test_half_requests_make_room_for_whole_ones(site: Site) -> None:
    """With every place taken by half a request a visitor is answered at once; the oldest half gives way."""
    with serving(site, max_connections=8) as port, ExitStack() as stack:
        held = [stack.enter_context(connect(port, HALF)) for _ in range(12)]
        for _ in range(4):
            assert statuses(port, LAST) == [200]
        assert closed_by_server(held[0])
        held[-1].sendall(b"x\r\nConnection: close\r\n\r\n")
        assert b" 200 OK" in held[-1].recv(100)


def test_an_endless_body_is_closed_after_its_answer(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A form that was refused is not read on for ever; the answer arrives."""
    monkeypatch.setattr(protocol, "LINGER_S", 0.2)
    with connect(port, HOST + b"Transfer-Encoding: chunked\r\n\r\n") as endless:
        chunk = b"1000\r\n" + b"a" * 4096 + b"\r\n"
        for _ in range(4):
            endless.sendall(chunk)
        assert b" 403 " in endless.recv(100)
        assert refuses_more(endless, chunk)


@pytest.mark.parametrize(
    "request_",
    [
        HOST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GOOD,
        HOST + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n" + GOOD,
        HOST + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + GOOD,
        HOST + b"Content-Length: 0, 44\r\n\r\n" + GOOD,
        HOST + b"Content-Length: +0\r\n\r\n" + GOOD,
        HOST + b"Content-Length: 0x2\r\n\r\n" + GOOD,
        HOST + b"Transfer-Encoding: xchunked\r\nContent-Length: 44\r\n\r\n" + GOOD,
        HOST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + GOOD,
        HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + GOOD,
        HOST + b"Transfer-Encoding: chunked\r\n\r\n2;\nxx\r\nab\r\n0\r\n\r\n" + GOOD,
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /\r\n\r\n",
    ],
)
def test_a_request_that_a_proxy_may_read_otherwise_is_refused(port: int, request_: bytes) -> None:
    """One answer, 400, and the connection is closed: what follows is no second request."""
    assert statuses(port, request_) == [400]


def test_an_endless_header_is_closed(port: int) -> None:
    """A header of more than 16 kB is refused before its end."""
    with connect(port, b"GET / HTTP/1.1\r\nHost: x\r\nX: ") as endless:
        assert refuses_more(endless, b"a" * 4096)
    assert statuses(port, LAST) == [200]


@pytest.mark.parametrize(
    "target",
    [b"http://evil.example/healthz", b"//evil.example/healthz", b"*", b"evil.example:443", b"healthz"],
)
def test_only_a_path_leads_anywhere(port: int, target: bytes) -> None:
    """A target with a host, or none at all, is not found, and nothing redirects to it."""
    (status,) = statuses(port, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert status in (400, 404)


def test_a_broken_chunk_after_the_answer_closes_without_a_word(port: int) -> None:
    """A page answers before it reads a body; a body that breaks then has nothing more to get."""
    begun = b"GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
    with connect(port, begun) as connection:
        assert b" 200 OK" in connection.recv(4096)
        connection.sendall(b"nonsense\r\n")
        assert closed_by_server(connection)
    assert statuses(port, LAST) == [200]


def test_pipelined_requests_are_each_answered(port: int) -> None:
    """Two whole requests at once are ordinary HTTP/1.1, also after a body that nobody read."""
    with_body = b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    assert statuses(port, GOOD + with_body + LAST) == [200, 200, 200]
