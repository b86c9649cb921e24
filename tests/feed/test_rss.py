from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from podcast_pipeline.errors import FeedError
from podcast_pipeline.feed.feedgen_extension import NAMESPACES
from podcast_pipeline.feed.notice import build_notice
from podcast_pipeline.feed.rss import Audience, PrivateAudience, PublicAudience, render_feed
from podcast_pipeline.feed.tags import credited_persons
from podcast_pipeline.feed.text import TOKEN_PLACEHOLDER, single_line
from podcast_pipeline.model import Episode, Person
from podcast_pipeline.model.catalog import Catalog
from tests.support.golden import ordinary_catalog

SINCE = datetime(2026, 3, 11, tzinfo=UTC)
BEHIND_TOKEN = f"https://listen.news.example/feeds/{TOKEN_PLACEHOLDER}"


def channel(catalog: Catalog, audience: Audience) -> etree._Element:
    return etree.fromstring(render_feed(catalog, audience))[0]


def texts(parent: etree._Element, path: str) -> list[str | None]:
    return [found.text for found in parent.iterfind(path, NAMESPACES)]


def attributes(parent: etree._Element, path: str, name: str) -> list[str | None]:
    return [found.get(name) for found in parent.iterfind(path, NAMESPACES)]


def item(catalog: Catalog, title: str, audience: Audience) -> etree._Element:
    found = channel(catalog, audience).xpath("item[title=$title]", title=title)
    assert isinstance(found, list)
    assert len(found) == 1
    assert isinstance(found[0], etree._Element)
    return found[0]


def lapsed(catalog: Catalog) -> PrivateAudience:
    notice = build_notice(UUID(int=7), "lapsed", SINCE, renew_url=catalog.show.renew_url)
    return PrivateAudience(transcripts=False, notice=notice)


def changed(slug: str, **changes: Any) -> Catalog:
    episode = ordinary_catalog().by_slug(slug)
    assert episode is not None
    return ordinary_catalog().with_episode(episode.model_copy(update=changes))


def test_namespaces_are_exactly_four() -> None:
    """Rule F1: itunes, podcast, atom and content, spelled as the standards spell them."""
    assert etree.fromstring(render_feed(ordinary_catalog(), PrivateAudience())).nsmap == NAMESPACES


def test_public_feed_has_public_published_episodes_newest_first() -> None:
    """Scheduled, unpublished and subscriber-only episodes are absent."""
    assert texts(channel(ordinary_catalog(), PublicAudience()), "item/title") == [
        "No words yet",
        "¿Qué es el agua?",
        "What is water?",
    ]


def test_public_feed_has_no_transcripts_or_tokens() -> None:
    """Transcripts are for subscribers: no tag, no key, no private address."""
    feed = render_feed(ordinary_catalog(), PublicAudience())
    assert b"transcript" not in feed
    assert b"/feeds/" not in feed
    assert b"private" not in feed


def test_private_feed_has_every_published_episode() -> None:
    """The subscriber-only episode stands in its place among the others."""
    titles = texts(channel(ordinary_catalog(), PrivateAudience()), "item/title")
    assert titles == ["No words yet", "The long cut", "¿Qué es el agua?", "What is water?"]


def test_private_feed_keeps_out_of_directories() -> None:
    """Rule P2: both block tags and locked, and no owner to verify."""
    private = channel(ordinary_catalog(), PrivateAudience())
    assert texts(private, "itunes:block") == ["Yes"]
    assert texts(private, "podcast:block") == ["yes"]
    assert texts(private, "podcast:locked") == ["yes"]
    assert texts(private, "itunes:owner") == []


@pytest.mark.parametrize("audience", [PublicAudience(), PrivateAudience()])
def test_channel_link_is_the_site_and_not_the_feed(audience: Audience) -> None:
    """Apps open the channel's link in a browser: a token there would end up in a referrer."""
    assert texts(channel(ordinary_catalog(), audience), "link") == ["https://listen.news.example"]


