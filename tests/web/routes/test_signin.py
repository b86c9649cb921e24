"""Sign-in by mail, the account page, CSRF tokens, unsubscribe links and rate limits, over HTTP."""

import html
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import zxingcpp
from PIL import Image, ImageDraw
from starlette.testclient import TestClient

from podcast_pipeline.audience.signin_mail import NOBODY
from podcast_pipeline.audience.subscribers import unsubscribe_token
from podcast_pipeline.audience.subscribers.privacy.addresses_seen import client_network
from podcast_pipeline.audience.subscribers.tokens import parse_token
from podcast_pipeline.web.routes.add_to_app import app_links
from tests.support.outbox import Outbox
from tests.support.site import NOW, Site, flagship

pytestmark = pytest.mark.usefixtures("each_database")

SITE = "http://127.0.0.1:8080"
ANN = "ann@example.org"
STEPS = re.compile(r"([Mmh])([^Mmh]*)")


@pytest.fixture
def outbox() -> Outbox:
    """An empty outbox."""
    return Outbox()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A show with Ann as a subscriber."""
    site = Site.make(tmp_path)
    flagship(site)
    site.subscribe(ANN)
    yield site
    site.close()


@pytest.fixture
def client(site: Site, outbox: Outbox) -> Iterator[TestClient]:
    """A browser."""
    with TestClient(site.app(outbox), base_url=SITE) as client:
        yield client


def navigation(page: str) -> str:
    """Return the links in a page's head."""
    return page.partition('<nav aria-label="Site">')[2].partition("</nav>")[0]


def test_navigation_links_depend_on_the_session(client: TestClient, outbox: Outbox) -> None:
    """Every page links to sign-in without a session, and to the account with one."""
    paths = ("/", "/archive", "/search", "/nothing", "/episodes/the-water-was-always-coming")
    for path in (*paths, "/signin"):
        assert re.search(r'<a href="/signin(\?next=[^"]+)?">Sign in</a>', navigation(client.get(path).text))
        assert "/account" not in client.get(path).text
    sign_in(client, outbox)
    for path in (*paths, "/account"):
        assert '<a href="/account">Account</a>' in navigation(client.get(path).text)
        assert "/signin" not in navigation(client.get(path).text)


def csrf_token_on(client: TestClient, path: str) -> str:
    return str(re.findall(r'name="seal" value="(\w+)"', client.get(path).text)[0])


def ask(client: TestClient, email: str = ANN) -> str:
    """Request a sign-in mail and return the next page."""
    return client.post("/signin", data={"email": email, "seal": csrf_token_on(client, "/signin")}).text


def sign_in(client: TestClient, outbox: Outbox) -> None:
    ask(client)
    answered = client.post(outbox.link, data={"seal": csrf_token_on(client, outbox.link)})
    assert answered.url.path == "/account"


def test_a_mailed_link_opens_the_account(client: TestClient, outbox: Outbox) -> None:
    """Ask, open the link, click: there is the account, with plan, state and feed link."""
    sign_in(client, outbox)
    page = client.get("/account")
    assert ANN in page.text
    assert "Standard, yearly" in page.text
    assert re.search(r"/feeds/[a-z2-7]{16}\.[a-z2-7]{32}/feed\.xml", page.text)
    assert page.headers["cache-control"] == "no-store"
    assert "content-encoding" not in page.headers
    assert outbox.messages[0].to == ANN
    assert outbox.code not in outbox.messages[0].subject


PAGE = "/episodes/the-water-was-always-coming"


def ask_from(client: TestClient, path: str, at: str = "") -> str:
    """Follow a page's link to sign-in, ask for a mail, and return the address of the page for the code."""
    address = html.unescape(re.findall(r'<a href="(/signin[^"]*)">Sign in</a>', client.get(path).text)[0])
    page = client.get(address + (f"&at={at}" if at else "")).text
    fields = {name: html.unescape(value) for name, value in HIDDEN.findall(page)}
    sent = client.post("/signin", data={**fields, "email": ANN})
    return f"{sent.url.path}?{sent.url.query.decode()}"


HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def spend(client: TestClient, address: str, **more: str) -> str:
    """Send the form of a page and return where it leads."""
    fields = {name: html.unescape(value) for name, value in HIDDEN.findall(client.get(address).text)}
    answer = client.post(address.partition("?")[0], data={**fields, **more}, follow_redirects=False)
    return answer.headers["location"]


@pytest.mark.parametrize("path", [PAGE, "/archive", "/?guest=Ines+Marchetti", "/search?q=two%20memos"])
def test_sign_in_leads_back_by_mail_and_by_code(client: TestClient, outbox: Outbox, path: str) -> None:
    """The link in the mail and the code beside it lead to the page that the reader came from."""
    ask_from(client, path)
    with TestClient(client.app, base_url=SITE) as phone:  # the mail is read on another device
        assert spend(phone, outbox.link) == path
    code = ask_from(client, path)
    assert spend(client, code, code=outbox.code) == path


def test_sign_in_leads_back_to_the_very_place(client: TestClient, outbox: Outbox) -> None:
    """The place in an episode, which no server is told, comes along where the page's script adds it."""
    ask_from(client, PAGE, at="t=66.5,72.1")
    assert spend(client, outbox.link) == f"{PAGE}#t=66.5,72.1"


@pytest.mark.parametrize(
    "value",
    ["/episodes/x", "//evil.example", "0" * 20 + "/episodes/x", "0" * 20 + "//evil.example", "x", "\u00e4"],
)
def test_nobody_else_decides_where_one_lands(client: TestClient, outbox: Outbox, value: str) -> None:
    """Without our signature `next` is nothing, in address, form and mail."""
    page = client.get("/signin", params={"next": value}).text
    assert 'name="next"' not in page
    client.post("/signin", data={"email": ANN, "next": value, "seal": csrf_token_on(client, "/signin")})
    assert "?" not in outbox.link
    seal = csrf_token_on(client, outbox.link)
    landed = client.post(outbox.link, data={"seal": seal, "next": value}, follow_redirects=False)
    assert landed.headers["location"] == "/account"


def test_a_spent_link_keeps_the_place(client: TestClient, outbox: Outbox) -> None:
    """Asked again after a link that does not work any more, sign-in leads to the place, or a later one."""
    code = ask_from(client, PAGE, at="t=66.5")
    assert spend(client, outbox.link) == f"{PAGE}#t=66.5"
    fields = {name: html.unescape(value) for name, value in HIDDEN.findall(client.get(outbox.link).text)}
    client.cookies.delete("session")
    for page in (client.get(code), client.post(outbox.link.partition("?")[0], data=fields)):
        again = html.unescape(re.findall(r'href="(/signin\?[^"]*)"', page.text.partition("<h1>")[2])[0])
        for at, place in (("", "t=66.5"), ("&at=t=7", "t=7")):
            form = dict(HIDDEN.findall(client.get(again + at).text))
            sent = client.post("/signin", data={**form, "email": ANN})
            assert parse_qs(sent.url.query.decode())["next"][0].endswith(f"{PAGE}#{place}")


def test_who_is_signed_in_is_not_asked_again(client: TestClient, outbox: Outbox) -> None:
    """`/signin` leads on, to the page that was wanted."""
    address = html.unescape(re.findall(r'<a href="(/signin[^"]*)">Sign in</a>', client.get(PAGE).text)[0])
    sign_in(client, outbox)
    assert client.get("/signin").url.path == "/account"
    assert client.get(address).url.path == PAGE


def test_account_says_what_a_private_link_does_not_open(site: Site, client: TestClient) -> None:
    """A reader by private link who opens the account is told why a mail is needed, and lands there after."""
    client.get(f"/feeds/{site.subscribers.feed_token(ANN)}/")
    page = client.get("/account")
    assert "You are reading by your private link" in page.text
    assert 'name="next" value="' in page.text


