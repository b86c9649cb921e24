"""How long `podcast audit` takes: a show of N episodes of two minutes, its server in a process of its own.

The episodes have 350 words, notes, and 1.9 MB of what compresses as badly as sound behind a cover picture.

    .venv/bin/python scripts/bench_audit.py 12 300

prints the episodes, the requests, the seconds, and the processor seconds of the audit and of the server.
"""

import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from pydoc_data.topics import topics
from socket import socket

sys.path.insert(0, str(Path(__file__).parent.parent))

import httpx

from podcast_pipeline.audit import AuditTarget, run_audit
from podcast_pipeline.cli.commands.audit import KEEPALIVE_S, audit_visitors, list_keys, load_secrets
from podcast_pipeline.storage.objects import stage_bytes
from podcast_pipeline.web import server
from tests.support.site import Site, transcript_of

WORDS = [word for text in topics.values() for word in text.split() if word.isalpha()]
SOUND_BYTES = 1_900_000
COVER = (Path(__file__).parent.parent / "artwork.jpg").read_bytes()


def build(site: Site, count: int) -> None:
    """Publish the episodes, with one write of the catalog."""
    rng = random.Random(1)  # noqa: S311
    write, site.write_catalog = site.write_catalog, lambda: None  # type: ignore[method-assign]
    for number in range(count):
        turns = (f"{'AB'[n % 2]}: {' '.join(rng.choices(WORDS, k=25))}." for n in range(14))
        episode = site.publish(
            f"episode-{number}",
            transcript_of("\n".join(turns), duration_s=5),
            days_ago=number + 1,
            notes=" ".join(rng.choices(WORDS, k=120)),
        )
        sound = b"ID3" + COVER + os.urandom(SOUND_BYTES)
        key = site.put(stage_bytes("public/audio", episode.slug, "mp3", sound, "audio/mpeg"))
        enclosure = episode.enclosure.model_copy(
            update={"key": key, "type": "audio/mpeg", "size_bytes": len(sound)}
        )
        site.catalog = site.catalog.with_episode(episode.model_copy(update={"enclosure": enclosure}))
    site.write_catalog = write  # type: ignore[method-assign]
    site.write_catalog()


def serve(site: Site, listener: socket) -> None:
    """Serve until the process is ended."""
    server.build_server(site.app()).run(sockets=[listener])


def measure(count: int) -> None:
    """Build a show, audit it, and print what that took."""
    folder = Path(tempfile.mkdtemp())
    listener = server.listen("127.0.0.1", 0)
    site = Site.make(folder, site_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
    build(site, count)
    site.subscribers.engine.dispose()
    process = multiprocessing.get_context("fork").Process(target=serve, args=(site, listener))
    process.start()
    requests = 0

    def counted(_: httpx.Request) -> None:
        nonlocal requests
        requests += 1

    begun_s, used_s = time.monotonic(), time.process_time()
    with ExitStack() as stack:

        def client() -> httpx.Client:
            limits = httpx.Limits(keepalive_expiry=KEEPALIVE_S)
            hooks = {"request": [counted]}
            return stack.enter_context(httpx.Client(timeout=60, limits=limits, event_hooks=hooks))

        visitors = audit_visitors(site.subscribers, site.sessions, now=site.clock(), make_client=client)
        target = AuditTarget(
            catalog=site.catalog,
            secrets=load_secrets(site.catalog, site.store),
            anonymous_store=site.store.anonymous(),
            keys=list_keys(site.store),
            visitors=tuple(visitors),
        )
        findings = run_audit(target, report=lambda _: None)
    seconds, used_s = time.monotonic() - begun_s, time.process_time() - used_s
    process.terminate()
    process.join()
    served_s = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    print(
        f"{count} episodes: {requests} requests, {seconds:.1f} s;"
        f" processor: audit {used_s:.1f} s, server {served_s:.1f} s; {len(findings)} findings"
    )
    for finding in findings[:3]:
        print(f"    {finding}")
    site.close()
    shutil.rmtree(folder)


if __name__ == "__main__":
    for text in sys.argv[1:] or ("12",):
        measure(int(text))
