"""Every leak that is planted is found by `audit`, and a clean site has none."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from PIL import Image, PngImagePlugin
from starlette.testclient import TestClient
from starlette.types import Scope

from podcast_pipeline.audience.membership.sources.generic import GenericHook
from podcast_pipeline.audience.membership.sources.memberful import Memberful
from podcast_pipeline.audience.membership.sources.stripe_api import Stripe, StripeApi
from podcast_pipeline.audit import AuditFinding, AuditResponse, AuditVisitor, RestrictedText, VisitorKind
from podcast_pipeline.audit.hooks import HOOKS
from podcast_pipeline.audit.logs_and_mail import check_log_file, check_mail_folder
from podcast_pipeline.audit.storage import _check_removed, check_storage
from podcast_pipeline.audit.visitors import check_public_type
from podcast_pipeline.cli.commands.audit import load_secrets
from podcast_pipeline.model import Chapter
from podcast_pipeline.pipeline.public_transcripts import public_files
from podcast_pipeline.storage.objects import chapters_file, stage_bytes
from podcast_pipeline.storage.s3.store import S3Store
from tests.support.leaky_site import FLAGSHIP, FUTURE, WITHDRAWN, Change, Reply, audit_findings, make_site
from tests.support.site import NOW, TEASER_WORDS, Site, transcript_of
from tests.support.withdrawn_site import make_withdrawn_site

PAGE = f"/episodes/{FLAGSHIP}"
SECRET = "because by then I was angry. It said that the wall had been measured"
"""Words of the transcript after the teaser."""

TOKEN = "abcdefghijklmnop." + "q" * 32


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A show with an episode in every state; what a test puts into its store it takes out again."""
    made = make_site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def secrets(site: Site) -> RestrictedText:
    """The restricted text of the show."""
    return load_secrets(site.catalog, site.store)


def insert(path: str, before: bytes, text: bytes) -> Change:
    """Put text into the answers of a path."""

    def change(scope: Scope, reply: Reply) -> Reply:
        if scope["path"] != path:
            return reply
        return reply.with_body(reply.body.replace(before, text + before, 1))

    return change


def search_snippet(scope: Scope, reply: Reply) -> Reply:
    """Answer a search with the words around what was found."""
    if scope["path"] != "/search":
        return reply
    body = f"<p>… {' '.join(SECRET.split()[:9])} …</p>".encode()
    return Reply(200, {"content-type": "text/html"}, body)


def open_private(scope: Scope, reply: Reply) -> Reply:
    """Serve objects under `private/`; here meaningless bytes."""
    if "/private/" not in scope["path"]:
        return reply
    return Reply(200, {"content-type": "application/octet-stream"}, bytes(range(256)))


class ForgetfulCache:
    """A cache whose key lacks the subscriber: everybody gets the answer for the first visitor."""

    def __init__(self) -> None:
        self.kept: dict[str, Reply] = {}

    def pages(self, scope: Scope, reply: Reply) -> Reply:
        """Keep pages by their path, without the cookie."""
        if scope["path"] != PAGE or scope["query_string"]:
            return reply
        return self.kept.setdefault(scope["path"], reply)

    def feeds(self, scope: Scope, reply: Reply) -> Reply:
        """Keep feeds by their route, without the token."""
        if not scope["path"].endswith("/feed.xml") or "/feeds/" not in scope["path"]:
            return reply
        return self.kept.setdefault("feed", reply) if reply.status == 200 else reply


def long_presigned(scope: Scope, reply: Reply) -> Reply:
    """Redirect an active subscriber to a presigned URL that works for a week."""
    if not scope["path"].endswith(".wav") or "/feeds/" not in scope["path"] or scope["method"] == "HEAD":
        return reply
    if reply.status >= 400:
        return reply
    place = "https://bucket.example/private/audio/bonus.wav?X-Amz-Expires=604800&X-Amz-Signature=0"
    return Reply(302, {"location": place, "cache-control": "private, no-cache"}, b"")


