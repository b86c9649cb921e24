"""Real HTTP servers for tests: `podcast serve` over a show, and a host that serves a table of files."""

import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.error import URLError
from urllib.request import urlopen

from tests.support.show import PODCAST, ShowFolder

READY_S = 30


@contextmanager
def running_site(show: ShowFolder, port: int, **environment: str) -> Iterator[str]:
    """Run `podcast serve` over a show and yield the site's address."""
    show.init_database()
    variables = {**show.environment, "PODCAST_URLS_SITE": f"http://127.0.0.1:{port}", **environment}
    with running_podcast(PODCAST, show.folder, port, variables) as site:
        yield site


@contextmanager
def running_podcast(podcast: Path, folder: Path, port: int, environment: Mapping[str, str]) -> Iterator[str]:
    """Run an installed `podcast serve` in a show's folder and yield the site's address."""
    site = f"http://127.0.0.1:{port}"
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [podcast, "serve", "--port", str(port)], cwd=folder, env=environment, stdout=log, stderr=log
        )
        try:
            _wait(f"{site}/healthz", process)
            yield site
        finally:
            process.terminate()
            process.wait()


def rebuild_for_port(show: ShowFolder, port: int) -> None:
    """Rebuild the feed for a port of this machine."""
    done = show.run("rebuild", "--allow", "redownloads", PODCAST_URLS_SITE=f"http://127.0.0.1:{port}")
    assert done.returncode == 0, done.stderr


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < until:
        try:
            with urlopen(url, timeout=1):  # noqa: S310 (our own server)
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer")


@dataclass
class ServedFile:
    """A file of a host, and the way it is served.

    Attributes:
        headers: the headers beside Content-Type and Content-Length.
        faults: "head" refuses HEAD, "range" ignores Range, "condition" ignores If-None-Match,
            "breaks" truncates the first complete response.
    """

    body: bytes
    content_type: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    faults: set[str] = field(default_factory=set)


@dataclass
class FileHost:
    """A running host; `requests` has every request as (method, path, range)."""

    url: str
    files: dict[str, ServedFile]
    requests: list[tuple[str, str, str | None]]


@contextmanager
def running_host(files: dict[str, ServedFile] | None = None) -> Iterator[FileHost]:
    """Serve a table of files by path, with ETag, byte ranges and CORS unless a file has other settings."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

        def do_HEAD(self) -> None:
            _respond(self, running)

        def do_GET(self) -> None:
            _respond(self, running)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = FileHost(f"http://127.0.0.1:{server.server_port}", dict(files or {}), [])
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _respond(request: BaseHTTPRequestHandler, running: FileHost) -> None:
    path, range_ = request.path, request.headers.get("Range")
    running.requests.append((request.command, path, range_))
    file = running.files.get(path, ServedFile(b"not here", "text/plain", 404))
    status, headers, body = _response_of(file, request.command, range_, request.headers.get("If-None-Match"))
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.end_headers()
    if request.command == "HEAD" or status == 304:
        return
    if "breaks" in file.faults:
        file.faults.discard("breaks")
        request.wfile.write(body[: len(body) // 2])
        request.close_connection = True
        return
    request.wfile.write(body)


def _response_of(
    file: ServedFile, method: str, range_: str | None, etag: str | None
) -> tuple[int, dict[str, str], bytes]:
    headers = {
        "Content-Type": file.content_type,
        "ETag": f'"{hash(file.body)}"',
        "Last-Modified": "Tue, 03 Mar 2026 06:00:00 GMT",
        "Cache-Control": "max-age=300",
        "Accept-Ranges": "bytes",
        "Access-Control-Allow-Origin": "*",
        **file.headers,
    }
    headers = {name: value for name, value in headers.items() if value}
    status, body = file.status, file.body
    if method == "HEAD" and "head" in file.faults:
        return 405, {"Content-Length": "0"}, b""
    if etag == headers.get("ETag") and "condition" not in file.faults:
        return 304, headers, b""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", range_ or "")
    if found and status == 200 and "range" not in file.faults:
        start = int(found[1]) if found[1] else max(0, len(body) - int(found[2]))
        end = int(found[2]) + 1 if found[1] and found[2] else len(body)
        if start >= len(body):
            return 416, {"Content-Range": f"bytes */{len(body)}", "Content-Length": "0"}, b""
        headers["Content-Range"] = f"bytes {start}-{min(end, len(body)) - 1}/{len(body)}"
        status, body = 206, body[start:end]
    return status, {**headers, "Content-Length": str(len(body))}, body
