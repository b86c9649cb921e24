"""uvicorn's HTTP/1.1 protocol, which waits for no client for ever and refuses doubtful requests."""

import asyncio
from typing import Any

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

REQUEST_S = 30.0
"""Seconds for a whole request, its headers and its body: the largest form has 10 kB."""

LINGER_S = 2.0
"""Seconds for the rest of a request that was answered before its end, so that the answer is read."""

MAX_HEADER_BYTES = 16 * 1024


class StrictConnection(h11.Connection):
    """h11's parser, but for a request with two lengths, which a proxy may end at another byte than we do.

    Source: RFC 9112, 6.1: a server may reject a request with both Content-Length and Transfer-Encoding.
    """

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Return the next event; raises RemoteProtocolError, the request gets a 400."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            names = {name for name, _ in event.headers}
            if {b"content-length", b"transfer-encoding"} <= names:
                raise h11.RemoteProtocolError("two lengths")
        return event


class PatientProtocol(H11Protocol):
    """A connection that is closed if a request does not arrive in time, or if its place is needed."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = StrictConnection(h11.SERVER, MAX_HEADER_BYTES)
        self._deadline: asyncio.TimerHandle | None = None
        self._waiting_since = 0.0

    @property
    def is_receiving(self) -> bool:
        """Whether the client has yet to send a request, or the rest of one."""
        is_idle = self.conn.their_state is h11.IDLE and self.timeout_keep_alive_task is not None
        return self.conn.their_state in (h11.IDLE, h11.SEND_BODY) and not is_idle

    @property
    def expendability(self) -> tuple[int, float] | None:
        """How well the server can do without this connection, lowest first; None while it is served.

        First come half a request, then a connection kept for the next one, then a client that does not read;
        of each kind the one that waits longest.
        """
        if self.is_receiving:
            return 0, self._waiting_since
        if self.timeout_keep_alive_task is not None:
            return 1, self._waiting_since
        return (2, self._waiting_since) if self.flow.write_paused else None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start to wait for the first request; make room for it where there is none."""
        super().connection_made(transport)
        self._watch()
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            self._close_most_expendable()

    def data_received(self, data: bytes) -> None:
        """Take the next bytes of a request."""
        super().data_received(data)
        self._watch()

    def pause_writing(self) -> None:
        """Note since when the client does not read."""
        super().pause_writing()
        self._waiting_since = self.loop.time()

    def on_response_complete(self) -> None:
        """Wait for the next request, or briefly for the rest of this one."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._close_after(LINGER_S)
        else:
            self._watch()

    def send_400_response(self, msg: str) -> None:
        """Answer a malformed request and close; only close where an answer has begun already."""
        if self.cycle is not None:
            self.cycle.disconnected = True  # the rest of the body never comes
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        super().connection_lost(exc)
        self._stop_clock()

    def _watch(self) -> None:
        """Start the clock of a request that is not whole, and stop that of a whole one."""
        if not self.is_receiving:
            self._stop_clock()
            self._waiting_since = self.loop.time()
        elif self._deadline is None:
            self._close_after(REQUEST_S)
            self._waiting_since = self.loop.time()

    def _close_after(self, seconds: float) -> None:
        self._stop_clock()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _close_most_expendable(self) -> None:
        others = (each for each in self.connections if isinstance(each, PatientProtocol) and each is not self)
        ranked = [(rank, each) for each in others if (rank := each.expendability) is not None]
        if ranked:
            _, expendable = min(ranked, key=lambda pair: pair[0])
            self.connections.discard(expendable)
            expendable.transport.abort()