def chatty_errors(scope: Scope, reply: Reply) -> Reply:
    """Quote transcript text on the 404 page."""
    if reply.status != 404:
        return reply
    return reply.with_body(f"KeyError in document: {SECRET}".encode())


def echo_of_the_token(scope: Scope, reply: Reply) -> Reply:
    """Repeat the URL's path on the 403 and 404 pages."""
    return reply.with_body(scope["path"].encode()) if reply.status in (403, 404) else reply


def without_cache_headers(scope: Scope, reply: Reply) -> Reply:
    """Leave out the headers for caches and search engines."""
    kept = {k: v for k, v in reply.headers.items() if k not in ("cache-control", "x-robots-tag", "etag")}
    return Reply(reply.status, kept, reply.body)


def lapsed_for_all(scope: Scope, reply: Reply) -> Reply:
    """Refuse transcripts to an active subscriber."""
    is_file = "/feeds/" in scope["path"] and "/transcripts/" in scope["path"]
    return Reply(403, {}, b"pay first") if is_file else reply


def open_comparison(scope: Scope, reply: Reply) -> Reply:
    """Show both versions of a transcript to everybody."""
    return Reply(200, {}, SECRET.encode()) if scope["path"] == f"{PAGE}/changes" else reply


def dead_audio(scope: Scope, reply: Reply) -> Reply:
    """Answer 404 for the audio that the feed lists."""
    return Reply(404, {}, b"") if scope["path"].startswith("/public/audio/") else reply


def in_element(path_end: str, begin: bytes) -> Change:
    """Put the active subscriber's own one-episode link behind the first of these bytes in a feed."""

    def change(scope: Scope, reply: Reply) -> Reply:
        link = re.search(rb"https?://[^\"<]+/r/[^\"<]+", reply.body)
        if not scope["path"].endswith(path_end) or "/feeds/" not in scope["path"] or link is None:
            return reply
        return reply.with_body(reply.body.replace(begin, begin + link[0], 1))

    return change


class CarelessReader:
    """A page that puts the address by which its reader came into its citations."""

    def __init__(self) -> None:
        self.came_by = ""

    def cite(self, scope: Scope, reply: Reply) -> Reply:
        """Write the one-episode link into the page that it leads to."""
        if scope["path"].startswith("/r/"):
            self.came_by = scope["path"]
        if scope["path"] != PAGE or not self.came_by:
            return reply
        return reply.with_body(reply.body.replace(b'data-url="', f'data-url="{self.came_by}'.encode(), 1))


def with_referrer(scope: Scope, reply: Reply) -> Reply:
    """Let browsers send the one-episode link in Referer."""
    if not scope["path"].startswith("/r/"):
        return reply
    return reply.with_body(reply.body, **{"referrer-policy": "unsafe-url"})


def link_for_all(scope: Scope, reply: Reply) -> Reply:
    """Set a cookie for whoever comes by a link."""
    if not scope["path"].startswith("/r/") or reply.status != 303:
        return reply
    return reply.with_body(reply.body, **{"set-cookie": "episode=x; Path=/"})


def open_api(scope: Scope, reply: Reply) -> Reply:
    """Answer whoever asks, without a key."""
    return replace(reply, status=200) if scope["path"].startswith("/api/v1/subscribers") else reply


def cors_api(scope: Scope, reply: Reply) -> Reply:
    """Let the pages of all sites read."""
    if scope["path"] != "/api/v1/events":
        return reply
    return replace(reply, headers=reply.headers | {"access-control-allow-origin": "*"})


def open_hook(scope: Scope, reply: Reply) -> Reply:
    """Take every event, whoever sends it."""
    return replace(reply, status=202) if scope["path"].startswith("/hooks/") else reply


