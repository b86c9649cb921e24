"""No response to an anonymous client contains eight consecutive words of a transcript's restricted part.

The check here is its own and simple on purpose: it shares no code with `transcript.leaks`.
"""

import html
import re
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from podcast_pipeline import open_show
from podcast_pipeline.model.catalog import catalog_from_json, transcript_from_json
from tests.support.http_servers import running_site
from tests.support.ports import free_port
from tests.support.show import SLUG, ShowFolder, copy_show_folder

RUN = 8
LINK = re.compile(r"""(?:href|src|content|url|loc)\s*=?\s*["'>]\s*(https?://[^"'<> ]+|/[^"'<> ]*)""")
GUESSES = (
    "/private/catalog.json",
    "/public/../private/catalog.json",
    "/public/%2e%2e/private/catalog.json",
    "/feeds/",
    "/feeds/x/feed.xml",
    "/feeds/aaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/feed.xml",
    "/no-such-page",
    "/search?q=darkness",
    f"/episodes/{SLUG}/transcript.vtt",
    f"/episodes/{SLUG}/transcript.txt",
    f"/episodes/{SLUG}/transcript.docx",
    f"/episodes/{SLUG}/transcript.json",
    f"/episodes/{SLUG}?v=0000000000000000",
)


def runs(text: str) -> set[str]:
    """Return every run of eight words, lower case, without punctuation."""
    words = re.findall(r"[a-z0-9']+", text.lower())
    return {" ".join(words[n : n + RUN]) for n in range(len(words) - RUN + 1)}


def texts(body: bytes) -> str:
    """Return the texts of bytes: as they are, as UTF-16 (ID3), and as a page without markup."""
    plain = body.decode("utf-8", "replace")
    wide = body.decode("utf-16-le", "replace") + body[1:].decode("utf-16-le", "replace")
    return " \n ".join((plain, html.unescape(re.sub(r"<[^>]+>", " ", plain)), wide))


@pytest.fixture(scope="module")
def show(published: ShowFolder, tmp_path_factory: pytest.TempPathFactory) -> ShowFolder:
    """The published show on a port of its own."""
    show = copy_show_folder(published, tmp_path_factory.mktemp("leaks") / "show")
    site = f"http://127.0.0.1:{free_port()}"
    settings = show.folder / "show.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("http://127.0.0.1:8080", site), encoding="utf-8")
    assert show.run("rebuild", "--allow", "redownloads").returncode == 0
    return show


@pytest.fixture(scope="module")
def site(show: ShowFolder) -> Iterator[str]:
    """The address of a running `podcast serve`."""
    port = urlsplit(open_show(show.folder).config.urls.site).port
    assert port is not None
    with running_site(show, port) as address:
        yield address


@pytest.fixture(scope="module")
def secret(show: ShowFolder) -> set[str]:
    """Every run of the transcript that is in no public text."""
    store = open_show(show.folder).store
    episode = catalog_from_json(store.get("private/catalog.json")[1]).by_slug(SLUG)
    assert episode is not None
    assert episode.transcript is not None
    words = transcript_from_json(store.get(episode.transcript.document_key)[1], "document")
    return runs(words.text) - runs("\n".join(episode.public_text))


def crawl(client: httpx.Client, base: str, keys: list[str]) -> dict[str, bytes]:
    """Return all responses reached by links, and by guessed keys and routes."""
    waiting = ["/", "/robots.txt", "/sitemap.xml", "/public/feed.xml", *GUESSES, *(f"/{key}" for key in keys)]
    seen: dict[str, bytes] = {}
    while waiting:
        path = waiting.pop().removeprefix(base) or "/"
        if path in seen or path.startswith("http"):
            continue
        answer = client.get(base + path)
        headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        seen[path] = headers.encode() + b"\n\n" + answer.content
        waiting += LINK.findall(answer.text) if "audio" not in answer.headers["content-type"] else []
    return seen


