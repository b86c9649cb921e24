"""Tells hubs and directories that the public feed has changed. Never fatal, never slow, never a private URL.

What they do not hear they find at their next visit, so nothing here is tried twice.
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
PATIENCE_S = 10.0
PRIVATE_FEED = re.compile(r"/feeds/[a-z2-7]{16}\.[a-z2-7]{32}(/|$)")


@dataclass(frozen=True)
class Ping:
    """Who is told, and in which words.

    Attributes:
        words: the form of a POST, the query of a GET.
        token: what the one who is told knows us by.
    """

    address: str
    params: tuple[tuple[str, str], ...]
    method: Literal["GET", "POST"] = "POST"
    token: SecretStr | None = None

    def to_request(self) -> httpx.Request:
        """Return it as it is sent."""
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
    """Return who is to hear of a changed feed: nobody of a private one, or of one on this machine only.

    Source: W3C WebSub, 7; podping.cloud's README; podqueue.fm/pages/help/overcast_integration; rule H7.
    """
    if PRIVATE_FEED.search(feed_url) or is_local_host(urlsplit(feed_url).hostname or ""):
        return []
    pings = [Ping(hub, (("hub.mode", "publish"), ("hub.url", feed_url))) for hub in settings.websub_hubs]
    if podping_token:
        words = (("url", feed_url), ("reason", "update"), ("medium", "podcast"))
        pings.append(Ping(settings.podping_url, words, "GET", podping_token))
    if settings.overcast_ping:
        pings.append(Ping(overcast_url, (("urlprefix", feed_url),)))
    return pings


def send_pings(
    pings: Iterable[Ping], *, warn: Callable[[str], None], total_timeout_s: float = PATIENCE_S
) -> None:
    """Send them all at once, and say which were not heard; ends after `patience_s` whatever they do."""
    troubles = dict.fromkeys(pings, f"no answer in {total_timeout_s:.0f} s")
    threads = [Thread(target=_send, args=(ping, troubles), daemon=True) for ping in troubles]
    for thread in threads:
        thread.start()
    until = time.monotonic() + total_timeout_s
    for thread in threads:
        thread.join(max(0, until - time.monotonic()))
    for ping, trouble in troubles.items():
        if trouble:
            warn(f"{ping.address} was not told of the new feed ({trouble}); apps find it at their next visit")


def _send(ping: Ping, troubles: dict[Ping, str]) -> None:
    """Send one and note what went wrong, "" when nothing did."""
    try:
        with httpx.Client(timeout=TIMEOUT_S) as client:
            answer = client.send(ping.to_request(), stream=True)  # its body is not read
            answer.raise_for_status()
    except httpx.HTTPError as error:
        troubles[ping] = str(error).partition("\n")[0] or type(error).__name__
    else:
        troubles[ping] = ""


def is_local_host(host: str) -> bool:
    """Tell whether a host is out of the reach of the internet: a private address, or a name without a dot."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost" or "." not in host
