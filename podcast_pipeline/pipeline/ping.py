"""Notify hubs and directories that the public feed has changed: WebSub, podping, Overcast.

A failed notification is not fatal and not retried: apps find the change at their next visit. The URL of a
private feed is never sent.
"""

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from threading import Thread
from typing import Literal
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from podcast_pipeline.config import FeedTable

OVERCAST = "https://overcast.fm/ping"
USER_AGENT = "podcast-pipeline"
TIMEOUT_S = 5.0  # of one step: connect, send, answer
TOTAL_TIMEOUT_S = 10.0
PRIVATE_FEED = re.compile(r"/feeds/[a-z2-7]{16}\.[a-z2-7]{32}(/|$)")


@dataclass(frozen=True)
class Ping:
    """One notification.

    Attributes:
        params: the form of a POST, the query of a GET.
        token: the Authorization header.
    """

    address: str
    params: tuple[tuple[str, str], ...]
    method: Literal["GET", "POST"] = "POST"
    token: SecretStr | None = None

    def to_request(self) -> httpx.Request:
        """Return the HTTP request."""
        headers = {"User-Agent": USER_AGENT}
        if self.token:
            headers["Authorization"] = self.token.get_secret_value()
        if self.method == "GET":
            return httpx.Request("GET", self.address, headers=headers, params=self.params)
        return httpx.Request("POST", self.address, headers=headers, data=dict(self.params))


def pings_for(
    feed_url: str,
    settings: FeedTable,
    *,
    podping_token: SecretStr | None = None,
    overcast_url: str = OVERCAST,
) -> list[Ping]:
    """Return the notifications of a changed feed; none for a private or a local one.

    Source: W3C WebSub, 7; podping.cloud's README; podqueue.fm/pages/help/overcast_integration; rule H7.
    """
    if PRIVATE_FEED.search(feed_url) or is_local_host(urlsplit(feed_url).hostname or ""):
        return []
    pings = [Ping(hub, (("hub.mode", "publish"), ("hub.url", feed_url))) for hub in settings.websub_hubs]
    if podping_token:
        params = (("url", feed_url), ("reason", "update"), ("medium", "podcast"))
        pings.append(Ping(settings.podping_url, params, "GET", podping_token))
    if settings.overcast_ping:
        pings.append(Ping(overcast_url, (("urlprefix", feed_url),)))
    return pings


def send_pings(
    pings: Iterable[Ping], *, warn: Callable[[str], None], total_timeout_s: float = TOTAL_TIMEOUT_S
) -> None:
    """Send all in parallel and warn of those that failed; returns within `total_timeout_s`."""
    failures = dict.fromkeys(pings, f"no answer in {total_timeout_s:.0f} s")
    threads = [Thread(target=_send, args=(ping, failures), daemon=True) for ping in failures]
    for thread in threads:
        thread.start()
    until = time.monotonic() + total_timeout_s
    for thread in threads:
        thread.join(max(0, until - time.monotonic()))
    for ping, failure in failures.items():
        if failure:
            warn(
                f"{ping.address} was not notified of the new feed ({failure});"
                " apps find it at their next visit"
            )


def _send(ping: Ping, failures: dict[Ping, str]) -> None:
    """Send one and record its failure, "" for a success."""
    try:
        with httpx.Client(timeout=TIMEOUT_S) as client:
            response = client.send(ping.to_request(), stream=True)  # its body is not read
            response.raise_for_status()
    except httpx.HTTPError as error:
        failures[ping] = str(error).partition("\n")[0] or type(error).__name__
    else:
        failures[ping] = ""


def is_local_host(host: str) -> bool:
    """Tell whether a host is out of the reach of the internet: a private address, or a name without a dot."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost" or "." not in host