def test_private_files_are_behind_the_token_and_public_audio_is_not() -> None:
    """Public files keep their public address, so that caches share them."""
    private = channel(ordinary_catalog(), PrivateAudience())
    long_cut = item(ordinary_catalog(), "The long cut", PrivateAudience())
    episode_id = "10000000-0000-4000-8000-000000000067"
    assert attributes(private, "atom:link", "href") == [f"{BEHIND_TOKEN}/feed.xml"]
    assert attributes(long_cut, "enclosure", "url") == [f"{BEHIND_TOKEN}/audio/{episode_id}.mp3"]
    assert attributes(long_cut, "podcast:chapters", "url") == [f"{BEHIND_TOKEN}/chapters/{episode_id}.json"]
    others = attributes(private, "item/enclosure", "url")
    assert sum(str(url).startswith("https://media.news.example/audio/") for url in others) == 3


def test_transcripts_are_the_newest_version_in_three_formats() -> None:
    """VTT, SRT and JSON, each with the hash of its own key, and never HTML or plain text."""
    water = item(ordinary_catalog(), "What is water?", PrivateAudience())
    files = f"{BEHIND_TOKEN}/transcripts/10000000-0000-4000-8000-000000000065"
    assert attributes(water, "podcast:transcript", "url") == [
        f"{files}.vtt?v=0000000000000c20",
        f"{files}.srt?v=0000000000000c21",
        f"{files}.json?v=0000000000000c22",
    ]
    assert attributes(water, "podcast:transcript", "type") == [
        "text/vtt",
        "application/x-subrip",
        "application/json",
    ]
    assert attributes(water, "podcast:transcript", "rel") == ["captions"] * 3


def test_transcript_has_a_language_only_if_it_differs_from_the_channel() -> None:
    """`en` in an `en-US` channel has no language attribute, `es` has one."""
    water = item(ordinary_catalog(), "What is water?", PrivateAudience())
    agua = item(ordinary_catalog(), "¿Qué es el agua?", PrivateAudience())
    assert attributes(water, "podcast:transcript", "language") == [None] * 3
    assert attributes(agua, "podcast:transcript", "language") == ["es", "es"]


def test_regions_of_a_language_differ() -> None:
    """A transcript of Spain in a Mexican channel has a language attribute."""
    catalog = ordinary_catalog()
    show = catalog.show.model_copy(update={"language": "es-MX"})
    agua = catalog.by_slug("que-es-el-agua")
    assert agua is not None
    spain = agua.transcripts[0].model_copy(update={"language": "es-ES"})
    catalog = catalog.with_show(show).with_episode(agua.model_copy(update={"transcripts": (spain,)}))
    assert set(
        attributes(item(catalog, "¿Qué es el agua?", PrivateAudience()), "podcast:transcript", "language")
    ) == {"es-ES"}


def test_lapsed_feed_is_the_private_one_without_transcripts_and_with_a_notice() -> None:
    """Same channel guid, same items and guids, and the notice in its place by date."""
    catalog = ordinary_catalog()
    before, after = channel(catalog, PrivateAudience()), channel(catalog, lapsed(catalog))
    assert texts(after, "podcast:guid") == texts(before, "podcast:guid")
    guids = texts(after, "item/guid")
    assert [g for g in guids if g in texts(before, "item/guid")] == texts(before, "item/guid")
    assert len(guids) == len(texts(before, "item/guid")) + 1
    assert texts(after, "item/title")[1] == "Your subscription has ended"
    assert texts(after, ".//podcast:transcript") == []


def test_notice_plays_the_shows_own_audio() -> None:
    """The notice is an item like any other: apps list it because it has an enclosure."""
    notice = item(ordinary_catalog(), "Your subscription has ended", lapsed(ordinary_catalog()))
    assert attributes(notice, "enclosure", "url") == [
        "https://media.news.example/audio/notice.000000000000beef.mp3"
    ]
    assert texts(notice, "pubDate") == ["Wed, 11 Mar 2026 00:00:00 +0000"]


