"""Connects to the addresses that the host guard allows, within a deadline for the whole answer.

TLS certificates, SNI and the Host header are those of the host's name: only the address is chosen here, so
that what was checked is what is connected to. With a proxy (HTTPS_PROXY, HTTP_PROXY, NO_PROXY) the proxy
resolves the name; a name that leads to a forbidden address from here is refused all the same.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from math import inf
from time import monotonic
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from podcast_pipeline.remote_feeds.host_guard import HostGuard

MOST_CONNECTIONS = 20
KEEPALIVE_S = 5.0
SocketOptions = Iterable[Any] | None


class Deadline(threading.local):
    """The time until which an answer must be there, of the thread that asked."""

    def __init__(self) -> None:
        self.at_s = inf

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Set the deadline for what is asked inside."""
        self.at_s = monotonic() + seconds
        try:
            yield
        finally:
            self.at_s = inf

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return monotonic() >= self.at_s

    def shorten(self, timeout_s: float | None) -> float:
        """Return the time-out of one operation, cut to the time that is left.

        Raises:
            httpcore.ReadTimeout: none is left.
        """
        left_s = self.at_s - monotonic()
        if left_s <= 0:
            raise httpcore.ReadTimeout("the answer takes too long")
        return min(inf if timeout_s is None else timeout_s, left_s)


class DeadlineStream(httpcore.NetworkStream):
    """A connection whose reads and writes end at the deadline: a byte now and then does not hold it open."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there."""
        return self._stream.read(max_bytes, self._deadline.shorten(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all."""
        self._stream.write(buffer, self._deadline.shorten(timeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Return the connection with TLS; the certificate is checked against the host's name."""
        encrypted = self._stream.start_tls(ssl_context, server_hostname, self._deadline.shorten(timeout))
        return DeadlineStream(encrypted, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """Return a fact about the connection."""
        return self._stream.get_extra_info(info)


class GuardedBackend(httpcore.NetworkBackend):
    """Opens connections to the allowed addresses of a host, one after the other.

    Args:
        guard: None for a proxy, whose address the person has set.
    """

    def __init__(self, guard: HostGuard | None, deadline: Deadline) -> None:
        self._guard = guard
        self._deadline = deadline
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers."""
        refused: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in self._addresses(host, port):
            try:
                stream = self._backend.connect_tcp(
                    address, port, self._deadline.shorten(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                refused = error
            else:
                return DeadlineStream(stream, self._deadline)
        raise refused or httpcore.ConnectError(f"{host} has no address")

    def _addresses(self, host: str, port: int) -> list[str]:
        if self._guard is None:
            return [host]
        try:
            return self._guard.addresses(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error


class GuardedTransport(httpx.BaseTransport):
    """The transport of an httpx client; every request of it, every redirect too, is checked.

    Args:
        proxies: scheme -> address of the proxy; default: those of the environment.
    """

    def __init__(
        self, guard: HostGuard, deadline: Deadline, *, proxies: dict[str, str] | None = None
    ) -> None:
        self._guard = guard
        self._deadline = deadline
        self._proxies = getproxies() if proxies is None else proxies
        self._tls = httpx.create_ssl_context()
        self._pools: dict[str | None, httpcore.ConnectionPool] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the response, its body not read yet.

        Raises:
            ForbiddenAddress: the host is not public.
        """
        url = request.url
        proxy = self._proxy(url)
        if proxy is not None:
            self._refuse_known(url)
        assert isinstance(request.stream, httpx.SyncByteStream)
        sent = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _as_httpx_errors():
            answer = self._pool(proxy).handle_request(sent)
        assert isinstance(answer.stream, Iterable)
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(answer.stream),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()

    def _proxy(self, url: httpx.URL) -> str | None:
        address = self._proxies.get(url.scheme) or self._proxies.get("all")
        if address is None or not address.startswith(("http://", "https://")) or proxy_bypass(url.host):
            return None
        return address

    def _refuse_known(self, url: httpx.URL) -> None:
        """Raise ForbiddenAddress for a name that is not public from here; the proxy may know more names."""
        with suppress(OSError, UnicodeError):
            self._guard.addresses(url.host, url.port or 0)

    def _pool(self, proxy: str | None) -> httpcore.ConnectionPool:
        with self._lock:
            if proxy not in self._pools:
                self._pools[proxy] = self._new_pool(proxy)
            return self._pools[proxy]

    def _new_pool(self, proxy: str | None) -> httpcore.ConnectionPool:
        if proxy is None:
            return httpcore.ConnectionPool(
                ssl_context=self._tls,
                max_connections=MOST_CONNECTIONS,
                keepalive_expiry=KEEPALIVE_S,
                network_backend=GuardedBackend(self._guard, self._deadline),
            )
        known = httpx.Proxy(proxy)
        return httpcore.HTTPProxy(
            proxy_url=str(known.url),
            proxy_auth=known.raw_auth,
            ssl_context=self._tls,
            max_connections=MOST_CONNECTIONS,
            keepalive_expiry=KEEPALIVE_S,
            network_backend=GuardedBackend(None, self._deadline),
        )


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx_errors():
            yield from self._stream

    def close(self) -> None:
        if hasattr(self._stream, "close"):
            self._stream.close()


@contextmanager
def _as_httpx_errors() -> Iterator[None]:
    """Raise an error of httpcore as the error of httpx that has its name."""
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
    except (httpcore.ProxyError, httpcore.UnsupportedProtocol) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
    except httpcore.ConnectionNotAvailable as error:
        raise httpx.ConnectError(str(error)) from error