def test_the_check_would_notice(show: ShowFolder, secret: set[str]) -> None:
    """The sample has restricted text after its teaser, and a subscriber's file contains it."""
    notes = (show.episode / "notes.md").read_text(encoding="utf-8")
    store = open_show(show.folder).store
    file = next(info.key for info in store.list("private/transcripts/") if info.key.endswith(".txt"))
    assert len(secret) > 50
    assert runs(notes) & runs(texts(store.get(file)[1]))
    assert secret <= runs(texts(store.get(file)[1]))


def test_an_anonymous_client_gets_no_secret_run(show: ShowFolder, site: str, secret: set[str]) -> None:
    """Pages, feeds, files, tags, headers and errors hold none of the secret runs."""
    store = open_show(show.folder).store
    keys = [info.key for prefix in ("public/", "private/") for info in store.list(prefix)]
    with httpx.Client() as client:
        answers = crawl(client, site, keys)
    assert f"/episodes/{SLUG}" in answers
    assert any(path.endswith(".mp3") and len(body) > 100_000 for path, body in answers.items())
    leaks = {path: found for path, body in answers.items() if (found := secret & runs(texts(body)))}
    assert leaks == {}


def test_public_objects_and_the_log_hold_no_secret_run(show: ShowFolder, site: str, secret: set[str]) -> None:
    """The objects under public/ and the log lines contain no restricted run."""
    httpx.get(f"{site}/episodes/{SLUG}")
    store = open_show(show.folder).store
    bodies = {info.key: store.get(info.key)[1] for info in store.list("public/")}
    bodies["log"] = (show.folder / "serve.log").read_bytes()
    assert len(bodies) >= 5
    assert {key for key, body in bodies.items() if secret & runs(texts(body))} == set()


def test_a_subscriber_gets_every_word_by_the_private_link(
    show: ShowFolder, site: str, secret: set[str]
) -> None:
    """The private feed names three formats, and the page after the private link has the whole text."""
    token = show.run("--json", "subscribers", "add", "reader@example.org")
    feed_url = re.search(r'"feed_url": "([^"]+)"', token.stdout)
    assert feed_url
    with httpx.Client() as client:
        feed = client.get(feed_url[1])
        files = [html.unescape(u) for u in re.findall(r'<podcast:transcript url="([^"]+)"', feed.text)]
        got = [client.get(url) for url in files]
        opened = client.get(feed_url[1].removesuffix("feed.xml"), follow_redirects=True)
        page = client.get(f"{site}/episodes/{SLUG}")
    assert [a.headers["content-type"].split(";")[0] for a in got] == [
        "text/vtt",
        "application/x-subrip",
        "application/json",
    ]
    assert opened.status_code == 200
    assert len(secret & runs(texts(page.content))) > len(secret) * 0.8
    assert b"reader@example.org" not in feed.content
    assert feed_url[1].split("/")[4].encode() not in (show.folder / "serve.log").read_bytes()


def test_unknown_token_is_404(site: str) -> None:
    """A made-up token gets 404 by GET and HEAD, for feed and file."""
    made_up = f"{site}/feeds/{'a' * 16}.{'b' * 32}"
    for path in ("/feed.xml", "/", "/transcripts/x.vtt"):
        assert httpx.get(made_up + path).status_code == 404
        assert httpx.head(made_up + path).status_code == 404


def test_the_audio_can_be_sought_and_asked_again(show: ShowFolder, site: str) -> None:
    """HEAD, a range and an ETag are answered as apps need them."""
    store = open_show(show.folder).store
    key = next(i.key for i in store.list("public/audio/") if "notice" not in i.key)
    url = f"{site}/{key}"
    whole = httpx.head(url)
    part = httpx.get(url, headers={"Range": "bytes=100-199"})
    again = httpx.get(url, headers={"If-None-Match": whole.headers["etag"]})
    assert (whole.status_code, part.status_code, again.status_code) == (200, 206, 304)
    assert part.content == store.get(key)[1][100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{whole.headers['content-length']}"


def test_the_log_is_found(show: ShowFolder, site: str) -> None:
    """The server logs its responses, so that the checks of the log are not empty."""
    httpx.get(f"{site}/robots.txt")
    until = time.monotonic() + 30  # a line may come after the answer that it tells of
    while b"GET /robots.txt 200" not in (show.folder / "serve.log").read_bytes():
        assert time.monotonic() < until
        time.sleep(0.05)
