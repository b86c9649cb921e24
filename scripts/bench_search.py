"""How quick is the search over an archive of 1,000 one-hour transcripts, about 10 million words?

The words are a Markov chain (the next word by the two before it) over real English prose: the texts named
with --text, and the prose of Python's own documentation. One plain text file is enough; the figures in
docs/evidence/search.md were taken with the King James Bible of Debian's `bible-kjv`:

    bible -f 'Gen1:1-Rev22:21' | cut -d' ' -f2- > kjv.txt
    python scripts/bench_search.py --text kjv.txt [--database postgresql]

Prints how long the index took, its size, how long one episode more takes, and for every kind of question,
asked of the index and of `/search` over HTTP, p50 and p95 in milliseconds:

    alone        one reader
    20 a second  20 readers, each asks, reads for a second, and asks again (a closed loop)
    no pause     20 readers, each asks again as soon as it has its answer

and milliseconds of processor for one question of 20 a second: in this process or, over HTTP, in the server,
and in PostgreSQL's own. Processor time is what bounds "no pause", and what another load disturbs least.
"""

import argparse
import http.client
import multiprocessing
import os
import random
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from pydoc_data.topics import topics
from urllib.parse import quote
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy import text

from podcast_pipeline.audience.database import open_database
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.sessions import BrowserSessions
from podcast_pipeline.config import Config
from podcast_pipeline.model import Enclosure, Episode, Person, Segment, Show, Speaker, Transcript, Word
from podcast_pipeline.model.catalog import CATALOG_KEY, Catalog, to_json
from podcast_pipeline.search import SearchIndex, parse_query
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.storage.published import read_catalog
from podcast_pipeline.web import server
from podcast_pipeline.web.app import create_app

sys.path.append(str(Path(__file__).parent.parent))

from scripts.scratch import Meter, add_option, open_or_create, scratch

WORDS = 10_000  # an hour of speech
FIRST = datetime(2016, 3, 1, 6, tzinfo=UTC)
ZONE = ZoneInfo("UTC")
GUESTS = ("Ines Marchetti", "Tomás Ó Briain", "Adaeze Okafor", "Lena Björk", "Sam Whitlock", "Noor Haddad")
SHOW_ID = UUID("4f0f8a52-56e1-4a11-8d5b-9b1d6b7c1d7a")
SHOW = {
    "id": SHOW_ID,
    "guid": SHOW_ID,
    "title": "Bench",
    "description": "A show to measure with.",
    "author": "Nobody",
    "owner_email": "nobody@example.com",
    "categories": ["News"],
    "hosts": ["Robin Ashdown"],
}


class Chain:
    """Words that follow one another as in real prose."""

    def __init__(self, prose: str, seed: int) -> None:
        self.words = prose.split()
        self.random = random.Random(seed)  # noqa: S311
        self.after: dict[tuple[str, str], list[str]] = {}
        for one, two, three in zip(self.words, self.words[1:], self.words[2:], strict=False):
            self.after.setdefault((one, two), []).append(three)

    def speak(self) -> Iterator[str]:
        """Yield words for ever."""
        start = self.random.randrange(len(self.words) - 2)
        one, two = self.words[start : start + 2]
        while True:
            yield one
            choices = self.after.get((one, two)) or self.words
            one, two = two, self.random.choice(choices)


def transcript(speech: Iterator[str], chance: random.Random, guest: str) -> Transcript:
    """Return an hour of two people; sentences of 6 to 20 words, turns of 1 to 8 sentences."""
    segments: list[Segment] = []
    spoken, turn_left, speaker = 0, 0, 0
    while spoken < WORDS:
        if not turn_left:
            turn_left, speaker = chance.randint(1, 8), 1 - speaker
        said = [next(speech) for _ in range(chance.randint(6, 20))]
        words = tuple(
            Word.model_construct(
                text=f" {word}", start_s=(spoken + n) * 0.36, end_s=(spoken + n) * 0.36 + 0.3, confidence=1.0
            )
            for n, word in enumerate(said)
        )
        segments.append(Segment.model_construct(speaker=f"s{speaker}", words=words, doubts=()))
        spoken, turn_left = spoken + len(said), turn_left - 1
    speakers = (Speaker(id="s0", name="Robin Ashdown"), Speaker(id="s1", name=guest))
    return Transcript.model_construct(
        language="en", duration_s=3600.0, speakers=speakers, segments=tuple(segments)
    )


def episode(number: int, speech: Iterator[str], guest: str) -> Episode:
    """Return an episode with a title and notes of the same prose."""
    at = FIRST + timedelta(days=3.5 * number)
    slug = f"episode-{number}"
    return Episode.model_validate(
        {
            "id": uuid5(SHOW_ID, slug),
            "guid": slug,
            "slug": slug,
            "title": " ".join(next(speech) for _ in range(6)),
            "notes": " ".join(next(speech) for _ in range(120)),
            "language": "en",
            "persons": [Person(name=guest, role="guest")],
            "state": "published",
            "publish_at": at,
            "published_at": at,
            "content_changed_at": at,
            "enclosure": Enclosure(
                key=f"public/audio/{slug}.mp3", size_bytes=1, type="audio/mpeg", duration_s=3600
            ),
        }
    )