PLANTED_IN_ANSWERS: dict[str, tuple[Change, str, VisitorKind, str]] = {
    "verbose teaser": (insert(PAGE, b"</main>", SECRET.encode()), "P3", "anonymous", PAGE),
    "comparison of versions": (open_comparison, "P3", "anonymous", f"{PAGE}/changes"),
    "search snippet": (search_snippet, "P3", "anonymous", "/search"),
    "OpenGraph description": (
        insert(PAGE, b"</head>", f'<meta property="og:description" content="{SECRET}">'.encode()),
        *("P5", "lapsed", PAGE),
    ),
    "JSON-LD": (
        insert(
            PAGE,
            b"</head>",
            b'<script type="application/ld+json">%s</script>'
            % json.dumps({"transcript": SECRET.replace(" ", "\u00a0")}).encode(),
        ),
        *("P3", "anonymous", PAGE),
    ),
    "cache mix-up of pages": (ForgetfulCache().pages, "P3", "anonymous", PAGE),
    "cache mix-up of feeds": (ForgetfulCache().feeds, "P5", "lapsed", "/feeds/***/feed.xml"),
    "presigned URL that lives too long": (long_presigned, "P6", "active", ".wav"),
    "error page": (chatty_errors, "P3", "anonymous", "/there-is-no-such-page"),
    "error page with the token": (echo_of_the_token, "P8", "lapsed", "/feeds/***/transcripts/"),
    "sitemap": (
        insert("/sitemap.xml", b"</urlset>", f"<!-- {SECRET} -->".encode()),
        *("P3", "anonymous", "/sitemap.xml"),
    ),
    "Atom": (
        insert("/archive.atom", b"</entry>", f"<content>{SECRET}</content>".encode()),
        *("P3", "anonymous", "/archive.atom"),
    ),
    "token in robots.txt": (
        insert("/robots.txt", b"Sitemap", f"Disallow: /feeds/{TOKEN}/\n".encode()),
        *("P5", "anonymous", "/robots.txt"),
    ),
    "scheduled episode, to who has paid": (
        insert(PAGE, b"</main>", FUTURE.encode()),
        *("P3", "active", PAGE),
    ),
    "withdrawn episode": (insert(PAGE, b"</main>", WITHDRAWN.encode()), "P3", "anonymous", PAGE),
    "no rules for caches": (without_cache_headers, "P5", "active", "/feeds/***/feed.xml"),
    "no noindex": (without_cache_headers, "P2", "active", "/feeds/***/feed.xml"),
    "paid and refused": (lapsed_for_all, "P5", "active", "/feeds/***/transcripts/"),
    "private object without a word": (open_private, "P3", "anonymous", "/private/"),
    "one-episode link in a shared note": (
        in_element("/feed.xml", b"</title>\n      <link>"),
        *("P8", "active", "/feeds/***/feed.xml"),
    ),
    "one-episode link in a public note": (
        insert("/public/feed.xml", b"</item>", f"<x>https://x.example/r/{TOKEN}/7</x>".encode()),
        *("P5", "anonymous", "/public/feed.xml"),
    ),
    "one-episode link in Referer": (with_referrer, "P8", "active", "/r/***/"),
    "one-episode link in a copied citation": (CarelessReader().cite, "P8", "active", PAGE),
    "one-episode link in an OPML export": (
        in_element("/feed.xml", b"<link>"),
        *("P8", "active", "/feeds/***/feed.xml"),
    ),
    "one-episode link for who has not paid": (link_for_all, "P5", "lapsed", "/r/***/"),
    "words on the students' page": (
        insert("/students", b"</main>", SECRET.encode()),
        *("P3", "anonymous", "/students"),
    ),
    "a student's link": (
        insert("/students/sent", b"</main>", f"/students/link/gAAAA{'x' * 95}".encode()),
        *("P8", "anonymous", "/students/sent"),
    ),
    "words where an account leads back to": (
        insert("/signin/account/back", b"</main>", SECRET.encode()),
        *("P3", "anonymous", "/signin/account/back"),
    ),
    "hook that asks for no signature": (open_hook, "P12", "anonymous", "/hooks/generic"),
    "chatty hook": (insert("/hooks/stripe", b"", SECRET.encode()), "P3", "anonymous", "/hooks/stripe"),
    "API that asks for no key": (open_api, "P13", "anonymous", "/api/v1/subscribers"),
    "chatty API": (insert("/api/v1/events", b"", SECRET.encode()), "P3", "anonymous", "/api/v1/events"),
    "API that lets other sites read": (cors_api, "P13", "anonymous", "/api/v1/events"),
    "checkout page": (
        insert("/subscribe", b"</main>", SECRET.encode()),
        *("P3", "anonymous", "/subscribe"),
    ),
    "token on the page after the checkout": (
        insert("/subscribe/done", b"</main>", f"/feeds/{TOKEN}/".encode()),
        *("P5", "anonymous", "/subscribe/done"),
    ),
    "broken link": (dead_audio, "H4", "anonymous", "/public/audio/"),
}