def test_build_date_follows_content_and_notice() -> None:
    """LastBuildDate is the last change of content or of the subscriber's standing, never the current time."""
    catalog = ordinary_catalog()
    late = PrivateAudience(
        False, build_notice(UUID(int=7), "lapsed", SINCE + timedelta(days=99), renew_url="https://a.example")
    )
    assert texts(channel(catalog, PublicAudience()), "lastBuildDate") == ["Tue, 17 Mar 2026 06:00:00 +0000"]
    assert texts(channel(catalog, lapsed(catalog)), "lastBuildDate") == ["Tue, 17 Mar 2026 06:00:00 +0000"]
    assert texts(channel(catalog, late), "lastBuildDate") == ["Thu, 18 Jun 2026 00:00:00 +0000"]


def test_scheduled_episode_does_not_change_the_feed() -> None:
    """The feed does not reveal a planned episode."""
    catalog = changed("next-week", content_changed_at=datetime(2026, 3, 19, tzinfo=UTC))
    assert render_feed(catalog, PrivateAudience()) == render_feed(ordinary_catalog(), PrivateAudience())


def test_hosts_are_repeated_beside_guests() -> None:
    """Rule F14: an item's persons replace the channel's, so the hosts are repeated."""
    water = item(ordinary_catalog(), "What is water?", PublicAudience())
    assert texts(water, "podcast:person") == ["Ann Ferrer", "Ben Okafor", "Maria Lund"]
    assert attributes(water, "podcast:person", "role") == ["host", "host", "guest"]


def test_own_host_replaces_the_shows_hosts() -> None:
    """A stand-in is the only host of the episode."""
    agua = item(ordinary_catalog(), "¿Qué es el agua?", PublicAudience())
    assert texts(agua, "podcast:person") == ["Lucía Soto", "Maria Lund"]


def test_episode_without_persons_has_the_channels() -> None:
    """Without persons of the episode, the channel's persons apply."""
    episode = ordinary_catalog().by_slug("no-words-yet")
    assert episode is not None
    assert credited_persons(ordinary_catalog().show, episode) == ()


def test_title_without_a_readable_character_is_refused() -> None:
    """A title of forbidden characters is an error that names the episode."""
    with pytest.raises(FeedError, match="no-words-yet: has no readable text"):
        render_feed(changed("no-words-yet", title="\x00\x01"), PublicAudience())


def _episode(text: str) -> Episode:
    base = ordinary_catalog().by_slug("no-words-yet")
    assert base is not None
    return base.model_copy(
        update={
            "title": f"T {text}",
            "notes": text,
            "guid": f"g {text}",
            "persons": (Person(name=f"N {text[:100]}", role="guest", url=text, image_url=text),),
        }
    )


TRICKY = ["]]>", "<", ">", "&", '"', "'", "&amp;", "\n", "\r", "א", "👩🏽‍🚀"]
TRICKY += ["\x00", "\x1f", "\ufffe", "\u200f", "\u202e"]
HOSTILE = st.lists(st.sampled_from(TRICKY) | st.characters(codec="utf-8"), max_size=30).map("".join)


@settings(max_examples=60, deadline=None)
@given(HOSTILE)
def test_any_text_comes_through(text: str) -> None:
    """Any text of a producer gives a well-formed feed that contains the text."""
    catalog = ordinary_catalog()
    show = catalog.show.model_copy(
        update={"title": f"S {text}", "author": f"A {text}", "categories": (text or "x",)}
    )
    found = item(
        catalog.with_show(show).with_episode(_episode(text)), single_line(f"T {text}"), PrivateAudience()
    )
    assert texts(found, "podcast:person")[-1] == single_line(f"N {text[:100]}")
    parent = found.getparent()
    assert parent is not None
    assert texts(parent, "title") == [single_line(f"S {text}")]
