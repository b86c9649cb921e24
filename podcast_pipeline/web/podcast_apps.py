"""What podcast apps do with a private feed: how one adds it, and whether its words reach the reader.

docs/reference/podcast-apps.md has the same rows for people. Nothing here was tried on a phone.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

Shown = Literal["words", "link", "nothing"]


@dataclass(frozen=True)
class PodcastApp:
    """An app, and what it shows of a private feed.

    Attributes:
        shows: the transcript itself, the one-episode link in the notes, or nothing.
        version: the version or the time that the source describes.
        read_on: when the source was read.
        links: by label, templates of links that add the feed to the app on this device; none of them sends
            the feed's address to a web site first.
    """

    name: str
    shows: Shown
    version: str
    read_on: date
    source: str
    links: dict[str, str]


READ_ON = date(2026, 12, 1)

PODCAST_APPS = (
    PodcastApp(
        "AntennaPod",
        "words",
        "3.5 and later",
        READ_ON,
        "https://github.com/AntennaPod/AntennaPod/pull/7186",
        {"AntennaPod": "pcast:{feed_url}"},
    ),
    PodcastApp(
        "Pocket Casts",
        "words",
        "of May 2025",
        READ_ON,
        "https://support.pocketcasts.com/knowledge-base/episode-transcripts/",
        {
            "Pocket Casts (iPhone)": "pktc://subscribe/{feed_url}",
            "Pocket Casts (Android)": "pktc://subscribe{tls}/{rest}",
        },
    ),
    PodcastApp(
        "Apple Podcasts",
        "link",
        "iOS 17.4; our words only for shows in Podcasts Connect, where no private feed is",
        READ_ON,
        "https://podcasters.apple.com/support/5316-transcripts-on-apple-podcasts",
        {"Apple Podcasts": "podcast://{rest}"},
    ),
    PodcastApp(
        "Overcast",
        "link",
        "beta 1151; transcripts of its own making, none of ours",
        READ_ON,
        "https://mastodawn.com/post/116252441045893408",
        {"Overcast": "overcast://x-callback-url/add?url={quoted}"},
    ),
    PodcastApp(
        "Castro",
        "link",
        "of September 2024; transcripts were planned",
        READ_ON,
        "https://extra.podnews.net/2105583/episodes/15745399-dustin-bluck-from-castro",
        {"Castro": "castro://subscribe/{rest}"},
    ),
    PodcastApp(
        "Spotify",
        "nothing",
        "any; it takes no private feeds",
        READ_ON,
        "https://help.helloaudio.fm/article/116-private-feeds-on-spotify",
        {},
    ),
)
"""Best first: recommended is what shows the words.

The links contain https where the app supports it: otherwise the app's first request would carry the token
over plain HTTP.

Source of the links: Overcast: overcast.fm/podcasterinfo. Pocket Casts' source: on iPhone a URL without a
scheme becomes http (AppDelegate+UrlHandling.swift), on Android the link's host selects the scheme
(IntentUtil.getPodloveUrl). AntennaPod's source (UrlChecker.prepareUrl): after `antennapod-subscribe://` a
URL without a scheme becomes http, and browsers break a URL with one (antennapod.github.io#374); `pcast:`
keeps https. Apple and Castro document no such link; these are copied from other sites, and the scheme of
their first request is unknown.
"""