class Questions:
    """What readers ask, drawn from the archive itself so that nearly all have answers."""

    def __init__(self, prose: str, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311
        self.words = prose.split()
        counts = Counter(word.strip(".,:;!?").lower() for word in self.words)
        known = [word for word, _ in counts.most_common() if len(word) > 3 and word.isalpha()]
        self.common, self.usual, self.rare = known[:40], known[40:1500], known[1500:9000]

    def of(self, kind: str) -> str:
        """Return a question of one kind; of the mixture, usual words most, as people ask."""
        if kind == MIXED:
            kind = self.random.choices(list(KINDS), list(KINDS.values()))[0]
        pick = self.random.choice
        at = self.random.randrange(len(self.words) - 3)
        return {
            "a rare word": pick(self.rare),
            "a usual word": pick(self.usual),
            "two words": f"{pick(self.usual)} {pick(self.common)}",
            "a phrase": '"' + " ".join(self.words[at : at + 3]).replace('"', "") + '"',
            "a prefix": pick(self.usual)[:4] + "*",
            "by a speaker": f"{pick(self.usual)} speaker:{pick(GUESTS).split()[0]}",
            "of a guest, dated": f"{pick(self.usual)} guest:{pick(GUESTS).split()[0]} after:2019 before:2023",
            "the commonest": pick(("the", "and", "of the", "that the", '"and the"')),
        }[kind]


KINDS = {
    "a rare word": 25,
    "a usual word": 30,
    "two words": 15,
    "a phrase": 10,
    "a prefix": 5,
    "by a speaker": 8,
    "of a guest, dated": 5,
    "the commonest": 2,
}
"""Kind of question -> how many in a hundred."""
MIXED = "mixed"
ALONE = 60  # questions of one reader


def crowd(seconds: float, askers: Sequence[Callable[[], None]], pause_s: float) -> list[float]:
    """Let readers ask at once and return how long each answer took, in milliseconds.

    Args:
        pause_s: from an answer to the reader's next question.
    """
    took: list[float] = []
    until = time.monotonic() + seconds

    def read(number: int) -> None:
        time.sleep(pause_s * number / len(askers))
        while time.monotonic() < until:
            began = time.perf_counter()
            askers[number]()
            spent = time.perf_counter() - began
            took.append(spent * 1000)
            time.sleep(pause_s)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(len(askers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def row(name: str, asker: Sequence[Callable[[], None]], seconds: float, meter: Meter) -> str:
    """Return a line of the table: let one reader ask, many with a pause, and many without."""
    alone = [timed(asker[0]) for _ in range(ALONE)]
    before = meter.read()
    paused = crowd(seconds, asker, 1)
    spent = [(after - first) / len(paused) for first, after in zip(before, meter.read(), strict=True)]
    figured = map(figures, (alone, paused, crowd(seconds, asker, 0)))
    return f"{name:20}" + "".join(figured) + "".join(f"{cpu:10.1f}" for cpu in spent)


def figures(took: list[float]) -> str:
    """Return p50 and p95."""
    cuts = statistics.quantiles(took, n=20)
    return f"{statistics.median(took):8.1f}{cuts[18]:8.1f}"


def serve(config: Config, url: str | None, listener: socket.socket) -> None:
    """Run the reader on a socket; a process of its own."""
    engine = open_database(url, config.state_folder)
    app = create_app(
        config=config,
        store=LocalStore.from_config(config),
        subscribers=Subscribers(engine, show_id=SHOW_ID, secret_key=b"k" * 32),
        sessions=BrowserSessions(engine, show_id=SHOW_ID),
        clock=lambda: datetime.now(UTC),
    )
    server.build_server(app).run(sockets=[listener])


def build(index: SearchIndex, show: Show, prose: str, episodes: int) -> Catalog:
    """Index the archive and return its catalog; the time of making words up is not counted."""
    chance, speech = random.Random(1), Chain(prose, 1).speak()  # noqa: S311
    catalog, spent, cpu = [], 0.0, 0.0
    for number in range(episodes):
        guest = chance.choice(GUESTS)
        made, words = episode(number, speech, guest), transcript(speech, chance, guest)
        began, cpu_began = time.perf_counter(), time.process_time()
        index.index(made, words)
        spent, cpu = spent + time.perf_counter() - began, cpu + time.process_time() - cpu_began
        catalog.append(made)
    began = time.perf_counter()
    index.optimize()
    print(f"index: {episodes} episodes in {spent:.0f} s ({cpu:.0f} s of CPU in this process), ", end="")
    print(f"put in order in {time.perf_counter() - began:.1f} s")
    return Catalog(show=show, episodes=tuple(catalog))


def size_mb(index: SearchIndex, folder: Path) -> float:
    """Return how large the database is."""
    if index.engine.dialect.name == "sqlite":
        return sum(file.stat().st_size for file in folder.glob("podcast.db*")) / 1e6
    with index.engine.connect() as connection:
        return float(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0) / 1e6


def main() -> None:
    """Build, ask, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--text", type=Path, action="append", default=[], help="prose, UTF-8")
    options.add_argument("--episodes", type=int, default=1000)
    options.add_argument("--readers", type=int, default=20)
    options.add_argument("--seconds", type=float, default=6, help="for each kind")
    options.add_argument("--folder", type=Path, help="keep the archive here and use it again")
    add_option(options)
    given = options.parse_args()
    if given.folder and given.database == "postgresql":
        options.error("--folder keeps the archive, and this PostgreSQL ends with the benchmark; give a URL")
    prose = " ".join([*(path.read_text(encoding="utf-8") for path in given.text), *topics.values()])
    with tempfile.TemporaryDirectory() as folder, scratch(given.database) as url:
        measure(given, prose, given.folder or Path(folder), url)


def measure(given: argparse.Namespace, prose: str, folder: Path, url: str | None) -> None:
    """Build the archive if it is not there, and time every kind of question."""
    config = Config.model_validate({"folder": folder, "show": SHOW})
    engine = open_or_create(url, config.state_folder)
    index, store = SearchIndex(engine, show_id=SHOW_ID), LocalStore.from_config(config)
    print(f"{engine.dialect.name}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    catalog, _ = read_catalog(store)
    if catalog is None:
        catalog = build(index, config.to_show(artwork_key=None), prose, given.episodes)
        store.put(CATALOG_KEY, to_json(catalog), content_type="application/json", cache_control="no-cache")
    print(f"size: {size_mb(index, config.state_folder):.0f} MB")
    print(f"one episode more: {adding(index, catalog, prose):.0f} ms")
    published = frozenset(episode.id for episode in catalog.episodes)
    questions = Questions(prose, 2)

    def ask(kind: str) -> None:
        index.search(parse_query(questions.of(kind), ZONE), include_transcripts=True, episode_ids=published)

    head = ("alone", f"{given.readers} a second", "no pause")
    print(f"{'p50 and p95, ms':20}" + "".join(f"{name:>16}" for name in head) + "   CPU ms  database")
    meter = Meter(os.getpid(), engine)
    for kind in (*KINDS, MIXED):
        print(row(kind, [partial(ask, kind)] * given.readers, given.seconds, meter), flush=True)
    subscribers = Subscribers(engine, show_id=SHOW_ID, secret_key=b"k" * 32)
    over_http(given, config, url, subscribers, questions)
    engine.dispose()
    print(f"load {os.getloadavg()[0]:.1f}")


def adding(index: SearchIndex, catalog: Catalog, prose: str) -> float:
    """Return milliseconds, the median of ten, for one more episode in a full index."""
    chance, speech = random.Random(3), Chain(prose, 3).speak()  # noqa: S311
    took = []
    for about in random.Random(4).sample(catalog.episodes, 10):  # noqa: S311
        index.remove(about.id)
        words = transcript(speech, chance, about.persons[0].name)
        took.append(timed(partial(index.index, about, words)))
    return statistics.median(took)


def timed(work: Callable[[], object]) -> float:
    """Return milliseconds."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def over_http(
    given: argparse.Namespace, config: Config, url: str | None, subscribers: Subscribers, questions: Questions
) -> None:
    """Let subscribers ask the real server, a process of its own."""
    listener = server.listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    process = multiprocessing.get_context("fork").Process(target=serve, args=(config, url, listener))
    process.start()
    now = datetime.now(UTC)
    _, token = subscribers.add("reader@example.com", now=now, origin="cli")
    cookies = [cookie_of(port, token) for _ in range(given.readers)]

    def visitor(number: int) -> Callable[[], None]:
        connection = http.client.HTTPConnection("127.0.0.1", port)

        def get(path: str) -> http.client.HTTPResponse:
            connection.request("GET", path, headers={"cookie": cookies[number]})
            return connection.getresponse()

        def ask() -> None:
            path = f"/search?q={quote(questions.of(MIXED))}"
            try:
                answer = get(path)
            except ConnectionError:  # the server ends what is idle, and a browser asks again
                connection.close()
                answer = get(path)
            if answer.status != 200 or not answer.read():
                raise SystemExit(f"{path}: {answer.status}")

        return ask

    try:
        visitors = [visitor(number) for number in range(given.readers)]
        meter = Meter(int(process.pid or 0), subscribers.engine)
        print(row(f"/search, {MIXED}", visitors, 2 * given.seconds, meter))
    finally:
        process.terminate()
        process.join()


def cookie_of(port: int, token: str) -> str:
    """Return a session as a browser gets it from a private link."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", f"/feeds/{token}/")
    answer = connection.getresponse()
    answer.read()
    return str(answer.getheader("set-cookie")).partition(";")[0]


if __name__ == "__main__":
    main()
