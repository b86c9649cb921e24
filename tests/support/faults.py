"""An HTTP proxy in front of a real server that injects planned faults."""

import http.client
import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

STALL_S = 60.0
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
EVERY_REQUEST = 1_000_000
HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive"}


@dataclass
class ServerResponse:
    """The response of the real server."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def with_header(self, name: str, value: str) -> "ServerResponse":
        """Return the response with another value of one header."""
        others = [(key, old) for key, old in self.headers if key.lower() != name.lower()]
        return ServerResponse(self.status, [*others, (name, value)], self.body)


class ProxiedRequest(BaseHTTPRequestHandler):
    """A request in the proxy; a fault is a function of it."""

    protocol_version = "HTTP/1.1"
    server: "FaultyProxy"

    def pass_through(self) -> None:
        """Forward the request and return the response unchanged."""
        self.reply(self.forward())

    def forward(self) -> ServerResponse:
        """Send the request, unchanged because its signature covers the Host header, to the real server."""
        headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
        with closing(http.client.HTTPConnection(self.server.target, timeout=STALL_S)) as connection:
            connection.request(self.command, self.path, body=self.body, headers=headers)
            answer = connection.getresponse()
            return ServerResponse(answer.status, answer.getheaders(), answer.read())

    def reply(self, answer: ServerResponse, *, up_to: int | None = None) -> None:
        """Send a response, or its headers and the first `up_to` bytes of its body."""
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            if name.lower() not in HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        lengths = [value for name, value in answer.headers if name.lower() == "content-length"]
        self.send_header("Content-Length", lengths[0] if self.command == "HEAD" else str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[:up_to])
        self.wfile.flush()

    def hang_up(self) -> None:
        """Reset the connection."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def handle_one_request(self) -> None:
        """Read a request and run the next fault that is planned for it."""
        try:
            super().handle_one_request()
        except (ConnectionError, ValueError):  # the client, or we, closed it
            self.close_connection = True

    def _handle(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.next_fault(self)(self)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815 (the parent calls these)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is the parent's)
        """Log nothing."""


Fault = Callable[[ProxiedRequest], None]


@dataclass
class PlannedFault:
    """A fault for the next `times` requests of a method whose path contains `text`."""

    method: str
    text: str
    fault: Fault
    times: int


@dataclass
class FaultyProxy(ThreadingHTTPServer):
    """A proxy that forwards requests to `target` (host:port), except those with a planned fault."""

    target: str
    plans: list[PlannedFault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._turn = threading.Lock()
        super().__init__(("127.0.0.1", 0), ProxiedRequest)

    daemon_threads = True

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"http://127.0.0.1:{self.server_port}"

    def inject(self, method: str, fault: Fault, *, times: int = 1, text: str = "") -> None:
        """Plan a fault."""
        self.plans.append(PlannedFault(method, text, fault, times))

    def inject_everywhere(self, fault: Fault) -> None:
        """Plan a fault for every request."""
        for method in METHODS:
            self.inject(method, fault, times=EVERY_REQUEST)

    def clear(self) -> None:
        """Remove all plans and recorded requests, and release stalled requests."""
        self.released.set()
        self.released = threading.Event()
        self.plans.clear()
        self.requests.clear()

    def next_fault(self, exchange: ProxiedRequest) -> Fault:
        """Record a request and return the fault planned for it."""
        with self._turn:
            self.requests.append(f"{exchange.command} {exchange.path}")
            for plan in self.plans:
                if plan.times and plan.method == exchange.command and plan.text in exchange.path:
                    plan.times -= 1
                    return plan.fault
        return ProxiedRequest.pass_through


@contextmanager
def faulty_proxy(url: str) -> Iterator[FaultyProxy]:
    """Run a proxy in front of an http URL."""
    proxy = FaultyProxy(urlsplit(url).netloc)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.released.set()
        proxy.shutdown()
        thread.join()
        proxy.server_close()


def refuse(status: int, code: str, **headers: str) -> Fault:
    """Return a fault that answers with an S3 error; the server gets no request."""

    def fault(exchange: ProxiedRequest) -> None:
        xml = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
        extra_headers = [(name.replace("_", "-"), value) for name, value in headers.items()]
        body = b"" if exchange.command == "HEAD" else xml
        exchange.reply(ServerResponse(status, [("Content-Length", str(len(body))), *extra_headers], body))

    return fault


def reset(exchange: ProxiedRequest) -> None:
    """Reset the connection; the server gets no request."""
    exchange.hang_up()


def lose_response(exchange: ProxiedRequest) -> None:
    """Forward the request, and reset the connection instead of responding."""
    exchange.forward()
    exchange.hang_up()


def reset_in_body(exchange: ProxiedRequest) -> None:
    """Reset the connection after half of the body."""
    answer = exchange.forward()
    exchange.reply(answer, up_to=len(answer.body) // 2)
    exchange.hang_up()


def truncate(exchange: ProxiedRequest) -> None:
    """Close the connection in order after half of the body."""
    answer = exchange.forward()
    exchange.reply(answer, up_to=len(answer.body) // 2)
    exchange.close_connection = True


def stall(exchange: ProxiedRequest) -> None:
    """Send nothing for a minute, or until the end of the test."""
    exchange.server.released.wait(STALL_S)
    exchange.hang_up()


def stall_in_body(exchange: ProxiedRequest) -> None:
    """Stall after half of the body."""
    answer = exchange.forward()
    exchange.reply(answer, up_to=len(answer.body) // 2)
    stall(exchange)


def wrong_etag(exchange: ProxiedRequest) -> None:
    """Respond with another etag than the server's."""
    exchange.reply(exchange.forward().with_header("ETag", '"0123456789abcdef0123456789abcdef"'))


def captive_portal(exchange: ProxiedRequest) -> None:
    """Respond as the captive portal of a hotel's network."""
    page = b"<!doctype html><p>Welcome to our wifi"
    exchange.reply(
        ServerResponse(200, [("Content-Type", "text/html"), ("Content-Length", str(len(page)))], page)
    )


def kill_at(number: int, pid: list[int], *, after: bool) -> Fault:
    """Return a fault that kills the process at this request, before or after the server handles it."""
    turn = threading.Lock()
    numbers = iter(range(1, EVERY_REQUEST))

    def fault(exchange: ProxiedRequest) -> None:
        with turn:
            mine = next(numbers)
        if mine != number:
            return exchange.pass_through()
        if after:
            exchange.forward()
        os.kill(pid[0], signal.SIGKILL)
        return exchange.hang_up()

    return fault
