"""Sign-in with an account of another site: there and back, against npm's oidc-provider and one in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from podcast_pipeline.audience.oidc.matching import AccountMatching
from podcast_pipeline.audience.oidc.provider import Client, Provider
from podcast_pipeline.remote_feeds.json_client import JsonClient
from podcast_pipeline.web.landing import Landings
from podcast_pipeline.web.routes.oidc import OidcSignIn
from tests.support.oidc_providers import (
    BACK,
    CLIENT_ID,
    CLIENT_SECRET,
    INSTALLED,
    MISSING,
    FakeProvider,
    OpenIdProvider,
    running_provider,
)
from tests.support.outbox import Outbox
from tests.support.site import Site

SITE = "http://127.0.0.1:8080"
ANN = "ann@example.org"
EPISODE = "/episodes/the-water-was-always-coming"
KEY = b"k" * 32


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A show with Ann as a subscriber."""
    site = Site.make(tmp_path)
    site.subscribe(ANN)
    yield site
    site.close()


@pytest.fixture(scope="module")
def real() -> Iterator[OpenIdProvider | None]:
    """The real provider, where it is installed."""
    if not INSTALLED:
        yield None
        return
    with running_provider() as provider:
        yield provider


@pytest.fixture(params=["fake", "real"])
def provider(request: pytest.FixtureRequest, site: Site, real: OpenIdProvider | None) -> OpenIdProvider:
    """One of the two providers; a token of the real one has the time of this machine."""
    if request.param == "fake":
        return FakeProvider(site.clock)
    if real is None:
        pytest.skip(MISSING)
    site.clock.now = datetime.now(UTC)
    return real


@pytest.fixture
def fake(site: Site) -> FakeProvider:
    """The provider in memory."""
    return FakeProvider(site.clock)


@dataclass
class Gone:
    """A provider that has gone."""

    issuer: str
    fetch: JsonClient

    def sign_in(self, url: str, email: str) -> str:
        """Never get here."""
        raise NotImplementedError


def browser_of(site: Site, provider: OpenIdProvider, *, title: str = "your Example account") -> TestClient:
    """Return a browser at a site whose readers may have an account of the provider."""
    engine = site.subscribers.engine
    oidc = OidcSignIn(
        Provider(Client(provider.issuer, CLIENT_ID, CLIENT_SECRET, BACK), provider.fetch),
        AccountMatching(engine, show_id=site.subscribers.show_id, secret_key=KEY),
        title,
        KEY,
    )
    return TestClient(site.app(Outbox(), oidc=oidc), base_url=SITE, follow_redirects=False)


def start(browser: TestClient, query: str = "") -> str:
    """Begin a sign-in and return the provider's address."""
    answer = browser.get(f"/signin/account{query}")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def finish(browser: TestClient, query: str) -> tuple[int, str]:
    """Come back with the provider's answer; return the status and where it leads."""
    answer = browser.get(f"/signin/account/back?{query}")
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.headers.get("location", "")


def test_an_account_with_the_subscribers_address_opens_the_account_page(
    site: Site, provider: OpenIdProvider
) -> None:
    """There and back: the session may change the account, as that of a mailed link."""
    with browser_of(site, provider) as browser:
        answer = provider.sign_in(start(browser), "Ann@example.org")
        assert finish(browser, answer) == (303, "/account")
        assert ANN in browser.get("/account").text
        assert "attempt" not in browser.cookies


def test_sign_in_leads_back_to_the_page_that_the_reader_came_from(
    site: Site, provider: OpenIdProvider
) -> None:
    """The signed place survives the way over the provider."""
    landing = Landings(site.subscribers.secret_key).signed(EPISODE)
    with browser_of(site, provider) as browser:
        url = start(browser, f"?{urlencode({'next': landing, 'at': 't=12.5'})}")
        assert finish(browser, provider.sign_in(url, ANN)) == (303, f"{EPISODE}#t=12.5")


