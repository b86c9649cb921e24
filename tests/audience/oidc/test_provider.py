"""What the provider answers is believed only where every check holds; the provider misbehaves here."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from podcast_pipeline.audience.oidc.attempt import ATTEMPT_LIFETIME, Attempt
from podcast_pipeline.audience.oidc.provider import AGAIN_AFTER, KEPT, Client, Provider
from podcast_pipeline.errors import IdentityError
from tests.support.oidc_providers import BACK, CLIENT_ID, CLIENT_SECRET, OTHER_KEY, FakeProvider
from tests.support.site import NOW, Clock

ANN = "ann@example.org"


class Browser:
    """A browser on its way to a provider and back."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.fake = FakeProvider(self.clock)
        self.provider = Provider(Client(self.fake.issuer, CLIENT_ID, CLIENT_SECRET, BACK), self.fake)

    def start(self) -> tuple[Attempt, str]:
        """Begin, and return the attempt and the provider's address."""
        attempt = Attempt.start(landing="", secret_key=b"k" * 32, now=self.clock())
        return attempt, self.provider.authorization_url(attempt, now=self.clock())

    def finish(self, attempt: Attempt, query: dict[str, str]) -> str:
        """Come back, and return the address that is believed."""
        return self.provider.verified_email(query, attempt, now=self.clock())

    def sign_in(self, email: str = ANN) -> str:
        """Go there and come back."""
        attempt, url = self.start()
        return self.finish(attempt, answer(self.fake.sign_in(url, email)))


def answer(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


@pytest.fixture
def browser() -> Browser:
    """A browser, a clock and a provider."""
    return Browser()


def test_a_right_answer_gives_the_verified_address(browser: Browser) -> None:
    """From the userinfo endpoint, or from the ID token, which may be signed by any key of the provider."""
    assert browser.sign_in() == ANN
    browser.fake.claims = {"email": "bo@example.org", "email_verified": True}
    assert browser.sign_in() == "bo@example.org"
    assert browser.fake.asked.count("/me") == 1


def test_an_attempt_that_took_too_long_is_over(browser: Browser) -> None:
    """Ten minutes after the start, to the second; a clock that was put back opens none of the future."""
    attempt, url = browser.start()
    query = answer(browser.fake.sign_in(url, ANN))
    for moved in (ATTEMPT_LIFETIME, -timedelta(days=1)):
        browser.clock.now = NOW + moved
        with pytest.raises(IdentityError, match="took too long"):
            browser.finish(attempt, query)
    browser.clock.now = NOW + ATTEMPT_LIFETIME - timedelta(seconds=1)
    assert browser.finish(attempt, query) == ANN


def none_token(claims: dict[str, Any]) -> str:
    """Return a token without a signature."""
    parts = ({"alg": "none"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join((*encoded, ""))


def shared_key_token(claims: dict[str, Any]) -> str:
    """Return a token signed by an HMAC with the client's secret."""
    key = OctKey.import_key(CLIENT_SECRET)
    return jwt.encode({"alg": "HS256"}, claims, key, algorithms=["HS256"])


def forged_token(claims: dict[str, Any]) -> str:
    """Return a token signed by another key under the name of the provider's."""
    return jwt.encode({"alg": "ES256", "kid": "first"}, claims, OTHER_KEY)


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "of another attempt"},
        {"nonce": None},
        {"aud": "another-site"},
        {"aud": [CLIENT_ID, "another-site"], "azp": CLIENT_ID},
        {"aud": None},
        {"azp": "another-site"},
        {"iss": "https://evil.example"},
        {"iss": "https://accounts.example/"},
        {"iss": None},
        {"exp": int(NOW.timestamp()) - 3600},
        {"iat": int(NOW.timestamp()) + 3600},
        {"exp": None},
        {"sub": "somebody else"},
        {"sub": None},
        {"nbf": int(NOW.timestamp()) + 3600},
        {"at_hash": "of another access token"},
        {"email": ANN, "email_verified": "true"},
        {"email": ANN, "email_verified": None},
        {"email": [ANN], "email_verified": True},
    ],
    ids=str,
)
def test_an_id_token_that_fails_a_check_signs_nobody_in(browser: Browser, changes: dict[str, object]) -> None:
    """Of another attempt, client, issuer, time or account, or with an address that is not verified."""
    browser.fake.claims = changes
    with pytest.raises(IdentityError):
        browser.sign_in()


@pytest.mark.parametrize(
    "sign", [none_token, shared_key_token, forged_token, lambda _: "no.token", lambda _: ""]
)
def test_a_token_that_the_provider_did_not_sign_signs_nobody_in(
    browser: Browser, sign: Callable[[dict[str, Any]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No signature, a signature by what is no private key of the provider's, and what is no token."""
    monkeypatch.setattr(browser.fake, "signs", sign)
    with pytest.raises(IdentityError):
        browser.sign_in()


@pytest.mark.parametrize("issuer", ["https://evil.example", None])
def test_an_answer_of_another_issuer_is_refused_before_its_code_is_sent(
    browser: Browser, issuer: str | None
) -> None:
    """A mixed-up provider gets neither the code nor our secret (RFC 9207)."""
    attempt, url = browser.start()
    query = answer(browser.fake.sign_in(url, ANN))
    del query["iss"]
    with pytest.raises(IdentityError, match="is not the provider that this answer is from"):
        browser.finish(attempt, query | ({"iss": issuer} if issuer else {}))
    assert "/token" not in browser.fake.asked


@pytest.mark.parametrize(
    "says",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://accounts.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": 5},
    ],
    ids=str,
)
def test_a_provider_that_is_not_the_configured_one_gets_no_reader(
    browser: Browser, says: dict[str, object]
) -> None:
    """Another issuer in its metadata, or addresses where anybody could listen."""
    browser.fake.says = says
    with pytest.raises(IdentityError):
        browser.start()


def test_a_new_key_of_the_provider_is_fetched_once_in_a_while(browser: Browser) -> None:
    """Metadata and keys are kept for an hour; an unknown key has them asked for again, not at each token."""
    assert browser.sign_in() == ANN
    browser.fake.keys = [browser.fake.keys[0], OTHER_KEY]
    with pytest.raises(IdentityError, match="unknown key"):
        browser.sign_in()
    assert browser.fake.asked.count("/jwks") == 1
    browser.clock.now += AGAIN_AFTER
    assert browser.sign_in() == ANN
    assert browser.fake.asked.count("/jwks") == 2
    browser.clock.now += KEPT
    browser.start()
    assert browser.fake.asked.count("/jwks") == 3


def test_a_provider_that_fails_is_asked_once_in_a_while(browser: Browser) -> None:
    """So that nobody waits for it again, and it is not asked at every click."""
    browser.fake.says = {"issuer": "https://evil.example"}
    for _ in range(3):
        with pytest.raises(IdentityError):
            browser.start()
    assert len(browser.fake.asked) == 1
    browser.fake.says = {}
    browser.clock.now += AGAIN_AFTER
    assert browser.sign_in() == ANN


def test_the_way_over_the_provider_shows_no_secret(browser: Browser) -> None:
    """The provider's address has neither the cookie nor the verifier, and asks for the address alone."""
    attempt, url = browser.start()
    query = answer(urlsplit(url).query)
    assert (query["scope"], query["code_challenge_method"]) == ("openid email", "S256")
    assert attempt.code_verifier not in url
    assert attempt.cookie.split(".")[0] not in url
    assert not {attempt.code_verifier, attempt.cookie} & {repr(attempt), repr(browser.provider.client)}
    assert CLIENT_SECRET not in repr(browser.provider.client)
