"""Time the rendering of a private feed of 500 and of 2,000 episodes, and say whether the cost is linear.

Then what the one-episode links of 1,000 episodes add to a subscriber's feed, which a 304 does without.
Then what a publication of one more costs: rendering, every rule, the history lock. Every episode has notes
of its own, so nothing comes from the cache of rendered notes. CPU time of this process, the best of TURNS;
exit 1 where four times the episodes cost more than RATIO_LIMIT.
"""

import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from podcast_pipeline.audience.subscribers.tokens import new_selector, to_episode_token, to_token
from podcast_pipeline.feed.private import personalize
from podcast_pipeline.feed.rss import PrivateAudience, PublicAudience, render_feed
from podcast_pipeline.feed.show_notes import to_html, to_plain
from podcast_pipeline.model import Enclosure, Episode, Person, Show, TranscriptVersion
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.pipeline.commit import make_feed_renderer

RATIO_LIMIT = 4.4
TURNS = 7
START = datetime(2010, 1, 1, 6, tzinfo=UTC)
NOTES = (
    "Episode {}: *two* reporters ask **one** person.\n\n- [source](https://news.example/{})\n- second\n\n"
    + ("A paragraph of show notes as a producer writes them, some eighty words in all. " * 6)
)
SHOW = Show(
    id=UUID(int=1),
    guid=UUID(int=2),
    title="Bench",
    description="A show of many episodes.",
    language="en",
    author="Bench",
    owner_email="bench@news.example",
    categories=("News",),
    hosts=(Person(name="Ann Ferrer"),),
    site_url="https://listen.news.example",
    media_url="https://media.news.example",
    feed_url="https://media.news.example/feed.xml",
    artwork_key="public/art/0123456789abcdef.jpg",
    renew_url="https://news.example",
)


def episode(number: int) -> Episode:
    """Return a published episode with everything a feed can say."""
    at = START + timedelta(days=3.5 * number)
    version = TranscriptVersion(
        version=1,
        document_key=f"private/documents/e{number}.{number:016x}.json",
        file_keys={
            "vtt": f"private/transcripts/e{number}.{number:016x}.vtt",
            "srt": f"private/transcripts/e{number}.{number:016x}.srt",
            "json": f"private/transcripts/e{number}.{number:016x}.json",
        },
        language="en",
        word_count=9000,
        published_at=at,
    )
    return Episode(
        id=UUID(int=1000 + number),
        guid=str(UUID(int=1000 + number)),
        slug=f"e{number}",
        title=f"Episode with a guest {number}",
        notes=NOTES.format(number, number),
        language="en",
        number=number,
        persons=(Person(name=f"Guest {number}", role="guest"),),
        state="published",
        publish_at=at,
        content_changed_at=at,
        enclosure=Enclosure(
            key=f"public/audio/e{number}.{number:016x}.mp3",
            size_bytes=28_000_000,
            type="audio/mpeg",
            duration_s=1800,
        ),
        chapters_key=f"public/chapters/e{number}.{number:016x}.json",
        transcripts=(version,),
    )


def measure(catalog: Catalog, *, cold: bool) -> float:
    """Return the CPU seconds of one render, with the cache of rendered notes empty or as it is."""
    if cold:
        to_html.cache_clear()
        to_plain.cache_clear()
    begun = time.process_time()
    render_feed(catalog, PrivateAudience())
    return time.process_time() - begun


def measure_one_more(catalog: Catalog) -> float:
    """Return the CPU seconds of the feed that a publication writes, where nothing was rendered before."""
    published = render_feed(catalog, PublicAudience())
    one_more = catalog.with_episode(episode(len(catalog.episodes) + 1))
    to_html.cache_clear()
    to_plain.cache_clear()
    write, begun = make_feed_renderer((), allow=frozenset()), time.process_time()
    for _ in ("foreseen", "flipped"):
        write(one_more, published)
    return time.process_time() - begun


def measure_links(catalog: Catalog) -> tuple[float, float]:
    """Return the CPU seconds of one subscriber's feed, from a rendered one, with and without making macs."""
    shared, times = render_feed(catalog, PrivateAudience()), []
    selector, key = new_selector(), b"k" * 32
    token = to_token(selector, key)
    for of in (partial(to_episode_token, selector, key=key), lambda _: token):
        begun = time.process_time()
        personalize(shared, token, of)
        times.append(time.process_time() - begun)
    return times[0], times[1]


def main() -> int:
    """Print the times and the ratios.

    Four renders of 500 take turns with one of 2,000: as long as that one, they suffer as much from
    whatever else the machine does.
    """
    few, many = (
        Catalog(show=SHOW, episodes=tuple(episode(number) for number in range(1, count + 1)))
        for count in (500, 2000)
    )
    failed = False
    for name, cold in (("cold", True), ("cached notes", False)):
        turns = [
            (sum(measure(few, cold=cold) for _ in range(4)) / 4, measure(many, cold=cold))
            for _ in range(TURNS)
        ]
        small, large = (min(times) for times in zip(*turns, strict=True))
        print(f"{name}: 500 episodes {small:.3f} s, 2,000 episodes {large:.3f} s, ratio {large / small:.2f}")
        failed |= large / small > RATIO_LIMIT
    thousand = Catalog(show=SHOW, episodes=many.episodes[:1000])
    links = [measure_links(thousand) for _ in range(TURNS)]
    whole, without = (min(times) for times in zip(*links, strict=True))
    print(f"one subscriber's feed of 1,000: {1000 * whole:.1f} ms, {1000 * without:.1f} ms without macs")
    one_more = min(measure_one_more(many) for _ in range(3))
    print(f"one more episode after 2,000: {one_more:.3f} s")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
