"""The provider that the newsroom has configured: where readers go, and who they are when they come back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Protocol

from authlib.common.security import is_secure_transport
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.discovery import get_well_known_url
from joserfc.jwk import KeySet

from podcast_pipeline.audience.oidc.attempt import Attempt
from podcast_pipeline.audience.oidc.id_token import parse_keys, read_id_token
from podcast_pipeline.errors import FetchError, IdentityError, PodcastError, UnknownSigningKey
from podcast_pipeline.model import FrozenModel, NonEmptyStr

SCOPE = "openid email"
KEPT = timedelta(hours=1)
"""How long metadata and keys of the provider are used without asking again."""
AGAIN_AFTER = timedelta(seconds=30)
"""How long a provider that failed, or has no newer key, is not asked again."""
MAX_CODE_CHARACTERS = 4096


class JsonFetch(Protocol):
    """Asks the provider; see `remote_feeds.json_client.JsonClient`."""

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> dict[str, Any]:
        """Return the JSON object of an answer; raises FetchError."""


class ProviderMetadata(FrozenModel):
    """What a provider says of itself, as far as it is used.

    Source: OpenID Connect Discovery 1.0, 3; RFC 9207, 3.
    """

    issuer: NonEmptyStr
    authorization_endpoint: NonEmptyStr
    token_endpoint: NonEmptyStr
    jwks_uri: NonEmptyStr
    userinfo_endpoint: NonEmptyStr | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that are asked or visited."""
        endpoints = (self.authorization_endpoint, self.token_endpoint, self.jwks_uri, self.userinfo_endpoint)
        return tuple(filter(None, endpoints))


@dataclass(frozen=True)
class Client:
    """What the provider knows us by.

    Attributes:
        issuer: of the provider, exactly as it writes it.
        redirect_uri: where the provider sends readers back to.
    """

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    redirect_uri: str


@dataclass(frozen=True)
class _Known:
    metadata: ProviderMetadata
    keys: KeySet
    asked_at: datetime