@pytest.mark.parametrize("email", ["unverified@example.org", "bob@example.org"])
def test_no_other_account_signs_in(site: Site, provider: OpenIdProvider, email: str) -> None:
    """An address that the provider has not verified, though it subscribes, and one that does not."""
    site.subscribe("unverified@example.org")
    with browser_of(site, provider) as browser:
        status, location = finish(browser, provider.sign_in(start(browser), email))
        assert (status, location) == ({"bob@example.org": 403}.get(email, 400), "")
        assert browser.get("/account").headers["location"].startswith("/signin")


def test_a_code_signs_in_once(site: Site, provider: OpenIdProvider) -> None:
    """The same answer again gets nobody in, also with the cookie of the attempt put back."""
    with browser_of(site, provider) as browser:
        answer = provider.sign_in(start(browser), ANN)
        cookie = browser.cookies["attempt"]
        assert finish(browser, answer)[0] == 303
        browser.cookies.clear()
        assert finish(browser, answer)[0] == 400
        browser.cookies.set("attempt", cookie)
        assert finish(browser, answer)[0] in (400, 503)
        assert browser.get("/account").headers["location"].startswith("/signin")


def test_a_provider_that_takes_a_code_twice_signs_in_once(site: Site, fake: FakeProvider) -> None:
    """The attempt is spent here too."""
    fake.takes_codes_twice = True
    with browser_of(site, fake) as browser:
        answer = fake.sign_in(start(browser), ANN)
        cookie = browser.cookies["attempt"]
        assert finish(browser, answer)[0] == 303
        browser.cookies.clear()
        browser.cookies.set("attempt", cookie)
        assert finish(browser, answer) == (403, "")


def test_an_answer_for_another_browser_signs_nobody_in(site: Site, fake: FakeProvider) -> None:
    """Neither without a cookie nor with that of another attempt, nor with a state that was changed."""
    with browser_of(site, fake) as browser, browser_of(site, fake) as other:
        answer = fake.sign_in(start(browser), ANN)
        assert finish(other, answer) == (400, "")
        start(other)
        assert finish(other, answer) == (400, "")
        assert finish(browser, answer.replace("state=", "state=x")) == (400, "")


@pytest.mark.parametrize("place", ["https://evil.example/", "//evil.example", "/account", "x" * 5000])
def test_nobody_else_decides_where_sign_in_leads(site: Site, fake: FakeProvider, place: str) -> None:
    """A `next` that this site has not signed leads to the account."""
    with browser_of(site, fake) as browser:
        answer = fake.sign_in(start(browser, f"?{urlencode({'next': place})}"), ANN)
        assert finish(browser, f"{answer}&next={place}") == (303, "/account")


def test_a_provider_that_does_not_answer_is_left_alone_for_a_while(site: Site, closed_port: int) -> None:
    """The page says so and leads to the mailed link; the next reader does not wait for it again."""
    issuer = f"http://127.0.0.1:{closed_port}"
    fetch = JsonClient(issuer)
    with browser_of(site, Gone(issuer, fetch)) as browser:
        answer = browser.get("/signin/account")
        assert answer.status_code == 503
        assert 'href="/signin"' in answer.text
        fetch.close()  # what is closed cannot be asked
        assert browser.get("/signin/account").status_code == 503


def test_the_sign_in_page_offers_the_account_beside_the_mail(site: Site, fake: FakeProvider) -> None:
    """With its title; a site without a provider has neither the link nor the address."""
    with browser_of(site, fake, title="your <Press> account") as browser:
        page = browser.get("/signin").text
        assert "sign in with <bdi>your &lt;Press&gt; account</bdi>" in page
        assert "Send the link" in page
    with TestClient(site.app(Outbox()), base_url=SITE) as browser:
        assert "/signin/account" not in browser.get("/signin").text
        assert browser.get("/signin/account").status_code == 404


def test_attempts_of_one_network_are_limited(site: Site, fake: FakeProvider) -> None:
    """As sign-in by mail is."""
    with browser_of(site, fake) as browser:
        for _ in range(20):
            start(browser)
        assert browser.get("/signin/account").status_code == 429
