"""Runs the web site on a port with uvicorn."""

import asyncio
import logging
import socket
import sys
import time
from contextlib import suppress
from threading import Timer
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette

from podcast_pipeline.audience.database.engine import ConnectionPool
from podcast_pipeline.errors import ConfigError
from podcast_pipeline.web.connections.limits import (
    MAX_CONNECTIONS,
    OncePerMinute,
    connection_limit,
    handle_accept_errors,
    raise_descriptor_limit,
)
from podcast_pipeline.web.connections.protocol import PatientProtocol

GRACE_S = 10
"""Seconds for running downloads to finish after SIGTERM or SIGINT."""

ACCEPTED_AT_ONCE = 64  # before the number of connections is looked at
QUEUE = 2048  # connections that wait in the kernel

DEFAULT_PORT = 8080
LOGGERS = ("podcast_pipeline", "uvicorn.error")
LOG_FORMAT = "%(asctime)s.%(msecs)03dZ %(message)s"


def serve(app: Starlette, *, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; the access log goes to stderr, without secrets.

    Raises:
        ConfigError: the host or port cannot be bound.
    """
    listener = listen(host, port)
    log_to_stderr()
    logging.getLogger(LOGGERS[0]).info("serving on http://%s:%d; Ctrl-C ends it", host, port)
    max_connections = connection_limit(raise_descriptor_limit())
    with suppress(KeyboardInterrupt):  # Ctrl-C is the normal way to stop
        build_server(app, max_connections=max_connections).run(sockets=[listener])


def serve_for(app: Starlette, listener: socket.socket, *, lifetime_s: float) -> None:
    """Serve on a socket for some time, or until SIGINT or SIGTERM."""
    server = build_server(app)

    def end() -> None:
        server.should_exit = True

    timer = Timer(lifetime_s, end)
    timer.daemon = True
    timer.start()
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    timer.cancel()


class SiteServer(uvicorn.Server):
    """uvicorn's server, which a shortage of descriptors neither stops nor makes write without end."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to take connections, a few at once: asyncio counts the queue and these as one."""
        handle_accept_errors(asyncio.get_running_loop())
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(QUEUE)


def build_server(app: Starlette, *, max_connections: int = MAX_CONNECTIONS) -> uvicorn.Server:
    """Return the server; uvicorn's own access log is off, because it would contain tokens.

    Args:
        max_connections: at this number, the most expendable one is closed for a new one; where all are
            being served, the new one gets 503.
    """
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        loop="asyncio",
        http=PatientProtocol,
        ws="none",
        limit_concurrency=max_connections,
        backlog=ACCEPTED_AT_ONCE,
    )
    return SiteServer(config)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises ConfigError if the address is in use or not of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio disables Nagle's algorithm only if the protocol is given: a small response took 48 ms, now 3
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ConfigError(f"{host}:{port}", f"{error.strerror}; choose another with --port") from error
    return listener


def default_port(site_url: str) -> int:
    """Return the port that links to the site lead to, if they name one; else 8080, behind a proxy."""
    site = urlsplit(site_url)
    return site.port or DEFAULT_PORT if site.scheme == "http" else DEFAULT_PORT


def port_warning(site_url: str, port: int) -> str | None:
    """Return a warning if urls.site has another port; None for https, where a proxy listens."""
    site = urlsplit(site_url)
    if site.scheme == "https" or (site.port or 80) == port:
        return None
    return f"serving on port {port}, but links lead to urls.site in show.toml, {site_url}"


def log_to_stderr() -> None:
    """Log this package's and uvicorn's messages to stderr, one line each, with the time in UTC."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = logging.Formatter(LOG_FORMAT, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(logging.INFO)
        logger.propagate = False
    logging.getLogger(ConnectionPool.__module__).setLevel(logging.WARNING)  # no line for each pool that ends
    logging.getLogger("uvicorn.error").addFilter(OncePerMinute())