class Provider:
    """An OpenID provider; threads may share it.

    Args:
        fetch: asks the provider, within limits.
    """

    def __init__(self, client: Client, fetch: JsonFetch) -> None:
        self.client = client
        self._fetch = fetch
        self._lock = Lock()
        self._known: _Known | None = None
        self._failure: tuple[datetime, PodcastError] | None = None

    def authorization_url(self, attempt: Attempt, *, now: datetime) -> str:
        """Return the address to send a reader to.

        Raises:
            FetchError, IdentityError: the provider cannot be asked, or is not the configured one.
        """
        url: str = prepare_grant_uri(
            self._current(now).metadata.authorization_endpoint,
            self.client.client_id,
            "code",
            redirect_uri=self.client.redirect_uri,
            scope=SCOPE,
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.code_verifier),
            code_challenge_method="S256",
        )
        return url

    def verified_email(self, answer: Mapping[str, str], attempt: Attempt, *, now: datetime) -> str:
        """Return the address of the reader whom the provider sent back, as it has verified it.

        Args:
            answer: the query of the address that the reader came back to.

        Raises:
            FetchError, IdentityError: no address can be believed; the message has no secret and no address.
        """
        known = self._current(now)
        self._check_answer(answer, attempt, known.metadata, now)
        tokens = self._exchange(answer["code"], attempt, known.metadata)
        claims = self._claims(tokens, attempt, known, now)
        if "email" not in claims and known.metadata.userinfo_endpoint:
            claims = self._userinfo(known.metadata.userinfo_endpoint, tokens, subject=claims["sub"])
        email = claims.get("email")
        if not isinstance(email, str) or claims.get("email_verified") is not True:
            raise self._error("has not verified the address of this account")
        return email

    def _check_answer(
        self, answer: Mapping[str, str], attempt: Attempt, metadata: ProviderMetadata, now: datetime
    ) -> None:
        if not attempt.is_open(now) or not attempt.has_state(answer.get("state", "")):
            raise self._error(
                "sent back a reader whose sign-in did not begin in this browser, or took too long"
            )
        issuer = answer.get("iss")
        if issuer != self.client.issuer and (
            issuer is not None or metadata.authorization_response_iss_parameter_supported
        ):
            raise self._error("is not the provider that this answer is from")
        if not 0 < len(answer.get("code", "")) <= MAX_CODE_CHARACTERS:
            raise self._error("did not sign the reader in")

    def _exchange(self, code: str, attempt: Attempt, metadata: ProviderMetadata) -> dict[str, Any]:
        body = prepare_token_request(
            "authorization_code",
            redirect_uri=self.client.redirect_uri,
            code=code,
            code_verifier=attempt.code_verifier,
        )
        auth = ClientAuth(self.client.client_id, self.client.client_secret, self._auth_method(metadata))
        url, headers, body = auth.prepare("POST", metadata.token_endpoint, {}, body)
        return self._fetch.request("POST", url, headers=headers, body=body)

    def _auth_method(self, metadata: ProviderMetadata) -> str:
        if self.client.client_secret is None:
            return "none"
        takes_basic = "client_secret_basic" in metadata.token_endpoint_auth_methods_supported
        return "client_secret_basic" if takes_basic else "client_secret_post"

    def _claims(
        self, tokens: Mapping[str, Any], attempt: Attempt, known: _Known, now: datetime
    ) -> dict[str, Any]:
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str):
            raise self._error("sent no ID token")

        def read(keys: KeySet) -> dict[str, Any]:
            return read_id_token(
                id_token,
                keys,
                issuer=self.client.issuer,
                client_id=self.client.client_id,
                nonce=attempt.nonce,
                access_token=access_token if isinstance(access_token, str) else None,
                now=now,
            )

        try:
            return read(known.keys)
        except UnknownSigningKey:
            if now - known.asked_at < AGAIN_AFTER:
                raise
            return read(self._current(now, newer_than=known).keys)

    def _userinfo(self, url: str, tokens: Mapping[str, Any], *, subject: object) -> dict[str, Any]:
        """Return the claims of the account; raises IdentityError where they are another account's."""
        access_token = tokens.get("access_token")
        if not isinstance(access_token, str) or not access_token.isascii() or not access_token.isprintable():
            raise self._error("sent no access token")
        claims = self._fetch.request("GET", url, headers={"Authorization": f"Bearer {access_token}"})
        if claims.get("sub") != subject:
            raise self._error("answered with another account than that of the ID token")
        return claims

    def _current(self, now: datetime, *, newer_than: _Known | None = None) -> _Known:
        """Return metadata and keys, asked for once in KEPT; after a failure once in AGAIN_AFTER."""
        with self._lock:
            known = self._known
            if known and known is not newer_than and now - known.asked_at < KEPT:
                return known
            if self._failure and now - self._failure[0] < AGAIN_AFTER:
                raise self._failure[1]
            try:
                self._known = self._ask(now)
            except (FetchError, IdentityError) as error:
                self._failure = (now, error)
                raise
            return self._known

    def _ask(self, now: datetime) -> _Known:
        issuer = self.client.issuer
        document = self._fetch.request("GET", get_well_known_url(issuer, external=True))
        try:
            metadata = ProviderMetadata.model_validate(
                {name: document[name] for name in ProviderMetadata.model_fields if name in document}
            )
        except ValueError as error:
            raise self._error("says of itself what cannot be read") from error
        if metadata.issuer != issuer:
            raise self._error("calls itself by another issuer; correct issuer in [signin.oidc]")
        if not all(map(is_secure_transport, metadata.addresses)):
            raise self._error("has an address that is not https")
        keys = parse_keys(self._fetch.request("GET", metadata.jwks_uri), issuer=issuer)
        return _Known(metadata, keys, now)

    def _error(self, line: str) -> IdentityError:
        return IdentityError(self.client.issuer, line)