def test_a_clean_site_has_no_findings(site: Site) -> None:
    """Nine visitors walk over everything, and nothing is open or broken."""
    assert audit_findings(site) == ()


def test_a_page_may_go_on_as_the_transcript_does(tmp_path: Path) -> None:
    """A teaser followed by the notice for a lapsed subscriber, whose first word continues it, is no leak."""
    said = " ".join(f"word{n:b}".replace("0", "o").replace("1", "i") for n in range(TEASER_WORDS))
    site = Site.make(tmp_path)
    site.publish("out", transcript_of(f"Ann: {said} Your subscription has to be one of many.", duration_s=60))
    secrets, token = load_secrets(site.catalog, site.store), site.subscribe("ann@example.org", paid_until=NOW)
    with TestClient(site.app(), base_url=site.config.urls.site) as client:
        client.get(f"/feeds/{token}/")
        page = client.get("/episodes/out").text
        ending = r"iiioii …</p>\s*</div>\s*</section>.*?<strong>Your subscription has ended"
        assert re.search(ending, page, re.DOTALL)
    site.close()
    assert secrets.find_leak(page.encode(), is_active=False) is None
    longer = page.replace("iiioii …", "iiioii Your …").encode()
    assert secrets.find_leak(longer, is_active=False)


@pytest.mark.parametrize("name", PLANTED_IN_ANSWERS)
def test_a_leak_in_answers_is_found(site: Site, name: str) -> None:
    """A leak in an answer is reported with its rule, visitor and URL."""
    change, rule, who, where = PLANTED_IN_ANSWERS[name]
    found = audit_findings(site, change, who=("active", who) if "cache" in name else (who,))
    assert [f for f in found if (f.rule, f.who) == (rule, who) and where in f.where], found
    assert not re.search(r"[a-z2-7]{16}\.[a-z2-7]{32}", repr(found))


def test_somebody_elses_token_is_named(site: Site) -> None:
    """Another subscriber's feed is recognised by its token, besides its restricted content."""
    found = audit_findings(site, ForgetfulCache().feeds, who=("active", "lapsed"))
    assert "contains another subscriber's token; no cache may mix subscribers up" in {
        f.message for f in found
    }


def test_a_public_object_is_found(site: Site) -> None:
    """A file that anybody can fetch holds the transcript, gzipped or not."""
    key = site.put(stage_bytes("public/clips", "draft", "txt", SECRET.encode(), "text/plain"))
    assert stored(site, key) == ["P3"]


def test_chapter_text_is_found(site: Site) -> None:
    """A chapters file whose title is a sentence of the transcript."""
    chapters = (Chapter(start_s=0, title=SECRET),)
    assert stored(site, site.put(chapters_file("draft", chapters, access="public"))) == ["P3"]


def test_picture_metadata_is_found(site: Site, tmp_path: Path) -> None:
    """Compressed text in a PNG, where nobody looks."""
    told = PngImagePlugin.PngInfo()
    told.add_text("Description", SECRET, zip=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "art.png", pnginfo=told)
    body = (tmp_path / "art.png").read_bytes()
    assert stored(site, site.put(stage_bytes("public/art", "", "png", body, "image/png"))) == ["P3"]


def test_tags_at_both_ends_of_long_audio_are_found(site: Site) -> None:
    """UTF-16 in a tag at the start, Latin-1 in one at the end of two megabytes."""
    noise = b"\xff\xfb\x90\x64" * (1 << 19)
    for body in (b"ID3" + SECRET.encode("utf-16") + noise, noise + b"APETAGEX" + SECRET.encode()):
        assert stored(site, site.put(stage_bytes("public/audio", "draft", "mp3", body, "audio/mpeg"))) == [
            "P3"
        ]


