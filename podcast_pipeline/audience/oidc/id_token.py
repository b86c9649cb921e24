"""The checks of an ID token: signature, issuer, audience, time, nonce."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from podcast_pipeline.errors import IdentityError, UnknownSigningKey

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
"""Signatures by a private key of the provider's. Neither `none` nor an HMAC, whose key would be public."""

PUBLIC_KEY_TYPES = ("RSA", "EC", "OKP")
LEEWAY_S = 120
"""How far the provider's clock may be off."""


def parse_keys(document: Mapping[str, Any], *, issuer: str) -> KeySet:
    """Return the public keys of a JWKS document; raises IdentityError where there are none."""
    keys = document.get("keys")
    public = [k for k in keys if _is_public(k)] if isinstance(keys, list) else []
    try:
        return KeySet.import_key_set({"keys": public})
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise IdentityError(issuer, "has no keys that can be read") from error


def read_id_token(
    token: str,
    keys: KeySet,
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: str | None,
    now: datetime,
) -> dict[str, Any]:
    """Return the claims of an ID token.

    Raises:
        UnknownSigningKey: another key signed it; the provider may have a new one.
        IdentityError: it is not for us, not of this attempt, too old, or not signed by the provider; the
            message names the check that fails, and nothing of the token.

    Source: OpenID Connect Core 1.0, 3.1.3.7.
    """
    registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
    try:
        decoded = jwt.decode(token, keys, registry=registry)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": issuer},
                "aud": {"essential": True, "value": client_id},
                "sub": {"essential": True},
            },
            {"nonce": nonce, "client_id": client_id, "access_token": access_token},
        )
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_S)
    except InvalidKeyIdError as error:
        raise UnknownSigningKey(issuer, "signed the ID token with an unknown key") from error
    except JoseError as error:
        raise IdentityError(issuer, f"sent an ID token that fails a check: {_check_name(error)}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise IdentityError(issuer, "sent an ID token that cannot be read") from error
    if _audiences(claims) != {client_id}:
        raise IdentityError(issuer, "sent an ID token that is for somebody else too")
    return dict(claims)


def _is_public(key: object) -> bool:
    return isinstance(key, dict) and key.get("kty") in PUBLIC_KEY_TYPES and key.get("use", "sig") == "sig"


def _audiences(claims: Mapping[str, Any]) -> set[str]:
    audience: str | Iterable[str] = claims["aud"]
    return {audience} if isinstance(audience, str) else set(audience)


def _check_name(error: JoseError) -> str:
    claim = getattr(error, "claim", None)
    return f"claim {claim}" if claim else type(error).__name__
