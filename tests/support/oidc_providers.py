"""Two OpenID providers for the same tests: one in memory, and npm's oidc-provider as a process of its own."""

import base64
import hashlib
import html
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from podcast_pipeline.audience.oidc.provider import JsonFetch
from podcast_pipeline.errors import RemoteFileUnusable
from podcast_pipeline.remote_feeds.json_client import JsonClient
from tests.support.parts import how_to_get
from tests.support.paths import ROOT
from tests.support.ports import free_port

CLIENT_ID, CLIENT_SECRET = "podcast", "a-secret-of-the-client"
BACK = "http://127.0.0.1:8080/signin/account/back"
INSTALLED = (ROOT / ".oidc-provider" / "node_modules" / "oidc-provider").is_dir()
MISSING = how_to_get("oidc-provider")
KEY = ECKey.generate_key("P-256", {"kid": "first", "use": "sig"})
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "second", "use": "sig"})


class OpenIdProvider(Protocol):
    """A provider where anybody logs in by their address."""

    @property
    def issuer(self) -> str:
        """What it calls itself."""

    @property
    def fetch(self) -> JsonFetch:
        """What asks it."""

    def sign_in(self, url: str, email: str) -> str:
        """Log in at an address of the provider's and return the query of the address to come back to."""


@dataclass
class FakeProvider:
    """A provider in memory, which can be told to misbehave.

    Attributes:
        clock: the time of its tokens.
        says: changes to its metadata.
        claims: changes to the claims of its ID tokens; None leaves a claim out.
        account: changes to the answer of the userinfo endpoint.
        signs: makes an ID token of its claims.
        takes_codes_twice: whether a code works again.
        asked: how often each address was asked.
    """

    clock: Callable[[], datetime]
    issuer: str = "https://accounts.example"
    says: dict[str, object] = field(default_factory=dict)
    claims: dict[str, object] = field(default_factory=dict)
    account: dict[str, object] = field(default_factory=dict)
    keys: list[ECKey] = field(default_factory=lambda: [KEY])
    takes_codes_twice: bool = False
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def fetch(self) -> "FakeProvider":
        """What asks it: itself."""
        return self

    def signs(self, claims: dict[str, Any]) -> str:
        """Return an ID token, signed by the newest key."""
        return jwt.encode({"alg": "ES256", "kid": self.keys[-1].kid}, claims, self.keys[-1])

    def sign_in(self, url: str, email: str) -> str:
        """Log in and return the query of the answer."""
        wanted = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert url.startswith(f"{self.issuer}/auth?")
        assert wanted["redirect_uri"] == BACK
        code = f"code-{len(self.codes)}"
        self.codes[code] = {**wanted, "email": email}
        return urlencode({"code": code, "state": wanted["state"], "iss": self.issuer})

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> dict[str, Any]:
        """Answer as a provider does."""
        path = url.removeprefix(self.issuer)
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return self._metadata()
        if path == "/jwks":
            return {"keys": [key.as_dict(private=False) for key in self.keys]}
        if path == "/me":
            return self._account((headers or {})["Authorization"].removeprefix("Bearer "))
        assert (method, path) == ("POST", "/token")
        return self._tokens({name: v[0] for name, v in parse_qs(body or "").items()}, headers or {})

    def _metadata(self) -> dict[str, Any]:
        addresses = {
            "authorization_endpoint": "/auth",
            "token_endpoint": "/token",
            "jwks_uri": "/jwks",
            "userinfo_endpoint": "/me",
        }
        own = {name: f"{self.issuer}{path}" for name, path in addresses.items()}
        return {
            "issuer": self.issuer,
            **own,
            "authorization_response_iss_parameter_supported": True,
            **self.says,
        }

    def _tokens(self, form: dict[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        code = form["code"]
        wanted = self.codes.get(code)
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            wanted is None
            or headers.get("Authorization") != f"Basic {basic}"
            or (wanted["code_challenge_method"], wanted["code_challenge"]) != ("S256", challenge)
            or form["redirect_uri"] != BACK
        ):
            raise RemoteFileUnusable("accounts.example", "answers with status 400")
        if not self.takes_codes_twice:
            del self.codes[code]
        now = int(self.clock().timestamp())
        claims = {
            "iss": self.issuer,
            "sub": wanted["email"],
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 600,
            "nonce": wanted["nonce"],
            **self.claims,
        }
        given = {name: value for name, value in claims.items() if value is not None}
        return {"access_token": wanted["email"], "token_type": "Bearer", "id_token": self.signs(given)}

    def _account(self, email: str) -> dict[str, Any]:
        is_verified = not email.startswith("unverified")
        return {"sub": email, "email": email, "email_verified": is_verified, **self.account}


@dataclass
class RealProvider:
    """npm's oidc-provider."""

    issuer: str
    fetch: JsonClient

    def sign_in(self, url: str, email: str) -> str:
        """Log in as a browser does, consent, and return the query of the answer."""
        with httpx.Client() as browser:
            answer = browser.get(url)
            for _ in range(10):
                if "location" in answer.headers:
                    target = urljoin(str(answer.url), answer.headers["location"])
                    if target.startswith(BACK):
                        return urlsplit(target).query
                    answer = browser.get(target)
                else:
                    action = html.unescape(re.findall(r'<form[^>]* action="([^"]+)"', answer.text)[0])
                    prompt = re.findall(r'name="prompt" value="(\w+)"', answer.text)[0]
                    form = {"prompt": prompt, "login": email, "password": "any"}
                    answer = browser.post(urljoin(str(answer.url), action), data=form)
        raise AssertionError("the provider leads nowhere")


@contextmanager
def running_provider() -> Iterator[RealProvider]:
    """Run npm's oidc-provider on a port of this machine."""
    port = free_port()
    process = subprocess.Popen(
        ["node", ROOT / "scripts" / "oidc_provider.mjs", str(port), BACK],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    issuer = f"http://127.0.0.1:{port}"
    fetch = JsonClient(issuer)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "listening"
        yield RealProvider(issuer, fetch)
    finally:
        fetch.close()
        process.terminate()
        process.communicate()
