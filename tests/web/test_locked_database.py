"""While another program holds the database's lock, whatever does not write there is answered."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from podcast_pipeline.audience.database.engine import DATABASE_FILE_NAME, POOL_SIZE, connect
from podcast_pipeline.web import threads
from podcast_pipeline.web.routes import feeds
from podcast_pipeline.web.templating import static_address
from tests.support.databases import SHOW_DATABASES
from tests.support.site import Site, flagship_on_a_port

MORE_THAN_ALL_THREADS = 60
NEVER_S = 600.0


@pytest.fixture(scope="module")
def site(each_database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A show with one episode on a real port."""
    with flagship_on_a_port(tmp_path_factory.mktemp("site")) as site:
        yield site


@contextmanager
def locked(site: Site) -> Iterator[None]:
    """Hold what every opened session needs: SQLite's write lock, or the table of sessions."""
    url = SHOW_DATABASES.url(site.config.folder)
    if url is None:
        path = site.config.state_folder / DATABASE_FILE_NAME
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
        return
    engine = connect(url, Path())
    try:
        with engine.begin() as connection:
            connection.execute(text("LOCK TABLE sessions IN SHARE MODE"))
            yield
    finally:
        engine.dispose()


def set_patience(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Set for how long a request waits for the database."""
    for module in (threads, feeds):
        monkeypatch.setattr(module, "PATIENCE_S", seconds)


def test_nobody_else_waits(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """With more opened links than threads waiting, feeds, files and a visitor's pages are answered."""
    set_patience(monkeypatch, NEVER_S)
    token = site.subscribe("ann1@example.org")
    base, limits = site.config.urls.site, httpx.Limits(max_connections=None)
    paths = ("/", "/archive", "/episodes/the-water-was-always-coming", "/public/feed.xml", "/robots.txt")
    with (
        httpx.Client(base_url=base, timeout=NEVER_S, limits=limits) as client,
        ThreadPoolExecutor(MORE_THAN_ALL_THREADS) as pool,
    ):
        with locked(site):
            link = f"/feeds/{token}/"
            waiting = [pool.submit(client.get, link) for _ in range(MORE_THAN_ALL_THREADS)]
            for path in (*paths, static_address("reader.css"), f"/feeds/{token}/feed.xml"):
                assert httpx.get(base + path, timeout=60).status_code == 200, path
            assert not any(request.done() for request in waiting)
        assert {request.result().status_code for request in waiting} == {303}


def test_who_needs_the_lock_may_come_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its patience a request that writes gets 503 with Retry-After, in any queue."""
    set_patience(monkeypatch, 0.2)
    token = site.subscribe("bea1@example.org")
    with locked(site), ThreadPoolExecutor(8) as pool:
        link = f"{site.config.urls.site}/feeds/{token}/"
        answers = list(pool.map(lambda _: httpx.get(link, timeout=60), range(8)))
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.headers["retry-after"] for answer in answers} == {"30"}
    assert httpx.get(link, timeout=60).status_code in (303, 503)  # 503 on a machine as slow as that


def test_a_good_session_is_kept(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser with a session of this subscriber gets no new one, and needs no lock to come in."""
    token, other = site.subscribe("ann@example.org"), site.subscribe("bob@example.org")
    with httpx.Client(base_url=site.config.urls.site, timeout=60) as client:
        assert "set-cookie" in client.get(f"/feeds/{token}/").headers
        set_patience(monkeypatch, 0.2)
        with locked(site):
            again = client.get(f"/feeds/{token}/")
        assert (again.status_code, "set-cookie" in again.headers) == (303, False)
        set_patience(monkeypatch, 60.0)
        assert "set-cookie" in client.get(f"/feeds/{other}/").headers


def test_no_thread_waits_for_a_connection() -> None:
    """The pool has a connection for every thread of the database, and some for work in the background."""
    assert sum(threads.THREADS.values()) < POOL_SIZE
