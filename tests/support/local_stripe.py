"""localstripe, a stateful server with a part of Stripe's API, as a program of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread

import httpx

from tests.support.fake_stripe import KEY, WEBHOOK_SECRET
from tests.support.ports import free_port

READY_S = 20
STATE = Path("/tmp/localstripe.pickle")
"""Where it writes its state, whatever TMPDIR is; it is never read."""

Delivery = tuple[dict[str, str], bytes]


@dataclass(frozen=True)
class LocalStripe:
    """A running localstripe, and the events that it has delivered."""

    url: str
    deliveries: "Queue[Delivery]" = field(default_factory=Queue)


@contextmanager
def running_local_stripe(program: str) -> Iterator[LocalStripe]:
    """Run localstripe on a free port, with a webhook that collects its events."""
    port, received = free_port(), Queue[Delivery]()
    hook = ThreadingHTTPServer(("127.0.0.1", 0), _collector(received))
    Thread(target=hook.serve_forever, daemon=True).start()
    process = subprocess.Popen(
        [program, "--port", str(port), "--from-scratch"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_listening(process)
        address = f"http://127.0.0.1:{hook.server_address[1]}/"
        httpx.post(
            f"{url}/_config/webhooks/test", data={"url": address, "secret": WEBHOOK_SECRET}
        ).raise_for_status()
        yield LocalStripe(url, received)
    finally:
        process.kill()
        process.communicate()
        hook.shutdown()
        hook.server_close()
        STATE.unlink(missing_ok=True)


def client_of(url: str, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """Return a client that acts as the membership site and its customers."""
    return httpx.Client(base_url=url, headers={"authorization": f"Bearer {KEY}"}, transport=transport)


def _wait_until_listening(process: "subprocess.Popen[bytes]") -> None:
    """Wait for the line that aiohttp prints once it listens."""
    assert process.stdout is not None
    for line in process.stdout:
        if b"Running on" in line:
            return
    raise AssertionError("localstripe ended before it listened")


def _collector(received: "Queue[Delivery]") -> type[BaseHTTPRequestHandler]:
    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.put(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *values: object) -> None:  # noqa: A002 (the library's name)
            """Write nothing."""

    return Collector