@pytest.mark.parametrize(
    ("wanted", "page"),
    [
        (PAGE, PAGE),
        (f"{PAGE}#t=66", f"{PAGE}#t=66"),
        (f"{PAGE}?v={'0' * 16}&t=66.5,72#t=66", f"{PAGE}?v={'0' * 16}&t=66.5,72#t=66"),
        (f"{PAGE}?v={'0' * 16}&x=1#t=66", "/"),
        ("//evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("/feeds/x/", "/"),
        ("/account/delete", "/"),
    ],
)
def test_a_private_link_may_say_where_to_land(site: Site, client: TestClient, wanted: str, page: str) -> None:
    """`?next=` of a private link is a page of ours, or the front page."""
    path = f"/feeds/{site.subscribers.feed_token(ANN)}/"
    opened = client.get(path, params={"next": wanted}, follow_redirects=False)
    assert (opened.status_code, opened.headers["location"]) == (303, page)
    assert "session" in client.cookies


def test_a_link_works_once(client: TestClient, outbox: Outbox) -> None:
    """A used, expired or invented link gets an error page."""
    sign_in(client, outbox)
    again = client.post(outbox.link, data={"seal": csrf_token_on(client, outbox.link)})
    assert (again.status_code, "does not work any more" in again.text) == (400, True)


def test_a_scanner_does_not_spend_a_link(client: TestClient, outbox: Outbox) -> None:
    """Opening a link any number of times changes nothing; only the button does."""
    ask(client)
    for _ in range(3):
        assert client.get(outbox.link).status_code == 200
    assert client.post(outbox.link, data={"seal": csrf_token_on(client, outbox.link)}).url.path == "/account"


def test_a_link_is_old_after_fifteen_minutes(site: Site, client: TestClient, outbox: Outbox) -> None:
    """After fifteen minutes neither link nor code works."""
    ask(client)
    assert outbox.link
    site.clock.now += timedelta(minutes=15)
    assert client.post(outbox.link, data={"seal": csrf_token_on(client, outbox.link)}).status_code == 400


def test_the_code_works_where_it_was_asked_for(site: Site, client: TestClient, outbox: Outbox) -> None:
    """The code works only in the browser that requested it."""
    ask(client)
    stranger = TestClient(site.app(outbox), base_url=SITE)
    foreign = stranger.post(
        "/signin/code", data={"code": outbox.code, "seal": csrf_token_on(stranger, "/signin")}
    )
    assert foreign.status_code == 400
    mine = client.post(
        "/signin/code", data={"code": outbox.code, "seal": csrf_token_on(client, "/signin/code")}
    )
    assert mine.url.path == "/account"
    stranger.close()


def test_five_wrong_codes_are_the_end(client: TestClient, outbox: Outbox) -> None:
    """After five wrong codes the right one is refused too."""
    ask(client)
    seal = csrf_token_on(client, "/signin/code")
    for _ in range(5):
        assert client.post("/signin/code", data={"code": "0", "seal": seal}).status_code == 400
    assert client.post("/signin/code", data={"code": outbox.code, "seal": seal}).status_code == 400


@pytest.mark.parametrize("email", [ANN, "nobody@example.org"])
def test_after_too_many_wrong_codes_the_page_asks_for_none(
    client: TestClient, outbox: Outbox, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    """The form is gone for a known and for an unknown address, and the mail has the link only."""
    monkeypatch.setattr("podcast_pipeline.audience.subscribers.signin.MAX_WRONG_CODES", 2)
    assert 'name="code"' in ask(client, email)
    for _ in range(2):
        seal = csrf_token_on(client, "/signin")
        answered = client.post("/signin/code", data={"code": "no code", "seal": seal})
    assert (answered.status_code, 'name="code"' in answered.text) == (400, False)
    page = ask(client, email)
    assert "Until tomorrow only the link in the mail works." in page
    assert 'name="code"' not in page
    if email == ANN:
        assert "There is no code in this mail" in outbox.messages[-1].text
        assert not re.search(r"\b\d{6}\b", outbox.messages[-1].text)


def test_nobody_learns_who_subscribes(client: TestClient, outbox: Outbox) -> None:
    """A known and an unknown address get the same page; the other's mail is composed and dropped."""
    known, unknown = ask(client), ask(client, "nobody@example.org")
    assert known == unknown
    assert [message.to for message in outbox.messages] == [ANN]
    assert [message.to for message in outbox.composed] == [NOBODY]
    assert len(outbox.composed[0].text) == len(outbox.messages[0].text)


@pytest.mark.parametrize("seal", ["", "0" * 64, None])
@pytest.mark.parametrize(
    "path",
    [
        "/signin",
        "/signin/code",
        "/signin/link/x",
        "/account/rotate",
        "/account/signout",
        "/account/delete",
        "/account/news",
    ],
)
def test_every_form_needs_its_csrf_token(
    client: TestClient, outbox: Outbox, path: str, seal: str | None
) -> None:
    """A form without the right CSRF token is refused and changes nothing."""
    sign_in(client, outbox)
    before = client.get("/account").text
    data = {"email": ANN, "sure": "yes", "news": "yes", **({} if seal is None else {"seal": seal})}
    assert client.post(path, data=data).status_code == 403
    assert client.get("/account").text == before
    assert len(outbox.messages) == 1


def test_a_reading_session_is_not_an_account(site: Site, client: TestClient) -> None:
    """A session from the private link is read-only; rotation, data export and deletion need a mailed link."""
    client.get(f"/feeds/{site.subscribers.feed_token(ANN)}/")
    for path in ("/account", "/account/data.json"):
        assert client.get(path).url.path == "/signin"
    for path in ("/account/rotate", "/account/delete", "/account/news"):
        assert client.post(path, data={"sure": "yes", "news": "yes"}).url.path == "/signin"
    assert client.get("/").status_code == 200
    assert site.subscribers.get(ANN).removed_at is None
    assert site.subscribers.get(ANN).news_since is None


def test_an_account_session_only_reads_after_an_hour(site: Site, client: TestClient, outbox: Outbox) -> None:
    """An hour later the browser still reads, and has to sign in again to change anything."""
    sign_in(client, outbox)
    site.clock.now += timedelta(hours=1)
    assert client.get("/account").url.path == "/signin"
    assert "because by then I was angry" in client.get("/episodes/the-water-was-always-coming").text


def test_rotation(site: Site, client: TestClient, outbox: Outbox) -> None:
    """A page asks first; then the new link is shown with what is left to do, and the old one has a notice."""
    old = site.subscribers.feed_token(ANN)
    sign_in(client, outbox)
    assert 'action="/account/rotate"' not in client.get("/account").text
    asked = client.get("/account/rotate").text
    assert "The old link stops at once" in asked
    assert site.subscribers.feed_token(ANN) == old
    form = dict(HIDDEN.findall(asked))
    page = client.post("/account/rotate", data=form)
    new = site.subscribers.feed_token(ANN)
    assert page.url.path == "/account/replaced"
    assert "Remove the old show" in page.text
    assert new in page.text
    assert old not in page.text
    assert "This private link was replaced" in client.get(f"/feeds/{old}/feed.xml").text
    assert client.post("/account/rotate", data=form).url.path == "/account/replaced"  # a double click
    assert site.subscribers.feed_token(ANN) == new


@pytest.mark.parametrize("path", ["/account/rotate", "/account/replaced"])
def test_a_subscription_that_was_ended_has_no_link_to_replace(
    site: Site, client: TestClient, outbox: Outbox, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A page says so; no fault of the site, and no address in the log."""
    sign_in(client, outbox)
    seal = csrf_token_on(client, "/account/rotate")
    site.subscribers.remove(ANN, now=NOW, origin="cli")
    for answer in (client.get(path), client.post("/account/rotate", data={"seal": seal})):
        assert answer.status_code == 403
        assert "subscri" in answer.text
    assert ANN not in caplog.text


def test_nothing_was_replaced(site: Site, client: TestClient, outbox: Outbox) -> None:
    """The page of a new link leads to the account where no link was replaced; else it has the day."""
    sign_in(client, outbox)
    assert client.get("/account/replaced").url.path == "/account"
    site.subscribers.rotate(ANN, now=NOW, origin="cli")
    site.clock.now += timedelta(minutes=30)
    assert "The old link stopped on 10 March 2026." in client.get("/account/replaced").text


def test_data_export_and_deletion(site: Site, client: TestClient, outbox: Outbox) -> None:
    """The data export contains all data; deletion needs the checkbox, and then no data is left."""
    sign_in(client, outbox)
    held = client.get("/account/data.json").json()
    assert held["subscriber"]["email"] == ANN
    token = site.subscribers.feed_token(ANN)
    client.post("/account/delete", data={"seal": csrf_token_on(client, "/account")})
    assert ANN in client.get("/account").text
    client.post("/account/delete", data={"seal": csrf_token_on(client, "/account"), "sure": "yes"})
    assert client.get("/account").url.path == "/signin"
    assert client.get(f"/feeds/{token}/feed.xml").status_code == 404


def test_sessions_can_be_ended(site: Site, client: TestClient, outbox: Outbox) -> None:
    """Another browser's session is listed, and gone when it is ended here."""
    other = TestClient(site.app(outbox), base_url=SITE)
    other.get(f"/feeds/{site.subscribers.feed_token(ANN)}/")
    sign_in(client, outbox)
    ends = re.findall(r"/account/sessions/[\w-]+/end", client.get("/account").text)
    assert len(ends) == 2
    for path in ends:
        if client.get("/account").url.path == "/account":
            client.post(path, data={"seal": csrf_token_on(client, "/account")})
    assert client.get("/account").url.path == "/signin"
    other.close()


def test_ending_this_session_signs_out(site: Site, client: TestClient, outbox: Outbox) -> None:
    """The list says which session is this browser's; to end that one leads to the front page, signed out."""
    other = TestClient(site.app(outbox), base_url=SITE)
    other.get(f"/feeds/{site.subscribers.feed_token(ANN)}/")
    sign_in(client, outbox)
    items = re.findall(r"<li><form.*?</li>", client.get("/account").text, re.DOTALL)
    (mine,) = [item for item in items if "<strong>this browser</strong>" in item]
    assert (len(items), "Account, since" in mine) == (2, True)
    (path,) = re.findall(r"/account/sessions/[\w-]+/end", mine)
    ended = client.post(path, data={"seal": csrf_token_on(client, "/account")})
    assert (ended.url.path, ended.status_code, "session" in client.cookies) == ("/", 200, False)
    assert '<a href="/signin">Sign in</a>' in navigation(ended.text)
    assert "because by then I was angry" in other.get("/episodes/the-water-was-always-coming").text
    other.close()


def choose(client: TestClient, news: str) -> str:
    """Send the form on the account page and return the page that answers."""
    return client.post("/account/news", data={"seal": csrf_token_on(client, "/account"), "news": news}).text


def test_notifications_are_turned_on_and_off(site: Site, client: TestClient, outbox: Outbox) -> None:
    """Off by default; the account page turns them on and off, repeatedly (opt-in)."""
    sign_in(client, outbox)
    assert "Tell me of new transcripts" in client.get("/account").text
    assert site.subscribers.get(ANN).news_since is None
    for _ in range(2):
        page = choose(client, "yes")
        assert "of every new transcript, since 10 March 2026" in page
        assert "Stop these mails" in page
        assert site.subscribers.get(ANN).news_since == NOW
    assert "Tell me of new transcripts" in choose(client, "neither yes nor no") + choose(client, "no")
    assert site.subscribers.get(ANN).news_since is None
    assert len(outbox.messages) == 1


def test_notifications_without_an_active_subscription(site: Site, client: TestClient, outbox: Outbox) -> None:
    """A lapsed subscriber may opt in and reads when mail comes; a removed one can only opt out."""
    sign_in(client, outbox)
    choose(client, "yes")
    site.subscribers.renew(ANN, NOW - timedelta(days=3), now=NOW, origin="cli")
    assert "Mail comes while the subscription is active." in client.get("/account").text
    site.subscribers.remove(ANN, now=NOW, origin="cli")
    assert "Tell me of new transcripts" not in choose(client, "no")
    choose(client, "yes")
    assert site.subscribers.get(ANN).news_since is None


def stop_path(site: Site) -> str:
    return f"/mail/stop/{unsubscribe_token.to_unsubscribe_token(site.subscribers.get(ANN).id, b'k' * 32)}"


@pytest.fixture
def opted_in(site: Site) -> Site:
    """The site, with Ann opted in to notifications."""
    site.subscribers.enable_notifications(ANN, now=NOW, origin="web")
    return site


ONE_CLICK: dict[str, Callable[[TestClient, str], Any]] = {
    "urlencoded": lambda program, path: program.post(path, data={"List-Unsubscribe": "One-Click"}),
    "multipart": lambda program, path: program.post(path, files={"List-Unsubscribe": (None, "One-Click")}),
}


@pytest.mark.parametrize("form", ONE_CLICK)
def test_one_click_stops_the_mail(opted_in: Site, form: str) -> None:
    """A mail program posts without cookie or CSRF token, in either form of RFC 8058; idempotent."""
    with TestClient(opted_in.app(), base_url=SITE) as program:
        answers = [ONE_CLICK[form](program, stop_path(opted_in)) for _ in range(2)]
        assert not program.cookies
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].text == answers[1].text
    assert opted_in.subscribers.get(ANN).news_since is None


def test_a_scanner_does_not_stop_the_mail(opted_in: Site, client: TestClient) -> None:
    """Opening the link changes nothing; the button on the page does."""
    for ask in (client.get, client.head):
        assert ask(stop_path(opted_in)).status_code == 200
    assert "<button" in client.get(stop_path(opted_in)).text
    assert opted_in.subscribers.get(ANN).news_since == NOW


def test_an_unsubscribe_link_opens_nothing_else(opted_in: Site, client: TestClient) -> None:
    """Invalid unsubscribe tokens get the same page; a valid one neither signs in nor is a feed token."""
    good = stop_path(opted_in)
    value = good.rpartition("/")[2]
    made_up = [
        "x",
        "A" * 48,
        value[:-1] + ("A" if value[-1] != "A" else "B"),
        opted_in.subscribers.feed_token(ANN),
    ]
    pages = {(client.get(path).text, client.post(path).text) for path in (f"/mail/stop/{v}" for v in made_up)}
    assert opted_in.subscribers.get(ANN).news_since == NOW
    assert pages == {(client.get(good).text, client.post(good).text)}
    assert client.get("/account").url.path == "/signin"
    assert client.get(f"/feeds/{value}/feed.xml").status_code == 404
    answered = client.get(good)
    assert (answered.headers["cache-control"], answered.headers["x-robots-tag"]) == ("no-store", "noindex")
    assert value not in answered.text


def test_the_log_does_not_know_whose_mail(
    opted_in: Site, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The unsubscribe token is redacted in the access log."""
    with caplog.at_level("INFO", logger="podcast_pipeline.access"):
        client.post(stop_path(opted_in))
    assert "POST /mail/stop/*** 200" in caplog.text
    assert stop_path(opted_in).rpartition("/")[2] not in caplog.text


def test_signing_out(client: TestClient, outbox: Outbox) -> None:
    """The session cookie is invalid afterwards."""
    sign_in(client, outbox)
    cookie = client.cookies["session"]
    client.post("/account/signout", data={"seal": csrf_token_on(client, "/account")})
    client.cookies.set("session", cookie, domain="127.0.0.1")
    assert client.get("/account").url.path == "/signin"


def test_the_page_shows_the_state(site: Site, client: TestClient, outbox: Outbox) -> None:
    """A lapsed subscriber reads when it ended and where to renew."""
    midnight = datetime(2026, 3, 8, tzinfo=site.config.zone)  # `--until 2026-03-07`
    site.subscribers.renew(ANN, midnight, now=NOW, origin="cli")
    sign_in(client, outbox)
    page = client.get("/account").text
    assert "Lapsed, paid until 7 March 2026" in page
    assert "https://harrowstreet.example/subscribe" in page


def test_too_many_sign_ins(client: TestClient, outbox: Outbox) -> None:
    """Rate limit: twenty attempts per network in a quarter of an hour, then 429 with Retry-After."""
    seal = csrf_token_on(client, "/signin")
    answers = [client.post("/signin", data={"email": f"{n}@x.org", "seal": seal}) for n in range(21)]
    assert {answered.status_code for answered in answers[:20]} == {200}
    assert answers[20].status_code == 429
    assert 1 <= int(answers[20].headers["retry-after"]) <= 900


def test_too_many_guesses_hurt_no_good_feed(site: Site, client: TestClient) -> None:
    """Guessed tokens reach the rate limit; a valid token from the same network still works."""
    good = f"/feeds/{site.subscribers.feed_token(ANN)}/feed.xml"
    guesses = [client.get(f"/feeds/{'a' * 16}.{'b' * 32}/feed.xml").status_code for _ in range(61)]
    assert guesses == [404] * 60 + [429]
    assert client.get(good).status_code == 200


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
    ],
)
def test_the_network_of_an_address(host: str, network: str) -> None:
    """IPv6 addresses of one /64 count as one network."""
    assert client_network(host, default=host) == network


TOKEN = f"{'a' * 16}.{'b' * 32}"
FEED_URL = f"https://late.example/feeds/{TOKEN}/feed.xml"


def as_overcast(link: str) -> str:
    """Source: overcast.fm/podcasterinfo, the x-callback-url scheme."""
    assert link.startswith("overcast://x-callback-url/add?url=")
    return parse_qs(urlsplit(link).query)["url"][0]


def as_pocket_casts_on_iphone(link: str) -> str:
    """Source: Automattic/pocket-casts-ios, AppDelegate+UrlHandling.swift, route /subscribe."""
    rest = link.removeprefix("pktc://subscribe/")
    return rest if rest.startswith(("http://", "https://")) else f"http://{rest}"


def as_pocket_casts_on_android(link: str) -> str:
    """Source: Automattic/pocket-casts-android, IntentUtil.getPodloveUrl."""
    parts = urlsplit(link)
    assert (parts.scheme, parts.netloc in ("subscribe", "subscribehttps")) == ("pktc", True)
    return f"{'https' if parts.netloc == 'subscribehttps' else 'http'}://{parts.path.removeprefix('/')}"


def labelled(feed_url: str) -> dict[str, str]:
    """Return every link to an app by its label."""
    return {label: link for links in app_links(feed_url).values() for label, link in links.items()}


def as_antennapod(link: str) -> str:
    """Source: AntennaPod/AntennaPod, UrlChecker.prepareUrl."""
    for scheme in ("feed://", "pcast://", "pcast:", "antennapod-subscribe://"):
        if link.startswith(scheme):
            return as_antennapod(link.removeprefix(scheme))
    return link if link.startswith(("http://", "https://")) else f"http://{link}"


@pytest.mark.parametrize("feed_url", [FEED_URL, FEED_URL.replace("https:", "http:")])
@pytest.mark.parametrize(
    ("app", "read"),
    [
        ("Overcast", as_overcast),
        ("Pocket Casts (iPhone)", as_pocket_casts_on_iphone),
        ("Pocket Casts (Android)", as_pocket_casts_on_android),
        ("AntennaPod", as_antennapod),
    ],
)
def test_an_app_link_yields_the_feed_url(app: str, read: Callable[[str], str], feed_url: str) -> None:
    """An app's own code turns its link into the feed's URL, with https if the site has it."""
    assert read(labelled(feed_url)[app]) == feed_url


def test_app_links_stay_on_the_device() -> None:
    """No link to an app sends the token to anybody's web site."""
    links = labelled(FEED_URL)
    assert parse_token(TOKEN) is not None
    assert all(TOKEN in link and not link.startswith("http") for link in links.values())
    assert links["Apple Podcasts"] == f"podcast://late.example/feeds/{TOKEN}/feed.xml"
    assert links["Castro"] == f"castro://subscribe/late.example/feeds/{TOKEN}/feed.xml"


def test_the_qr_code_opens_the_choice_of_apps(client: TestClient, outbox: Outbox) -> None:
    """A phone that reads the picture on the account page gets a page with every app, and no sign-in."""
    sign_in(client, outbox)
    page = client.get("/account").text
    (path,) = re.findall(r'<path[^>]*class="qrline"[^>]*d="([^"]+)"', page)
    (read,) = zxingcpp.read_barcodes(drawn(path))
    (shown,) = re.findall(r'id="feed-url">([^<]+)<', page)
    assert read.text == shown.replace("feed.xml", "add")
    client.cookies.clear()
    opened = client.get(read.text)
    assert (opened.status_code, opened.headers["cache-control"]) == (200, "no-store")
    assert "set-cookie" not in opened.headers
    assert all(html.escape(link) in opened.text for link in labelled(shown).values())
    assert path in opened.text


def test_a_link_that_is_not_active_adds_nothing(site: Site, client: TestClient) -> None:
    """A lapsed subscriber gets 403 with the renewal link; an unknown token gets 404, 429 after many."""
    token = site.subscribe(ANN)
    site.subscribers.renew(ANN, NOW - timedelta(days=3), now=NOW, origin="cli")
    lapsed = client.get(f"/feeds/{token}/add")
    assert (lapsed.status_code, site.config.renew_url in lapsed.text) == (403, True)
    guesses = [client.get(f"/feeds/{token[:-32]}{'a' * 32}/add").status_code for _ in range(61)]
    assert (guesses[0], guesses[-1]) == (404, 429)


def drawn(path: str, *, scale: int = 4) -> Image.Image:
    """Return segno's SVG path as a picture: rows of runs one unit high, by `M x y h width` and `m dx dy`."""
    moves = [(kind, [float(n) for n in re.findall(r"-?[\d.]+", said)]) for kind, said in STEPS.findall(path)]
    x = y = 0.0
    picture = Image.new("L", (400, 400), 255)
    pen = ImageDraw.Draw(picture)
    for kind, numbers in moves:
        if kind == "h":
            pen.rectangle(
                (x * scale, (y - 0.5) * scale, (x + numbers[0]) * scale - 1, (y + 0.5) * scale - 1), 0
            )
            x += numbers[0]
        else:
            dx, dy = numbers
            x, y = (dx, dy) if kind == "M" else (x + dx, y + dy)
    return picture


def test_without_a_mail_server_there_is_no_sign_in(site: Site) -> None:
    """Without a mail server /signin and /account are 404."""
    with TestClient(site.app(), base_url=SITE) as client:
        assert client.get("/signin").status_code == 404
        assert client.get("/account").status_code == 404
        assert "/account" not in client.get("/").text


def test_a_large_form_is_refused(client: TestClient) -> None:
    """A form larger than MAX_FORM_BYTES is 403."""
    seal = csrf_token_on(client, "/signin")
    assert client.post("/signin", data={"seal": seal, "email": "a" * 20_000}).status_code == 403


@pytest.mark.parametrize("name", ["news", "signout", "delete"])
def test_an_address_that_a_button_leads_to(client: TestClient, name: str) -> None:
    """Loaded again in a browser it is a page, for an app a line; both name the method."""
    page = client.get(f"/account/{name}", headers={"accept": "text/html"})
    line = client.get(f"/account/{name}", headers={"accept": "*/*"})
    assert "<h1>Nothing to see at this address</h1>" in page.text
    assert line.text == "Method Not Allowed\n"
    assert [(a.status_code, a.headers["allow"]) for a in (page, line)] == [(405, "POST")] * 2