def stored(site: Site, key: str) -> list[str]:
    """Return the rules that an object breaks, and take it away."""
    try:
        return [f.rule for f in audit_findings(site, who=("expired session",)) if f.where == key]
    finally:
        site.store.delete(key)


def test_a_log_line_is_found(tmp_path: Path, secrets: RestrictedText) -> None:
    """Tokens, sign-in links and text are named by their line; a clean log has none."""
    log = tmp_path / "access.log"
    clean = '2026-11-23T12:00:00Z GET /feeds/***/feed.xml 200 1234 5ms "AntennaPod/3"\n'
    log.write_text(clean * 2, encoding="utf-8")
    assert list(check_log_file(log, secrets)) == []
    log.write_text(
        f"{clean}GET /feeds/{TOKEN}/feed.xml\n{clean}POST /signin/link/{'x' * 43}\nq={SECRET}\n"
        f"POST /mail/stop/{'x' * 48}\n"
        f"POST /students/link/gAAAA{'x' * 95}\n"
        f'GET / 200 "https://pod.example/r/{TOKEN}/4f0f8a52-56e1-4a11-8d5b-9b1d6b7c1d7a"\n',
        encoding="utf-8",
    )
    assert [
        (f.rule, f.where.rpartition(":")[2], f.message.partition(":")[0])
        for f in check_log_file(log, secrets)
    ] == [
        ("P8", "5", "contains text of a transcript"),
        ("P8", "2", "contains the token of a private feed"),
        ("P8", "8", "contains a subscriber's one-episode link"),
        ("P8", "4", "contains a sign-in link"),
        ("P8", "7", "contains a student's link"),
        ("P8", "6", "contains an unsubscribe link"),
    ]


def mail_to(folder: Path, recipient: str, text: str, *, subject: str = "Sign in") -> None:
    """Put a mail into a folder."""
    mail = EmailMessage()
    mail["To"], mail["Subject"] = recipient, subject
    mail.set_content(text, cte="base64")
    (folder / f"{len(list(folder.iterdir()))}.eml").write_bytes(mail.as_bytes())


def test_a_mail_to_a_lapsed_address_is_found(tmp_path: Path, secrets: RestrictedText) -> None:
    """Text may go to who has paid, and to nobody else; a secret stands in no subject."""

    def read() -> list[str]:
        return [
            f.rule for f in check_mail_folder(tmp_path, secrets, lambda address: address == "ann@example.org")
        ]

    mail_to(tmp_path, "Ann <ann@example.org>", f"A quote: {SECRET}")
    mail_to(tmp_path, "bob@example.org", f"https://pod.example/signin/link/{'x' * 43}")
    assert read() == []
    mail_to(tmp_path, "bob@example.org", f"Your link: https://pod.example/feeds/{TOKEN}/add")
    assert read() == []
    mail_to(tmp_path, "bob@example.org", f"A quote: {SECRET}")
    assert read() == ["P5"]
    mail_to(tmp_path, "bob@example.org", "See there", subject=f"/signin/link/{'x' * 43}")
    assert read() == ["P5", "P8"]
    mail_to(tmp_path, "bob@example.org, eve@example.org", f"https://pod.example/feeds/{TOKEN}/add")
    mail_to(tmp_path, "bob@example.org", "See there", subject=f"/feeds/{TOKEN}/")
    assert read() == ["P5", "P8", "P8", "P8"]


def test_findings_are_values(site: Site) -> None:
    """They can be sorted and compared, and the report of a leak names the words."""
    change, *_ = PLANTED_IN_ANSWERS["verbose teaser"]
    found = audit_findings(site, change, who=("anonymous",))
    assert AuditFinding("P3", "anonymous", site.catalog.show.episode_url(FLAGSHIP), found[0].message) in found
    assert "because by then i was angry it said" in found[0].message


