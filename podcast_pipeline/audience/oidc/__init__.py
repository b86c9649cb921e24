"""Sign-in with the account that a reader has elsewhere: OpenID Connect, the code flow with PKCE.

    attempt      one sign-in of one browser: its cookie, state, nonce and code verifier; pure
    provider     the provider: its metadata and keys, the address to go to, a code for an identity
    id_token     the checks of an ID token
    matching     the subscriber of an identity; a state is good once

Source: OpenID Connect Core 1.0 and Discovery 1.0; RFC 6749, RFC 7636 (PKCE), RFC 9207 (iss), RFC 9700.
"""
