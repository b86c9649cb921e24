"""Nobody is served withdrawn words: pages, old versions, files, books, feeds and search."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from starlette.testclient import TestClient

from podcast_pipeline.model import Episode, TranscriptVersion
from podcast_pipeline.search import SearchIndex
from podcast_pipeline.web.routes.feeds import hash_in_key
from podcast_pipeline.web.routes.search import IndexUpdater
from tests.support.leaky_site import FLAGSHIP, make_site
from tests.support.site import INTERVIEW, NOW, SHOW_ID, Site, transcript_of
from tests.support.withdrawn_site import PASSAGE, withdraw_from

ACTIVE, LAPSED, NOBODY = "active", "lapsed", "nobody"
PAGE = f"/episodes/{FLAGSHIP}"
WORDS = ("wall had been measured", "by then I was angry")


@dataclass(frozen=True)
class Visited:
    """A site whose first episode was read by everybody before a passage of it was withdrawn.

    Attributes:
        before: the episode before.
        clients: a browser of each kind of visitor, signed in before the withdrawal.
    """

    site: Site
    before: Episode
    clients: dict[str, TestClient]


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visited]:
    """The site after the withdrawal; its server has run all the time."""
    site = make_site(tmp_path_factory.mktemp("site"))
    app, clients = site.app(), {}
    for who, until in ((ACTIVE, None), (LAPSED, NOW.replace(year=2020)), (NOBODY, None)):
        clients[who] = TestClient(app, base_url=site.config.urls.site)
        if who != NOBODY:
            token = site.subscribe(f"{who}@example.org", paid_until=until)
            clients[who].get(f"/feeds/{token}/")
            clients[who].headers["x-token"] = token
    assert WORDS[0] in clients[ACTIVE].get(PAGE).text
    assert WORDS[0] in clients[ACTIVE].get(f"{PAGE}/transcript.txt").text
    before = episode(site)
    withdraw_from(site, quote=PASSAGE)
    yield Visited(site, before, clients)
    for client in clients.values():
        client.close()
    site.close()


@pytest.fixture
def site(visited: Visited) -> Site:
    """The site of `visited`."""
    return visited.site


@pytest.fixture
def clients(visited: Visited) -> dict[str, TestClient]:
    """The browsers of `visited`."""
    return visited.clients


def episode(site: Site) -> Episode:
    found = site.catalog.by_slug(FLAGSHIP)
    assert found
    return found


def withdrawn(site: Site) -> tuple[TranscriptVersion, ...]:
    versions = episode(site).withdrawn_versions
    assert len(versions) == 2
    return versions


@pytest.mark.parametrize(("who", "status"), [(ACTIVE, 410), (LAPSED, 403), (NOBODY, 200)])
def test_the_page_of_an_old_version(
    site: Site, clients: dict[str, TestClient], who: str, status: int
) -> None:
    """410 with the date and the reason for an active subscriber, 403 for a lapsed one, else the teaser."""
    for version in withdrawn(site):
        answer = clients[who].get(f"{PAGE}?v={hash_in_key(version.document_key)}")
        assert answer.status_code == status
        assert not any(words in answer.text for words in WORDS)
        if who == ACTIVE:
            assert "withdrawn on 2026-03-10: off the record" in answer.text
            assert "taken down" not in answer.text


@pytest.mark.parametrize(("who", "status"), [(ACTIVE, 410), (LAPSED, 403), (NOBODY, 404)])
def test_the_files_of_an_old_version(
    site: Site, clients: dict[str, TestClient], who: str, status: int
) -> None:
    """Every file by its hash: cookie, private feed and EPUB."""
    token = clients[who].headers.get("x-token")
    one = episode(site)
    for version in withdrawn(site):
        hashes = {str(ending): hash_in_key(key) for ending, key in version.files.items()}
        paths = [f"{PAGE}/transcript.{ending}?v={h}" for ending, h in hashes.items()]
        paths.append(f"{PAGE}/transcript.epub?v={hash_in_key(version.document_key)}")
        if token:
            feed = ("vtt", "srt", "json")
            paths += [f"/feeds/{token}/transcripts/{one.id}.{e}?v={hashes[e]}" for e in feed]
        for path in paths:
            answer = clients[who].get(path)
            assert answer.status_code == status, path
            assert "cache-control" not in answer.headers or "no-store" in answer.headers["cache-control"]
            assert ("2026-03-10" in answer.text) == (who == ACTIVE)


def test_a_made_up_version_is_still_not_found(clients: dict[str, TestClient]) -> None:
    """Only a version that there was is told to be withdrawn."""
    assert clients[ACTIVE].get(f"{PAGE}?v=0123456789abcdef").status_code == 404
    assert clients[ACTIVE].get(f"{PAGE}/transcript.txt?v=0123456789abcdef").status_code == 404


@pytest.mark.parametrize("who", [ACTIVE, LAPSED, NOBODY])
def test_what_is_still_there_has_no_word(site: Site, clients: dict[str, TestClient], who: str) -> None:
    """The newest page, its files, the book and the feeds are there, without the words."""
    client, token = clients[who], clients[who].headers.get("x-token")
    paths = [PAGE, "/", f"{PAGE}/transcript.txt", f"{PAGE}/transcript.epub", "/public/feed.xml"]
    paths += [f"/feeds/{token}/feed.xml"] if token else []
    for path in paths:
        answer = client.get(path)
        assert answer.status_code in (200, 403 if who == LAPSED else 200, 404 if who == NOBODY else 200)
        assert not any(words in answer.text for words in WORDS), path
    if who == ACTIVE:
        page = client.get(PAGE).text
        assert "A passage was withdrawn: off the record" in page
        assert f"?v={hash_in_key(withdrawn(site)[0].document_key)}" not in page
        assert client.get(f"{PAGE}/transcript.txt").status_code == 200


def test_search_before_the_index_is_in_step(visited: Visited, monkeypatch: pytest.MonkeyPatch) -> None:
    """With rows of before the withdrawal in the index nobody finds the words, and afterwards neither."""
    monkeypatch.setattr(IndexUpdater, "start_update", lambda *_: None)  # as slow as can be
    site, client = visited.site, visited.clients[ACTIVE]
    index = SearchIndex(site.subscribers.engine, show_id=SHOW_ID)
    index.sync(site.catalog, site.store)
    old = transcript_of(INTERVIEW.read_text(encoding="utf-8"), duration_s=2.0, version=2)
    assert index.index(visited.before, old)
    assert index.outdated([episode(site)]) == {visited.before.id}
    assert not hits(client, WORDS[0])
    index.sync(site.catalog, site.store)
    assert index.outdated([episode(site)]) == frozenset()
    assert not hits(client, WORDS[0])
    assert hits(client, "river came over the wall")


def hits(client: TestClient, words: str) -> bool:
    """Search for a phrase and tell whether a passage was found."""
    answer = client.get("/search", params={"q": f'"{words}"'})
    assert answer.status_code == 200
    return "<mark>" in answer.text