@pytest.mark.parametrize(
    ("key", "content_type"),
    [
        ("public/audio/page.0123456789abcdef.mp3", "text/html"),
        ("public/art/0123456789abcdef.svg", "image/svg+xml"),
        ("public/audio/untyped.0123456789abcdef.mp3", ""),
    ],
)
def test_a_public_object_of_a_foreign_type_is_found(site: Site, key: str, content_type: str) -> None:
    """A page that an earlier release stored as audio is named, though nothing links to it (s53)."""
    site.store.put(key, b"<script>x</script>", content_type=content_type, cache_control="no-cache")
    assert stored(site, key) == ["H6"]


@pytest.mark.parametrize(("content_type", "rules"), [("audio/mpeg", []), ("text/html", ["H6"]), ("", ["H6"])])
def test_the_type_that_is_delivered_counts_too(content_type: str, rules: list[str]) -> None:
    """A CDN that gives a public object another type than the bucket has is named."""
    url, key = "https://cdn.example/audio/a.0123456789abcdef.mp3", "public/audio/a.0123456789abcdef.mp3"
    with httpx.Client() as client:
        visitor = AuditVisitor("anonymous", client)
        answer = AuditResponse(url, "HEAD", 200, {"content-type": content_type}, b"")
        assert [f.rule for f in check_public_type(visitor, answer, key)] == rules


def test_a_foreign_type_in_a_bucket_is_found(s3_store: S3Store, site: Site, secrets: RestrictedText) -> None:
    """The Content-Type that the bucket gives to anybody counts; one of ours is no finding."""
    keys = ("public/audio/page.0123456789abcdef.mp3", "public/audio/a.0123456789abcdef.mp3")
    for key, content_type in zip(keys, ("text/html", "audio/mpeg"), strict=True):
        s3_store.put(key, b"<script>x</script>", content_type=content_type, cache_control="no-cache")
    found = [f for f in check_storage(s3_store.anonymous(), keys, secrets, site.catalog) if f.where in keys]
    assert [(f.rule, f.where) for f in found] == [("H6", keys[0])]
    assert "is public as “text/html”" in found[0].message


@pytest.fixture(scope="module")
def withdrawn_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The show after a passage of both versions of its first episode was withdrawn."""
    made = make_withdrawn_site(tmp_path_factory.mktemp("withdrawn"))
    yield made
    made.close()


def test_a_site_with_a_withdrawal_is_clean(withdrawn_site: Site) -> None:
    """What was withdrawn is answered 410, 403 and 404 as it should be, and its words are nowhere."""
    assert audit_findings(withdrawn_site) == ()


@pytest.mark.parametrize("who", ["active", "anonymous"])
def test_withdrawn_words_are_found(withdrawn_site: Site, who: VisitorKind) -> None:
    """Words that were taken back are reported whoever gets them, and the report does not repeat them."""
    change = insert(PAGE, b"</main>", SECRET.encode())
    found = [f for f in audit_findings(withdrawn_site, change, who=(who,)) if f.rule == "P10"]
    assert {(f.who, f.message) for f in found if PAGE in f.where} == {
        (who, "contains words that were withdrawn on 2026-03-10")
    }


def test_withdrawn_words_in_a_public_object_are_found(withdrawn_site: Site) -> None:
    """A clip that holds them, gzipped or not."""
    key = withdrawn_site.put(stage_bytes("public/clips", "draft", "txt", SECRET.encode(), "text/plain"))
    assert stored(withdrawn_site, key) == ["P10"]


def test_a_withdrawn_object_that_is_still_stored_is_found(withdrawn_site: Site) -> None:
    """An object of a withdrawn version that came back, from a backup or a killed run."""
    episode = withdrawn_site.catalog.by_slug(FLAGSHIP)
    assert episode
    key = episode.withdrawn_versions[0].document_key
    withdrawn_site.store.put(key, b"{}", content_type="application/json", cache_control="no-cache")
    assert "P10" in stored(withdrawn_site, key)


def test_a_served_version_is_found(withdrawn_site: Site) -> None:
    """A server that still answers a withdrawn version, with no word of it."""

    def answer_all(scope: Scope, reply: Reply) -> Reply:
        return Reply(200, {"content-type": "text/plain"}, b"here") if reply.status == 410 else reply

    found = audit_findings(withdrawn_site, answer_all, who=("active",))
    assert "answered 200, not 410" in {f.message for f in found if f.rule == "P5" and "?v=" in f.where}


OPEN = "A: The ferry that was sold for scrap in the autumn came back under another name before the winter."


@pytest.fixture(scope="module")
def half_public_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The show with one more episode, whose transcript is public."""
    made = make_site(tmp_path_factory.mktemp("half"))
    made.publish("ferry", transcript_of(OPEN, duration_s=2), teaser="", transcript_is_public=True)
    yield made
    made.close()


