"""Feed tokens and those of one-episode links, `<selector>.<secret>`, and the secret key that derives them.

The secret is an HMAC of the selector under the key, so the key's owner can show a link again; the database
contains a hash of the secret, so a stolen database opens nothing.
"""

import hashlib
import hmac
import os
import re
import secrets
from base64 import b32encode
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from podcast_pipeline.errors import SubscriberError
from podcast_pipeline.files import make_folder, sync_to_disk

SELECTOR_BYTES = 10  # 16 characters of base32
SECRET_BYTES = 20  # 160 bits, 32 characters of base32
KEY_FILE = "secret_key"
KEY_BYTES = 32
SHORTEST_KEY = 32  # characters

TOKEN_PATTERN = re.compile(r"([a-z2-7]{16})\.([a-z2-7]{32})")

DUMMY_CREDENTIALS = ("", "0" * 64)
"""A selector and a hash that match no token: compared in place of a missing row, against timing attacks."""


def new_selector() -> str:
    """Return 16 random characters of lower-case base32."""
    return _base32(secrets.token_bytes(SELECTOR_BYTES))


def to_token(selector: str, key: bytes) -> str:
    """Return the token of a selector, part of the URL path of a private feed."""
    mac = hmac.digest(key, b"feed:" + selector.encode(), "sha256")
    return f"{selector}.{_base32(mac[:SECRET_BYTES])}"


def to_episode_token(selector: str, episode_id: UUID, key: bytes) -> str:
    """Return the token of a one-episode link: it opens this episode's words, and no feed."""
    mac = hmac.digest(key, f"read:{selector}:{episode_id}".encode(), "sha256")
    return f"{selector}.{_base32(mac[:SECRET_BYTES])}"


def parse_token(token: str) -> tuple[str, str] | None:
    """Return (selector, secret) of a well-formed token, None for anything else."""
    match = TOKEN_PATTERN.fullmatch(token)
    return (match[1], match[2]) if match else None


def secret_sha256(token: str) -> str:
    """Return the hex SHA-256 of a well-formed token's secret, as the database contains it."""
    return hash_secret(token.partition(".")[2])


def hash_secret(secret: str) -> str:
    """Return the hex SHA-256 of an ASCII secret."""
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def secret_matches(secret: str, stored_sha256: str) -> bool:
    """Compare a secret with a stored hash in constant time, against timing attacks."""
    return hmac.compare_digest(hash_secret(secret), stored_sha256)


def key_fingerprint(key: bytes) -> str:
    """Return 16 hex digits by which a key is recognised, and which tell nothing of it."""
    return hmac.digest(key, b"fingerprint", "sha256").hex()[:16]


def load_secret_key(given: str | None, folder: Path, *, create: bool) -> bytes:
    """Return the key that derives feed tokens.

    Args:
        given: PODCAST_SECRET_KEY; overrides the file.
        folder: the folder of the file `secret_key` (the show's `.podcast`).
        create: create the file if it is missing, for `podcast init` and `podcast db init`; safe only while
            no token was made with another key (`repository.may_create_secret_key`).

    Raises:
        SubscriberError: the key is missing, unreadable or too short.
    """
    path = folder / KEY_FILE
    if given is not None:
        return _parse_key(given, "PODCAST_SECRET_KEY")
    if create and not path.exists():
        _create_key_file(path)
    try:
        return _parse_key(path.read_text(encoding="ascii"), str(path))
    except FileNotFoundError as error:
        raise SubscriberError(
            path,
            "is missing, and links made with it cannot be shown; copy it from the machine or the backup "
            "that has it, or set PODCAST_SECRET_KEY; where no link is out, `podcast db init` makes a new one",
        ) from error
    except (UnicodeDecodeError, PermissionError) as error:
        raise SubscriberError(path, "cannot be read as a key; restore it from a backup") from error


def _parse_key(text: str, source: str) -> bytes:
    key = text.strip().encode()
    if len(key) < SHORTEST_KEY:
        raise SubscriberError(
            source, f"is shorter than {SHORTEST_KEY} characters; use `openssl rand -hex 32`"
        )
    return key


def _create_key_file(path: Path) -> None:
    """Create the key file whole or not at all; of two processes the first wins and the other reads its file.

    A link fails where the key exists, unlike the rename of `files.atomic_path`, which would replace it.
    """
    make_folder(path.parent, mode=0o700)
    part = path.with_name(f".{KEY_FILE}-{secrets.token_hex(8)}")
    try:
        part.touch(0o600, exist_ok=False)
        part.write_text(secrets.token_hex(KEY_BYTES) + "\n", encoding="ascii")
        sync_to_disk(part)
        with suppress(FileExistsError):
            os.link(part, path)
            sync_to_disk(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _base32(data: bytes) -> str:
    return b32encode(data).decode().lower().rstrip("=")
