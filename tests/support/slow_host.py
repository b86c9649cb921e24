"""A host that sends a byte now and then, for ever: in its headers, or in its body."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

EVERY_S = 0.05
BEGINS = {
    "headers": b"HTTP/1.1 200 OK\r\nX-Slow: ",
    "body": b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: 1000000\r\n\r\n",
}


@contextmanager
def dripping_host(where: str) -> Iterator[str]:
    """Answer each connection with a begin, and then with a byte every EVERY_S; yield the host's address."""
    stop = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        threads = [Thread(target=_accept, args=(server, BEGINS[where], stop), daemon=True)]
        threads[0].start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            stop.set()
            threads[0].join()


def _accept(server: socket.socket, begin: bytes, stop: Event) -> None:
    while not stop.is_set():
        with suppress(TimeoutError):
            connection, _ = server.accept()
            Thread(target=_drip, args=(connection, begin, stop), daemon=True).start()


def _drip(connection: socket.socket, begin: bytes, stop: Event) -> None:
    with connection, suppress(OSError):
        connection.recv(65536)
        connection.sendall(begin)
        while not stop.wait(EVERY_S):
            connection.sendall(b"x")