def test_a_site_with_a_public_transcript_is_clean(half_public_site: Site) -> None:
    """Words for everybody are no leak, whoever gets them, and the other episodes are closed as before."""
    assert audit_findings(half_public_site) == ()


def test_a_public_copy_of_gated_words_is_found(half_public_site: Site) -> None:
    """Public words of a gated episode: a file that was left under public/, by its key and by its words."""
    episode = half_public_site.catalog.by_slug(FLAGSHIP)
    assert episode
    assert episode.transcript
    key, body = episode.transcript.public_keys["vtt"], episode.transcript.file_keys["vtt"]
    half_public_site.store.put(
        key, half_public_site.store.get(body)[1], content_type="text/vtt", cache_control="no-cache"
    )
    try:
        found = audit_findings(half_public_site, who=("anonymous",))
    finally:
        half_public_site.store.delete(key)
    rules = {(f.rule, f.who) for f in found if key.rpartition("/")[2] in f.where}
    assert {("P3", "storage"), ("P3", "anonymous")} <= rules
    assert f"is no longer for everybody; run `podcast publish {FLAGSHIP}`" in {f.message for f in found}


def test_a_copy_of_words_that_were_taken_down_is_found(half_public_site: Site) -> None:
    """The finding names `unpublish`, which removes it: `publish` refuses such an episode."""
    episode = half_public_site.catalog.by_slug(FLAGSHIP)
    assert episode
    assert episode.transcript
    down = episode.model_copy(update={"state": "unpublished"})
    found = _check_removed(
        half_public_site.catalog.with_episode(down), (episode.transcript.public_keys["vtt"],)
    )
    message = f"is no longer for everybody; run `podcast unpublish {FLAGSHIP}`"
    assert [finding.message for finding in found] == [message]


def test_a_site_with_a_withdrawal_in_a_public_transcript_is_clean(tmp_path: Path) -> None:
    """Its withdrawn versions are 404 to everybody who may not know of them, and no finding."""
    site = make_withdrawn_site(tmp_path)
    known = site.catalog.by_slug(FLAGSHIP)
    assert known
    opened = known.model_copy(update={"transcript_is_public": True})
    for file in public_files(opened, None, (), site.store):
        site.put(file)
    site.catalog = site.catalog.with_episode(opened)
    site.write_catalog()
    assert audit_findings(site, who=("anonymous", "active", "lapsed", "rotated")) == ()
    site.close()


def test_a_public_transcript_that_is_closed_is_found(half_public_site: Site) -> None:
    """Gated words of a public episode: a server that refuses what everybody may read."""

    def refuse(scope: Scope, reply: Reply) -> Reply:
        is_theirs = "/ferry" in scope["path"] and "transcript" in scope["path"]
        return Reply(404, {}, b"") if is_theirs else reply

    found = audit_findings(half_public_site, refuse, who=("anonymous",))
    where = {f.where for f in found if (f.rule, f.message) == ("P3", "answered 404, not 200")}
    assert any("/public/transcripts/ferry." in url for url in where)
    assert any("/episodes/ferry/transcript." in url for url in where)


def test_every_hook_is_tried() -> None:
    """The audit names the sources itself, for it knows nothing of the audience."""
    sources = (
        Stripe(StripeApi("k"), "s", {}),
        GenericHook("whsec_" + "a" * 32, ()),
        Memberful("s", {}),
    )
    assert {source.name for source in sources} < set(HOOKS)
